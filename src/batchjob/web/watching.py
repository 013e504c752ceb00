"""Who watches which job: one poller for all streams on a store, and what each has still to send.

A hub reads all jobs that are watched in one query a tick; streams ask the store only when they
begin. What they send is server-sent events:
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from batchjob.abc import Store
from batchjob.batchjobs import BatchJobs
from batchjob.converters.jobs import time_to_json
from batchjob.core.events import Event
from batchjob.core.job import BatchJob
from batchjob.core.status import OPEN
from batchjob.errors import UnknownJob
from batchjob.web.callers import hop
from batchjob.web.problems import problem

_log = logging.getLogger(__name__)

_UNSENT: Final = 100  # transitions that may wait for a slow client


@attrs.frozen
class Message:
    """One event of a stream.

    ``n`` is the number of the transition, None for progress, of which ``done`` is how much is
    done: it only grows.
    """

    n: int | None
    data: bytes
    last: bool = False
    done: int = 0


class Watch:
    """What one stream has still to send; bounded, whatever its client takes."""

    def __init__(self, job_id: str, user_id: str) -> None:
        self.job_id, self.user_id = job_id, user_id
        self.dropped = False
        self._sent, self._done = 0, 0
        self._transitions: deque[Message] = deque()
        self._progress: Message | None = None
        self._early: list[Message] | None = []
        self._news = asyncio.Event()

    def start(self, messages: Iterable[Message], *, after: int) -> None:
        """Begin with *messages*, behind the transition of that number."""
        early, self._early, self._sent = self._early or [], None, after
        self._add([*messages, *early])

    def tell(self, messages: Iterable[Message]) -> None:
        """Add what is new, and drop a client that has left too much of it waiting."""
        if self._early is not None:
            self._early.extend(messages)
            return
        self._add(messages)
        self.dropped = self.dropped or len(self._transitions) > _UNSENT

    def _add(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if message.n is None and message.done >= self._done:  # the newest is enough
                self._progress, self._done = message, message.done
            elif message.n is not None and message.n > self._sent:
                self._sent = message.n
                self._transitions.append(message)
        self._news.set()

    def drop(self) -> None:
        """End the stream."""
        self.dropped = True
        self._news.set()

    async def news(self, seconds: float) -> list[Message]:
        """Wait for news, so many seconds at most, and return them in order."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        found, progress = list(self._transitions), self._progress
        self._transitions.clear()
        self._progress = None
        if progress is not None:  # before the end, after all else
            found.insert(len(found) - bool(found and found[-1].last), progress)
        return found


@attrs.define
class _Topic:
    """A job that is watched: how it was seen last, and its last transition known then."""

    watches: set[Watch] = attrs.field(factory=set)
    job: BatchJob | None = None
    n: int = 0


class Hub:
    """The streams on one store in one event loop, and the one poller that they share."""

    def __init__(self, jobs: BatchJobs, *, every: float) -> None:
        self._jobs, self._every = jobs, every
        self._topics: dict[str, _Topic] = {}
        self._streams: Counter[str] = Counter()
        self._poller: asyncio.Task[None] | None = None

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._streams.total()

    def join(self, job_id: str, user_id: str, *, at_most: int) -> Watch:
        """Return a new watch; a `Problem` with status 429 if the user has that many already."""
        if self._streams[user_id] >= at_most:
            message = f"you have {at_most} streams open; close one of them"
            raise problem("too_many_streams", message, headers={"retry-after": "5"})
        watch = Watch(job_id, user_id)
        self._streams[user_id] += 1
        self._topics.setdefault(job_id, _Topic()).watches.add(watch)
        return watch

    def begin(self, watch: Watch, job: BatchJob, n: int) -> None:
        """Watch the job from here on, where nobody has yet."""
        topic = self._topics[watch.job_id]
        if topic.job is None:
            topic.job, topic.n = job, n
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())

    def leave(self, watch: Watch) -> None:
        """Forget a watch; leaving twice is fine."""
        topic = self._topics.get(watch.job_id)
        if topic is None or watch not in topic.watches:
            return
        topic.watches.discard(watch)
        if not topic.watches:
            del self._topics[watch.job_id]
        self._streams -= Counter({watch.user_id: 1})  # drops the zeros, as `subtract` does not
        if not self._topics and self._poller is not None:
            self._poller.cancel()
            self._poller = None

    async def _poll(self) -> None:
        failed = False
        while True:
            await asyncio.sleep(self._every)
            try:
                await self._tick()
                failed = False
            except Exception:  # noqa: BLE001 - streams outlive a store that is out of reach
                if not failed:
                    _log.exception("the jobs that are watched could not be read; going on")
                failed = True

    async def _tick(self) -> None:
        seen = {i: (topic.job, topic.n) for i, topic in self._topics.items() if topic.job}
        if not seen:
            return
        for job_id, news in (await hop(_look, self._jobs, seen)).items():
            if (topic := self._topics.get(job_id)) is None or topic.job is not seen[job_id][0]:
                continue  # left, or left and begun anew meanwhile
            if news is None:
                for watch in topic.watches:
                    watch.drop()
                continue
            topic.job = news.job
            topic.n = max([topic.n, *(event.n for event in news.events)])
            messages = news.messages()
            for watch in topic.watches:
                watch.tell(messages)


