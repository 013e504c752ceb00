"""A small model of the lease protocol: what may happen next, in any state.

One job, a few chunks, a few workers. The model shares no code with batchjob: it says the protocol
once more, in the words of the design, as rules that can be broken one by one. `reliability.search`
visits every state that any order of steps leads to.

A completion is two steps. `prepare` runs its statements: it holds the chunk's row and the job's
row from then on. `commit` makes them seen. What needs a row that is held has to wait.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

import attrs

FINAL: Final = ("completed", "failed", "canceled")
CLAIMABLE: Final = {
    "plan": ("created",),
    "work": ("confirmed", "processing"),
    "finish": ("confirmed", "processing"),
}
RELEASES: Final = 1  # how often a worker gives a chunk back untried: any number would be endless


@attrs.frozen(kw_only=True)
class Rules:
    """How large the model is, and which rules of the protocol hold in it."""

    chunks: int = 2
    workers: int = 2
    attempts: int = 2
    fenced: bool = True
    """A completion needs the chunk's current token."""
    job_checked: bool = True
    """The completion of a work chunk needs a job that is still processing."""
    job_locked: bool = True
    """Completions of one job wait for each other at the job's row."""
    key_has_token: bool = True
    """The key of the job's file holds the token of who wrote it."""
    paid_at_claim: bool = True
    """An attempt is paid for when it is claimed, not when it is seen to fail."""
    leases_clamped: bool = True
    """A lease that ends further ahead than any lease is long counts as over."""
    waits_clamped: bool = True
    """A wait that ends further ahead than any wait is long counts as over."""
    repaired: bool = True
    """The sweeper adds a finish that is missing."""


class Row(NamedTuple):
    """A chunk in the store. ``claims`` counts those that were not given back untried.

    ``time`` is where its clock time stands: a lease is running, over, or far ahead, because the
    clock was put back since; a ready chunk is due, waiting, or far ahead.
    """

    state: str = "ready"
    token: int = 0
    attempts: int = 0
    claims: int = 0
    time: str = "due"


class Lease(NamedTuple):
    """What one worker believes in. ``step`` is run, published, prepared, or prepared last."""

    row: int
    token: int
    step: str = "run"


class State(NamedTuple):
    """Everything there is: the store, what workers believe, and the world outside."""

    rows: tuple[Row | None, ...]  # the plan, each work chunk, the finish
    status: str = "created"
    paused: bool = False
    done: int = 0
    file: int | None = None  # the key that the completed job names
    held: tuple[Lease, ...] = ()
    releases: int = RELEASES
    effects: tuple[int, ...] = ()
    finishes: int = 0
    overwritten: bool = False


T = TypeVar("T")
Step = tuple[str, State]


