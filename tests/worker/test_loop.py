"""The worker: what becomes of a chunk, whatever its strategy does."""

import itertools
import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from batchjob import (
    BatchJob,
    BatchJobs,
    Chunk,
    JobError,
    Outcomes,
    Part,
    Refused,
    Run,
    Status,
)
from batchjob.errors import PartCorrupt
from batchjob.testing import HandClock
from batchjob.worker import Worker, loop
from batchjob.worker.faults import backoff
from support import Lines, LinesContext, Offering


def nothing(*_: object) -> None:
    """Leave the phase as it is."""


class Script(Lines):
    """Does in each phase what the test says, and then what `Lines` does."""

    def __init__(self, **phases: Callable[..., Any]) -> None:
        self.phases = phases

    def plan(self, run: Run[LinesContext]) -> Iterable[Chunk]:
        """Plan."""
        given: Any = self.phases.get("plan", nothing)(run)
        return super().plan(run) if given is None else given

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Work."""
        given: Any = self.phases.get("work", nothing)(run, chunk)
        return super().work(run, chunk) if given is None else given

    def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
        """Finish."""
        self.phases.get("finish", nothing)(run, parts)
        super().finish(run, parts)


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Open jobs in SQLite with a `Script` of these phases."""
    opened: list[BatchJobs] = []

    def make(**phases: Callable[..., Any]) -> BatchJobs:
        plugins = {"script": Offering(Script(**phases))}
        url = f"sqlite:///{tmp_path}/jobs.db"
        opened.append(BatchJobs.open(url, files=str(tmp_path / "files"), plugins=plugins))
        return opened[-1]

    yield make
    for jobs in opened:
        jobs.close()


@pytest.fixture
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a failed chunk again at once."""
    monkeypatch.setattr(loop, "backoff", lambda _: 0.0)


def fail_until(attempt: int, error: Callable[[], BaseException]) -> Callable[..., None]:
    """Return a phase that raises before this attempt."""

    def phase(run: Run[Any], *_: object) -> None:
        if run.attempt < attempt:
            raise error()

    return phase


def errors(job: BatchJob) -> tuple[JobError, ...]:
    """Return the errors of a failed job."""
    assert job.status is Status.FAILED
    assert job.result is not None
    return job.result.errors


@pytest.mark.usefixtures("_no_delay")
@pytest.mark.parametrize("phase", ["plan", "work", "finish"])
def test_a_phase_that_fails_twice_is_tried_a_third_time(
    script: Any, phase: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails is tried again, and the end is the same as of a quiet run; the log counts."""
    jobs = script(**{phase: fail_until(3, lambda: RuntimeError("not yet"))})
    job = jobs.work(jobs.create("lines", {"lines": 2}).id)
    assert job.status is Status.COMPLETED
    assert job.result.outcomes == Outcomes(created=2)
    with jobs.open_result(job.id) as file:
        assert file.read() == b"line 0\nline 1\n"
    for attempt in (1, 2):
        assert f" of job {job.id} failed, attempt {attempt} of 5" in caplog.text


@pytest.mark.usefixtures("_no_delay")
def test_a_chunk_that_always_fails_ends_the_job(script: Any) -> None:
    """After the last attempt the job fails; the user reads chunk, attempts and the error's class.

    The message of the error may hold secrets, so only batchjob's own are shown.
    """

    def work(run: Run[Any], chunk: Chunk) -> None:
        if chunk.seq == 1:
            raise ValueError("password=hunter2")

    jobs = script(work=work)
    (error,) = errors(jobs.work(jobs.create("lines").id))
    assert error.code == "strategy_error"
    assert error.message == "work chunk 1 was tried 5 times and failed: ValueError"
    assert error.params == {"kind": "work", "chunk": 1, "attempts": 5, "error": "ValueError"}


def test_a_failed_chunk_waits_before_it_is_tried_again(script: Any) -> None:
    """The wait is said by the store, and doubles."""
    jobs = script(plan=fail_until(2, RuntimeError))
    job = jobs.create("lines")
    assert jobs.worker().step(job.id)
    assert not jobs.worker().step(job.id)
    assert 0 < jobs.store.next_claim(job.id) <= 0.5
    assert [backoff(n) for n in (1, 2, 3, 12)] == [0.5, 1.0, 2.0, 300.0]


def test_a_refusal_ends_the_job_at_once(script: Any) -> None:
    """`Refused` is not tried again; its errors, with row and column, are the job's."""
    fault = JobError(code="invalid_number", message="'ten' is no number", row=3, column="price")

    def plan(run: Run[Any]) -> None:
        raise Refused("the file has faults", [fault])

    jobs = script(plan=plan)
    job = jobs.create("lines")
    assert jobs.worker().step(job.id)
    assert errors(jobs.get(job.id)) == (fault,)


