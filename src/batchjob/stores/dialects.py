"""The words that statements are made of: conditions on jobs and chunks, on each database.

Each condition is written once for SQLite and PostgreSQL; where they differ stands a name in
braces, and `Dialect` says what it is on each. Which statuses a condition is about is read off the
core's table. No whole statement belongs here.
"""

from typing import Final

import attrs

from batchjob.core.chunks import MAX_BACKOFF, ChunkKind
from batchjob.core.results import OUTCOMES
from batchjob.core.status import OPEN, sources
from batchjob.stores.rules import CLAIMABLE, TO_CLAIM
from batchjob.stores.tables import CLAIMABLE_STATES, ENDED, LEASED, PROCESSING, quoted


@attrs.frozen(kw_only=True)
class Dialect:
    """How a database says what the other one says differently.

    ``now`` is its clock in seconds since 1970, read when the statement runs (PostgreSQL's own
    ``now()`` stands still in a transaction). ``newest`` is the newest version of the type of a job
    ``j`` that ``:batch_types`` has, NULL if it has none.

    ``first_of_any`` is the chunk ``c`` to be claimed: the first one of the first job ``j`` that has
    one. Jobs without a leased chunk come first, by age, and are looked at one after the other until
    one has a chunk; only where none has, those with leased chunks (never more than there are
    workers) are put into the order of how many they have. ``first_of_one`` is the same of one job.
    ``walk`` comes before it where the planner needs to be told, until the transaction's end, to
    walk the index in its order: it expects next to nothing of a plan's fresh rows, and would
    collect and sort them all for each claim.

    ``settled`` says of an event ``e`` that no other one can show itself before it any more.

    ``lock`` takes the rows that a query of the chunk ``c`` finds and leaves out those that somebody
    holds, ``lock_jobs`` those of the job ``j``; ``lock_row`` waits for a row. ``lock_actor`` waits
    for whoever else starts a job of the same creator. SQLite has one writer at a time and needs
    none of them.
    """

    now: str
    newest: str
    first_of_any: str
    first_of_one: str
    settled: str
    walk: str = ""
    lock: str = ""
    lock_jobs: str = ""
    lock_row: str = ""
    lock_actor: str = ""


DIALECTS: Final = {
    "sqlite": Dialect(
        now="((julianday('now') - 2440587.5) * 86400.0)",
        newest="(SELECT n.value FROM json_each(:batch_types) n WHERE n.key = j.batch_type)",
        first_of_any="""batchjob_job j CROSS JOIN batchjob_chunk c WHERE j.id = coalesce(
            (SELECT j.id FROM batchjob_job j
                WHERE {job_to_claim} AND NOT EXISTS ({leases}) AND {chunk_to_claim}
                ORDER BY j.id LIMIT 1),
            (SELECT j.id FROM ({leased_jobs}) l CROSS JOIN batchjob_job j
                WHERE j.id = l.job_id AND {job_to_claim} AND {chunk_to_claim}
                ORDER BY l.leases, j.id LIMIT 1)
            ) AND {to_claim_now} ORDER BY {order} LIMIT 1""",
        first_of_one="""batchjob_job j CROSS JOIN batchjob_chunk c
            WHERE j.id = :job_id AND {job_to_claim} AND {to_claim_now} ORDER BY {order} LIMIT 1""",
        settled="1 = 1",
    ),
    # The rows come in the order of the two lists: each chunk is looked for with its job's id, so
    # the jobs are the outer loop, and a list of lists is read from its beginning.
    "postgresql": Dialect(
        now="CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
        newest="CAST(CAST(:batch_types AS jsonb) ->> j.batch_type AS integer)",
        first_of_any="""(
            (SELECT j.id, j.status FROM batchjob_job j
                WHERE {job_to_claim} AND NOT EXISTS ({leases}) ORDER BY j.id)
            UNION ALL
            (SELECT j.id, j.status FROM ({leased_jobs}) l JOIN batchjob_job j ON j.id = l.job_id
                WHERE {job_to_claim} ORDER BY l.leases, j.id)
            ) j CROSS JOIN {its_first_chunk} LIMIT 1""",
        first_of_one="""(SELECT j.id, j.status FROM batchjob_job j
            WHERE j.id = :job_id AND {job_to_claim}) j CROSS JOIN {its_first_chunk}""",
        settled="(e.stored_at < {now} - :bound OR e.stored_at > {now} + :bound)",
        walk="""SELECT set_config('enable_bitmapscan', 'off', true),
            set_config('enable_sort', 'off', true), set_config('jit', 'off', true)""",
        lock="FOR UPDATE OF c SKIP LOCKED",
        lock_jobs="FOR UPDATE OF j SKIP LOCKED",
        lock_row="FOR UPDATE",
        lock_actor="""SELECT pg_advisory_xact_lock(hashtextextended(j.created_by, 1651663986))
            FROM batchjob_job j WHERE j.id = :job_id AND j.created_by IS NOT NULL""",
    ),
}

