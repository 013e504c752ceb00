"""What a service shows of an import: the changes it would make, its error report, its template."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from batchjob.abc import FileStore, Store, Strategy
from batchjob.batchjobs.arguments import check
from batchjob.converters import structure_context
from batchjob.core.changes import Change, ChangePage
from batchjob.core.files import REPORT, folder_of
from batchjob.core.job import BatchJob
from batchjob.errors import InvalidStrategy, NoPreview, NoReport, NoTemplate
from batchjob.plugins import Plugins
from batchjob.registry import context_class
from batchjob.worker.run import ShownRun

_log = logging.getLogger(__name__)


class Previews(ABC):
    """Previews, error reports and templates, as a part of `BatchJobs`."""

    store: Store
    files: FileStore
    plugins: Plugins

    @abstractmethod
    def get(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Return a job as it stands."""

    def changes(
        self, job_id: str, *, offset: int = 0, limit: int = 100, actor: str | None = None
    ) -> ChangePage:
        """Return what the job would do or did with its rows: *limit* of them, from *offset* on.

        Raises as `get`, and `NoPreview` if the job is not planned, or its type has no preview.
        """
        check(offset=offset, limit=limit)
        job = self.get(job_id, actor=actor)
        strategy = self.plugins.registry.resolve(job.batch_type)
        if not has_preview(strategy) or job.result is None or job.result.count is None:
            raise NoPreview(job_id, job.status)
        found = islice(self._changes(job, strategy, offset), limit)
        return ChangePage(changes=tuple(found), count=job.result.count, offset=offset)

    def open_errors(self, job_id: str, *, actor: str | None = None) -> BinaryIO:
        """Open the error report of a job to read: its rows as they were given, with the errors.

        Raises as `get`, and `NoReport` if there is none.
        """
        return self.files.read(report_key(self.get(job_id, actor=actor)))

    def template(self, batch_type: str) -> str:
        """Return the text of a file to fill in and give to a job of this type.

        `UnknownBatchType`, or `NoTemplate` if jobs of the type are not given such a file.
        """
        text = self.plugins.registry.resolve(batch_type).template()
        if text is None:
            raise NoTemplate(batch_type)
        return text

    def _changes(self, job: BatchJob, strategy: Strategy, offset: int) -> Iterator[Change]:
        """Yield the changes from *offset* on; chunks before it are passed over by their weight."""
        context = structure_context(job.context, context_class(type(strategy)))
        run = ShownRun(job, context, store=self.store, files=self.files)
        passed = 0
        for chunk in self.store.chunks(job.id):
            if passed + chunk.weight > offset:
                for change in islice(strategy.changes(run, chunk), max(0, offset - passed), None):
                    if not isinstance(change, Change):
                        fault = f"changes yielded {type(change).__name__}; it must yield Change"
                        raise InvalidStrategy(type(strategy).__qualname__, f"{fault} values")
                    yield change
            passed += chunk.weight


def has_preview(strategy: Strategy) -> bool:
    """Tell whether jobs of a strategy can show what they would do."""
    return type(strategy).changes is not Strategy.changes


def has_template(strategy: Strategy) -> bool:
    """Tell whether there is a file to fill in; a strategy that fails to say so hides no other."""
    try:
        return strategy.template() is not None
    except Exception:  # noqa: BLE001 - any fault of a plugin is its own
        _log.exception("the template of %s could not be made", strategy.batch_type)
        return False


def report_key(job: BatchJob) -> str:
    """Return the key of a job's error report; `NoReport` if it has none."""
    key = None if job.result is None else job.result.file_key
    if key is None or folder_of(key) != REPORT:
        raise NoReport(job.id, job.status)
    return key
