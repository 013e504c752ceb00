"""The lease protocol as SQL: every statement that moves a job or a chunk, and nothing else.

Each is written once for SQLite and PostgreSQL, of the words in `dialects`. Order within a
transaction: the chunk's row, then the job's, so that no two wait for each other in a circle.
"""

from typing import Any, Final

import sqlalchemy as sa

from batchjob.core.status import STAMPS, Verb, sources, target
from batchjob.stores.columns import JsonText, UtcTime
from batchjob.stores.dialects import Dialect, words
from batchjob.stores.tables import chunk, columns, job, quoted

CLAIM: Final = """
WITH pick AS MATERIALIZED (SELECT c.job_id, c.kind, c.seq FROM {first})
UPDATE batchjob_chunk SET state = 'leased', token = token + 1, attempts = attempts + 1,
    worker = :worker, lease_s = :seconds, lease_until = {now} + :seconds
FROM pick p
WHERE batchjob_chunk.job_id = p.job_id AND batchjob_chunk.kind = p.kind
    AND batchjob_chunk.seq = p.seq
RETURNING batchjob_chunk.job_id, batchjob_chunk.kind, batchjob_chunk.seq, batchjob_chunk.token,
    batchjob_chunk.attempts, batchjob_chunk.max_attempts, batchjob_chunk.payload,
    batchjob_chunk.weight,
    (SELECT j.status IN {to_start} FROM batchjob_job j WHERE j.id = batchjob_chunk.job_id)
"""

STILL_MAY_START: Final = """
SELECT {may_start} FROM batchjob_job j WHERE j.id = :job_id
"""

RENEW: Final = """
UPDATE batchjob_chunk SET lease_until = {now} + lease_s WHERE {mine} AND {live}
RETURNING (SELECT j.paused_at IS NOT NULL FROM batchjob_job j WHERE j.id = batchjob_chunk.job_id)
"""

RELEASE: Final = """
UPDATE batchjob_chunk SET state = 'ready', attempts = attempts - 1, worker = NULL,
    lease_until = NULL
WHERE {mine}
"""

FAIL_CHUNK: Final = """
UPDATE batchjob_chunk SET
    state = CASE WHEN attempts >= max_attempts OR :give_up THEN 'dead' ELSE 'ready' END,
    token = token + 1, not_before = {now} + :delay, error = :error, worker = NULL,
    lease_until = NULL
WHERE {mine} RETURNING state
"""

# What an attempt staged carries its token on the plan's row: another one's is replaced.
STAGED: Final = """
SELECT staged_by FROM batchjob_chunk WHERE {mine} AND {live} {lock_row}
"""
STAGE: Final = """
UPDATE batchjob_chunk SET staged_by = :token WHERE {mine}
"""
UNSTAGE: Final = """
DELETE FROM batchjob_chunk WHERE job_id = :job_id AND kind = 'work'
"""

DONE: Final = """
UPDATE batchjob_chunk SET state = 'done', result = :result, worker = NULL, lease_until = NULL
WHERE {mine} RETURNING weight, staged_by
"""

ADVANCE: Final = """
UPDATE batchjob_job SET done = done + 1, advancement_count = advancement_count + :weight,
    {add_outcomes}, updated_at = {stamp}
WHERE id = :job_id AND status IN {to_complete} RETURNING done = total
"""

ADD_FINISH: Final = """
INSERT INTO batchjob_chunk (job_id, kind, seq) VALUES (:job_id, 'finish', 0)
ON CONFLICT DO NOTHING
"""

ADD_FIRST_EVENT: Final = """
INSERT INTO batchjob_event (job_id, n, at, actor, to_status, stored_at)
SELECT j.id, 1, j.created_at, j.created_by, j.status, {now} FROM batchjob_job j
WHERE j.id = :job_id
"""
# The row of the job is held by the move before it, so the last event is the one before this one.
ADD_EVENT: Final = """
INSERT INTO batchjob_event (job_id, n, at, actor, from_status, to_status, reason, stored_at)
SELECT j.id, e.n + 1, j.updated_at, :actor, e.to_status, j.status, :reason, {now}
FROM batchjob_job j JOIN batchjob_event e ON e.job_id = j.id
WHERE j.id = :job_id ORDER BY e.n DESC LIMIT 1
"""