# A time further ahead than any that is ever set comes from a clock that was put back since: it
# counts as over, or the chunk would stand still for as long. The token keeps that safe.
EXPIRED: Final = """(c.{leased} AND (c.lease_until < {now}
    OR c.lease_until > {now} + 2 * c.lease_s))"""
READY: Final = """(c.state = 'ready' AND (c.not_before <= {now}
    OR c.not_before > {now} + {max_backoff}))"""

JOB_TO_TRY: Final = "j.status IN {to_claim} AND j.paused_at IS NULL"
TO_TRY: Final = """c.job_id = j.id AND c.state IN {claimable_states}
    AND c.kind <= {last_kind} AND {claimable} AND c.attempts < c.max_attempts"""
ORDER: Final = "c.kind, c.not_before, c.seq"  # one kind at a time is open; see `_last_kind`
# With an order that EXISTS would not keep, so that an index of open chunks is walked, and not all.
CHUNK_TO_CLAIM: Final = """(SELECT 1 FROM batchjob_chunk c WHERE {to_claim_now}
    ORDER BY {order} LIMIT 1) IS NOT NULL"""

# A lease that is over says nothing of who is at work.
LEASES: Final = """SELECT 1 FROM batchjob_chunk c
    WHERE c.job_id = j.id AND c.{leased} AND NOT {expired}"""
LEASED_JOBS: Final = """SELECT c.job_id, count(*) AS leases FROM batchjob_chunk c
    WHERE c.{leased} AND NOT {expired} GROUP BY c.job_id"""

BLOCKERS: Final = """FROM batchjob_job p
    WHERE p.exclusive_key = j.exclusive_key AND p.{processing}"""
BUSY: Final = """SELECT count(*) FROM batchjob_job p
    WHERE p.created_by = j.created_by AND p.{processing}"""
MAY_START: Final = """(j.status NOT IN {to_start} OR (
    (j.exclusive_key IS NULL OR NOT EXISTS (SELECT 1 {blockers}))
    AND (CAST(:actor_jobs AS integer) IS NULL OR j.created_by IS NULL
        OR ({busy}) < CAST(:actor_jobs AS integer))))"""
JOB_TO_CLAIM: Final = "{job_to_try} AND j.context_version <= {newest} AND {may_start}"

MINE: Final = """job_id = :job_id AND kind = :kind AND seq = :seq
    AND token = :token AND {leased}"""
LIVE: Final = """EXISTS (SELECT 1 FROM batchjob_job j
    WHERE j.id = :job_id AND j.status IN {open})"""
WAIT: Final = """CASE WHEN {ready} OR {expired} THEN 0.0
    WHEN c.state = 'ready' THEN c.not_before - {now} ELSE c.lease_until - {now} END"""
STAMP: Final = "CASE WHEN updated_at > :at THEN updated_at ELSE :at END"

EXHAUSTED: Final = "{expired} AND c.attempts >= c.max_attempts"
UNTIDY: Final = "j.status IN {ended} AND j.tidied_at IS NULL"
UNFINISHED: Final = """j.status IN {to_claim} AND j.status IN {to_finish}
    AND j.done = j.total AND NOT EXISTS (SELECT 1 FROM batchjob_chunk c
    WHERE c.job_id = j.id AND c.kind = 'finish')"""
