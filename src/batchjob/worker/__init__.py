"""Doing chunks: the loop that claims them, the lease kept alive, the run given to strategies."""

from batchjob.worker.loop import Worker
from batchjob.worker.pool import WorkerPool

__all__ = ["Worker", "WorkerPool"]
