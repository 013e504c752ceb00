"""What is logged, by the standard `logging`: requests, and jobs as they move.

Tokens and addresses are never logged: a route stands for its addresses, for some of those are
secrets themselves.
"""

import json
import logging
from contextvars import ContextVar
from typing import Any, Final

from batchjob.core.events import Event
from batchjob.core.ids import is_job_id
from batchjob.core.job import BatchJob
from batchjob.hookspecs import hookimpl

ACCESS: Final = logging.getLogger("batchjob.web.access")
"""Has a record of each request when it is answered; its fields are attributes of the record."""

JOBS: Final = logging.getLogger("batchjob.web.jobs")
"""Has a record of each transition, where a `JobLog` is among the plugins."""

REQUEST_ID: Final[ContextVar[str]] = ContextVar("batchjob_request_id", default="-")
"""The id of the request that is being answered, in the threads that work for it too."""


class RequestIds(logging.Filter):
    """Gives each record a ``request_id``; ``-`` where no request is being answered.

    For handlers: a filter of a logger does not see the records of the loggers below it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id, and let the record pass."""
        if not hasattr(record, "request_id"):
            record.request_id = REQUEST_ID.get()
        return True


class JobLog:
    """A plugin that logs each transition of each job, whichever process made it."""

    @hookimpl
    def batchjob_job_changed(self, event: Event, job: BatchJob) -> None:
        """Log one."""
        fields = {
            "job": event.job_id,
            "batch_type": job.batch_type,
            "user": None if event.actor is None else plain(event.actor),
            "from_status": None if event.from_status is None else event.from_status.value,
            "to_status": event.to_status.value,
        }
        JOBS.info(
            "job %s (%s): %s -> %s",
            event.job_id,
            plain(job.batch_type),
            fields["from_status"],
            fields["to_status"],
            extra=fields,
        )


def request_ended(scope: Any, *, method: str, status: int, took: float) -> None:
    """Log a request that was answered with *status*, in *took* ms; 0 if it was not answered."""
    if not ACCESS.isEnabledFor(logging.INFO):
        return
    state, caller = scope["state"], scope.get("user")
    job_id = scope.get("path_params", {}).get("job_id", state.get("job_id"))
    fields = {
        "method": plain(method),
        "route": scope.get("path_template", "-"),
        "status": status,
        "milliseconds": round(took, 1),
        "user": "-" if caller is None else plain(caller.user_id),
        "job": job_id if is_job_id(job_id or "") else "-",  # whatever else stood there
        "request_id": state["request_id"],
    }
    ACCESS.info("%s %s %d %.1f ms user=%s job=%s request=%s", *fields.values(), extra=fields)


def plain(text: str) -> str:
    """Return *text* on one line of ASCII, whatever it holds."""
    return json.dumps(text[:100])[1:-1]
