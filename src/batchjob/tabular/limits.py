"""How large a delimited file, and what is in it, may be; no reading belongs here."""

import attrs


@attrs.frozen(kw_only=True)
class FileLimits:
    """The most that a file may hold; what goes over one is a fault of the file.

    ``cell`` and ``row`` are in characters (a row's are those of all its cells, quotes and
    delimiters included), ``file`` is in bytes. They bound the memory that reading takes.
    """

    cell: int = 128 * 1024
    row: int = 1024 * 1024
    columns: int = 1_000
    file: int = 100 * 1024 * 1024