MOVE: Final = """
UPDATE batchjob_job AS j
SET status = '{target}', {its_stamp} = {stamp}, updated_at = {stamp} {sets}
WHERE j.id = :job_id AND j.status IN {sources} {also} RETURNING total, dry_run
"""
_MADE: Final = """, errors = :errors, error_count = :error_count, file_key = :file_key,
    file_size = :file_size, file_sha256 = :file_sha256"""
_PLANNED: Final = """, amended = :amended, stat_descriptors = :stat_descriptors,
    total = (SELECT count(*) FROM batchjob_chunk WHERE job_id = :job_id AND kind = 'work'),
    count = (SELECT coalesce(sum(weight), 0) FROM batchjob_chunk
        WHERE job_id = :job_id AND kind = 'work')"""
# A report that the plan has made is there for a job that fails later, too.
_FAILED: Final = """, errors = :errors, error_count = :error_count,
    file_key = coalesce(:file_key, file_key), file_size = coalesce(:file_size, file_size),
    file_sha256 = coalesce(:file_sha256, file_sha256)"""
_ENDED: Final = ", ended_at = {stamp}"
SETS: Final[dict[Verb, str]] = {
    "pre_process": _PLANNED + _MADE,
    "complete": _MADE + _ENDED + ", tidied_at = {stamp}",
    "cancel": _ENDED,
    "fail": _FAILED + _ENDED,
}

PAUSE: Final = """
UPDATE batchjob_job SET paused_at = {stamp}, updated_at = {stamp}
WHERE id = :job_id AND status IN {open} AND paused_at IS NULL RETURNING id
"""
PAUSED: Final = """
SELECT status, paused_at, processing_at, updated_at FROM batchjob_job
WHERE id = :job_id AND status IN {open} AND paused_at IS NOT NULL {lock_row}
"""
RESUME: Final = """
UPDATE batchjob_job SET paused_at = NULL, paused_s = paused_s + :seconds, updated_at = {stamp}
WHERE id = :job_id AND status IN {open} AND paused_at IS NOT NULL RETURNING id
"""

# Sweeping. Each statement looks again at what it changes; nothing rests on an earlier read.
BURY: Final = """
WITH pick AS MATERIALIZED (
    SELECT c.job_id, c.kind, c.seq FROM batchjob_chunk c WHERE {exhausted} LIMIT 1 {lock})
UPDATE batchjob_chunk SET state = 'dead', token = token + 1, worker = NULL, lease_until = NULL
FROM pick p
WHERE batchjob_chunk.job_id = p.job_id AND batchjob_chunk.kind = p.kind
    AND batchjob_chunk.seq = p.seq
RETURNING batchjob_chunk.job_id, batchjob_chunk.kind, batchjob_chunk.seq, batchjob_chunk.attempts
"""
VOID: Final = """
WITH pick AS MATERIALIZED (
    SELECT c.job_id, c.kind, c.seq FROM batchjob_job j JOIN batchjob_chunk c ON c.job_id = j.id
    WHERE {untidy} AND c.state IN {claimable_states} LIMIT :most {lock})
UPDATE batchjob_chunk SET state = 'void', worker = NULL, lease_until = NULL
FROM pick p
WHERE batchjob_chunk.job_id = p.job_id AND batchjob_chunk.kind = p.kind
    AND batchjob_chunk.seq = p.seq
"""
TIDIED: Final = """
WITH pick AS MATERIALIZED (
    SELECT j.id FROM batchjob_job j WHERE {untidy} AND NOT EXISTS (SELECT 1 FROM batchjob_chunk c
        WHERE c.job_id = j.id AND c.state IN {claimable_states}) LIMIT :most {lock_jobs})
UPDATE batchjob_job SET tidied_at = :at FROM pick p WHERE batchjob_job.id = p.id
"""
REPAIR: Final = """
INSERT INTO batchjob_chunk (job_id, kind, seq) SELECT j.id, 'finish', 0 FROM batchjob_job j
WHERE {unfinished} ON CONFLICT DO NOTHING
"""
SERVE: Final = """
WITH pick AS MATERIALIZED (
    SELECT j.id FROM batchjob_job j WHERE {overlooked} LIMIT :most {lock_jobs})
UPDATE batchjob_job SET served_at = :at FROM pick p WHERE batchjob_job.id = p.id
"""
STRAYS: Final = """
SELECT j.id, j.batch_type, j.context_version FROM batchjob_job j WHERE {stranded} LIMIT :most
"""
TO_SWEEP: Final = """
SELECT EXISTS (SELECT 1 FROM batchjob_chunk c WHERE {exhausted}),
    EXISTS (SELECT 1 FROM batchjob_job j WHERE {untidy}),
    EXISTS (SELECT 1 FROM batchjob_job j WHERE {unfinished}),
    EXISTS (SELECT 1 FROM batchjob_job j WHERE {overlooked}),
    EXISTS (SELECT 1 FROM batchjob_job j WHERE {stranded})
"""

