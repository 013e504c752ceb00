"""The batch types that jobs can be made of, for clients that build a form of them."""

import attrs
from litestar import Response, get

from batchjob._typing import Json
from batchjob.web.answers import cached_answer
from batchjob.web.callers import WebRequest, hop, jobs_of
from batchjob.web.downloads import as_download

PATH = "/admin/batch-types"


@get(PATH)
async def batch_types(request: WebRequest) -> Response[bytes]:
    """Show each type with the JSON Schema of its context."""
    found = await hop(jobs_of(request).types)
    shown: list[Json] = [attrs.asdict(each, recurse=False) for each in found]
    return cached_answer(request, {"batch_types": shown, "count": len(shown)})


@get(PATH + "/{batch_type:str}/template")
async def template(request: WebRequest) -> Response[bytes]:
    """Return a file to fill in for jobs of a type."""
    batch_type = str(request.path_params["batch_type"])
    text = await hop(jobs_of(request).template, batch_type)
    return as_download(text.encode(), f"{batch_type}-template.csv")


handlers = (batch_types, template)
