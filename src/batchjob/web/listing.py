"""Lists of the caller's jobs, filtered, ordered and paged."""

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get

from batchjob.abc import JobPage
from batchjob.core.job import BatchJob
from batchjob.web import cursors
from batchjob.web.answers import LISTED_ERRORS, cached_answer, job_document, user_document
from batchjob.web.callers import Caller, WebRequest, address, hop, jobs_of
from batchjob.web.queries import Listing, read_listing

_PATH = "/admin/batch-jobs"


@get(_PATH)
async def listing(request: WebRequest) -> Response[bytes]:
    """Show a page of the caller's jobs; where there is another page, ``Link`` says where."""
    user_id, secret = request.user.user_id, request.app.state.settings.secret
    asked = read_listing(request.scope["query_string"], user_id, secret=secret)
    page = await hop(_page, request, asked)
    shown, more = page.jobs[: asked.limit], page.jobs[asked.limit :]
    body: dict[str, Any] = {
        "batch_jobs": [_document(request, job, asked) for job in shown],
        "count": page.count,
        "offset": asked.offset,
        "limit": asked.limit,
    }
    headers: dict[str, str] = {}
    cursor = None
    if more:
        cursor = cursors.cursor_after(shown[-1], asked.order, user_id, secret=secret)
        headers["link"] = f'<{_next(request, asked, cursor)}>; rel="next"'
    if asked.paged:
        body["next_cursor"] = cursor
    return cached_answer(request, body, headers=headers)


def _page(request: WebRequest, asked: Listing) -> JobPage:
    """Return the page, and one job more where there is one."""
    return jobs_of(request).list(
        batch_types=asked.batch_types,
        statuses=asked.statuses,
        ids=asked.ids,
        times=asked.times,
        order=asked.order,
        after=asked.after,
        limit=asked.limit + 1,
        offset=asked.offset,
        actor=request.user.user_id,
    )


def _document(request: WebRequest, job: BatchJob, asked: Listing) -> dict[str, Any]:
    whole = job_document(job, errors=LISTED_ERRORS)
    shown = {name: value for name, value in whole.items() if name in asked.keys}
    if asked.expand:
        own = job.created_by == request.user.user_id
        other = None if job.created_by is None else Caller(job.created_by)
        shown["created_by_user"] = user_document(request.user if own else other)
    return shown


def _next(request: WebRequest, asked: Listing, cursor: str) -> str:
    kept = [pair for pair in asked.pairs if pair[0] not in ("cursor", "offset")]
    return f"{address(request, _PATH)}?{urlencode([*kept, ('cursor', cursor)])}"


handlers = (listing,)
