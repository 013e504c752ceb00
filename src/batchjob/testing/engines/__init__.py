"""What every engine promises, as a suite of tests; an engine's own tests subclass it.

The suite is in `batchjob.testing.engines.conformance`, the batch types that it makes jobs of are in
`batchjob.testing.engines.plugin`, and `batchjob.testing.engines.installing` installs them for other
processes. It is run by pytest.
"""

import pytest

# What an assertion compared is told, as in tests.
pytest.register_assert_rewrite(f"{__name__}.conformance")
