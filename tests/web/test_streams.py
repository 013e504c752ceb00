import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from batchjob import BatchJobs, Settings
from batchjob.abc import JobPage, JobQuery
from batchjob.core.job import BatchJob
from batchjob.errors import StoreUnavailable
from batchjob.files.local import LocalFileStore
from batchjob.plugins import load
from batchjob.stores.memory import MemoryStore
from batchjob.web import streams, watching
from batchjob.web.watching import Message, Watch
from support import Lines, Offering
from web.files_served import BERT, app_of, client_of, done, opened

QUICK = {"poll": 0.02, "heartbeat": 5.0}
STORY = ["created", "pre_processed", "confirmed", "processing", "completed"]


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory."""
    with opened(tmp_path) as found:
        yield found


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[httpx.Client]:
    """Anna's client of a server that looks often."""
    with client_of(jobs, **QUICK) as found:
        yield found


@attrs.frozen
class Heard:
    """One event that a client heard."""

    id: str | None
    name: str
    data: Any


def heard_of(text: str) -> list[Heard]:
    """Return the events of a stream that has ended, read as a browser does."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append(Heard(fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


def events_of(job_id: str) -> str:
    """Return where the events of a job are."""
    return f"/admin/batch-jobs/{job_id}/events"


def test_a_stream_tells_the_whole_story_of_a_job(client: httpx.Client, jobs: BatchJobs) -> None:
    """Each transition is an event with its number; progress comes before the end, which ends it."""
    job = done(jobs)
    answer = client.get(events_of(job.id))
    heard = heard_of(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [each.data["status"] for each in heard if each.name == "status"] == STORY
    assert [each.id for each in heard] == ["1", "2", "3", "4", None, "5"]
    assert [each.name for each in heard][4] == "progress"
    assert heard[4].data == {
        "id": job.id,
        "status": "completed",
        "count": 3,
        "advancement_count": 3,
        "progress": 1,
    }
    assert heard[5].data == {
        "id": job.id,
        "status": "completed",
        "from_status": "processing",
        "at": heard[5].data["at"],
        "reason": None,
    }


def test_a_stream_tells_what_happens_meanwhile(client: httpx.Client, jobs: BatchJobs) -> None:
    """What happens to a job while it is watched is told in order, and progress only grows."""
    job = jobs.create("lines", {"lines": 40}, actor="usr_anna")
    with client.stream("GET", events_of(job.id)) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("event")) == "event: status"
        worker = threading.Thread(target=_worked_slowly, args=(jobs, job.id))
        worker.start()
        heard = heard_of("event: status\n" + "\n".join(lines) + "\n\n")
        worker.join()
    assert [each.data["status"] for each in heard if each.name == "status"] == STORY
    assert [each.id for each in heard if each.name == "status"][1:] == ["2", "3", "4", "5"]
    progress = [each.data["advancement_count"] for each in heard if each.name == "progress"]
    assert progress == sorted(progress)
    assert progress[-1] == 40
    assert len(progress) > 2


def test_pauses_are_told(client: httpx.Client, jobs: BatchJobs) -> None:
    """A pause is no change of status: it is told with its reason."""
    job = jobs.create("lines", {}, actor="usr_anna")
    jobs.pause(job.id)
    with client.stream("GET", events_of(job.id)) as answer:
        blocks = answer.iter_text()
        heard = next(blocks)
        while "paused" not in heard:
            heard += next(blocks)
        jobs.resume(job.id)
        jobs.cancel(job.id)
        heard += "".join(blocks)
    reasons = [each.data["reason"] for each in heard_of(heard)]
    assert reasons == [None, "paused", "resumed", None]


@pytest.mark.parametrize(("last", "ids"), [("0", "12345"), ("", "12345"), ("3", "45"), ("4", "5")])
def test_a_stream_goes_on_after_the_last_event(
    client: httpx.Client, jobs: BatchJobs, last: str, ids: str
) -> None:
    """A client that comes back hears of what it has missed, by `Last-Event-ID`."""
    answer = client.get(events_of(done(jobs).id), headers={"last-event-id": last})
    assert [each.id for each in heard_of(answer.text) if each.id] == list(ids)


@pytest.mark.parametrize("last", ["5", "999"])
def test_a_client_that_has_heard_the_end_is_told_to_stop(
    client: httpx.Client, jobs: BatchJobs, last: str
) -> None:
    """Where nothing will follow the answer is 204: a browser does not come back."""
    answer = client.get(events_of(done(jobs).id), headers={"last-event-id": last})
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_number_of_the_future_hides_nothing(client: httpx.Client, jobs: BatchJobs) -> None:
    """A `Last-Event-ID` that there is not yet does not hide what happens from then on."""
    job = jobs.create("lines", {}, actor="usr_anna")
    with client.stream("GET", events_of(job.id), headers={"last-event-id": "999"}) as answer:
        blocks = answer.iter_text()
        next(blocks)
        jobs.cancel(job.id)
        heard = heard_of("".join(blocks))
    assert [(each.id, each.data["status"]) for each in heard] == [("2", "canceled")]


@pytest.mark.parametrize("last", ["-1", "1.5", "x", "\uff11", "9" * 19])
def test_what_is_no_number_is_refused(client: httpx.Client, jobs: BatchJobs, last: str) -> None:
    """A `Last-Event-ID` that is no event's number is 400."""
    headers = {b"last-event-id": last.encode()}
    answer = client.get(events_of(done(jobs).id), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_only_the_owner_may_watch_a_job(client: httpx.Client, jobs: BatchJobs) -> None:
    """The events of somebody else's job are 404, and hold no place; those of none are, too."""
    job = done(jobs)
    for url in [events_of(job.id), events_of("batch_x")] * 6:
        answer = client.get(url, headers=BERT)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
    assert client.get(events_of(done(jobs, "usr_bert").id), headers=BERT).status_code == 200


def test_head_ends(client: httpx.Client, jobs: BatchJobs) -> None:
    """HEAD is answered at once, though the stream would go on; it holds no place."""
    job = jobs.create("lines", {}, actor="usr_anna")
    assert [client.head(events_of(job.id)).status_code for _ in range(10)] == [200] * 10


def test_silence_is_broken_by_heartbeats(jobs: BatchJobs) -> None:
    """While nothing happens a comment is sent now and then, so that nobody hangs up."""
    job = jobs.create("lines", {}, actor="usr_anna")
    with (
        client_of(jobs, poll=0.02, heartbeat=0.05) as client,
        client.stream("GET", events_of(job.id)) as answer,
    ):
        blocks = answer.iter_text()
        assert ":\n\n:\n\n" in next(blocks) + "".join(next(blocks) for _ in range(4))


def test_a24_a_user_has_some_streams_and_no_more(client: httpx.Client, jobs: BatchJobs) -> None:
    """A24: the sixth stream of a user is 429, others' are not; one that ends gives its place."""
    job, other = (jobs.create("lines", {}, actor=name) for name in ("usr_anna", "usr_bert"))
    with contextlib.ExitStack() as stack:
        open_now = [stack.enter_context(client.stream("GET", events_of(job.id))) for _ in range(5)]
        assert [each.status_code for each in open_now] == [200] * 5
        for _ in range(20):
            refused = client.get(events_of(job.id))
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert refused.headers["retry-after"]
        with client.stream("GET", events_of(other.id), headers=BERT) as theirs:
            assert theirs.status_code == 200
        open_now[0].close()
        _until(lambda: client.head(events_of(job.id)).status_code == 200)


def test_a_job_that_is_purged_ends_its_streams(client: httpx.Client, jobs: BatchJobs) -> None:
    """A stream ends when its job is forgotten, and nobody is told of it any more."""
    job = jobs.create("lines", {}, actor="usr_anna")
    with client.stream("GET", events_of(job.id)) as answer:
        blocks = answer.iter_text()
        next(blocks)
        jobs.cancel(job.id)
        _until(lambda: jobs.purge(older_than=timedelta(0)) == 1)
        for _ in blocks:  # it ends
            pass
    assert client.get(events_of(job.id)).status_code == 404


class Counted(MemoryStore):
    """A store that counts what it is asked, and is out of reach when it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.away = False

    def list(self, query: JobQuery) -> JobPage:
        """Count and list."""
        self.calls["list"] += 1
        if self.away:
            raise StoreUnavailable("the store is out of reach")
        return super().list(query)

    def get(self, job_id: str) -> BatchJob:
        """Count and get."""
        self.calls["get"] += 1
        return super().get(job_id)

    def events(self, job_id: str, *, after: int = 0) -> Any:
        """Count and return the events."""
        self.calls["events"] += 1
        return super().events(job_id, after=after)


@pytest.fixture
def store() -> Counted:
    """A store that counts."""
    return Counted()


@pytest.fixture
def counted(tmp_path: Path, store: Counted) -> Iterator[BatchJobs]:
    """Jobs in the store that counts."""
    settings = Settings(store="memory:", files=str(tmp_path))
    plugins = load(settings, plugins={"here": Offering(Lines())})
    with BatchJobs(
        settings=settings, store=store, files=LocalFileStore(tmp_path), plugins=plugins
    ) as found:
        yield found


class Listener:
    """A client of an app in this event loop, which takes what it is sent, or does not."""

    def __init__(self, app: Any, job_id: str, user_id: str, *, takes: bool = True) -> None:
        self.sent: list[bytes] = []
        self._news = asyncio.Event()
        self.status, self._takes, self._gone = 0, takes, asyncio.Event()
        scope = {
            "type": "http",
            "method": "GET",
            "path": events_of(job_id),
            "raw_path": events_of(job_id).encode(),
            "query_string": b"",
            "headers": [(b"x-user", user_id.encode())],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "scheme": "http",
            "http_version": "1.1",
            "root_path": "",
        }
        self.asking = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif not self._takes and self.sent:
            await asyncio.Event().wait()
        else:
            self.sent.append(message["body"])
            self._news.set()

    async def leave(self) -> None:
        """Go away."""
        self._gone.set()
        await self.asking

    async def until(self, text: bytes) -> None:
        """Wait until something was sent."""
        async with asyncio.timeout(20):
            while text not in b"".join(self.sent):
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def listening(app: Any, pairs: list[tuple[str, str]]) -> AsyncIterator[list[Listener]]:
    """Have clients listen, each to a job as a user; they leave at the end."""
    found = [Listener(app, job_id, user_id) for job_id, user_id in pairs]
    try:
        for each in found:
            await each.until(b"event: status")
        yield found
    finally:
        for each in found:
            await each.leave()


def test_a24_a_thousand_streams_cost_one_poll_a_tick(counted: BatchJobs, store: Counted) -> None:
    """A24: however many streams there are, on however many jobs, one query a tick is made."""
    users = [f"usr_{number}" for number in range(200)]
    made = [(counted.create("lines", {}, actor=user).id, user) for user in users]

    async def watched() -> None:
        async with listening(app_of(counted, poll=0.05), made * 5) as clients:
            assert len(clients) == 1000
            await asyncio.sleep(0.2)
            store.calls.clear()
            started = asyncio.get_running_loop().time()
            await asyncio.sleep(1)
            took = asyncio.get_running_loop().time() - started
            assert set(store.calls) == {"list"}
            assert 2 <= store.calls["list"] <= took / 0.05 + 1
            store.calls.clear()
            counted.cancel(made[0][0])
            canceled = clients[::200]
            await asyncio.gather(*(each.until(b'"canceled"') for each in canceled))
            await asyncio.gather(*(each.asking for each in canceled))
            assert store.calls["events"] == 1
            assert not any(b"canceled" in b"".join(each.sent) for each in clients[1::200])

    asyncio.run(watched())


def test_two_apps_on_one_store_share_the_poller(counted: BatchJobs, store: Counted) -> None:
    """The store is polled once for each process, by how many apps it is ever served."""
    job = counted.create("lines", {}, actor="usr_anna")

    async def watched() -> None:
        first, second = app_of(counted, poll=0.05), app_of(counted, poll=0.05)
        listener = [(job.id, "usr_anna")]
        async with listening(first, listener), listening(second, listener):
            assert len(watching._HUBS) == 1
            store.calls.clear()
            await asyncio.sleep(0.5)
            assert store.calls["list"] <= 11

    asyncio.run(watched())


def test_nobody_listens_nobody_asks(counted: BatchJobs, store: Counted) -> None:
    """When the last stream has ended the store is left alone."""
    job = counted.create("lines", {}, actor="usr_anna")

    async def watched() -> None:
        async with listening(app_of(counted, poll=0.02), [(job.id, "usr_anna")]):
            pass
        await asyncio.sleep(0.05)
        store.calls.clear()
        await asyncio.sleep(0.2)
        assert not store.calls

    asyncio.run(watched())


def test_a_store_out_of_reach_ends_no_stream(
    counted: BatchJobs, store: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    """Streams go on when the store is there again; what happened meanwhile is told. Logged once."""
    job = counted.create("lines", {}, actor="usr_anna")

    async def watched() -> None:
        async with listening(app_of(counted, **QUICK), [(job.id, "usr_anna")]) as (client,):
            store.away = True
            await asyncio.sleep(0.2)
            counted.cancel(job.id)
            store.away = False
            await client.until(b'"canceled"')

    asyncio.run(watched())
    assert [record.name for record in caplog.records].count("batchjob.web.watching") == 1


def test_a24_a_client_that_takes_nothing_is_dropped(counted: BatchJobs) -> None:
    """A24: a client that does not read is dropped after two heartbeats, and its place is free."""
    job = counted.create("lines", {}, actor="usr_anna")

    async def watched() -> None:
        app = app_of(counted, poll=0.02, heartbeat=0.1, streams_per_user=1)
        stuck = Listener(app, job.id, "usr_anna", takes=False)
        await stuck.until(b"retry")
        refused = Listener(app, job.id, "usr_anna")
        await refused.asking
        assert refused.status == 429
        async with asyncio.timeout(5):
            await stuck.asking
        async with listening(app, [(job.id, "usr_anna")]) as (again,):
            assert again.status == 200

    asyncio.run(watched())


def test_a24_what_waits_for_a_slow_client_is_bounded() -> None:
    """A24: of progress the newest waits; a hundred transitions may, and with one more it ends."""

    async def told() -> None:
        watch = Watch("job", "user")
        watch.start([], after=0)
        for number in range(1000):
            watch.tell([Message(None, b"", done=number)])
        assert [each.done for each in await watch.news(1)] == [999]
        for number in range(100):
            watch.tell([Message(number + 1, b"")])
        assert not watch.dropped
        watch.tell([Message(101, b"")])
        assert watch.dropped

    asyncio.run(told())


def test_what_is_told_while_a_stream_begins_comes_after_its_beginning() -> None:
    """News that come between a stream's place and its first look are neither lost nor doubled."""

    async def told() -> None:
        watch = Watch("job", "user")
        watch.tell([Message(3, b"3"), Message(4, b"4"), Message(None, b"p", done=1)])
        watch.start([Message(2, b"2"), Message(3, b"3"), Message(None, b"q", done=2)], after=1)
        assert [each.data for each in await watch.news(1)] == [b"2", b"3", b"4", b"q"]

    asyncio.run(told())


def test_a_stream_does_not_last_for_ever(
    counted: BatchJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an hour a client has to come back with its token, which may be revoked by then."""
    assert streams._LONGEST == 3600
    monkeypatch.setattr(streams, "_LONGEST", 0.2)
    job = counted.create("lines", {}, actor="usr_anna")

    async def watched() -> None:
        client = Listener(app_of(counted, poll=0.02, heartbeat=0.05), job.id, "usr_anna")
        async with asyncio.timeout(5):
            await client.asking
        assert client.sent[-1] == b""

    asyncio.run(watched())


def _worked_slowly(jobs: BatchJobs, job_id: str) -> None:
    pause = threading.Event()
    jobs.work(job_id, watch=lambda _: pause.wait(0.01))


def _until(true: Callable[[], bool]) -> None:
    """Wait until something is so, 20 seconds at most."""
    pause = threading.Event()
    for _ in range(2000):
        if true():
            return
        pause.wait(0.01)
    pytest.fail("it never was so")
