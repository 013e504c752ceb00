"""What every store promises, as suites of tests; a store's own tests subclass them.

`batchjob.testing.stores.conformance` puts them together. They are run by pytest.
"""

import pytest

_PROMISES = (
    *("effects", "files", "jobs", "leases", "listeners", "lists", "pauses", "purges", "standings"),
    *("terms", "tokens"),
)
# What an assertion compared is told, as in tests.
pytest.register_assert_rewrite(*(f"{__name__}.promises_of_{name}" for name in _PROMISES))
