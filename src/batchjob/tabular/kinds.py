"""What the cells of a column may hold: each kind makes a value of a cell's text, or refuses it.

Numbers are ASCII digits with or without a point and more digits. Nothing is guessed.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final, Protocol
from unicodedata import category

import attrs

from batchjob._typing import Json
from batchjob.core.files import check_key
from batchjob.errors import InvalidKey, nearest
from batchjob.tabular.delimited import escape_formula
from batchjob.tabular.faults import CellFault

Convert = Callable[[str], Any]
"""Makes a value of a cell that is not empty, or raises `CellFault`."""

_NUMBER: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_CONTROL: Final = frozenset({"Cc", "Cf"})


class Kind(Protocol):
    """What a column's cells may hold; an own one is as good as those that are here.

    ``text`` says that the value is the text itself: a cell of spaces is one, and the apostrophe
    before a formula is none of it. ``convert`` is asked for once for each file; None stands for
    "the text as it is". Of a kind that is not text, outer spaces are no part: it takes them off;
    and its values must be immutable, since cells that are the same may share one.
    ``schema`` is what JSON Schema may say beside the type, ``sample`` a cell for templates.
    """

    @property
    def text(self) -> bool:
        """Whether the value is the text itself."""

    @property
    def convert(self) -> Convert | None:
        """What makes a value of a cell."""

    @property
    def schema(self) -> Mapping[str, Json]:
        """What there is to say of values in JSON Schema."""

    @property
    def sample(self) -> str:
        """A cell that is right."""


@attrs.frozen(kw_only=True)
class Text:
    """Any text, outer spaces too, of at most ``max_length`` characters."""

    max_length: int | None = None
    text: ClassVar[bool] = True
    sample: ClassVar[str] = "text"

    @property
    def convert(self) -> Convert | None:
        """None unless there is something to check."""
        most = self.max_length
        if most is None:
            return None

        def convert(cell: str) -> str:
            return cell if len(cell) <= most else _refuse_length(cell, most)

        return convert

    @property
    def schema(self) -> Mapping[str, Json]:
        """The length."""
        return {} if self.max_length is None else {"maxLength": self.max_length}


@attrs.frozen(kw_only=True)
class Key(Text):
    """A text that names a thing: no control and no format characters (Unicode Cc and Cf) in it."""

    sample: ClassVar[str] = "key-1"

    @property
    def convert(self) -> Convert:
        """Refuse what nobody sees."""
        most = self.max_length

        def convert(cell: str) -> str:
            if not cell.isprintable():
                _refuse_unseen(cell)
            return cell if most is None or len(cell) <= most else _refuse_length(cell, most)

        return convert


def _refuse_length(cell: str, most: int) -> str:
    right = f"at most {most} characters, not {len(cell)}"
    raise CellFault("too_long", right, cell, length=len(cell), limit=most)


def _refuse_unseen(cell: str) -> None:
    for char in cell:
        if category(char) in _CONTROL:
            raise unseen(char, cell)


def unseen(char: str, cell: str) -> CellFault:
    """Return the fault of a *cell* that has a control or format character in it."""
    code = f"U+{ord(char):04X}"
    return CellFault("control_character", f"text without {code}", cell, character=code)


@attrs.frozen(kw_only=True)
class Integer:
    """A whole number, within its ``bits`` (with a sign) and between the bounds, if there are."""

    bits: int = 64
    minimum: int | None = None
    maximum: int | None = None
    text: ClassVar[bool] = False

    @property
    def convert(self) -> Convert:
        """Make an int."""
        low, high = self._range
        safe = len(str(2 ** (self.bits - 1)))

        def convert(cell: str) -> int:
            if cell.isascii() and cell.isdigit() and len(cell) <= safe and low <= int(cell) <= high:
                return int(cell)
            sign, whole, part = _number(cell)
            if sign and low >= 0:
                raise _not_negative(cell)
            if part is not None:
                raise CellFault("invalid_integer", "a whole number without a point", cell)
            digits = whole.lstrip("0") or "0"
            if len(digits) > safe or not low <= int(sign + digits) <= high:
                raise CellFault("out_of_range", f"a number from {low} to {high}", cell)
            return int(sign + digits)

        return convert

    @property
    def schema(self) -> Mapping[str, Json]:
        """The bounds."""
        low, high = self._range
        return {"minimum": low, "maximum": high}

    @property
    def sample(self) -> str:
        """The number nearest to one."""
        low, high = self._range
        return str(min(max(1, low), high))

    @property
    def _range(self) -> tuple[int, int]:
        most = 2 ** (self.bits - 1)
        low = -most if self.minimum is None else max(self.minimum, -most)
        high = most - 1 if self.maximum is None else min(self.maximum, most - 1)
        return low, high


@attrs.frozen(kw_only=True)
class Number:
    """A number with at most so many ``digits`` before and ``decimals`` behind the point.

    Leading zeros do not count, zeros at the end do.
    """

    digits: int = 18
    decimals: int = 6
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    text: ClassVar[bool] = False

    @property
    def convert(self) -> Convert:
        """Make a Decimal."""
        low, high = self.minimum, self.maximum
        sign = "" if low is not None and low >= 0 else "-?"
        part = rf"(?:\.[0-9]{{1,{self.decimals}}})?" if self.decimals else ""
        plain = re.compile(f"{sign}[0-9]{{1,{self.digits}}}{part}").fullmatch

        def convert(cell: str) -> Decimal:
            value = Decimal(cell if plain(cell) else self._judged(cell))
            if (low is not None and value < low) or (high is not None and value > high):
                raise CellFault("out_of_range", _between(low, high), cell)
            return value

        return convert

    def _judged(self, cell: str) -> str:
        """Return a cell that is not as plain as most are, if it is right."""
        sign, whole, part = _number(cell)
        if sign and self.minimum is not None and self.minimum >= 0:
            raise _not_negative(cell)
        if len(whole.lstrip("0")) > self.digits:
            right = f"at most {self.digits} digits before the point"
            raise CellFault("out_of_range", right, cell, limit=self.digits)
        if len(part or "") > self.decimals:
            right = f"at most {self.decimals} digits behind the point"
            raise CellFault("too_many_decimals", right, cell, limit=self.decimals)
        return cell.strip()

    @property
    def schema(self) -> Mapping[str, Json]:
        """The bounds."""
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {name: float(bound) for name, bound in bounds.items() if bound is not None}

    @property
    def sample(self) -> str:
        """The least number, or one with all its decimals."""
        return str(self.minimum or f"{1:.{self.decimals}f}")


def _number(cell: str) -> tuple[str, str, str | None]:
    """Return sign, whole digits and decimals."""
    if (match := _NUMBER.fullmatch(cell.strip())) is None:
        right = "a number of digits with or without a point, such as 1234.50"
        raise CellFault("invalid_number", right, cell)
    sign, whole, part = match.groups()
    return sign, whole, part


def _not_negative(cell: str) -> CellFault:
    return CellFault("out_of_range", "a number that is not negative", cell)


def _between(low: Decimal | int | None, high: Decimal | int | None) -> str:
    if low is None or high is None:
        return f"a number of at least {low}" if high is None else f"a number of at most {high}"
    return f"a number from {low} to {high}"


@attrs.frozen
class Boolean:
    """``true`` or ``false``, in any case."""

    text: ClassVar[bool] = False
    sample: ClassVar[str] = "true"

    @property
    def convert(self) -> Convert:
        """Make a bool."""
        words = {"true": True, "false": False}

        def convert(cell: str) -> bool:
            if (found := words.get(cell.strip().lower())) is None:
                raise CellFault("invalid_boolean", "true or false", cell)
            return found

        return convert

    @property
    def schema(self) -> Mapping[str, Json]:
        """Nothing beside the type."""
        return {}


@attrs.frozen
class Choice:
    """One of ``values``, in any case; from the text to the value."""

    values: Mapping[str, Any]
    text: ClassVar[bool] = False

    @property
    def convert(self) -> Convert:
        """Look the value up."""
        known = {name.casefold(): value for name, value in self.values.items()}
        known |= {escape_formula(name).casefold(): value for name, value in self.values.items()}

        def convert(cell: str) -> Any:
            name = cell.strip().casefold()
            if name not in known:
                guess = nearest(name, list(self.values))
                right = f"one of {', '.join(self.values)}"
                raise CellFault("invalid_choice", right, cell, nearest=guess)
            return known[name]

        return convert

    @property
    def schema(self) -> Mapping[str, Json]:
        """Nothing beside the type."""
        return {}

    @property
    def sample(self) -> str:
        """The first of them."""
        return next(iter(self.values))


@attrs.frozen
class FileKey:
    """The key of a file in the file store: relative, and made of plain names."""

    text: ClassVar[bool] = True
    sample: ClassVar[str] = "folder/file.png"

    @property
    def convert(self) -> Convert:
        """Check it; the file need not be there."""

        def convert(cell: str) -> str:
            try:
                check_key(cell)
            except InvalidKey as error:
                right = f"a relative key such as folder/file.png ({error})"
                raise CellFault("invalid_key", right, cell) from None
            return cell

        return convert

    @property
    def schema(self) -> Mapping[str, Json]:
        """Nothing beside the type."""
        return {}
