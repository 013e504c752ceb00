"""What every file store promises, as a suite of tests; a file store's own tests subclass it.

The suite is in `batchjob.testing.files.conformance`. It is run by pytest.
"""

import pytest

# What an assertion compared is told, as in tests.
pytest.register_assert_rewrite(f"{__name__}.conformance")
