"""The lease protocol as SQL: every statement that moves a job or a chunk, and nothing else.

Each is written once for SQLite and PostgreSQL; where they differ stands a name in braces, and
`Dialect` says what it is on each. Which statuses a statement may start from is read off the
core's table. Order within a transaction: the chunk's row, then the job's, so that no two wait for
each other in a circle.
"""

from typing import Any, Final

import attrs
import sqlalchemy as sa

from batchjob.core.chunks import MAX_BACKOFF, ChunkKind
from batchjob.core.results import OUTCOMES
from batchjob.core.status import OPEN, STAMPS, Verb, sources, target
from batchjob.stores.columns import JsonText, UtcTime
from batchjob.stores.rules import CLAIMABLE, TO_CLAIM
from batchjob.stores.tables import CLAIMABLE_STATES, ENDED, chunk, columns, job, quoted


@attrs.frozen(kw_only=True)
class Dialect:
    """How a database says what the other one says differently.

    ``now`` is its clock in seconds since 1970, read when the statement runs (PostgreSQL's own
    ``now()`` stands still in a transaction). ``first_chunk`` is the one of the first job ``j`` that
    has one to be claimed: it looks at one job after the other and stops. ``walk`` comes before it
    where the planner needs to be told, until the transaction's end, to walk the index in its order:
    it expects next to nothing of a plan's fresh rows, and would collect and sort them all for each
    claim. ``lock`` takes the rows that a query of the chunk ``c`` finds and leaves out those that
    somebody holds, ``lock_jobs`` those of the job ``j``; ``lock_row`` waits for a row. SQLite has
    one writer at a time and needs none of them.
    """

    now: str
    first_chunk: str
    walk: str = ""
    lock: str = ""
    lock_jobs: str = ""
    lock_row: str = ""


DIALECTS: Final = {
    "sqlite": Dialect(
        now="((julianday('now') - 2440587.5) * 86400.0)",
        first_chunk="batchjob_chunk c WHERE {of_job_to_try} ORDER BY j.id, {order} LIMIT 1",
    ),
    "postgresql": Dialect(
        now="CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
        first_chunk="""LATERAL (SELECT * FROM batchjob_chunk c WHERE {of_job_to_try}
            ORDER BY {order} LIMIT 1 FOR UPDATE SKIP LOCKED) c ORDER BY j.id LIMIT 1""",
        walk="""SELECT set_config('enable_bitmapscan', 'off', true),
            set_config('enable_sort', 'off', true), set_config('jit', 'off', true)""",
        lock="FOR UPDATE OF c SKIP LOCKED",
        lock_jobs="FOR UPDATE OF j SKIP LOCKED",
        lock_row="FOR UPDATE",
    ),
}

# A time further ahead than any that is ever set comes from a clock that was put back since: it
# counts as over, or the chunk would stand still for as long. The token keeps that safe.
EXPIRED: Final = """(c.state = 'leased' AND (c.lease_until < {now}
    OR c.lease_until > {now} + 2 * c.lease_s))"""
READY: Final = """(c.state = 'ready' AND (c.not_before <= {now}
    OR c.not_before > {now} + {max_backoff}))"""

JOB_TO_TRY: Final = "j.status IN {to_claim} AND j.paused_at IS NULL"
TO_TRY: Final = """c.job_id = j.id AND c.state IN {claimable_states}
    AND c.attempts < c.max_attempts AND {claimable}"""
ORDER: Final = "c.not_before, c.kind, c.seq"

MINE: Final = """job_id = :job_id AND kind = :kind AND seq = :seq
    AND token = :token AND state = 'leased'"""
LIVE: Final = """EXISTS (SELECT 1 FROM batchjob_job j
    WHERE j.id = :job_id AND j.status IN {open})"""
STAMP: Final = "CASE WHEN updated_at > :at THEN updated_at ELSE :at END"

