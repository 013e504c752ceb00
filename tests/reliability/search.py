"""The search through everything that can happen in the model, and what has to hold in it."""

from collections import deque
from collections.abc import Callable

import attrs

from reliability.model import FINAL, Protocol, Rules, State, alike

# What has to hold in a state, and from one state to the next; by the names that the protocol's
# description gives them.


def _broken(rules: Rules, before: State, after: State) -> str | None:  # noqa: C901, PLR0911, PLR0912
    works, finish = after.rows[1:-1], after.rows[-1]
    if any(times > 1 for times in after.effects):
        return "I1 an effect happened twice"
    if after.status == "completed" and (set(after.effects), after.finishes) != ({1}, 1):
        return "I2 the job is completed, and not all of it is there"
    if before.status in FINAL and after.status != before.status:
        return "I3 a final status changed"
    if before.status in FINAL and after.effects != before.effects:
        return "I4 an effect was committed after the end"
    if after.finishes > 1:
        return "I5 two finishes were committed"
    if after.overwritten:
        return "I6 a published file was overwritten"
    if any((row is not None and row.state == "done") != (times == 1)
           for row, times in zip(works, after.effects, strict=True)):  # fmt: skip
        return "I7 done without the effect, or the effect without done"
    for old, new in zip(before.rows, after.rows, strict=True):
        if old and new and (new.token, new.claims > old.claims) < (old.token, False):
            return "I9 a token fell"
        if old and new and new.claims > old.claims and new.token <= old.token:
            return "I9 a claim did not raise the token"
    if after.done != sum(row is not None and row.state == "done" for row in works):
        return "I10 the counter is not the number of done chunks"
    planned = after.status not in {"created", *FINAL}
    if planned and (finish is not None) != (after.done == rules.chunks):
        return "I11 a finish without all chunks done, or all done and no finish"
    if any(row is not None and row.claims > rules.attempts for row in after.rows):
        return "I12 a chunk was tried more often than it may be"
    if after.done < before.done:
        return "I14 progress fell"
    return None


Check = Callable[[Rules, State, State], str | None]


def unchecked(rules: Rules, before: State, after: State) -> str | None:
    """Find nothing: for a search that asks only whether the job can end."""
    return None


@attrs.frozen(kw_only=True)
class Found:
    """What a search found: how much there is, and the shortest way to a broken invariant."""

    states: int
    transitions: int
    broken: str | None = None
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in lines: a trace is read from the top."""
        lines = [f"{self.states:,} states, {self.transitions:,} transitions"]
        if self.broken:
            lines += [f"broken: {self.broken}, after", *(f"  {step}" for step in self.trace)]
        return "\n".join(lines)


def search(rules: Rules, *, check: Check = _broken) -> Found:
    """Visit every state under *rules*; stop at the first that *check* or I8 finds broken.

    I8 is asked of the whole: from each state the job can still complete or fail.
    """
    protocol = Protocol(rules)
    first = protocol.first()
    came: dict[State, tuple[State, str] | None] = {first: None}
    leads: dict[State, list[State]] = {}
    queue, transitions = deque([first]), 0
    while queue:
        state = queue.popleft()
        for name, after in protocol.steps(state):
            transitions += 1
            if broken := check(rules, state, after):
                trace = (*_trace(came, state), name)
                return Found(states=len(came), transitions=transitions, broken=broken, trace=trace)
            after = alike(after)  # noqa: PLW2901 - the same state by another name
            leads.setdefault(after, []).append(state)
            if after not in came:
                came[after] = state, name
                queue.append(after)
    found = Found(states=len(came), transitions=transitions)
    return _dead_end(came, leads, found)


def _dead_end(
    came: dict[State, tuple[State, str] | None], leads: dict[State, list[State]], found: Found
) -> Found:
    can_end = {state for state in came if state.status in {"completed", "failed"}}
    queue = deque(can_end)
    while queue:
        for before in leads.get(queue.popleft(), ()):
            if before not in can_end:
                can_end.add(before)
                queue.append(before)
    for state in came:  # in the order of their distance
        if state not in can_end and state.status != "canceled":
            trace = _trace(came, state)
            return attrs.evolve(found, broken="I8 the job can never end", trace=trace)
    return found


def _trace(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    names: list[str] = []
    while (step := came[state]) is not None:
        state, name = step
        names.append(name)
    return tuple(reversed(names))
