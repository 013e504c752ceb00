"""Every error that batchjob raises on purpose, and nothing else.

Each has typed fields, survives pickling (``args`` rebuild it), and builds its message from the
fields. A message is written for the person who has to act on it: what was found, what would be
right; no SQL, secret or path of the server. ``code`` is the stable snake_case name of the kind.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import ClassVar, NamedTuple


class BatchJobError(Exception):
    """Base of every error that batchjob raises on purpose."""

    code: ClassVar[str] = "error"


class InvalidState(BatchJobError):
    """The job's status has no move by this verb; the job is as it was.

    ``allowed`` are the statuses that have one.
    """

    code = "invalid_state"

    def __init__(self, job_id: str, verb: str, status: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(job_id, verb, status, tuple(allowed))
        self.job_id, self.verb, self.status, self.allowed = job_id, verb, status, tuple(allowed)

    def __str__(self) -> str:
        right = f"; it would have to be {' or '.join(self.allowed)}" if self.allowed else ""
        return f"cannot {self.verb} job {self.job_id}: it is {self.status}{right}"


class InvalidTime(BatchJobError, ValueError):
    """A time without a zone was given; every time of a job is an aware UTC time."""

    code = "invalid_time"

    def __init__(self, given: str) -> None:
        super().__init__(given)
        self.given = given

    def __str__(self) -> str:
        return f"the time {self.given} has no zone; give an aware one, such as datetime.now(UTC)"


class UnknownJob(BatchJobError, LookupError):
    """No job has this id (or it is not the actor's)."""

    code = "unknown_job"

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id

    def __str__(self) -> str:
        return f"there is no job {self.job_id!r}"


class DuplicateJob(BatchJobError, ValueError):
    """There is a job of this id already; it is as it was."""

    code = "duplicate_job"

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id

    def __str__(self) -> str:
        return f"there is a job {self.job_id!r} already"


class IdempotencyConflict(BatchJobError, ValueError):
    """The creator has used this idempotency key for another request; nothing was made."""

    code = "idempotency_conflict"

    def __init__(self, key: str, job_id: str) -> None:
        super().__init__(key, job_id)
        self.key, self.job_id = key, job_id

    def __str__(self) -> str:
        return (
            f"the idempotency key {self.key!r} was used for another request, which made job "
            f"{self.job_id}; use a new key for a new request"
        )


class Forbidden(BatchJobError, PermissionError):
    """The actor sees jobs of this batch type, but may not do this to them; nothing was changed."""

    code = "forbidden"

    def __init__(self, action: str, batch_type: str) -> None:
        super().__init__(action, batch_type)
        self.action, self.batch_type = action, batch_type

    def __str__(self) -> str:
        return f"you may not {self.action} this job of type {self.batch_type}"


class NoResult(BatchJobError, LookupError):
    """The job has no file: it has not completed, or its strategy makes none."""

    code = "no_result"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(job_id, status)
        self.job_id, self.status = job_id, status

    def __str__(self) -> str:
        return f"job {self.job_id} has no file: it is {self.status}"


class NoReport(NoResult):
    """The job has no error report: nothing was wrong with its rows, or it reads none."""

    code = "no_report"

    def __str__(self) -> str:
        return f"job {self.job_id} has no error report: it is {self.status}"


class NoPreview(NoResult):
    """The job has no preview: it is not planned yet, or its batch type has none."""

    code = "no_preview"

    def __str__(self) -> str:
        return f"job {self.job_id} has no list of changes: it is {self.status}"


class NoTemplate(BatchJobError, LookupError):
    """There is no file to fill in for jobs of this batch type."""

    code = "no_template"

    def __init__(self, batch_type: str) -> None:
        super().__init__(batch_type)
        self.batch_type = batch_type

    def __str__(self) -> str:
        return f"there is no template for jobs of type {self.batch_type}: they are given no file"


class FileInUse(BatchJobError, ValueError):
    """The file is what a job made, and goes when the job is purged; it is as it was."""

    code = "file_in_use"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return "the file is what a job made; it goes when the job is purged"


class UnknownName(BatchJobError, LookupError):
    """Base of errors about a name that is not in a list; ``known`` holds the list, sorted."""

    what: ClassVar[str] = "name"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name, tuple(sorted(known)))
        self.name, self.known = name, tuple(sorted(known))

    @property
    def nearest(self) -> str | None:
        """The known name most like the given one, or None where none is near."""
        return nearest(self.name, self.known)

    def __str__(self) -> str:
        guess = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"unknown {self.what} {self.name!r}; known: {', '.join(self.known) or 'none'}{guess}"


