"""The state machine as a table and a diagram, both drawn from `batchjob.core.status.MOVES`."""

from collections.abc import Iterator

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from batchjob.core.status import MOVES, VERBS, Status, Verb, sources, target

WIDTH, HEIGHT, STEP = 124, 40, 224
TOP, RAIL, LOW = 20, 36, 190


class StateMachine(SphinxDirective):
    """``{state-machine}``: the diagram, then the table."""

    def run(self) -> list[nodes.Node]:
        """Return both."""
        return [nodes.raw("", svg(), format="html"), *self.parse_text_to_nodes(table())]


def table() -> str:
    """Return the table of moves in Markdown: a row for each status, a column for each verb."""
    rows = [["from \\ verb", *(f"`{verb}`" for verb in VERBS)], ["---"] * (len(VERBS) + 1)]
    for status in Status:
        found = [MOVES[verb].get(status) for verb in VERBS]
        rows.append([f"`{status}`", *(f"`{to}`" if to else "-" for to in found)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def svg() -> str:
    """Return the diagram: the way of a job that succeeds in a row, the other ends below it."""
    straight = [verb for verb in VERBS if len(sources(verb)) == 1]
    ends = [verb for verb in VERBS if len(sources(verb)) > 1]
    way = [sources(straight[0])[0], *(target(verb) for verb in straight)]
    if {*way, *map(target, ends)} != set(Status):
        raise ValueError("the state machine is no way with ends any more: draw it another way")
    places = {status: (10 + STEP * n, TOP) for n, status in enumerate(way)}
    places |= {target(verb): (10 + STEP * (1 + 2 * n), LOW) for n, verb in enumerate(ends)}
    parts = [part for status in Status for part in _box(status, *places[status])]
    for verb in straight:
        (x, y), (to, _) = places[sources(verb)[0]], places[target(verb)]
        parts += _arrow(x + WIDTH, y + HEIGHT // 2, to, y + HEIGHT // 2)
        parts += _label(verb, (x + WIDTH + to) // 2, y + HEIGHT // 2 - 8)
    for n, verb in enumerate(ends):
        parts += _rail(verb, places, shift=n)
    width, height = 10 + STEP * len(way) - (STEP - WIDTH) + 10, LOW + HEIGHT + 10
    name = "The state machine of a job; the table below says the same."
    return (
        f'<svg role="img" viewBox="0 0 {width} {height}" style="max-width: 100%" '
        'fill="none" stroke="currentColor" font-family="monospace" font-size="13">'
        f"<title>{name}</title>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="currentColor"/></marker>'
        f"</defs>{''.join(parts)}</svg>"
    )


def _rail(verb: Verb, places: dict[Status, tuple[int, int]], *, shift: int) -> Iterator[str]:
    """Yield a line that gathers all sources of *verb*, and the arrow to where it leads."""
    rail = TOP + HEIGHT + RAIL * (shift + 1)
    starts = [places[status][0] + WIDTH // 2 + 16 * (2 * shift - 1) for status in sources(verb)]
    x, y = places[target(verb)]
    middle = x + WIDTH // 2
    for start in starts:
        yield f'<path d="M{start} {TOP + HEIGHT} V{rail}"/>'
    yield f'<path d="M{min(*starts, middle)} {rail} H{max(*starts, middle)}"/>'
    yield from _arrow(middle, rail, middle, y)
    yield from _label(verb, middle + 28, y - 14)


def _box(name: str, x: int, y: int) -> Iterator[str]:
    yield f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    yield from _label(name, x + WIDTH // 2, y + HEIGHT // 2 + 5)


def _arrow(x: int, y: int, to_x: int, to_y: int) -> Iterator[str]:
    yield f'<path d="M{x} {y} L{to_x} {to_y}" marker-end="url(#tip)"/>'


def _label(text: str, x: int, y: int) -> Iterator[str]:
    yield (
        f'<text x="{x}" y="{y}" text-anchor="middle" fill="currentColor" stroke="none">'
        f"{text}</text>"
    )
