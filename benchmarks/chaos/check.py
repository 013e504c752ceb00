"""What came of a chaos run: what there is of rows, files and jobs, against what should be."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from batchjob import BatchJob, BatchJobs, Status
from batchjob.core.status import OPEN
from batchjob.errors import BatchJobError
from benchmarks.chaos.worker import Place

_POISON: Final = "chaos-poison"
_MOST: Final = sa.text(
    """SELECT max(c.attempts) FROM batchjob_chunk c JOIN batchjob_job j ON j.id = c.job_id
    WHERE j.batch_type <> :poison"""
)


@attrs.frozen(kw_only=True)
class Verdict:
    """The figures of one run; those of `FAULTS` are 0 if nothing went wrong."""

    store: str
    options: Mapping[str, Any]
    seconds: float
    kills: int
    self_kills: int
    db_stops: int
    jobs: int
    chunks: int
    chunks_a_second: float | None
    rows_lost: int
    rows_doubled: int
    files_wrong: int
    finishes_doubled: int
    jobs_stuck: int
    jobs_failed: int
    poison_wrong: int
    """Poison jobs that did not fail after exactly their attempts, by the error that is theirs."""
    refused: int
    """Completions that came too late."""
    chunk_runs: int
    most_attempts: int
    recovery_median: float
    recovery_p99: float
    recovery_longest: float
    errors: Mapping[str, int]

    FAULTS = (
        "rows_lost",
        "rows_doubled",
        "files_wrong",
        "finishes_doubled",
        "jobs_stuck",
        "jobs_failed",
        "poison_wrong",
    )

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled, wrong or stuck."""
        return not any(getattr(self, name) for name in self.FAULTS)


def verdict(
    place: Place,
    *,
    store: str,
    options: Mapping[str, Any],
    sizes: Mapping[str, int],
    seconds: float,
    kills: int,
    db_stops: int,
    ended: bool,
) -> Verdict:
    """Look at everything there is, and count."""
    with place.open() as jobs:
        with jobs.store.transaction() as connection:
            rows, finishes, most = _table(connection)
        status = {job_id: jobs.get(job_id) for job_id in sizes}
        completed = [job_id for job_id, job in status.items() if job.status is Status.COMPLETED]
        wanted = {job_id: range(sizes[job_id] * options["rows"]) for job_id in completed}
        recovery = _recoveries(place)
        claims = [words for _, _, *words in place.noted("claims") if words[1] == "work"]
        errors = Counter(_kind(words[0]) for _, _, *words in place.noted("errors"))
        return Verdict(
            store=store,
            options=options,
            seconds=round(seconds, 1),
            kills=kills,
            self_kills=len(place.noted("kills")),
            db_stops=db_stops,
            jobs=len(sizes) + 1,
            chunks=sum(sizes.values()),
            chunks_a_second=_speed(status[max(sizes, key=sizes.__getitem__)], max(sizes.values())),
            rows_lost=sum(row not in rows.get(i, {}) for i, all_ in wanted.items() for row in all_),
            rows_doubled=sum(times - 1 for each in rows.values() for times in each.values()),
            files_wrong=sum(not _file_is_right(jobs, i, all_) for i, all_ in wanted.items()),
            finishes_doubled=sum(times > 1 for times in finishes.values()),
            jobs_stuck=jobs.list(statuses=OPEN, limit=1).count,
            jobs_failed=sum(job.status is Status.FAILED for job in status.values()),
            poison_wrong=sum(_poison_is_wrong(jobs)),
            refused=len(place.noted("refused")),
            chunk_runs=len(claims),
            most_attempts=most,
            recovery_median=_quantile(recovery, 0.5),
            recovery_p99=_quantile(recovery, 0.99),
            recovery_longest=_quantile(recovery, 1.0),
            errors=dict(errors.most_common(20)),
        )


def _speed(job: BatchJob, chunks: int) -> float | None:
    """Return how many chunks of *job* were done a second, None if it is not completed."""
    if job.completed_at is None or job.processing_at is None:
        return None
    return round(chunks / (job.completed_at - job.processing_at).total_seconds(), 1)


def _table(connection: Any) -> tuple[dict[str, Counter[int]], Counter[str], int]:
    """Return how often each row is there, how many finishes, and the most attempts at a chunk."""
    rows: dict[str, Counter[int]] = {}
    for job_id, row_no in connection.execute(sa.text("SELECT job_id, row_no FROM chaos_effect")):
        rows.setdefault(job_id, Counter())[row_no] += 1
    finishes = Counter(connection.scalars(sa.text("SELECT job_id FROM chaos_finish")))
    most = connection.scalar(_MOST, {"poison": _POISON})
    return rows, finishes, most


def _file_is_right(jobs: BatchJobs, job_id: str, rows: range) -> bool:
    try:
        with jobs.open_result(job_id) as file:
            return file.read() == "".join(f"{row}\n" for row in rows).encode()
    except BatchJobError:
        return False


def _poison_is_wrong(jobs: BatchJobs) -> Sequence[bool]:
    """Say of each poison job whether it ended otherwise than it has to."""
    answers = []
    for job in jobs.list(batch_types=[_POISON], limit=100).jobs:
        errors = job.result.errors if job.result else ()
        right = [("worker_lost", {"kind": "work", "seq": 0, "attempts": 5})]
        found = [(error.code, error.params) for error in errors]
        answers.append(job.status is not Status.FAILED or found != right)
    return answers


def _recoveries(place: Place) -> Sequence[float]:
    """Return the seconds from each kill to the next claim of the chunk that the victim held."""
    deaths = {pid: at for at, pid, *_ in place.noted("kills")}
    deaths |= {victim: at for at, _, victim in place.noted("victims")}
    claims: dict[tuple[str, str, int], list[tuple[float, int]]] = {}
    last: dict[int, tuple[float, tuple[str, str, int]]] = {}
    for at, pid, job_id, kind, seq, _ in place.noted("claims"):
        claims.setdefault((job_id, kind, seq), []).append((at, pid))
        last[pid] = at, (job_id, kind, seq)
    found = []
    for pid, died in deaths.items():
        if pid in last:
            claimed, chunk = last[pid]
            later = [at for at, other in claims[chunk] if other != pid and at > max(claimed, died)]
            found += [min(later) - died] if later else []
    return sorted(found)


def _quantile(values: Sequence[float], share: float) -> float:
    return round(values[math.ceil(share * len(values)) - 1], 2) if values else 0.0


def _kind(message: str) -> str:
    """Return what an error is, without what differs from one to the next."""
    return message.partition(" of job ")[0].partition(" on job ")[0][:100]
