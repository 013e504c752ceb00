import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batchjob.cli.exits import of_job
from batchjob.core.job import BatchJob, fail
from batchjob.core.results import JobError, Result
from cli.harness import Cli


def _says(stderr: str) -> str:
    """Return the one line of *stderr* that is an error."""
    errors = [line for line in stderr.splitlines() if line.startswith("batchjob: error: ")]
    assert len(errors) == 1
    assert "Traceback" not in stderr
    return errors[0]


def test_a_job_that_completes_is_status_0(cli: Cli) -> None:
    """A job that completes without a failed row ends with status 0."""
    done = cli("run", "count-up")
    assert (done.returncode, "completed" in done.stdout) == (0, True)


def test_a_dry_run_that_is_left_waiting_is_status_0(cli: Cli) -> None:
    """Without a terminal a dry run is left waiting, with status 0 and how to go on."""
    done = cli("run", "count-up", "--dry-run", given="y\n")
    (job,) = json.loads(cli("list", "--json").stdout)["batch_jobs"]
    assert (done.returncode, job["status"]) == (0, "pre_processed")
    assert f"batchjob confirm {job['id']}" in done.stderr
    assert f"batchjob work {job['id']}" in done.stderr


def test_failed_rows_are_status_1(cli: Cli) -> None:
    """A job that completes with failed rows ends with status 1."""
    done = cli("run", "count-up", "--context", '{"failed": 1}', "--json")
    assert (done.returncode, json.loads(done.stdout)["batch_job"]["status"]) == (1, "completed")


def test_a_failed_job_is_status_1_and_shows_ten_errors(cli: Cli) -> None:
    """A failed job ends with status 1, and shows its first ten errors and how many more."""
    done = cli("run", "refuse", "--context", '{"later": true}')
    assert done.returncode == 1
    assert "row 11, column A: bad 11" in done.stdout
    assert "row 12" not in done.stdout
    assert "and 13 more errors" in done.stdout


def test_work_on_a_canceled_job_is_status_1(cli: Cli) -> None:
    """Working on a job that was canceled ends with status 1; canceling it was status 0."""
    job = cli.job("create", "count-up")["id"]
    assert cli("cancel", job).returncode == 0
    assert cli("work", job).returncode == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "count-op"], "did you mean count-up?"),
        (["create", "count-op"], "known: buggy, count-up, do-nothing"),
        (["run", "refuse"], "this is never done"),
        (["work", "batch_nope"], "there is no job 'batch_nope'"),
        (["show", "batch_nope"], "there is no job 'batch_nope'"),
        (["list", "--store", "redis://u:geheim@host/0"], "unknown store scheme 'redis'"),
        (["create", "count-up", "--engine", "no:4"], "unknown engine scheme 'no'"),
        (["list", "--lease", "1"], "must be 3 or more"),
        (["list", "--lease", "inf"], "no number of seconds"),
        (["list", "--limit", "101"], "not in the range 1<=x<=100"),
        (["list", "--status", "done"], "'done' is not one of 'created'"),
        (["run"], "Missing argument 'TYPE'"),
        (["runn"], "'runn'"),
        (["run", "count-up", "--nope"], "'--nope'"),
        (["run", "count-up", "--file", "nope.csv"], "cannot read 'nope.csv'"),
        (["run", "count-up", "--context", "@nope.json"], "cannot read 'nope.json'"),
        (["run", "count-up", "--out", "nope/x.csv"], "there is no folder 'nope'"),
        (["run", "count-up", "--out", "."], "it is a folder"),
    ],
)
def test_wrong_use_is_status_2(cli: Cli, args: list[str], words: str) -> None:
    """Wrong use ends with status 2 and one line that says what would be right."""
    done = cli(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in _says(done.stderr)
    assert "geheim" not in done.stderr


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("{", "it is not JSON"),
        ("[1]", "expected an object, found an array"),
        ('"text"', "expected an object, found 'text'"),
        ('{"chunks": NaN}', "NaN is no JSON number"),
        ('{"chunks": 1, "chunks": 2}', "stands twice"),
        ('{"chunk": 1}', "/chunk: unknown key; allowed: chunks, gate, record, failed"),
        ('{"chunks": "3", "failed": "no"}', "/failed: expected a whole number, found 'no'"),
    ],
)
def test_a_refused_context_is_status_2(cli: Cli, context: str, words: str) -> None:
    """A context that does not fit ends with status 2, and one line with each place and fault."""
    done = cli("run", "count-up", "--context", context)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in _says(done.stderr)
    assert json.loads(cli("list", "--json").stdout)["count"] == 0