class UnknownBatchType(UnknownName):
    """No strategy has this batch type."""

    code = "unknown_type"
    what = "batch type"


class UnknownScheme(UnknownName):
    """No store, file store or engine has this URL scheme; ``kind`` says which of them was asked."""

    code = "unknown_scheme"

    def __init__(self, name: str, known: Sequence[str], kind: str) -> None:
        super().__init__(name, known)
        self.args = (name, self.known, kind)
        self.kind = kind

    def __str__(self) -> str:
        return super().__str__().replace("unknown name", f"unknown {self.kind} scheme", 1)


class AmbiguousBatchType(BatchJobError):
    """Two plugins registered strategies with one batch type, so that neither is used."""

    code = "ambiguous_type"

    def __init__(self, batch_type: str, plugins: Sequence[str]) -> None:
        super().__init__(batch_type, tuple(plugins))
        self.batch_type, self.plugins = batch_type, tuple(plugins)

    def __str__(self) -> str:
        if len(set(self.plugins)) == 1:
            return f"batch type {self.batch_type!r} is offered twice by plugin {self.plugins[0]}"
        return (
            f"batch type {self.batch_type!r} is claimed by the plugins "
            f"{' and '.join(self.plugins)}; disable all but one of them"
        )


class InvalidStrategy(BatchJobError, TypeError):
    """A strategy class breaks a rule that can be seen when it is registered."""

    code = "invalid_strategy"

    def __init__(self, strategy: str, fault: str) -> None:
        super().__init__(strategy, fault)
        self.strategy, self.fault = strategy, fault

    def __str__(self) -> str:
        return f"strategy {self.strategy}: {self.fault}"


class ResultNotSerialisable(InvalidStrategy):
    """What a strategy's method returned or planned is nothing that a store can keep."""

    code = "result_not_serialisable"


class ContextVersion(BatchJobError):
    """The strategy has no way from the version that a job's context was made by to its own."""

    code = "context_version"

    def __init__(self, batch_type: str, made_by: int, version: int) -> None:
        super().__init__(batch_type, made_by, version)
        self.batch_type, self.made_by, self.version = batch_type, made_by, version

    def __str__(self) -> str:
        return (
            f"the context was made by version {self.made_by} of {self.batch_type}, and version "
            f"{self.version} does not upgrade it; make a new job"
        )


class MisplacedCall(BatchJobError, RuntimeError):
    """A strategy asked its run for something that this phase does not have."""

    code = "misplaced_call"

    def __init__(self, call: str, phase: str, right: str) -> None:
        super().__init__(call, phase, right)
        self.call, self.phase, self.right = call, phase, right

    def __str__(self) -> str:
        return f"run.{self.call} is for {self.right}, not for {self.phase}"


class PluginProblem(BatchJobError):
    """A plugin could not be used, wholly or in part; the others are not touched by it."""

    code = "plugin_problem"

    def __init__(self, plugin: str, fault: str) -> None:
        super().__init__(plugin, fault)
        self.plugin, self.fault = plugin, fault

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.fault}"


class MissingExtra(BatchJobError, ImportError):
    """A feature needs third-party packages that an extra of batchjob installs."""

    code = "missing_extra"

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(feature, extra)
        self.feature, self.extra = feature, extra

    def __str__(self) -> str:
        return f"{self.feature} needs more packages: pip install 'batchjob[{self.extra}]'"


class Fault(NamedTuple):
    """One thing that is wrong with a JSON document.

    ``pointer`` is an RFC 6901 JSON pointer to the place ("" is the whole document); ``message``
    says what was found and what would be right; ``code`` is the stable name of its kind.
    """

    pointer: str
    message: str
    code: str = "invalid_value"

    def __str__(self) -> str:
        return f"{self.pointer or 'the whole'}: {self.message}"


class InvalidDocument(BatchJobError, ValueError):
    """A JSON document does not fit; ``faults`` holds every place and what is wrong there."""

    code = "invalid_document"
    what: ClassVar[str] = "document"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(tuple(faults))
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return f"invalid {self.what}: " + "; ".join(map(str, self.faults))


class InvalidContext(InvalidDocument):
    """The context of a job does not fit its batch type; the job was not made."""

    code = "invalid_context"
    what = "context"


class Refused(BatchJobError):
    """Raised by a strategy to end a job on purpose: trying again would not help.

    ``reason`` is shown to the user, so it is in the user's words. ``errors`` may hold
    `batchjob.core.results.JobError` values with row and column.
    """

    code = "refused"

    def __init__(self, reason: str, errors: Sequence[object] = ()) -> None:
        super().__init__(reason, tuple(errors))
        self.reason, self.errors = reason, tuple(errors)

    def __str__(self) -> str:
        return self.reason


