"""Row classes: an attrs class whose fields say what a file's columns are.

From the class come the header, the checks, a template to fill in and the JSON Schema.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from batchjob._typing import Json
from batchjob.errors import InvalidStrategy
from batchjob.tabular.columns import (
    Column,
    Convert,
    FixedColumns,
    boolean,
    choice,
    decimal,
    file_key,
    integer,
    key_text,
    text,
)
from batchjob.tabular.delimited import csv_writer

_COLUMN: Final = "batchjob_column"
_KINDS: Final = "str, int, Decimal, bool, a Literal or an Enum of texts, or one of them or None"


@attrs.frozen(kw_only=True)
class _Given:
    """What `column` was told of a field."""

    name: str | None
    key: bool
    unique: bool
    file: bool
    aliases: tuple[str, ...]
    limits: Mapping[str, int]
    convert: Convert | None
    example: str
    doc: str


def column(
    name: str | None = None,
    *,
    key: bool = False,
    unique: bool | None = None,
    file: bool = False,
    aliases: Iterable[str] = (),
    convert: Convert | None = None,
    example: str = "",
    doc: str = "",
    **limits: int,
) -> dict[str, Any]:
    """Return attrs ``metadata`` for a field of a row class.

    *name* is the column's, that of the field if it is not given. A *key* is a text without
    invisible characters, *unique* in the file unless said otherwise; *file* is a key of a file.
    *limits* are ``least`` and ``most`` of an int, ``digits``, ``decimals`` and ``least`` of a
    Decimal, and ``most``, the characters of a text. *convert* replaces the check of the type; it
    may raise `batchjob.tabular.CellFault`. *example* stands in the template, *doc* in the schema.
    A field without a default has to be filled in.
    """
    given = _Given(
        name=name,
        key=key,
        unique=key if unique is None else unique,
        file=file,
        aliases=tuple(aliases),
        limits=limits,
        convert=convert,
        example=example,
        doc=doc,
    )
    return {_COLUMN: given}


def columns_of(cls: type[Any]) -> FixedColumns:
    """Return the columns of a row class, in the order of its fields.

    `InvalidStrategy` names what is wrong with the class.
    """
    if not attrs.has(cls):
        raise InvalidStrategy(cls.__qualname__, "it is no attrs class, so that no column is known")
    hints = get_type_hints(cls)
    found = tuple(_column(cls, field, hints[field.name]) for field in attrs.fields(cls))
    names = [name.casefold() for each in found for name in (each.name, *each.aliases)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidStrategy(cls.__qualname__, f"two of its columns are called {twice!r}")
    return FixedColumns(found)


@lru_cache  # each row of a file asks
def field_names(cls: type[Any]) -> Mapping[str, str]:
    """Return the field of each column of a row class."""
    pairs = zip(columns_of(cls).columns, attrs.fields(cls), strict=True)
    return MappingProxyType({column.name: field.name for column, field in pairs})


def template_of(columns: Sequence[Column]) -> str:
    """Return a file to fill in: the header and, where there are examples, a row of them."""
    out = io.StringIO()
    writer = csv_writer(out)
    writer.writerow([each.name for each in columns])
    if any(each.example for each in columns):
        writer.writerow([each.example for each in columns])
    return out.getvalue()


def row_schema(cls: type[Any]) -> dict[str, Json]:
    """Return the JSON Schema (2020-12) of a row: each cell by its column, as text."""
    columns = columns_of(cls).columns
    properties: dict[str, Json] = {
        each.name: {
            "type": "string",
            **({"description": each.doc} if each.doc else {}),
            **({"examples": [each.example]} if each.example else {}),
        }
        for each in columns
    }
    required: list[Json] = [each.name for each in columns if each.required]
    return {"type": "object", "properties": properties, "required": required}


def _column(cls: type[Any], field: "attrs.Attribute[Any]", hint: Any) -> Column:
    given: _Given = field.metadata.get(_COLUMN) or column()[_COLUMN]
    kind = _bare(hint)
    convert = given.convert or _convert(cls, field.name, kind, given)
    return Column(
        name=given.name or field.name,
        convert=convert,
        is_text=kind is str,
        required=field.default is attrs.NOTHING,
        unique=given.unique,
        aliases=given.aliases,
        example=given.example,
        doc=given.doc,
    )


def _bare(hint: Any) -> Any:
    """Return the type without None."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [each for each in get_args(hint) if each is not NoneType]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def _convert(cls: type[Any], name: str, kind: Any, given: _Given) -> Convert | None:
    if isinstance(kind, type) and issubclass(kind, Enum):
        check = choice(str(each.value) for each in kind)
        return lambda cell: kind(check(cell))
    if get_origin(kind) is Literal:
        return choice(map(str, get_args(kind)))
    made = _makers(given).get(kind)
    if made is None:
        said = getattr(kind, "__name__", kind)
        fault = f"its column {name} is a {said}; it can be {_KINDS}"
        raise InvalidStrategy(cls.__qualname__, fault)
    try:
        return made(**given.limits)
    except TypeError:
        fault = f"its column {name} has a limit that a {kind.__name__} has not"
        raise InvalidStrategy(cls.__qualname__, f"{fault}: {', '.join(given.limits)}") from None


def _makers(given: _Given) -> Mapping[Any, Callable[..., Convert | None]]:
    """Return what makes the check of each type, out of limits."""
    of_text = (lambda: file_key) if given.file else key_text if given.key else text
    return {str: of_text, int: integer, Decimal: decimal, bool: lambda: boolean}
