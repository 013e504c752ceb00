"""The record of a transition, written in the commit of the transition itself."""

from datetime import datetime

import attrs

from batchjob.core.status import Status


@attrs.frozen(kw_only=True)
class Event:
    """One transition of a job.

    ``n`` counts a job's events from 1 without gaps. ``from_status`` is None for the making of the
    job. ``actor`` is the id of who asked, None for batchjob itself. ``at`` is an aware UTC time.
    Pausing and resuming leave the status as it is: ``reason`` says which it was. ``position``
    orders the events of all jobs, None where that does not matter.
    """

    job_id: str
    n: int
    at: datetime
    actor: str | None
    from_status: Status | None
    to_status: Status
    reason: str | None = None
    position: int | None = attrs.field(default=None, eq=False)
