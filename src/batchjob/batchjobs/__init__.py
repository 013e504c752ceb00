"""What a service calls: `BatchJobs`, on the stores and plugins that it has."""

from batchjob.batchjobs.facade import MIN_LEASE, MIN_RETENTION, BatchJobs
from batchjob.batchjobs.values import BatchType, SystemClock

__all__ = ["MIN_LEASE", "MIN_RETENTION", "BatchJobs", "BatchType", "SystemClock"]