NEXT_CLAIM: Final = """
SELECT CASE WHEN {chunk_to_claim} THEN 0.0
    ELSE (SELECT min({wait}) FROM batchjob_chunk c WHERE {to_try}) END
FROM batchjob_job j WHERE j.id = :job_id AND {job_to_try}
"""

STANDING: Final = """
SELECT j.status, j.batch_type, j.context_version, j.paused_at, j.retry_of, j.total, j.done,
    j.count, j.advancement_count, j.processing_at, j.updated_at, j.paused_s,
    CASE WHEN j.status IN {to_start} THEN (SELECT min(p.id) {blockers}) END AS blocked_by,
    CASE WHEN j.status IN {to_start} AND j.created_by IS NOT NULL THEN ({busy}) END AS busy,
    {job_to_try} AND {chunk_to_claim} AS ready
FROM batchjob_job j WHERE j.id = :job_id
"""
# Of the chunks that were tried before, the first will do; ready ones may be many.
TRIED: Final = """
SELECT c.kind, c.seq, c.state, c.attempts, c.max_attempts, {wait} AS seconds, c.error
FROM batchjob_chunk c WHERE c.job_id = :job_id AND c.state = 'leased'
UNION ALL SELECT * FROM (
    SELECT c.kind, c.seq, c.state, c.attempts, c.max_attempts, {wait} AS seconds, c.error
    FROM batchjob_chunk c
    WHERE c.job_id = :job_id AND c.kind IN {kinds} AND c.not_before > 0
        AND c.state IN {claimable_states} AND c.state = 'ready'
    ORDER BY c.not_before, c.seq LIMIT 1) c
"""

# Listening.
LISTENER: Final = """
SELECT l.position, {free} AS free FROM batchjob_listener l WHERE l.name = :name {lock_row}
"""
NEWS: Final = """
SELECT NOT EXISTS (SELECT 1 FROM batchjob_listener l WHERE l.name = :name) OR EXISTS (
    SELECT 1 FROM batchjob_listener l JOIN batchjob_event e ON e.position > l.position
    WHERE l.name = :name AND {free})
"""
HOLD: Final = """
UPDATE batchjob_listener SET worker = :worker, held_until = {now} + :seconds, held_s = :seconds
WHERE name = :name
"""
ADD_LISTENER: Final = """
INSERT INTO batchjob_listener (name, position) VALUES (:name, :position) ON CONFLICT DO NOTHING
"""
HEARD: Final = """
UPDATE batchjob_listener SET position = :position
WHERE name = :name AND worker = :worker AND position < :position
"""
HAND_OVER: Final = """
UPDATE batchjob_listener SET worker = NULL, held_until = NULL
WHERE name = :name AND worker = :worker
"""
EVENTS_AFTER: Final = """
SELECT e.position, e.job_id, e.n, e.at, e.actor, e.from_status, e.to_status, e.reason,
    {settled} AS settled
FROM batchjob_event e WHERE e.position > :position ORDER BY e.position LIMIT :most
"""
LAST_SETTLED: Final = """
SELECT e.position FROM batchjob_event e WHERE {settled} ORDER BY e.position DESC LIMIT 1
"""

_TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "amended": JsonText(),
    "at": UtcTime(),
    "batch_types": sa.Text(),
    "before": UtcTime(),
    "early": UtcTime(),
    "error": JsonText(),
    "errors": JsonText(),
    "result": JsonText(),
    "stat_descriptors": JsonText(),
}
_TIMES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    name: UtcTime() for name in ("paused_at", "processing_at", "updated_at")
}


class Statements:
    """The protocol's statements, ready to run on one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._words = words(dialect)
        self.walk = sa.text(dialect.walk) if dialect.walk else None
        self.lock_actor = sa.text(dialect.lock_actor) if dialect.lock_actor else None
        self.claim = self._claim(self._words["first_of_any"])
        self.claim_of_job = self._claim(self._words["first_of_one"])
        self.still_may_start = self._text(STILL_MAY_START)
        self.renew, self.release = self._text(RENEW), self._text(RELEASE)
        self.fail_chunk = self._text(FAIL_CHUNK)
        self.staged, self.stage, self.unstage = map(self._text, (STAGED, STAGE, UNSTAGE))
        self.done, self.advance = self._text(DONE), self._text(ADVANCE)
        self.add_finish, self.next_claim = self._text(ADD_FINISH), self._text(NEXT_CLAIM)
        self.add_first_event, self.add_event = map(self._text, (ADD_FIRST_EVENT, ADD_EVENT))
        self.moves = {verb: self._move(verb) for verb in STAMPS}
        self.pause, self.resume = self._text(PAUSE), self._text(RESUME)
        self.paused = self._text(PAUSED).columns(**_TIMES)
        self.to_sweep, self.bury, self.void = map(self._text, (TO_SWEEP, BURY, VOID))
        self.tidied, self.repair = self._text(TIDIED), self._text(REPAIR)
        self.serve, self.strays = self._text(SERVE), self._text(STRAYS)
        self.fail_stray = self._move("fail", also="AND {stranded}")
        self.standing = self._text(STANDING).columns(ready=sa.Boolean(), **_TIMES)
        self.tried = self._text(TRIED).columns(error=JsonText())
        self.listener, self.hold = self._text(LISTENER), self._text(HOLD)
        self.add_listener, self.news = self._text(ADD_LISTENER), self._text(NEWS)
        self.heard, self.hand_over = self._text(HEARD), self._text(HAND_OVER)
        self.events_after = self._text(EVENTS_AFTER).columns(at=UtcTime())
        self.last_settled = self._text(LAST_SETTLED)

    def _text(self, sql: str, **more: str) -> sa.TextClause:
        text = sa.text(sql.format_map({**self._words, **more}))
        typed = {name: _TYPES[name] for name in text._bindparams.keys() & _TYPES.keys()}  # noqa: SLF001
        return text.bindparams(*(sa.bindparam(name, type_=type_) for name, type_ in typed.items()))

    def _claim(self, first: str) -> sa.TextualSelect:
        names = "job_id", "kind", "seq", "token", "attempts", "max_attempts", "payload", "weight"
        typed = {column.name: column for column in columns(chunk, *names)}
        return self._text(CLAIM, first=first).columns(
            *(typed[name] for name in names), sa.column("to_start", sa.Boolean)
        )

    def _move(self, verb: Verb, *, also: str = "") -> sa.TextualSelect:
        text = self._text(
            MOVE,
            target=target(verb),
            its_stamp=STAMPS[verb],
            sources=quoted(sources(verb)),
            sets=SETS.get(verb, "").format_map(self._words),
            also=also.format_map(self._words),
        )
        return text.columns(*columns(job, "total", "dry_run"))
