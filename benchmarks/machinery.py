"""The suites ``jobs`` and ``imports``: what batchjob costs where there is nothing to do."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Options, ratio
from benchmarks.processes import measured, started, timed

_JOB_MS: Final = 25.0
_IMPORT_MS: Final = 120.0
_IMPORTS: Final = 9
_OWN: Final = re.compile(r"^import time:\s*\d+ \|\s*(\d+) \| batchjob$", re.MULTILINE)


def empty_jobs(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure jobs that do nothing beside the bare transactions of such a job."""
    found = measured("jobs", folder, str(options.jobs))
    yield Figure("empty job, sqlite", found["job"], "ms", _JOB_MS)
    yield Figure("one insert and four updates, sqlite", found["bare"], "ms")
    yield ratio("empty job, of one insert and four updates", found["job"], found["bare"])


def imports(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure ``import batchjob``, each time in a new interpreter."""
    walls: list[float] = []
    own: list[float] = []
    for number in range(1 + _IMPORTS):
        bare, whole = timed("-c", ""), timed("-c", "import batchjob")
        told = started(["-X", "importtime", "-c", "import batchjob"])
        if number:  # the first one may have to compile
            walls.append(1000 * (whole - bare))
            own.extend(int(found) / 1000 for found in _OWN.findall(told))
    yield Figure("import batchjob, less a bare interpreter", walls, "ms", _IMPORT_MS)
    yield Figure("import batchjob, by -X importtime", own, "ms")