@attrs.frozen
class News:
    """A job, its transitions after some number, and the job as it was read after those.

    ``job`` is never newer than ``events``, so that what changes later differs from it.
    """

    job: BatchJob
    events: Sequence[Event]
    newest: BatchJob

    @property
    def has_ended(self) -> bool:
        """Whether nothing will follow."""
        return bool(self.events) and self.events[-1].to_status not in OPEN

    def messages(self, *, after: int = 0) -> list[Message]:
        """Return what is to be said of it; of the transitions those after that number."""
        found = [_transition(event) for event in self.events if event.n > after]
        if (progress := _progress(self.newest)) is not None:
            found.append(progress)
        return found


def news_of(jobs: BatchJobs, job_id: str, actor: str) -> News:
    """Return all of a job; `UnknownJob` if there is none, or it is somebody else's."""
    news = _news(jobs.store, jobs.get(job_id, actor=actor), 0)
    if not news.events:  # purged since
        raise UnknownJob(job_id)
    return news


def _look(jobs: BatchJobs, seen: Mapping[str, tuple[BatchJob, int]]) -> dict[str, News | None]:
    """Return what is new of the jobs that were *seen*; None for one that is gone."""
    page = jobs.list(ids=tuple(seen), limit=len(seen))
    found = {job.id: job for job in page.jobs}
    changed = {i: n for i, (before, n) in seen.items() if found.get(i) != before}
    return {i: _news(jobs.store, found[i], n) if i in found else None for i, n in changed.items()}


def _news(store: Store, job: BatchJob, n: int) -> News:
    news = News(job, store.events(job.id, after=n), job)
    if news.has_ended and job.status in OPEN:
        return attrs.evolve(news, newest=store.get(job.id))
    return news


def _transition(event: Event) -> Message:
    data = {
        "id": event.job_id,
        "status": event.to_status,
        "from_status": event.from_status,
        "at": time_to_json(event.at),
        "reason": event.reason,
    }
    return Message(event.n, _block("status", data, event.n), last=event.to_status not in OPEN)


def _progress(job: BatchJob) -> Message | None:
    if job.result is None or job.result.count is None:
        return None
    data = {
        "id": job.id,
        "status": job.status,
        "count": job.result.count,
        "advancement_count": job.result.advancement_count or 0,
        "progress": job.result.progress or 0,
    }
    return Message(None, _block("progress", data), done=job.result.advancement_count or 0)


def _block(name: str, data: Mapping[str, Any], n: int | None = None) -> bytes:
    number = "" if n is None else f"id: {n}\n"  # progress leaves the client's last number alone
    return f"{number}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


_HUBS: Final[dict[tuple[Store, asyncio.AbstractEventLoop], Hub]] = {}


def hub_of(jobs: BatchJobs, *, every: float) -> Hub:
    """Return the hub of the jobs' store in this event loop; one without streams is forgotten."""
    for place in [place for place, hub in _HUBS.items() if not hub.streams]:
        del _HUBS[place]
    return _HUBS.setdefault((jobs.store, asyncio.get_running_loop()), Hub(jobs, every=every))