class Protocol:
    """What may happen next in a state, under *rules*."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.finish = rules.chunks + 1

    def first(self) -> State:
        """Return the state of a job that was just created."""
        rows = (Row(), *[None] * (self.rules.chunks + 1))
        return State(rows=rows, effects=(0,) * self.rules.chunks)

    def steps(self, state: State) -> Iterator[Step]:
        """Yield everything that may happen next, by what it is called."""
        yield from self._users(state)
        yield from self._claims(state)
        for number, lease in enumerate(state.held):
            yield from self._worker(state, number, lease)
        for number, row in enumerate(state.rows):
            if row is not None:
                yield from self._time(state, number, row)
                if not self._row_held(state, number):
                    yield from self._sweep(state, number, row)
        yield from self._repair(state)

    def kind(self, number: int) -> str:
        """Return the kind of the chunk of this number."""
        return {0: "plan", self.finish: "finish"}.get(number, "work")

    def name(self, number: int) -> str:
        """Return what the chunk of this number is called."""
        kind = self.kind(number)
        return f"work {number - 1}" if kind == "work" else kind

    # users

    def _users(self, state: State) -> Iterator[Step]:
        if state.status in FINAL or self._job_held(state):
            return
        yield "cancel", state._replace(status="canceled")
        if state.status == "pre_processed":
            yield "confirm", state._replace(status="confirmed")
        yield (
            "resume" if state.paused else "pause",
            state._replace(paused=not state.paused),
        )

    # workers

    def _claims(self, state: State) -> Iterator[Step]:
        if state.paused or len(state.held) == self.rules.workers:
            return
        for number, row in enumerate(state.rows):
            kind = self.kind(number)
            if row is None or state.status not in CLAIMABLE[kind] or self._row_held(state, number):
                continue
            if self._may_be_tried(row) and row.attempts < self.rules.attempts:
                paid = row.attempts + self.rules.paid_at_claim
                leased = Row("leased", row.token + 1, paid, row.claims + 1, "running")
                status = "processing" if state.status == "confirmed" else state.status
                claimed = _with(state, number, leased)._replace(status=status)
                lease = Lease(number, leased.token)
                yield f"claim {self.name(number)}", _holding(claimed, (*state.held, lease))

    def _worker(self, state: State, number: int, lease: Lease) -> Iterator[Step]:
        name = f"{self.name(lease.row)} by token {lease.token}"
        alone = _without(state, number)
        yield f"crash on {name}", alone
        if lease.step.startswith("prepared"):
            yield from self._commit(alone, lease, name)
            return
        if self._row_held(state, lease.row):
            return  # every statement below waits for whoever holds the row
        yield from self._reports(state, alone, lease, name)
        if self.kind(lease.row) == "finish" and lease.step == "run":
            written = state._replace(
                overwritten=state.overwritten or state.file == self._key(lease)
            )
            yield f"publish {name}", _stepped(written, number, lease, "published")
            return
        yield from self._prepare(state, number, lease, name)

    def _reports(self, state: State, alone: State, lease: Lease, name: str) -> Iterator[Step]:
        """Heartbeat, error and release: what a worker says of a chunk beside its completion."""
        row = state.rows[lease.row]
        if row is None or (row.state, row.token) != ("leased", lease.token):
            return
        if row.time != "running" and state.status not in FINAL:
            renewed = row._replace(time="running")
            yield f"renew {name}", _with(state, lease.row, renewed)
        paid = row.attempts + (not self.rules.paid_at_claim)
        failed = row._replace(token=row.token + 1, attempts=paid)
        if paid < self.rules.attempts:
            again = failed._replace(state="ready", time="waiting")
            yield f"fail {name}", _with(alone, lease.row, again)
        elif not self._job_held(state):
            dead = _with(alone, lease.row, failed._replace(state="dead", time="due"))
            yield f"fail {name}, the last attempt", _ended(dead, "failed")
        if state.releases:
            unpaid = row.attempts - self.rules.paid_at_claim
            given = row._replace(state="ready", attempts=unpaid, claims=row.claims - 1, time="due")
            back = _with(alone, lease.row, given)._replace(releases=state.releases - 1)
            yield f"release {name}", back

    def _prepare(self, state: State, number: int, lease: Lease, name: str) -> Iterator[Step]:
        row = state.rows[lease.row]
        if row is None or not self._owns(row, lease) or not self._live(state, lease):
            yield f"refuse {name}", _without(state, number)
        elif self.rules.job_locked:
            if not self._job_held(state):
                last = state.done + 1 == self.rules.chunks
                yield f"prepare {name}", _stepped(state, number, lease, _prepared(last=last))
        else:
            works = state.rows[1 : self.finish]
            others = [row for at, row in enumerate(works, 1) if at != lease.row]
            last = all(row is not None and row.state == "done" for row in others)
            yield f"prepare {name}", _stepped(state, number, lease, _prepared(last=last))

    def _commit(self, state: State, lease: Lease, name: str) -> Iterator[Step]:
        row = state.rows[lease.row]
        if row is None or not self._live(state, lease):
            yield f"refuse {name}", state  # only without the lock: the job has ended since
            return
        kind = self.kind(lease.row)
        done = _with(state, lease.row, row._replace(state="done", time="due"))
        if kind == "plan":
            rows = (done.rows[0], *[Row()] * self.rules.chunks, None)
            yield f"commit {name}", done._replace(rows=rows, status="pre_processed")
        elif kind == "finish":
            status = "completed" if state.status == "processing" else state.status
            finished = done._replace(status=status, file=self._key(lease))
            yield f"commit {name}", finished._replace(finishes=state.finishes + 1)
        else:
            effects = _put(state.effects, lease.row - 1, state.effects[lease.row - 1] + 1)
            advanced = done._replace(done=state.done + 1, effects=effects)
            if lease.step == "prepared last" and advanced.rows[self.finish] is None:
                advanced = _with(advanced, self.finish, Row())
            yield f"commit {name}", advanced

    # time and the sweeper

    def _time(self, state: State, number: int, row: Row) -> Iterator[Step]:
        if row.time == "running" and row.state == "leased":
            over = "the lease on {} is over"
        elif row.time == "waiting" and row.state == "ready":
            over = "the wait of {} is over"
        else:
            return
        passed = row._replace(time="over" if row.state == "leased" else "due")
        yield over.format(self.name(number)), _with(state, number, passed)
        far = row._replace(time="far")
        yield f"the clock is put back under {self.name(number)}", _with(state, number, far)

    def _sweep(self, state: State, number: int, row: Row) -> Iterator[Step]:
        if row.state == "leased" and self._may_be_tried(row):
            spent = row.attempts >= self.rules.attempts
            if spent and (state.status in FINAL or not self._job_held(state)):
                dead = row._replace(state="dead", token=row.token + 1, time="due")
                buried = _ended(_with(state, number, dead), "failed")
                yield f"sweep: give up {self.name(number)}", buried
        if state.status in FINAL and row.state in {"ready", "leased"}:
            void = row._replace(state="void", time="due")
            yield f"sweep: void {self.name(number)}", _with(state, number, void)

    def _repair(self, state: State) -> Iterator[Step]:
        missing = state.status in CLAIMABLE["finish"] and state.rows[self.finish] is None
        if self.rules.repaired and missing and state.done == self.rules.chunks:
            yield "sweep: add the missing finish", _with(state, self.finish, Row())

    # what a step looks at

    def _may_be_tried(self, row: Row) -> bool:
        if row.state == "leased":
            return row.time == "over" or (row.time == "far" and self.rules.leases_clamped)
        due = row.time == "due" or (row.time == "far" and self.rules.waits_clamped)
        return row.state == "ready" and due

    def _owns(self, row: Row, lease: Lease) -> bool:
        if self.rules.fenced:
            return row.state == "leased" and row.token == lease.token
        return row.state in {"ready", "leased", "done"}

    def _live(self, state: State, lease: Lease) -> bool:
        kind = self.kind(lease.row)
        wanted = "created" if kind == "plan" else "processing"
        return state.status == wanted or (kind == "work" and not self.rules.job_checked)

    def _key(self, lease: Lease) -> int:
        return lease.token if self.rules.key_has_token else 0

    def _job_held(self, state: State) -> bool:
        held = any(lease.step.startswith("prepared") for lease in state.held)
        return held and self.rules.job_locked

    def _row_held(self, state: State, number: int) -> bool:
        return any(lease.row == number and lease.step[:8] == "prepared" for lease in state.held)


def _prepared(*, last: bool) -> str:
    return "prepared last" if last else "prepared"


def _put(values: tuple[T, ...], at: int, value: T) -> tuple[T, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _with(state: State, number: int, row: Row) -> State:
    return state._replace(rows=_put(state.rows, number, row))


def _holding(state: State, held: Sequence[Lease]) -> State:
    return state._replace(held=tuple(sorted(held)))  # workers are alike: their order is no state


def _without(state: State, number: int) -> State:
    return state._replace(held=(*state.held[:number], *state.held[number + 1 :]))


def _stepped(state: State, number: int, lease: Lease, step: str) -> State:
    return _holding(state, _put(state.held, number, lease._replace(step=step)))


def alike(state: State) -> State:
    """Return *state* with its work chunks in an order of their own: they are alike, too."""
    beliefs: list[list[tuple[int, str]]] = [[] for _ in state.rows]
    for lease in state.held:
        beliefs[lease.row].append((lease.token, lease.step))
    works = range(1, len(state.rows) - 1)
    order = sorted(works, key=lambda at: (state.rows[at] or (), state.effects[at - 1], beliefs[at]))
    if order == list(works):
        return state
    place = {old: new for new, old in enumerate(order, 1)}
    return state._replace(
        rows=(state.rows[0], *(state.rows[at] for at in order), state.rows[-1]),
        effects=tuple(state.effects[at - 1] for at in order),
        held=tuple(sorted(each._replace(row=place.get(each.row, each.row)) for each in state.held)),
    )


def _ended(state: State, status: str) -> State:
    return state if state.status in FINAL else state._replace(status=status)
