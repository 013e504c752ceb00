"""Server-sent events of one job: its transitions from the event table, and its progress."""

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import Final

from litestar import get
from litestar.response.base import ASGIResponse

from batchjob.web.callers import WebRequest, hop, job_id_of, jobs_of
from batchjob.web.problems import problem
from batchjob.web.sending import Sending
from batchjob.web.watching import Watch, hub_of, news_of

_RETRY: Final = b"retry: 3000\n\n"  # milliseconds until a client comes back
_BEAT: Final = b":\n\n"
_LONGEST: Final = 3600.0  # seconds; a client comes back with its token, which may be revoked
_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)


def _resumed(request: WebRequest) -> int:
    given = request.headers.get("last-event-id", "")
    if given and not _NUMBER.fullmatch(given):
        raise problem("bad_request", "Last-Event-ID is not the number of an event")
    return int(given or 0)


@get("/admin/batch-jobs/{job_id:str}/events", name="batchjob_events")
async def job_events(request: WebRequest) -> ASGIResponse:
    """Stream a job's transitions and progress until it has ended.

    After `Last-Event-ID` the stream goes on with the next one; where none will come, the answer
    is 204, which tells a browser to stop asking.
    """
    jobs, settings = jobs_of(request), request.app.state.settings
    job_id, user_id, after = job_id_of(request), request.user.user_id, _resumed(request)
    hub = hub_of(jobs, every=settings.poll)
    watch = hub.join(job_id, user_id, at_most=settings.streams_per_user)
    try:
        news = await hop(news_of, jobs, job_id, user_id)
        last = news.events[-1].n
        if news.has_ended and after >= last:
            hub.leave(watch)
            return ASGIResponse(status_code=204)
        hub.begin(watch, news.job, last)
        watch.start(news.messages(after=after), after=min(after, last))
    except BaseException:
        hub.leave(watch)
        raise

    async def left() -> None:
        hub.leave(watch)

    return Sending(
        _blocks(watch, settings.heartbeat),
        patience=2 * settings.heartbeat,
        done=left,
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _blocks(watch: Watch, heartbeat: float) -> AsyncGenerator[bytes, None]:
    now = asyncio.get_running_loop().time
    end = now() + _LONGEST
    yield _RETRY
    while not watch.dropped and now() < end:
        news = await watch.news(heartbeat)
        if watch.dropped:
            return
        yield b"".join(message.data for message in news) or _BEAT
        if news and news[-1].last:
            return


handlers = (job_events,)