CLAIM: Final = """
WITH pick AS MATERIALIZED (
    SELECT c.job_id, c.kind, c.seq
    FROM (SELECT j.id, j.status FROM batchjob_job j
        WHERE {job_to_try} AND j.batch_type IN :batch_types {of_job} ORDER BY j.id) j
    CROSS JOIN {first_chunk})
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

RENEW: Final = """
UPDATE batchjob_chunk SET lease_until = {now} + lease_s WHERE {mine} AND {live}
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

# The row of the job is held by the move before it, so the last event is the one before this one.
ADD_EVENT: Final = """
INSERT INTO batchjob_event (job_id, n, at, actor, from_status, to_status, reason)
SELECT j.id, e.n + 1, j.updated_at, :actor, e.to_status, j.status, :reason
FROM batchjob_job j JOIN batchjob_event e ON e.job_id = j.id
WHERE j.id = :job_id ORDER BY e.n DESC LIMIT 1
"""

MOVE: Final = """
UPDATE batchjob_job SET status = '{target}', {its_stamp} = {stamp}, updated_at = {stamp} {sets}
WHERE id = :job_id AND status IN {sources} RETURNING total, dry_run
"""
SETS: Final[dict[Verb, str]] = {
    "pre_process": """, context = :context, stat_descriptors = :stat_descriptors,
    total = (SELECT count(*) FROM batchjob_chunk WHERE job_id = :job_id AND kind = 'work'),
    count = (SELECT coalesce(sum(weight), 0) FROM batchjob_chunk
        WHERE job_id = :job_id AND kind = 'work')""",
    "complete": """, file_key = :file_key, file_size = :file_size, file_sha256 = :file_sha256,
    tidied_at = {stamp}""",
    "fail": ", errors = :errors, error_count = :error_count",
}

# Sweeping. Each statement looks again at what it changes; nothing rests on an earlier read.
EXHAUSTED: Final = "{expired} AND c.attempts >= c.max_attempts AND c.state IN {claimable_states}"
BURY: Final = """
WITH pick AS MATERIALIZED (
    SELECT c.job_id, c.kind, c.seq FROM batchjob_chunk c WHERE {exhausted} LIMIT 1 {lock})
UPDATE batchjob_chunk SET state = 'dead', token = token + 1, worker = NULL, lease_until = NULL
FROM pick p
WHERE batchjob_chunk.job_id = p.job_id AND batchjob_chunk.kind = p.kind
    AND batchjob_chunk.seq = p.seq
RETURNING batchjob_chunk.job_id, batchjob_chunk.kind, batchjob_chunk.seq, batchjob_chunk.attempts
"""
UNTIDY: Final = "j.status IN {ended} AND j.tidied_at IS NULL"
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
UNFINISHED: Final = """j.status IN {to_claim} AND j.status IN {to_finish}
    AND j.done = j.total AND NOT EXISTS (SELECT 1 FROM batchjob_chunk c
    WHERE c.job_id = j.id AND c.kind = 'finish')"""
REPAIR: Final = """
INSERT INTO batchjob_chunk (job_id, kind, seq) SELECT j.id, 'finish', 0 FROM batchjob_job j
WHERE {unfinished} ON CONFLICT DO NOTHING
"""
TO_SWEEP: Final = """
SELECT EXISTS (SELECT 1 FROM batchjob_chunk c WHERE {exhausted}),
    EXISTS (SELECT 1 FROM batchjob_job j WHERE {untidy}),
    EXISTS (SELECT 1 FROM batchjob_job j WHERE {unfinished})
"""

NEXT_CLAIM: Final = """
SELECT min(CASE WHEN {ready} OR {expired} THEN 0.0
    WHEN c.state = 'ready' THEN c.not_before - {now} ELSE c.lease_until - {now} END)
FROM batchjob_job j CROSS JOIN batchjob_chunk c
WHERE j.id = :job_id AND {job_to_try} AND {to_try}
"""

_TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "at": UtcTime(),
    "context": JsonText(),
    "error": JsonText(),
    "errors": JsonText(),
    "result": JsonText(),
    "stat_descriptors": JsonText(),
}


