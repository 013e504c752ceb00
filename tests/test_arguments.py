"""What is given wrongly to the facade: refused at once, in words, before anything is kept."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs
from batchjob.errors import InvalidArgument, InvalidSetting, UnknownBatchType, UnknownName
from support import Lines, Offering


@pytest.fixture
def jobs() -> Iterator[Any]:
    """Jobs in memory."""
    with BatchJobs.open("memory:", plugins={"lines": Offering(Lines())}) as opened:
        yield opened


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda jobs: jobs.create("lines", actor=7), "actor cannot be 7; give the text that"),
        (lambda jobs: jobs.create("lines", actor=""), "actor cannot be ''; give the text"),
        (lambda jobs: jobs.create("lines", dry_run="no"), "dry_run cannot be str; give True or"),
        (lambda jobs: jobs.create("lines", idempotency_key=7), "idempotency_key cannot be 7"),
        (lambda jobs: jobs.get(None), "job_id cannot be None; give the id of a job"),
        (lambda jobs: jobs.get(jobs.create("lines")), "job_id cannot be BatchJob; give the id"),
        (lambda jobs: jobs.cancel(jobs.create("lines").id, actor=7), "actor cannot be 7"),
        (lambda jobs: jobs.list(actor=7), "actor cannot be 7"),
        (lambda jobs: jobs.list(limit="10"), "limit cannot be str; give a whole number, 0 or"),
        (lambda jobs: jobs.list(offset=-1), "offset cannot be -1; give a whole number, 0 or more"),
        (lambda jobs: jobs.list(statuses="failed"), "statuses cannot be str; give a list"),
        (lambda jobs: jobs.list(batch_types="lines"), "batch_types cannot be str; give a list"),
        (lambda jobs: jobs.worker(batch_types="lines"), "batch_types cannot be str; give a list"),
        (lambda jobs: jobs.pool(threads=0), "threads cannot be 0; give a whole number, 1 or more"),
        (lambda jobs: jobs.pool(threads=True), "threads cannot be True"),
        (lambda jobs: jobs.wait(jobs.create("lines").id, timeout="5"), "timeout cannot be str"),
        (lambda jobs: jobs.purge(older_than=30), r"older_than cannot be 30; give a timedelta: t"),
        (lambda jobs: jobs.upload("a;b", "a.csv"), "file cannot be str; give a file open to read"),
        (lambda jobs: jobs.upload(Path("a.csv"), "a.csv"), "file cannot be PosixPath; give a file"),
        (
            lambda jobs: jobs.upload(io.StringIO("a;b"), "a.csv"),
            "file cannot be one that is open to",
        ),
        (lambda jobs: jobs.upload(io.BytesIO(b"a"), None), "name cannot be None; give what the f"),
        (lambda jobs: jobs.upload(io.BytesIO(b"a"), "a", actor=7), "actor cannot be 7"),
        (lambda jobs: jobs.uploads(actor=7), "actor cannot be 7"),
        (lambda jobs: jobs.file("a", actor=7), "actor cannot be 7"),
        (lambda jobs: jobs.changes(jobs.create("lines").id, limit=None), "limit cannot be None"),
    ],
)
def test_what_is_of_another_kind_is_refused(
    jobs: BatchJobs, call: Callable[[Any], object], words: str
) -> None:
    """The argument is named, and what would be right; a text that was given is not repeated."""
    with pytest.raises(InvalidArgument, match=words):
        call(jobs)
    assert not jobs.uploads()


def test_names_that_there_are_not_are_told(jobs: Any) -> None:
    """Those that there are, are listed."""
    with pytest.raises(UnknownName, match="unknown name 'done'; known: canceled, completed"):
        jobs.list(statuses=["done"])
    with pytest.raises(UnknownBatchType, match="unknown batch type None; known: lines, "):
        jobs.create(None)
    jobs.create("lines")
    for many in (["completed"], iter(["completed"])):
        assert jobs.list(statuses=many).count == 0


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"store": "x.db"}, InvalidSetting, "the store is no URL; give a URL such as sqlite:///"),
        ({"store": None}, InvalidSetting, "store is of type NoneType; give a URL such as"),
        ({"store": Path("x.db")}, InvalidSetting, "store is of type PosixPath; give a URL"),
        ({"files": 5}, InvalidSetting, "files is of type int; give a folder or a URL"),
        ({"files": " "}, InvalidSetting, "files is empty; give a folder or a URL"),
        ({"engine": 4}, InvalidSetting, "engine is of type int; give a text such as 'threads:4'"),
        ({"lease": "30"}, InvalidSetting, "lease is of type str; give seconds"),
        ({"lease": True}, InvalidSetting, "lease is of type bool; give seconds"),
        ({"retention": timedelta(days=30)}, InvalidSetting, "retention is of type timedelta; give"),
        ({"actor_jobs": "3"}, InvalidSetting, "actor_jobs is of type str; give a whole number"),
        ({"options": {"a": 1}}, InvalidSetting, "the option a is no text; options are a dict of"),
        ({"plugins": [Lines()]}, InvalidArgument, "plugins cannot be list; give a dict of plugins"),
        ({"disable": "products"}, InvalidArgument, "disable cannot be str; give a list of names"),
    ],
)
def test_a_setting_of_another_kind_is_refused(
    settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    """The setting is named, and what would be right."""
    with pytest.raises(error, match=words):
        BatchJobs.open(**{"store": "memory:", **settings})


def test_a_folder_may_be_a_path(tmp_path: Path) -> None:
    """Of `pathlib`, as well as a text."""
    with BatchJobs.open("memory:", files=tmp_path / "files") as jobs:
        stored = jobs.upload(io.BytesIO(b"a"), "a.csv")
    assert (tmp_path / "files" / stored.key).read_bytes() == b"a"
