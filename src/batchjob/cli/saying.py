"""Words on standard error, and JSON on standard output: plain text, safe to show anywhere.

Tables, colours and bars do not belong here, but in `batchjob.cli.render` and
`batchjob.cli.progress`: this module is imported by every command.
"""

import json
import logging
import re
import sys
from contextlib import suppress
from typing import Final, TextIO

from batchjob._typing import Json
from batchjob.core.job import BatchJob
from batchjob.errors import BatchJobError

_PATH: Final = re.compile(r"""(?<![\w/:.~-])(?:[A-Za-z]:)?[\\/](?:[^\s\\/'"():;,]+[\\/])+""")


def printable(text: str) -> str:
    """Return *text* with its control characters spelled out, but for newlines and tabs.

    What users wrote into files and contexts could otherwise drive the terminal.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return *text* as `printable` does, on one line."""
    return printable(" ".join(text.split("\n"))).replace("\t", " ").strip()


def without_paths(text: str) -> str:
    """Return *text* with each absolute path cut down to its last name."""
    return _PATH.sub("", text)


def note(text: str) -> None:
    """Say something that is no error, on standard error."""
    sys.stderr.write(f"batchjob: {one_line(text)}\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Say that something is not as it should be, and that it goes on all the same."""
    note(f"warning: {text}")


def complain(text: str) -> None:
    """Say the error that ends the command."""
    note(f"error: {text}")


def write_json(value: Json) -> None:
    """Write *value* to standard output as one line of JSON."""
    text = json.dumps(value, ensure_ascii=not _takes_unicode(sys.stdout), allow_nan=False)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_job(job: BatchJob) -> None:
    """Write *job* to standard output as the API shows it, in one line."""
    from batchjob.converters.jobs import job_to_json

    write_json({"batch_job": job_to_json(job)})


def write_line(text: str) -> None:
    """Write one line for people to standard output."""
    sys.stdout.write(f"{one_line(text)}\n")
    sys.stdout.flush()


def listen_to_logs(*, tracebacks: bool) -> None:
    """Show batchjob's own warnings as lines on standard error; with *tracebacks* whole."""
    logger = logging.getLogger("batchjob")
    logger.propagate = False
    for handler in [h for h in logger.handlers if isinstance(h, _Lines)]:
        logger.removeHandler(handler)
    logger.addHandler(_Lines(tracebacks=tracebacks))


class _Lines(logging.Handler):
    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__(logging.WARNING)
        self._tracebacks = tracebacks

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody reads it any more, which must not end a worker's thread
            if self._tracebacks:
                sys.stderr.write(self.format(record) + "\n")
            else:
                error = record.exc_info[1] if record.exc_info else None
                why = f": {_reason(error)}" if error else ""
                warn(without_paths(f"{record.getMessage()}{why}"))


def _reason(error: BaseException) -> str:
    """Return what of *error* may be shown: our own words, of others the class alone."""
    return str(error) if isinstance(error, BatchJobError) else type(error).__name__


def _takes_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").replace("_", "") == "utf8"
