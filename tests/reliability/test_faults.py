"""Faults of processes, commits and clocks; each test is a line of the fault list, by its number.

The store's clock is moved by hand, so that leases end when a test says so. BATCHJOB_NIGHTLY makes
the trials as many as a release wants.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from batchjob import Run, Status
from batchjob.core import faults
from batchjob.errors import StoreUnavailable
from batchjob.worker import loop
from reliability.children import work_in_forks, work_until_killed
from reliability.scene import LEASE, RECOVERY, Rows, Scene, Size

SetScene = Callable[..., Scene]
Child = Callable[..., int]
TRIALS: Final = 20 if "BATCHJOB_NIGHTLY" in os.environ else 2
DAY: Final = 86_400.0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a failed chunk again at once."""
    monkeypatch.setattr(loop, "backoff", lambda _: 0.0)


@pytest.mark.parametrize("times", range(1, TRIALS + 1))
@pytest.mark.parametrize("point", faults.POINTS)
def test_f1_a_kill_at_any_point_loses_and_doubles_nothing(
    set_scene: SetScene, child: Child, url: str, tmp_path: Path, point: str, times: int
) -> None:
    """A worker killed anywhere costs one attempt at most, and the job ends as if nothing was.

    It is killed where it comes to the point for the first, second ... time; once, if it does not
    come there that often.
    """
    scene = set_scene()
    job = scene.jobs.create("rows", {"chunks": 3}, dry_run=point.startswith("confirm"))
    often = 3 if point.startswith("work") else 5 if point.startswith("claim.") else 1
    reached = (times - 1) % often + 1
    assert child(work_until_killed, url, str(tmp_path), point, reached) == -9
    if scene.jobs.get(job.id).status is Status.PRE_PROCESSED:
        scene.jobs.confirm(job.id)
    scene.go_on(most=RECOVERY)
    scene.is_whole(job, extra=1)
    assert [event.n for event in scene.jobs.events(job.id)] == list(range(1, 6))


def test_f4_a_fleet_that_was_killed_is_made_good_by_one_worker(
    set_scene: SetScene, child: Child, url: str, tmp_path: Path
) -> None:
    """All workers are killed, an hour goes by, one starts: every job ends."""
    scene = set_scene()
    jobs = [scene.jobs.create("rows", {"chunks": chunks}) for chunks in (0, 1, 2, 3)]
    for point in ("plan.rows_inserted", "work.mid_effect", "finish.published"):
        assert child(work_until_killed, url, str(tmp_path), point, 1) == -9
    scene.clock(3600.0)
    scene.go_on(most=0.0)
    for job in jobs:
        scene.is_whole(job, extra=3)


class Lossy:
    """A store's database whose *n*-th transaction fails, and no other one.

    ``before``: nothing is done. ``instead``: all is done but the commit. ``after``: it commits,
    and the answer is lost. With `cut` it is the next answer that is lost.
    """

    def __init__(self, scene: Scene, n: int = 0, mode: str = "after") -> None:
        self.left, self.mode, self.failed, self.cut = n, mode, False, False
        database: Any = scene.store._database
        write, read = database.write, database.read
        database.write = lambda: self._lossy(write)
        database.read = lambda: self._lossy(read)

    def stop(self) -> None:
        """Let nothing fail any more."""
        self.left, self.cut = 0, False

    @contextmanager
    def _lossy(self, opened: Callable[[], Any]) -> Iterator[Any]:
        self.left -= 1
        fails = not self.left
        self.failed |= fails
        if fails and self.mode == "before":
            raise StoreUnavailable("the connection is gone")
        with opened() as connection:
            yield connection
            if fails and self.mode == "instead":
                raise StoreUnavailable("the connection is gone")
        if fails or self.cut:
            self.cut, self.failed = False, True
            raise StoreUnavailable("the answer is lost")


