"""What every strategy promises, as suites of tests; a strategy's own tests subclass them.

`batchjob.testing.strategies.conformance` is for any strategy, and has the suites for exports and
imports. They are run by pytest.
"""

import pytest

# What an assertion compared is told, as in tests.
pytest.register_assert_rewrite(f"{__name__}.conformance")
