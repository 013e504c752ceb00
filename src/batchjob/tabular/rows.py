"""Row classes: attrs classes whose fields are the columns of a file.

From the class come the columns with their checks, a template file, the JSON Schema, and an object
for each row. Reading a file by one is in `batchjob.tabular.reading`.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from batchjob._typing import Json
from batchjob.converters import json_key, json_schema
from batchjob.errors import InvalidRowClass
from batchjob.tabular.columns import Column, Columns, fold
from batchjob.tabular.delimited import csv_writer, to_cell
from batchjob.tabular.faults import CellFault
from batchjob.tabular.kinds import Boolean, Choice, Integer, Key, Kind, Number, Text

T = TypeVar("T")

_KEY: Final = "batchjob.column"
_KINDS: Final[Mapping[Any, Callable[[], Kind]]] = {
    str: Text,
    int: Integer,
    Decimal: Number,
    bool: Boolean,
}


def column(
    name: str | None = None,
    *,
    kind: Kind | None = None,
    aliases: Sequence[str] = (),
    unique: bool = False,
    doc: str | None = None,
    example: str | None = None,
) -> dict[str, Any]:
    """Return attrs ``metadata`` for a field of a row class.

    *name* is the column's where that is not the field's, *aliases* are other names that files may
    have for it. *kind* says more of what its cells may hold than the field's type does. Values of a
    *unique* column come once in a file. *doc* goes into the JSON Schema; *example* is the cell in
    the template file.
    """
    given = {"name": name, "kind": kind, "aliases": aliases, "unique": unique}
    given |= {"description": doc, "example": example}
    return {_KEY: given, **json_key(name, doc=doc)}


@attrs.frozen
class Field:
    """A field of a row class: its argument, its column, and whether it takes None."""

    argument: str
    column: Column
    optional: bool


@attrs.frozen
class RowClass(Generic[T]):
    """What *cls* says of files: a row of a file is an instance of it. `row_class` makes this."""

    cls: type[T]
    fields: Sequence[Field]

    @property
    def columns(self) -> Columns:
        """The columns that a file may have."""
        return Columns(tuple(field.column for field in self.fields))

    @property
    def template(self) -> str:
        """The text of a file with the header and a row of examples, as exports are written."""
        file = io.StringIO(newline="")
        columns = self.columns.fixed
        cells = [to_cell(_example(c), escape=c.kind.text) for c in columns]
        csv_writer(file).writerows([[c.name for c in columns], cells])
        return file.getvalue()

    @property
    def schema(self) -> dict[str, Json]:
        """The JSON Schema of a row, by the names of the columns."""
        schema: dict[str, Any] = json_schema(self.cls)
        for field in self.fields:
            schema["properties"][field.column.name] |= field.column.kind.schema
        return schema

    def maker(self, positions: Mapping[str, int]) -> Callable[[Sequence[Any]], T]:
        """Return what makes an instance of a row's values; *positions* are a `Binding`'s.

        What is empty or absent is None in a field that takes it, else the field's default. The
        maker raises what the class raises.
        """
        cls: Callable[..., T] = self.cls
        plan = [
            (field.argument, positions[field.column.name], field.optional)
            for field in self.fields
            if field.column.name in positions
        ]

        def make(values: Sequence[Any]) -> T:
            return cls(
                **{
                    argument: values[position]
                    for argument, position, optional in plan
                    if optional or values[position] is not None
                }
            )

        return make


def row_class(cls: type[T]) -> RowClass[T]:
    """Look at *cls*, an attrs class; `InvalidRowClass` if no file can be read by it.

    Fields are ``str``, ``int``, ``Decimal``, ``bool``, literals or enumerations, or one of these or
    None. One without a default is a required column, so one that takes None must have one.
    """
    hints = get_type_hints(cls)
    found = [_field(cls, field, hints[field.name]) for field in _fields(cls) if field.init]
    names: dict[str, str] = {}
    for field in found:
        for name in (field.column.name, *field.column.aliases):
            if not fold(name):
                raise InvalidRowClass(cls.__name__, "a column has no name")
            if names.setdefault(fold(name), field.argument) != field.argument:
                raise InvalidRowClass(cls.__name__, f"two columns are called {name!r}")
    if not found:
        raise InvalidRowClass(cls.__name__, "it has no fields")
    return RowClass(cls, tuple(found))


def _fields(cls: type[Any]) -> Sequence["attrs.Attribute[Any]"]:
    if not attrs.has(cls):
        raise InvalidRowClass(cls.__name__, "it is no attrs class")
    fields: Sequence[attrs.Attribute[Any]] = attrs.fields(cls)
    return fields


def _field(cls: type[Any], field: "attrs.Attribute[Any]", hint: Any) -> Field:
    given = dict(field.metadata.get(_KEY, {}))
    optional = get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)
    required = field.default is attrs.NOTHING
    if optional and required:
        fault = f"field {field.name} takes None, so its column may be absent: give it a default"
        raise InvalidRowClass(cls.__name__, fault)
    arms = [arm for arm in get_args(hint) if arm is not NoneType] if optional else [hint]
    given["name"] = given.get("name") or field.name
    given["kind"] = given.get("kind") or _kind(arms, unique=given.get("unique", False))
    if given["kind"] is None:
        fault = f"field {field.name} has a type that no cell has: {hint}"
        raise InvalidRowClass(cls.__name__, fault)
    column = Column(**given, required=required)
    _check_example(cls, column, arms[0])
    return Field(field.alias or field.name, column, optional)


def _kind(arms: Sequence[Any], *, unique: bool) -> Kind | None:
    if len(arms) > 1:
        return None
    [hint] = arms
    if get_origin(hint) is Literal:
        return Choice({str(value): value for value in get_args(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice({str(member.value): member for member in hint})
    return Key() if hint is str and unique else _KINDS.get(hint, lambda: None)()


def _example(column: Column) -> str:
    return column.kind.sample if column.example is None else column.example


def _check_example(cls: type[Any], column: Column, hint: Any) -> None:
    example = _example(column)
    if not example and not column.required:
        return
    try:
        value = _value(column, example)
    except CellFault as error:
        said = error.at(2, column.name).message
        raise InvalidRowClass(cls.__name__, f"example of column {column.name!r}: {said}") from None
    if isinstance(hint, type) and not isinstance(value, hint):
        fault = f"cells of column {column.name!r} are {type(value).__name__}, not {hint.__name__}"
        raise InvalidRowClass(cls.__name__, fault)


def _value(column: Column, cell: str) -> Any:
    if column.required and not cell.strip():
        raise CellFault("missing_value", "a value", "")
    return cell if (convert := column.kind.convert) is None else convert(cell)
