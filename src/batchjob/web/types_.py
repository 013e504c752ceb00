"""The batch types that jobs can be made of, for clients that build a form of them."""

from litestar import Response, get

from batchjob._typing import Json
from batchjob.web.answers import cached_answer
from batchjob.web.callers import WebRequest, hop, jobs_of


@get("/admin/batch-types")
async def batch_types(request: WebRequest) -> Response[bytes]:
    """Show each type with the JSON Schema of its context."""
    found = await hop(jobs_of(request).types)
    shown: list[Json] = [
        {"type": each.type, "version": each.version, "context_schema": each.context_schema}
        for each in found
    ]
    return cached_answer(request, {"batch_types": shown, "count": len(shown)})


handlers = (batch_types,)
