"""Downloads: the result file of a job, and files by signed link; always as something to save.

What a file holds is whatever a catalogue or a user put there: no browser may take it for a page.
"""

import re
import unicodedata
from collections.abc import AsyncGenerator
from typing import BinaryIO, Final
from urllib.parse import quote

from litestar import Response, get
from litestar.response.base import ASGIResponse

from batchjob.batchjobs import BatchJobs
from batchjob.batchjobs.previews import report_key
from batchjob.core.files import FileRecord
from batchjob.errors import NoResult, StoreUnavailable, UnknownFile
from batchjob.web.callers import WebRequest, hop, job_id_of, jobs_of
from batchjob.web.links import opened_link
from batchjob.web.problems import problem
from batchjob.web.sending import Sending

_BLOCK: Final = 256 << 10  # bytes
_PATIENCE: Final = 60.0  # seconds that a client may take for a block
_RANGE: Final = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.ASCII)
_SAFE: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


@get("/admin/batch-jobs/{job_id:str}/result", name="batchjob_result")
async def job_result(request: WebRequest) -> ASGIResponse:
    """Return the file of a completed job."""
    job_id, user_id = job_id_of(request), request.user.user_id
    return await _answer(request, *await hop(_result, jobs_of(request), job_id, user_id))


@get("/admin/batch-jobs/{job_id:str}/errors", name="batchjob_errors")
async def error_report(request: WebRequest) -> ASGIResponse:
    """Return the error report of a job: its rows as they were given, with what is wrong."""
    job_id, user_id = job_id_of(request), request.user.user_id
    return await _answer(request, *await hop(_report, jobs_of(request), job_id, user_id))


@get("/files/{token:str}", name="batchjob_file")
async def linked_file(request: WebRequest) -> ASGIResponse:
    """Return the file that a signed link names."""
    key = opened_link(request, str(request.path_params["token"]))
    return await _answer(request, *await hop(_file, jobs_of(request), key, request.user.user_id))


def _result(jobs: BatchJobs, job_id: str, actor: str) -> tuple[FileRecord, BinaryIO]:
    job = jobs.get(job_id, actor=actor)
    if job.result is None or job.result.file_key is None:
        raise NoResult(job_id, job.status)
    return _file(jobs, job.result.file_key, None)


def _report(jobs: BatchJobs, job_id: str, actor: str) -> tuple[FileRecord, BinaryIO]:
    return _file(jobs, report_key(jobs.get(job_id, actor=actor)), None)


def _file(jobs: BatchJobs, key: str, actor: str | None) -> tuple[FileRecord, BinaryIO]:
    """Return a file, open, with what is known of it; `UnknownFile` if it is another one by now."""
    record = jobs.file(key, actor=actor)
    file = jobs.open_file(key, actor=actor)
    if file.seekable() and file.seek(0, 2) != record.file.size:
        file.close()
        raise UnknownFile(key)
    return record, file


async def _answer(request: WebRequest, record: FileRecord, file: BinaryIO) -> ASGIResponse:
    async def done() -> None:
        await hop(file.close)

    try:
        first, end = _part(request, record, file)
    except BaseException:
        await done()
        raise
    size, etag = record.file.size, f'"{record.file.sha256}"'
    headers = {
        **_SAFE,
        "content-type": _media_type(record.name),
        "content-disposition": disposition(record.name),
        "content-length": str(end - first),
        "etag": etag,
        **({"accept-ranges": "bytes"} if file.seekable() else {}),
    }
    partial = (first, end) != (0, size)
    if partial:
        headers["content-range"] = f"bytes {first}-{end - 1}/{size}"
    return Sending(
        _blocks(file, first, end),
        patience=_PATIENCE,
        done=done,
        status_code=206 if partial else 200,
        headers=headers,
    )


def _part(request: WebRequest, record: FileRecord, file: BinaryIO) -> tuple[int, int]:
    """Return first byte and end of what was asked for (RFC 9110, 14.2): one range, or the whole."""
    size, given = record.file.size, _RANGE.fullmatch(request.headers.get("range", ""))
    same = request.headers.get("if-range", f'"{record.file.sha256}"') == f'"{record.file.sha256}"'
    if given is None or not same or not file.seekable():
        return 0, size
    first, last = given["first"], given["last"]
    if (not first and not last) or (first and last and int(last) < int(first)):
        return 0, size  # no range at all, so it is passed over
    begin = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if begin >= size:
        message = f"the file has {size} bytes"
        raise problem("range_unsatisfiable", message, headers={"content-range": f"bytes */{size}"})
    return begin, end


def as_download(body: bytes, name: str) -> Response[bytes]:
    """Return an answer that is saved as *name*."""
    headers = {**_SAFE, "content-disposition": disposition(name)}
    return Response(body, media_type=_media_type(name), headers=headers)


def _media_type(name: str) -> str:
    return "text/csv" if name.endswith(".csv") else "application/octet-stream"


def disposition(name: str) -> str:
    """Return the header that has a file saved as *name*, or what can be kept of that (RFC 6266)."""
    shown = "".join("-" if char in '/\\"' else char for char in name if _is_shown(char))
    plain = re.sub(r"[^\w.-]+", "-", shown, flags=re.ASCII).strip(".-")[-100:] or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown[-100:], safe='')}"


def _is_shown(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"  # controls, and what turns text around


async def _blocks(file: BinaryIO, first: int, end: int) -> AsyncGenerator[bytes, None]:
    if file.seekable():
        await hop(file.seek, first)
    left = end - first
    while left:
        block = await hop(file.read, min(_BLOCK, left))
        if not block:  # the client sees a body that ends too early, not a shorter file
            raise StoreUnavailable("the file became shorter while it was sent")
        left -= len(block)
        yield block


handlers = (job_result, error_report, linked_file)
