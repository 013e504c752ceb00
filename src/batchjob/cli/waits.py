"""What a job waits for, in words."""

from collections.abc import Callable, Mapping
from typing import Final

from batchjob.cli.settings import Where
from batchjob.core.job import BatchJob
from batchjob.core.standing import Standing, Wait


def waits_for(standing: Standing, job: BatchJob, where: Where) -> str:
    """Say what *job* waits for, and by which command it goes on; nothing if it does not wait."""
    return "" if standing.wait is None else _WAITS[standing.wait](standing, job, where)


def _retry(standing: Standing, job: BatchJob, where: Where) -> str:
    spent = f"{standing.attempts} of its attempts failed, the last with {standing.last_error}"
    return f"the next try of a chunk, in about {standing.seconds or 0:.0f} s; {spent}"


_WAITS: Final[Mapping[Wait, Callable[[Standing, BatchJob, Where], str]]] = {
    Wait.CONFIRMATION: lambda _, job, where: f"a confirmation: {where.command('confirm', job.id)}",
    Wait.RESUME: lambda _, job, where: f"somebody to resume it: {where.command('resume', job.id)}",
    Wait.STRATEGY: lambda _, job, __: (
        f"a plugin that offers {job.batch_type}; none that is installed here does, or it is older "
        "than the job"
    ),
    Wait.EXCLUSIVE: lambda standing, _, __: f"the end of job {standing.blocked_by}",
    Wait.ACTOR: lambda _, job, __: f"the end of other jobs of {job.created_by}",
    Wait.RETRY: _retry,
    Wait.LEASE: lambda standing, _, __: (
        f"the workers on its last {standing.workers} chunks; if they are gone, their leases end in "
        f"about {standing.seconds or 0:.0f} s"
    ),
    Wait.WORKER: lambda _, job, where: f"a worker: {where.command('work', job.id)}",
}
