"""Payment reminders: a batch type that writes a letter for each unpaid invoice."""

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from batchjob import Chunk, Outcomes, Part, Run, Settings, Strategy, hookimpl


@attrs.frozen(kw_only=True)
class Invoice:
    """One unpaid invoice; the amount is in cents."""

    number: str
    customer: str
    cents: int


@attrs.frozen(kw_only=True)
class Reminders:
    """What a user asks for: the invoices, and how many of them make a chunk."""

    invoices: list[Invoice]
    page: int = 100


class PaymentReminders(Strategy[Reminders]):
    """Writes one letter for each invoice, all into one file."""

    batch_type = "payment-reminders"

    def plan(self, run: Run[Reminders]) -> Iterable[Chunk]:
        """Cut the invoices into pages, and say what would be done."""
        invoices, page = run.context.invoices, run.context.page
        for first in range(0, len(invoices), page):
            yield Chunk(first, weight=len(invoices[first : first + page]))
        total = sum(invoice.cents for invoice in invoices) / 100
        run.describe("reminders", "Reminders", f"{len(invoices)} letters for {total:.2f} EUR")

    def work(self, run: Run[Reminders], chunk: Chunk) -> Outcomes:
        """Write the letters of one page."""
        first: Any = chunk.payload
        with run.part() as file:
            for invoice in run.context.invoices[first : first + chunk.weight]:
                run.checkpoint()
                amount = f"{invoice.cents / 100:.2f} EUR"
                file.write(f"Dear {invoice.customer}: {invoice.number}, {amount}, is due.\n")
        return Outcomes(created=chunk.weight)

    def finish(self, run: Run[Reminders], parts: Iterable[Part]) -> None:
        """Put the pages together."""
        with run.output("reminders.txt") as file:
            run.join(parts, file)


@hookimpl
def batchjob_strategies(settings: Settings) -> Sequence[Strategy[Any]]:
    """Offer the strategy to batchjob."""
    return [PaymentReminders()]
