"""What a job would do with its rows, in pages."""

from typing import Any

from litestar import Response, get

from batchjob.converters import change_to_json
from batchjob.web.answers import json_answer
from batchjob.web.callers import WebRequest, hop, job_id_of, jobs_of
from batchjob.web.queries import read_page


@get("/admin/batch-jobs/{job_id:str}/changes")
async def changes(request: WebRequest) -> Response[bytes]:
    """Show a page of the changes that a job would make or made, by row of its file."""
    offset, limit = read_page(request.scope["query_string"])
    page = await hop(
        jobs_of(request).changes,
        job_id_of(request),
        offset=offset,
        limit=limit,
        actor=request.user.user_id,
    )
    shown: list[Any] = [change_to_json(change) for change in page.changes]
    return json_answer({"changes": shown, "count": page.count, "offset": offset, "limit": limit})


handlers = (changes,)
