"""Hypothesis strategies: jobs, contexts of a context class, rows and files of a row class.

They need Hypothesis. What is generated is valid; how it may be wrong is for tests to say.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

from batchjob._typing import Json
from batchjob.converters import structure_context
from batchjob.converters.strict import json_name, options
from batchjob.core.ids import job_id
from batchjob.core.job import BatchJob
from batchjob.core.results import JobError, Outcomes, Result, StatDescriptor
from batchjob.core.status import Status
from batchjob.errors import InvalidContext
from batchjob.tabular.columns import CellFault, Column
from batchjob.tabular.delimited import escape_formula
from batchjob.tabular.records import DELIMITERS
from batchjob.tabular.rows import columns_of, field_names

__all__ = ["contexts", "files", "jobs", "json_values", "rows", "texts"]

_NOTHING: Final[Mapping[str, st.SearchStrategy[Any]]] = {}

_CHARACTERS: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")

texts: Final = st.text(_CHARACTERS, max_size=20)
"""Texts that a store can keep."""

_SCALARS: Final[Mapping[Any, st.SearchStrategy[Any]]] = {
    str: texts,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    NoneType: st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
}
_CELLS: Final[Mapping[Any, st.SearchStrategy[str]]] = {
    str: st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf"]), max_size=20),
    bool: st.sampled_from(["true", "false", "TRUE"]),
    int: st.integers(-20, 1_000).map(str),
    Decimal: st.integers(0, 10**6).map(lambda cents: f"{cents // 100}.{cents % 100:02}"),
}


def json_values() -> st.SearchStrategy[Json]:
    """Return any JSON value that a store can keep."""
    scalars = st.none() | st.booleans() | st.integers() | _SCALARS[float] | texts
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    )


def jobs() -> st.SearchStrategy[BatchJob]:
    """Return any job, also such as no store would make: its times are in no order."""
    times = st.datetimes(
        datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)  # noqa: DTZ001
    )  # fmt: skip
    moved = {
        f"{name}_at": st.none() | times
        for name in (
            *("pre_processed", "confirmed", "processing"),
            *("completed", "canceled", "failed", "deleted"),
        )
    }
    return st.builds(
        BatchJob,
        id=st.builds(job_id, st.integers(0, 2**48 - 1), st.integers(0, 2**80 - 1)),
        batch_type=texts,
        status=st.sampled_from(Status),
        created_by=st.none() | texts,
        context=st.dictionaries(texts, json_values(), max_size=4),
        dry_run=st.booleans(),
        result=st.none() | _results(),
        created_at=times,
        updated_at=times,
        **moved,
    )


def contexts(
    cls: type[Any], *, overrides: Mapping[str, st.SearchStrategy[Any]] = _NOTHING
) -> st.SearchStrategy[dict[str, Json]]:
    """Return JSON objects that a context of *cls*, an attrs class or dict, can be made of.

    Keys with a default are left out now and then. *overrides* say, by key, what is generated where
    types do not tell: `LookupError` names a key that has to be there, and that only its own
    ``structure`` knows. What the checks of fields refuse is not generated.
    """
    if not attrs.has(cls):
        return st.dictionaries(texts, json_values(), max_size=4)
    hints = get_type_hints(cls)
    required, optional = dict[str, st.SearchStrategy[Any]](), dict[str, st.SearchStrategy[Any]]()
    for field in attrs.fields(cls):
        name, is_required = json_name(field), field.default is attrs.NOTHING
        if name in overrides:
            found = overrides[name]
        elif options(field).get("structure") is None:
            found = _of(hints[field.name])
        elif is_required:
            raise LookupError(f"overrides do not say what {name} of {cls.__qualname__} may be")
        else:
            continue
        (required if is_required else optional)[name] = found
    return st.fixed_dictionaries(required, optional=optional).filter(lambda it: _is_one(it, cls))


def rows(
    row_class: type[Any], *, overrides: Mapping[str, st.SearchStrategy[str]] = _NOTHING
) -> st.SearchStrategy[dict[str, str]]:
    """Return the cells of a good row, by their columns; one that may be empty is so now and then.

    *overrides* say, by column, what is generated where the column has limits or a check of its own
    that few texts meet.
    """
    cls: Any = row_class  # mypy takes no class for something that can be hashed
    hints, fields = get_type_hints(cls), field_names(cls)
    return st.fixed_dictionaries(
        {
            each.name: _cells(each, hints[fields[each.name]], overrides.get(each.name))
            for each in columns_of(row_class).columns
        }
    )


@st.composite
def files(
    draw: Callable[[st.SearchStrategy[Any]], Any],
    row_class: type[Any],
    *,
    overrides: Mapping[str, st.SearchStrategy[str]] = _NOTHING,
    min_size: int = 1,
    max_size: int = 10,
) -> bytes:
    """Return good files of so many rows: with any delimiter, newlines, order of columns, BOM.

    What is ``unique`` stands once. *overrides* are those of `rows`.
    """
    columns = columns_of(row_class).columns
    unique = [each.name for each in columns if each.unique]
    made: Sequence[Mapping[str, str]] = draw(
        st.lists(
            rows(row_class, overrides=overrides),
            min_size=min_size,
            max_size=max_size,
            unique_by=tuple(map(_by, unique)) or None,
        )
    )
    header: Sequence[str] = draw(st.permutations([each.name for each in columns]))
    texts_of = {each.name for each in columns if each.is_text}
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=draw(st.sampled_from(DELIMITERS)),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow(header)
    for row in made:
        cells = [escape_formula(row[n]) if n in texts_of else row[n] for n in header]
        writer.writerow(cells)
    return out.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig"])))


def _results() -> st.SearchStrategy[Result]:
    counts = st.none() | st.integers(0, 10**9)
    scalars = st.none() | st.booleans() | st.integers() | texts
    errors = st.builds(
        JobError,
        code=texts,
        message=texts,
        row=counts,
        column=st.none() | texts,
        params=st.dictionaries(texts, scalars, max_size=2),
    )
    told = st.builds(StatDescriptor, key=texts, name=texts, message=texts)
    ended = st.builds(Outcomes, created=st.integers(0, 99), failed=st.integers(0, 9))
    return st.builds(
        Result,
        stat_descriptors=st.lists(told, max_size=2).map(tuple),
        errors=st.lists(errors, max_size=2).map(tuple),
        count=counts,
        advancement_count=counts,
        progress=st.none() | st.floats(0, 1),
        file_key=st.none() | texts,
        file_size=counts,
        outcomes=st.none() | ended,
    )


def _by(name: str) -> Callable[[Mapping[str, str]], str]:
    return lambda row: row[name].strip()


def _of(kind: Any) -> st.SearchStrategy[Any]:
    """Return the JSON values that are structured as *kind*."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of(*map(_of, args))
    if choices := _choices(kind):
        return st.sampled_from(choices)
    if origin in (list, tuple, Sequence) or kind in (list, tuple):
        return st.lists(_of(args[0]) if args else json_values(), max_size=3)
    if origin in (dict, Mapping) or kind is dict:
        return st.dictionaries(texts, _of(args[1]) if args else json_values(), max_size=3)
    if kind in _SCALARS:
        return _SCALARS[kind]
    return contexts(kind) if attrs.has(kind) else json_values()


def _choices(kind: Any) -> list[Any]:
    """Return the values of a Literal or an Enum; none, where anything else is meant."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [member.value for member in kind]
    return list(get_args(kind)) if get_origin(kind) is Literal else []


def _is_one(context: object, cls: type[Any]) -> bool:
    try:
        structure_context(context, cls)
    except InvalidContext:
        return False
    return True


def _cells(
    column: Column, hint: Any, given: st.SearchStrategy[str] | None
) -> st.SearchStrategy[str]:
    kinds = [each for each in get_args(hint) if each is not NoneType]
    kind = kinds[0] if get_origin(hint) in (Union, UnionType) else hint
    if given is not None:
        found = given
    elif choices := _choices(kind):
        found = st.sampled_from(list(map(str, choices)))
    else:
        found = _CELLS[kind]

    def is_good(cell: str) -> bool:
        if not cell.strip():
            return not column.required
        try:
            column.convert(cell) if column.convert else None
        except CellFault:
            return False
        return True

    good = found.filter(is_good)
    return good if column.required else st.just("") | good
