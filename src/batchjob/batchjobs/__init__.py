"""What a service calls: `BatchJobs`, on the stores and plugins that it has."""

from batchjob.batchjobs.facade import BatchJobs
from batchjob.batchjobs.values import MIN_LEASE, MIN_RETENTION, BatchType, SystemClock

__all__ = ["MIN_LEASE", "MIN_RETENTION", "BatchJobs", "BatchType", "SystemClock"]