@pytest.mark.parametrize("kind", ["plan", "work", "finish"])
def test_f7_a_commit_whose_answer_is_lost_counts_once(
    set_scene: SetScene, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The connection is cut after COMMIT was sent: no effect twice, no attempt, no error shown."""
    scene = set_scene()
    lossy, complete = Lossy(scene), scene.store.complete

    def cut(lease: Any, *arguments: Any, **options: Any) -> None:
        lossy.cut = lease.kind == kind and not lossy.failed
        complete(lease, *arguments, **options)

    monkeypatch.setattr(scene.store, "complete", cut)
    job = scene.jobs.create("rows", {"chunks": 2})
    scene.go_on(most=0.0)
    assert lossy.failed
    scene.is_whole(job, extra=0)


@pytest.mark.parametrize("jump", [DAY, -DAY, -3.0])
def test_f10_a_clock_that_is_set_stops_no_job(
    set_scene: SetScene, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """The store's clock is set at any step: chunks may run twice, effects happen once.

    No job stands still for more than two leases.
    """
    for step in range(8):
        scene, worker = set_scene(), None
        claims = iter(range(100))

        def jumped(point: str, scene: Scene = scene, step: int = step, n: Any = claims) -> None:
            if point == "claim.after_commit" and next(n) == step:
                scene.clock(jump)
                scene.jobs.worker().step()  # somebody else looks, and may find the chunk

        monkeypatch.setattr(faults, "point", jumped)
        job = scene.jobs.create("rows", {"chunks": 3})
        worker = scene.jobs.worker()
        scene.go_on(worker, most=2 * LEASE)
        scene.is_whole(job)


def test_f11_heartbeats_keep_a_long_chunk(set_scene: SetScene) -> None:
    """A chunk that takes five leases is nobody else's while its worker's heart beats."""
    rivals: list[bool] = []

    def work(run: Run[Size]) -> None:
        for _ in range(10):
            scene.clock(0.5 * lease)
            until_renewed(scene, lease)
            run.checkpoint()
            rivals.append(bool(scene.jobs.worker().step(run.job_id)))

    lease = 0.6  # heartbeats come by the real clock, every third of it; leases end by the store's
    scene = set_scene(Rows(work=work), lease=lease)
    job = scene.jobs.create("rows", {"chunks": 1})
    scene.go_on()
    assert rivals == [False] * 10
    scene.is_whole(job, extra=0)


def until_renewed(scene: Scene, lease: float) -> None:
    """Wait until the chunk that is being done is leased for a whole lease again."""
    sql = """SELECT max(lease_until) FROM batchjob_chunk WHERE state = 'leased'"""
    for _ in range(10_000):
        with scene.eye.connect() as connection:
            until = connection.scalar(sa.text(sql))
            now = connection.scalar(sa.text("SELECT seconds FROM test_clock"))
        if until >= now + lease * 0.99:
            return
    pytest.fail("no heartbeat came")


def test_f12_a_starved_heartbeat_loses_the_chunk(
    set_scene: SetScene, caplog: pytest.LogCaptureFixture
) -> None:
    """A chunk that takes five leases without heartbeat is done by another; the first is refused."""
    first: list[bool] = []

    def work(run: Run[Size]) -> None:
        if not first:
            first.append(True)
            scene.clock(5 * LEASE)
            assert scene.jobs.worker().step(run.job_id)

    scene = set_scene(Rows(work=work))
    job = scene.jobs.create("rows", {"chunks": 1})
    worker = scene.jobs.worker()
    scene.go_on(worker, most=0.0)
    scene.is_whole(job, extra=1)
    assert "is lost" in caplog.text


def test_f20_forked_processes_share_no_connection(
    set_scene: SetScene, child: Child, url: str, tmp_path: Path
) -> None:
    """Processes that were forked from one that uses its connection work with their own."""
    scene = set_scene()
    assert child(work_in_forks, url, str(tmp_path), 3) == 0
    jobs = scene.jobs.list().jobs
    assert len(jobs) == 3
    for job in jobs:
        scene.is_whole(job, extra=0)


def test_f26_a_finish_that_fails_twice_makes_one_file(set_scene: SetScene) -> None:
    """A finish that raises on two attempts and not on the third completes the job with one file."""

    def finish(run: Run[Size]) -> None:
        if run.attempt < 3:
            with run.output("rows.txt") as file:
                file.write("half")
            raise RuntimeError("not yet")

    scene = set_scene(Rows(finish=finish))
    job = scene.jobs.create("rows", {"chunks": 2})
    scene.go_on()
    scene.is_whole(job, extra=2)
    events = scene.jobs.events(job.id)
    assert [event.to_status for event in events].count(Status.COMPLETED) == 1


@pytest.mark.parametrize("mode", ["before", "instead", "after"])
def test_f35_any_store_call_may_fail(set_scene: SetScene, mode: str) -> None:
    """The n-th transaction fails, for every n: the job completes, each effect there once."""
    for n in range(1, 101):
        scene = set_scene()
        job = scene.jobs.create("rows", {"chunks": 2})
        lossy = Lossy(scene, n, mode)
        scene.go_on()
        lossy.stop()
        scene.is_whole(job, extra=1)
        if not lossy.failed:
            break
    assert 10 < n < 100


@pytest.mark.parametrize("call", ["write", "read", "delete", "delete_all", "keys"])
def test_f35_any_file_call_may_fail(
    set_scene: SetScene, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The n-th call of the file store fails, for every n: the job completes with its file."""
    for n in range(1, 51):
        scene = set_scene()
        left, whole = [n], getattr(scene.jobs.files, call)

        def fail(*arguments: Any, left: list[int] = left, whole: Any = whole) -> Any:
            left[0] -= 1
            if not left[0]:
                raise StoreUnavailable("the disk is gone")
            return whole(*arguments)

        monkeypatch.setattr(scene.jobs.files, call, fail)
        job = scene.jobs.create("rows", {"chunks": 2})
        scene.go_on()
        monkeypatch.setattr(scene.jobs.files, call, whole)
        scene.is_whole(job, extra=1)
        if left[0] > 0:
            break


def test_f36_half_a_plan_is_no_plan(child: Child, sqlite_url: str, tmp_path: Path) -> None:
    """A plan of 100,000 chunks whose worker is killed half way is made anew, whole."""
    scene = Scene(sqlite_url, tmp_path)
    job = scene.jobs.create("rows", {"chunks": 100_000, "rows": 1}, dry_run=True)
    assert child(work_until_killed, sqlite_url, str(tmp_path), "plan.rows_inserted", 50) == -9
    assert scene.jobs.get(job.id).status is Status.CREATED
    scene.clock(RECOVERY)
    assert scene.jobs.worker().step()
    planned = scene.jobs.get(job.id)
    assert planned.status is Status.PRE_PROCESSED
    assert planned.result is not None
    assert planned.result.count == 100_000
    with scene.eye.connect() as connection:
        sql = "SELECT count(*), max(seq) FROM batchjob_chunk WHERE kind = 'work'"
        assert tuple(connection.execute(sa.text(sql)).one()) == (100_000, 99_999)
    scene.close()
