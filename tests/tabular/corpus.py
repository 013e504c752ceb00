"""The row class of the corpus, and reading by it as an import does."""

import io
from decimal import Decimal
from typing import Any

import attrs

from batchjob.core.results import JobError
from batchjob.errors import FileFault
from batchjob.tabular.columns import Bound, open_records
from batchjob.tabular.planning import _keys as key_of
from batchjob.tabular.planning import _repeated as repeated
from batchjob.tabular.records import ReadLimits
from batchjob.tabular.rows import column, columns_of
from batchjob.tabular.scratch import scratch


@attrs.frozen(kw_only=True)
class Good:
    """What the files of the corpus hold."""

    handle: str = attrs.field(metadata=column(key=True, most=255))
    title: str = attrs.field(metadata=column())
    price: Decimal = attrs.field(metadata=column(digits=12, decimals=2, least=0))
    sku: str | None = attrs.field(default=None, metadata=column(key=True))
    quantity: int | None = attrs.field(default=None, metadata=column())
    image_key: str | None = attrs.field(default=None, metadata=column(file=True))


def read(
    content: bytes, cls: type[Any] = Good, limits: ReadLimits | None = None
) -> tuple[list[tuple[int, dict[str, Any]]], list[JobError], bool]:
    """Return the good rows by number, all errors, and whether the file itself was at fault."""
    columns = columns_of(cls)
    rows, errors = dict[int, dict[str, Any]](), list[JobError]()
    try:
        records = open_records(io.BytesIO(content), columns, limits=limits)
        bound = Bound(columns, records)
        with scratch() as kept:
            for record in records:
                values, found = bound.values(record)
                errors += found
                if not found:
                    rows[record.row] = {name: values[at] for name, at in bound.at.items()}
                for each in bound.columns:
                    if each.unique:
                        kept.see_keys(key_of(bound, each.name, [record], None))
            for name, value, row, first in kept.repeated():
                errors.append(repeated(name, value, row, first))
                rows.pop(row, None)
    except FileFault as error:
        return [], [each for each in error.errors if isinstance(each, JobError)], True
    return list(rows.items()), sorted(errors, key=lambda error: error.row or 0), False