class InputChanged(BatchJobError):
    """The file that a job reads is not as it was uploaded; nothing was done by it."""

    code = "input_changed"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        return f"the job's file {self.fault}; upload it again and make a new job"


class FileFault(Refused):
    """A file that an import was given cannot be read, so that no row of it counts.

    ``errors`` hold `batchjob.core.results.JobError` values: what is wrong, and where.
    """

    code = "file_fault"

    def __init__(self, errors: Sequence[object]) -> None:
        super().__init__("the file cannot be read", errors)
        self.args = (tuple(errors),)

    def __str__(self) -> str:
        said = "; ".join(str(getattr(error, "message", error)) for error in self.errors)
        return f"{self.reason}: {said}"


class TimeLimit(BatchJobError):
    """An attempt at a chunk took longer than its strategy allows."""

    code = "time_limit"

    def __init__(self, kind: str, seq: int, seconds: float) -> None:
        super().__init__(kind, seq, seconds)
        self.kind, self.seq, self.seconds = kind, seq, seconds

    def __str__(self) -> str:
        return f"{self.kind} {self.seq} was not done within its time limit of {self.seconds:g} s"


class LeaseLost(BatchJobError):
    """The lease of a chunk is another worker's now, or the job has ended; nothing was kept."""

    code = "lease_lost"

    def __init__(self, job_id: str, kind: str, seq: int, token: int) -> None:
        super().__init__(job_id, kind, seq, token)
        self.job_id, self.kind, self.seq, self.token = job_id, kind, seq, token

    def __str__(self) -> str:
        return f"lease {self.token} on {self.kind} {self.seq} of job {self.job_id} is lost"


class Paused(BatchJobError):
    """The job was paused: the chunk is given back, and goes on when the job is resumed."""

    code = "paused"

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id

    def __str__(self) -> str:
        return f"job {self.job_id} is paused"


class _Worded(BatchJobError):
    """Base of errors that say one sentence, made where the facts are known."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class InvalidSetting(_Worded, ValueError):
    """A setting (an option, a variable, an argument of `BatchJobs.open`) cannot be used."""

    code = "invalid_setting"


class InvalidArgument(BatchJobError, TypeError):
    """A verb of `BatchJobs` was given something of another kind than it takes."""

    code = "invalid_argument"

    def __init__(self, name: str, found: str, right: str) -> None:
        super().__init__(name, found, right)
        self.name, self.found, self.right = name, found, right

    def __str__(self) -> str:
        return f"{self.name} cannot be {self.found}; give {self.right}"


class StoreUnavailable(_Worded, ConnectionError):
    """A store, file store or catalogue is out of reach, or is not what it should be."""

    code = "store_unavailable"


class TransientConflict(StoreUnavailable):
    """The database ended this transaction for another one: done again, it would pass."""


class StoreTooNew(StoreUnavailable):
    """The store was made or upgraded by a newer batchjob; this one must not write to it."""

    code = "store_too_new"


class StorageFull(StoreUnavailable):
    """There is no room left for a file or a row; what was being written is not there."""

    code = "storage_full"


class InvalidKey(_Worded, ValueError):
    """A file key is not relative, leads out of the file store, or is not for what was asked."""

    code = "file_key"


class UnknownFile(BatchJobError, FileNotFoundError):
    """The file store holds nothing under this key."""

    code = "unknown_file"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"there is no file {self.key!r}"


class UnknownToken(BatchJobError, LookupError):
    """No token has this id. What does not look like one is not repeated: it may be a secret."""

    code = "unknown_token"

    def __init__(self, token_id: str) -> None:
        shown = token_id if token_id.startswith("tok_") else "***"
        super().__init__(shown)
        self.token_id = shown

    def __str__(self) -> str:
        return f"there is no token {self.token_id!r}; its id begins with tok_"


class PartCorrupt(BatchJobError):
    """A part of a job's file is missing or not what its worker wrote; nothing was published.

    ``seq`` is the chunk whose part it is, None for a file that the plan has staged.
    """

    code = "part_corrupt"

    def __init__(self, seq: int | None, fault: str) -> None:
        super().__init__(seq, fault)
        self.seq, self.fault = seq, fault

    def __str__(self) -> str:
        of = "a file of the plan" if self.seq is None else f"the part of chunk {self.seq}"
        return f"{of} {self.fault}"


def nearest(name: object, known: Sequence[str]) -> str | None:
    """Return the one of *known* most like *name*, or None where none is near."""
    return next(iter(get_close_matches(name, known, n=1)), None) if isinstance(name, str) else None