# A job that is blocked waits for another job, and one that a worker has a strategy for waits for
# that worker: whoever has none must not end them.
OVERLOOKED: Final = """{job_to_try} AND j.updated_at <= :early
    AND (j.served_at IS NULL OR j.served_at <= :early) AND j.context_version <= {newest}"""
STRANDED: Final = """{job_to_try} AND j.updated_at <= :before
    AND (j.served_at IS NULL OR j.served_at <= :before)
    AND ({newest} IS NULL OR j.context_version > {newest}) AND {may_start}
    AND NOT EXISTS ({leases}) AND {chunk_to_claim}"""

FREE: Final = """(l.worker IS NULL OR l.worker = :worker OR l.held_until < {now}
    OR l.held_until > {now} + 2 * l.held_s)"""


def _claimable() -> str:
    # no OR of kinds: PostgreSQL would look for each and sort, not walk the index in its order
    arms = (f"WHEN '{kind}' THEN j.status IN {quoted(of)}" for kind, of in CLAIMABLE.items())
    return f"CASE c.kind {' '.join(arms)} END"


def _last_kind() -> str:
    """Return the last kind, by name, that may be claimed of a job.

    It keeps a claim from walking through all that a plan which goes on has staged.
    """
    last = {
        status: max(kind for kind in ChunkKind if status in CLAIMABLE[kind]) for status in TO_CLAIM
    }
    arms = (f"WHEN '{status}' THEN '{kind}'" for status, kind in last.items())
    return f"CASE j.status {' '.join(arms)} END"


def _add_outcomes() -> str:
    # with nothing to add the column stays as it is, NULL too
    return ", ".join(
        f"rows_{name} = coalesce(rows_{name} + :{name}, rows_{name}, :{name})" for name in OUTCOMES
    )


def words(dialect: Dialect) -> dict[str, str]:
    """Return what the names in braces are on one dialect."""
    found = {
        **attrs.asdict(dialect),
        "max_backoff": str(MAX_BACKOFF),
        "claimable_states": quoted(CLAIMABLE_STATES),
        "kinds": quoted(tuple(ChunkKind)),
        "claimable": _claimable(),
        "last_kind": _last_kind(),
        "add_outcomes": _add_outcomes(),
        "open": quoted(OPEN),
        "ended": quoted(ENDED),
        "to_claim": quoted(TO_CLAIM),
        "to_start": quoted(sources("start")),
        "to_complete": quoted(sources("complete")),
        "to_finish": quoted(CLAIMABLE[ChunkKind.FINISH]),
        "stamp": STAMP,
        "order": ORDER,
        "leased": LEASED,
        "processing": PROCESSING,
    }
    fragments = {  # each is made of those before it
        "mine": MINE,
        "blockers": BLOCKERS,
        "busy": BUSY,
        "expired": EXPIRED,
        "ready": READY,
        "wait": WAIT,
        "live": LIVE,
        "leases": LEASES,
        "leased_jobs": LEASED_JOBS,
        "job_to_try": JOB_TO_TRY,
        "to_try": TO_TRY,
        "to_claim_now": "{to_try} AND ({ready} OR {expired})",
        "chunk_to_claim": CHUNK_TO_CLAIM,
        "may_start": MAY_START,
        "job_to_claim": JOB_TO_CLAIM,
        "its_first_chunk": """LATERAL (SELECT * FROM batchjob_chunk c WHERE {to_claim_now}
            ORDER BY {order} LIMIT 1 FOR UPDATE SKIP LOCKED) c""",
        "first_of_any": dialect.first_of_any,
        "first_of_one": dialect.first_of_one,
        "exhausted": EXHAUSTED,
        "untidy": UNTIDY,
        "unfinished": UNFINISHED,
        "overlooked": OVERLOOKED,
        "stranded": STRANDED,
        "free": FREE,
        "settled": dialect.settled,
    }
    for name, fragment in fragments.items():
        found[name] = fragment.format_map(found)
    return found