def test_a_refusal_without_errors_says_its_reason(script: Any) -> None:
    """The reason is the job's one error."""

    def plan(run: Run[Any]) -> None:
        raise Refused("the shop is closed")

    jobs = script(plan=plan)
    (error,) = errors(jobs.work(jobs.create("lines").id))
    assert (error.code, error.message) == ("refused", "the shop is closed")


class Unprintable(Exception):
    """Cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


def cyclic() -> Exception:
    """Return an error that is its own cause."""
    error = RuntimeError("round")
    error.__cause__ = error
    return error


@pytest.mark.usefixtures("_no_delay")
@pytest.mark.parametrize(
    "error",
    [
        lambda: SystemExit(3),
        GeneratorExit,
        type("Mine", (BaseException,), {}),
        Unprintable,
        lambda: ValueError("x" * 10_000_000),
        lambda: ValueError("\ud800 and \0"),
        cyclic,
        StopIteration,
        MemoryError,
        RecursionError,
    ],
)
def test_f21_nothing_that_a_strategy_raises_ends_the_worker(script: Any, error: Any) -> None:
    """Each odd exception is a failed attempt, kept safely; the next one completes the job."""
    jobs = script(work=fail_until(2, error))
    job = jobs.work(jobs.create("lines", {"lines": 1}).id)
    assert job.status is Status.COMPLETED


def test_ctrl_c_gives_the_chunk_back_untried(script: Any) -> None:
    """An interrupted chunk is claimable at once, its attempt not spent, and done chunks stay."""
    tries: list[tuple[int, int]] = []

    def work(run: Run[Any], chunk: Chunk) -> None:
        tries.append((chunk.seq, run.attempt))
        if tries == [(0, 1), (1, 1)]:
            raise KeyboardInterrupt

    jobs = script(work=work)
    job = jobs.create("lines")
    with pytest.raises(KeyboardInterrupt):
        jobs.work(job.id)
    assert jobs.get(job.id).result.advancement_count == 1
    assert jobs.work(job.id).status is Status.COMPLETED
    assert tries == [(0, 1), (1, 1), (1, 1), (2, 1)]


def test_effects_in_the_transaction_commit_with_the_chunk(script: Any) -> None:
    """What is written through run.transaction is there once, however often the chunk failed."""

    def work(run: Run[Any], chunk: Chunk) -> None:
        run.transaction.exec_driver_sql("INSERT INTO effect VALUES (?)", (chunk.seq,))
        fail_until(2, RuntimeError)(run)

    jobs = script(work=work)
    with jobs.store.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE effect (seq INTEGER)")
    job = jobs.work(jobs.create("lines").id)
    assert job.status is Status.COMPLETED
    with jobs.store.transaction() as connection:
        found = connection.exec_driver_sql("SELECT seq FROM effect ORDER BY seq").all()
    assert found == [(0,), (1,), (2,)]


def test_a_chunk_whose_lease_was_lost_keeps_no_effect(script: Any) -> None:
    """Canceled in the middle of a chunk, what it did is rolled back, and it is not tried again."""

    def work(run: Run[Any], chunk: Chunk) -> None:
        canceler = threading.Thread(target=jobs.cancel, args=[run.job_id])
        canceler.start()
        canceler.join()
        run.transaction.exec_driver_sql("INSERT INTO effect VALUES (?)", (chunk.seq,))

    jobs = script(work=work)
    with jobs.store.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE effect (seq INTEGER)")
    job = jobs.work(jobs.create("lines").id)
    assert job.status is Status.CANCELED
    with jobs.store.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM effect").scalar() == 0


def test_a_checkpoint_ends_a_chunk_of_a_canceled_job(script: Any, tmp_path: Path) -> None:
    """Within a third of the lease the run learns that it works for nothing."""

    def work(run: Run[Any], chunk: Chunk) -> None:
        jobs.cancel(run.job_id)
        for _ in range(1_000):
            run.checkpoint()
            threading.Event().wait(0.01)
        pytest.fail("the checkpoint never raised")

    jobs = script(work=work)
    worker = Worker(
        store=jobs.store,
        files=jobs.files,
        registry=jobs.plugins.registry,
        limits=jobs.limits(),
        clock=HandClock(),
        seconds=0.3,
        changed=lambda: None,
    )
    job = jobs.work(jobs.create("lines").id, until=Status.CONFIRMED)
    assert worker.step(job.id)
    assert jobs.get(job.id).status is Status.CANCELED


@pytest.mark.parametrize(
    ("phases", "words"),
    [
        ({"plan": lambda _: 7}, "plan returned int; it must yield chunks"),
        ({"plan": lambda _: [{}]}, "plan must yield Chunk values with a weight of 0 or more"),
        ({"plan": lambda _: [Chunk({}, weight=-1)]}, "weight of 0 or more"),
        ({"plan": lambda _: [Chunk(b"x")]}, "the payload of chunk 0 is no JSON"),
        ({"plan": lambda _: [Chunk(float("nan"))]}, "nan is no JSON number"),
        ({"plan": lambda _: itertools.repeat(Chunk(1))}, "the plan has more than 100000 chunks"),
        ({"work": lambda *_: 3}, "work returned int, not Outcomes or None"),
        ({"plan": lambda run: run.part().__enter__()}, "run.part() is for work, not for plan"),
        ({"plan": lambda run: run.transaction}, "run.transaction is for work and finish"),
        ({"work": lambda run, _: run.amend(a=1)}, "run.amend() is for plan, not for work"),
        ({"work": lambda run, _: run.describe("", "", "")}, "run.describe() is for plan"),
        ({"work": lambda run, _: run.output("x").__enter__()}, "run.output() is for finish"),
        ({"work": lambda run, _: run.join([], None)}, "run.join() is for finish, not for work"),
    ],
)
def test_a_strategy_that_breaks_its_contract_is_told_at_once(
    script: Any, phases: Any, words: str
) -> None:
    """The job fails at the first attempt, with the rule that was broken."""
    jobs = script(**phases)
    (error,) = errors(jobs.work(jobs.create("lines").id))
    assert words in error.message


def test_one_file_is_all_a_finish_may_make(script: Any) -> None:
    """A second output is refused."""

    def finish(run: Run[Any], _: object) -> None:
        with run.output("first"):
            pass

    jobs = script(finish=finish)
    (error,) = errors(jobs.work(jobs.create("lines").id))
    assert "run.output() is for finish, once" in error.message


@pytest.mark.parametrize("harm", ["missing", "flipped", "truncated"])
def test_a_corrupt_part_is_never_published(script: Any, harm: str, tmp_path: Path) -> None:
    """A part that is not as it was written fails the job, and names its chunk."""

    def finish(*_: object) -> None:
        (path,) = (tmp_path / "files").glob("jobs/*/parts/000001.*")
        content = path.read_bytes()
        path.unlink()
        if harm != "missing":
            path.write_bytes(b"L" + content[1:] if harm == "flipped" else content[:-1])

    jobs = script(finish=finish)
    job = jobs.work(jobs.create("lines").id)
    (error,) = errors(job)
    fault = "is missing" if harm == "missing" else "is not as it was written"
    assert error.code == PartCorrupt.code
    assert error.message.endswith(f"the part of chunk 1 {fault}")
    assert job.result.file_key is None
    assert not list((tmp_path / "files").glob("jobs/*/out/*/*"))


def test_a_part_of_a_failed_attempt_is_not_in_the_file(script: Any, tmp_path: Path) -> None:
    """Parts are named by their attempt's token, and only committed ones are joined."""

    def work(run: Run[Any], chunk: Chunk) -> Outcomes | None:
        with run.part() as file:
            file.write(f"{run.fence}\n")
        fail_until(2, RuntimeError)(run)
        return Outcomes()

    jobs = script(work=work)
    job = jobs.work(jobs.create("lines", {"lines": 1}).id)
    with jobs.open_result(job.id) as file:
        assert file.read() == b"3\n"  # a failure moves the token as a claim does
    left = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["lines.txt"]


def test_a_long_plan_is_staged_in_batches(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan of many chunks never stands in memory; one that fails half way starts anew."""
    monkeypatch.setattr(loop, "_STAGED", 10)
    monkeypatch.setattr(loop, "backoff", lambda _: 0.0)

    def plan(run: Run[Any]) -> Iterable[Chunk]:
        for number in range(25):
            if run.attempt == 1 and number == 24:
                raise RuntimeError
            first = number if run.attempt > 1 else 1_000
            yield Chunk({"first": first, "last": first + 1})

    jobs = script(plan=plan)
    job = jobs.work(jobs.create("lines").id)
    assert job.result.count == 25
    with jobs.open_result(job.id) as file:
        assert file.read().decode() == "".join(f"line {n}\n" for n in range(25))


def test_a_failure_is_logged_with_its_traceback(
    script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Operators find in the log what users are not shown."""
    jobs = script(plan=fail_until(2, lambda: RuntimeError("secret")))
    with caplog.at_level(logging.WARNING, "batchjob"):
        jobs.worker().step(jobs.create("lines").id)
    assert "plan 0 of job" in caplog.text
    assert "secret" in caplog.text