def test_an_invalid_move_is_status_2(cli: Cli) -> None:
    """Confirming a job that does not wait for it ends with status 2, and says how it stands."""
    job = cli.job("create", "count-up")["id"]
    done = cli("confirm", job)
    assert done.returncode == 2
    assert _says(done.stderr).endswith("it is created; it would have to be pre_processed")


@pytest.mark.parametrize(
    "store",
    [
        "sqlite:///nope/batchjob.db",
        "sqlite:///text.db",
        "sqlite:////proc/batchjob.db",
        "postgresql://user:geheim@127.0.0.1:1/jobs",
    ],
)
def test_a_store_out_of_reach_is_status_3(cli: Cli, store: str) -> None:
    """A store that cannot be used ends with status 3, and nothing secret is said."""
    (cli.folder / "text.db").write_text("This is a text, and was never a database." * 50)
    done = cli("create", "count-up", "--store", store)
    assert (done.returncode, done.stdout) == (3, "")
    said = _says(done.stderr)
    assert not [word for word in ("geheim", "SELECT", str(cli.folder), "/proc") if word in said]


def test_files_out_of_reach_are_status_3(cli: Cli) -> None:
    """A folder of files that cannot be used ends with status 3, before the job is made."""
    (cli.folder / "batchjob-files").write_text("in the way")
    (cli.folder / "x.csv").write_text("a;b\r\n")
    done = cli("run", "read-file", "--file", "x.csv")
    assert done.returncode == 3
    assert str(cli.folder) not in _says(done.stderr)


def test_a_newer_store_is_status_3(cli: Cli) -> None:
    """A store that a newer batchjob made is not touched: status 3."""
    cli("create", "count-up")
    with sqlite3.connect(cli.folder / "batchjob.db") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        (version,) = [name for name in tables if "version" in name and "autoindex" not in name]
        database.execute(f"UPDATE {version} SET version_num = 'from_the_future'")  # noqa: S608
    database.close()
    assert cli("list").returncode == 3


def test_a_catalogue_out_of_reach_is_status_3(cli: Cli) -> None:
    """An export of a catalogue that is not there ends with status 3, and no job is made."""
    done = cli("run", "product-export", "--catalog", "sqlite:///nope/shop.db", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert "catalogue" in _says(done.stderr)
    assert json.loads(cli("list", "--json").stdout)["count"] == 0


@pytest.mark.parametrize("code", ["catalog_unavailable", "store_unavailable", "storage_full"])
def test_a_job_that_lost_what_it_needs_is_status_3(code: str) -> None:
    """A job that failed because something went out of reach ends with status 3."""
    result = Result(errors=(JobError(code=code, message="gone"),))
    now = datetime.now(UTC)
    job = BatchJob(id="batch_1", batch_type="t", created_at=now, updated_at=now)
    assert of_job(fail(job, at=now, result=result)) == 3


def test_an_argument_that_is_no_text_is_status_2(cli: Cli) -> None:
    """An id that is not UTF-8 is wrong use, in one line."""
    for words in (["show", "\udcff"], ["list", "--type", "\udcff"]):
        done = cli(*words)
        assert done.returncode == 2
        assert "\\udcff" in _says(done.stderr) or "no text in UTF-8" in _says(done.stderr)


def test_output_that_finds_no_room_is_status_3(cli: Cli) -> None:
    """Where standard output cannot be written, that is said in one line."""
    with Path("/dev/full").open("w") as full:
        process = cli.start("list", stdout=full)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.wait() == 3
    assert "no space left" in _says(said)


def test_why_a_chunk_failed_is_said(cli: Cli) -> None:
    """A chunk that fails is a warning with its reason and what becomes of it, in one line."""
    done = cli("run", "refuse", "--context", '{"later": 1}')
    (warning,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert warning.endswith("failed for good: bad rows")


def test_an_unforeseen_error_is_one_line(cli: Cli) -> None:
    """An error that nobody foresaw names its class alone, and how to see the traceback."""
    done = cli("create", "buggy")
    assert done.returncode == 70
    said = _says(done.stderr)
    assert "RuntimeError" in said
    assert "BATCHJOB_DEBUG=1" in said
    assert "passwd" not in said
    assert "Traceback" in cli("create", "buggy", BATCHJOB_DEBUG="1").stderr


def test_a_broken_plugin_is_a_warning(cli: Cli, tmp_path: Path) -> None:
    """A plugin that cannot be imported is named in one line, and all else works."""
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[batchjob]\nbroken = not_there\n")
    path = f"{cli.environ['PYTHONPATH']}:{tmp_path}"
    done = cli("create", "count-up", PYTHONPATH=path)
    assert done.returncode == 0
    assert "batchjob: warning: plugin broken: it cannot be loaded" in done.stderr
