"""Letters are written once, in the order of the invoices, whatever happens."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from payment_reminders import PaymentReminders

from batchjob.testing import Harness
from batchjob.testing.strategies.conformance import StrategyConformance

INVOICES = [
    {"number": "A-1", "customer": "Ada", "cents": 1250},
    {"number": "A-2", "customer": "Björn", "cents": 9900},
    {"number": "A-3", "customer": "Chidi", "cents": 300},
]


def test_a_letter_for_each_invoice() -> None:
    """With the amount in euros, and all in one file."""
    with Harness(PaymentReminders()) as here:
        job = here.run({"invoices": INVOICES[:2], "page": 1})
        letters = here.result(job).decode()
    assert letters == ("Dear Ada: A-1, 12.50 EUR, is due.\nDear Björn: A-2, 99.00 EUR, is due.\n")


class TestPaymentReminders(StrategyConformance):
    """All that strategies promise."""

    context: ClassVar[Mapping[str, Any]] = {"invoices": INVOICES, "page": 2}
    refused = ({}, {"invoices": [{"number": "A-1"}]}, {"invoices": INVOICES, "pages": 2})

    def make(self, folder: Path) -> PaymentReminders:
        """Make the strategy."""
        return PaymentReminders()