def _claimable() -> str:
    # no OR of kinds: PostgreSQL would look for each and sort, not walk the index in its order
    arms = (f"WHEN '{kind}' THEN j.status IN {quoted(of)}" for kind, of in CLAIMABLE.items())
    return f"CASE c.kind {' '.join(arms)} END"


def _add_outcomes() -> str:
    # with nothing to add the column stays as it is, NULL too
    return ", ".join(
        f"rows_{name} = coalesce(rows_{name} + :{name}, rows_{name}, :{name})" for name in OUTCOMES
    )


def _words(dialect: Dialect) -> dict[str, str]:
    words = {
        **attrs.asdict(dialect),
        "max_backoff": str(MAX_BACKOFF),
        "claimable_states": quoted(CLAIMABLE_STATES),
        "claimable": _claimable(),
        "add_outcomes": _add_outcomes(),
        "open": quoted(OPEN),
        "ended": quoted(ENDED),
        "to_claim": quoted(TO_CLAIM),
        "to_start": quoted(sources("start")),
        "to_complete": quoted(sources("complete")),
        "to_finish": quoted(CLAIMABLE[ChunkKind.FINISH]),
        "stamp": STAMP,
        "order": ORDER,
        "mine": MINE,
    }
    fragments = {
        "expired": EXPIRED,
        "ready": READY,
        "live": LIVE,
        "job_to_try": JOB_TO_TRY,
        "to_try": TO_TRY,
        "of_job_to_try": "{to_try} AND ({ready} OR {expired})",
        "first_chunk": dialect.first_chunk,
        "exhausted": EXHAUSTED,
        "untidy": UNTIDY,
        "unfinished": UNFINISHED,
    }
    for name, fragment in fragments.items():
        words[name] = fragment.format_map(words)
    return words


class Statements:
    """The protocol's statements, ready to run on one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._words = _words(dialect)
        self.walk = sa.text(dialect.walk) if dialect.walk else None
        self.claim, self.claim_of_job = self._claim(""), self._claim("AND j.id = :job_id")
        self.renew, self.release = self._text(RENEW), self._text(RELEASE)
        self.fail_chunk = self._text(FAIL_CHUNK)
        self.staged, self.stage, self.unstage = map(self._text, (STAGED, STAGE, UNSTAGE))
        self.done, self.advance = self._text(DONE), self._text(ADVANCE)
        self.add_finish, self.add_event = self._text(ADD_FINISH), self._text(ADD_EVENT)
        self.moves = {verb: self._move(verb) for verb in STAMPS}
        self.to_sweep, self.bury, self.void = map(self._text, (TO_SWEEP, BURY, VOID))
        self.tidied, self.repair = self._text(TIDIED), self._text(REPAIR)
        self.next_claim = self._text(NEXT_CLAIM)

    def _text(self, sql: str, **more: str) -> sa.TextClause:
        text = sa.text(sql.format_map({**self._words, **more}))
        typed = {name: _TYPES[name] for name in text._bindparams.keys() & _TYPES.keys()}  # noqa: SLF001
        return text.bindparams(*(sa.bindparam(name, type_=type_) for name, type_ in typed.items()))

    def _claim(self, of_job: str) -> sa.TextualSelect:
        text = self._text(CLAIM, of_job=of_job)
        names = "job_id", "kind", "seq", "token", "attempts", "max_attempts", "payload", "weight"
        typed = {column.name: column for column in columns(chunk, *names)}
        listed: sa.BindParameter[Any] = sa.bindparam("batch_types", expanding=True)
        return text.bindparams(listed).columns(
            *(typed[name] for name in names), sa.column("to_start", sa.Boolean)
        )

    def _move(self, verb: Verb) -> sa.TextualSelect:
        sets = SETS.get(verb, "").format_map(self._words)
        status, stamp, statuses = target(verb), STAMPS[verb], quoted(sources(verb))
        text = self._text(MOVE, target=status, its_stamp=stamp, sources=statuses, sets=sets)
        return text.columns(*columns(job, "total", "dry_run"))
