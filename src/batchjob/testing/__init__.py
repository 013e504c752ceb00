"""The kit for authors of plugins: try a strategy step by step, and prove that it survives crashes.

Nothing here is for production.
"""

from batchjob.testing.clock import HandClock
from batchjob.testing.harness import Harness, Step, Upload
from batchjob.testing.survival import assert_survives

__all__ = ["HandClock", "Harness", "Step", "Upload", "assert_survives"]
