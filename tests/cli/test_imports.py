"""Jobs that read a file, on the command line: template, preview, errors, and what is printed."""

import json

from cli.harness import Cli

GOOD = "Name;Seats\nAda;2\nEve;3\n"
BAD = "Name;Seats\nAda;0\nBob;two\nEve;1\n"


def test_a_template_is_filled_in_and_run(cli: Cli) -> None:
    """It is printed, or saved, and is a good file as it is."""
    printed = cli("template", "guests")
    assert (printed.returncode, printed.stdout) == (0, "Name;Seats\nAda;2\n")
    saved = cli("template", "guests", "--out", "list.csv")
    assert (saved.stdout, saved.stderr) == ("", "batchjob: saved list.csv\n")
    assert cli("run", "guests", "--file", "list.csv").returncode == 0


def test_a_type_without_a_template_says_so(cli: Cli) -> None:
    """There is nothing to fill in for a job that is given no file."""
    done = cli("template", "count-up")
    assert done.returncode == 2
    assert "there is no template for jobs of type count-up" in done.stderr


def test_a_file_that_is_missing_is_asked_for_by_its_option(cli: Cli) -> None:
    """Who works here has not the word of the context in mind."""
    done = cli("run", "guests")
    assert done.returncode == 2
    assert "/fileKey: this key is required; give the file by --file" in done.stderr
    assert "--file" not in cli("run", "guests", "--context", '{"fileKey": 7}').stderr


def test_a_preview_shows_each_row(cli: Cli) -> None:
    """A dry run is left waiting, and its changes are a table, in pages."""
    (cli.folder / "list.csv").write_text(GOOD)
    made = cli("run", "guests", "--file", "list.csv", "--dry-run")
    assert made.returncode == 0
    job_id = cli("list", "--json").stdout
    job_id = json.loads(job_id)["batch_jobs"][0]["id"]
    shown = cli("show", job_id, "--changes").stdout.splitlines()
    assert [line.split() for line in shown] == [
        ["Row", "Outcome", "Key", "Changes"],
        ["2", "created", "Ada", "seats:", "2"],
        ["3", "updated", "Eve", "seats:", "1", "->", "3"],
        ["Rows:", "1", "to", "2", "of", "2"],
    ]
    paged = cli("show", job_id, "--changes", "--offset", "1", "--limit", "1", "--json")
    found = json.loads(paged.stdout)
    assert (found["count"], found["offset"], found["changes"][0]["key"]) == (2, 1, "Eve")
    assert cli("confirm", job_id).returncode == 0
    assert cli("work", job_id).returncode == 0


def test_errors_are_printed_in_words_and_can_be_saved(cli: Cli) -> None:
    """A refused file leads to exit status 1, row, column, what was found, what would be right."""
    (cli.folder / "list.csv").write_text(BAD)
    done = cli("run", "guests", "--file", "list.csv")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "row 2, column Seats: '0' is out of range: from 1 to" in said
    assert "row 3, column Seats: 'two' is no whole number; write digits" in said
    job_id = json.loads(cli("list", "--json").stdout)["batch_jobs"][0]["id"]
    assert cli("errors", job_id, "--out", "bad.csv").returncode == 0
    report = (cli.folder / "bad.csv").read_text()
    assert report.startswith("Name;Seats;Import Error\nAda;0;")
    assert cli("errors", job_id).stdout == report
    mended = report.replace("Ada;0", "Ada;1").replace("Bob;two", "Bob;2")
    (cli.folder / "bad.csv").write_text(mended)
    assert cli("run", "guests", "--file", "bad.csv").returncode == 0


def test_a_job_without_errors_has_no_report(cli: Cli) -> None:
    """Asking for one is wrong use: exit status 2, in words."""
    (cli.folder / "list.csv").write_text(GOOD)
    job = cli.job("run", "guests", "--file", "list.csv")
    done = cli("errors", str(job["id"]))
    assert done.returncode == 2
    assert "has no error report" in done.stderr


def test_plugins_are_told_where_the_store_is_also_where_it_is_not_opened(cli: Cli) -> None:
    """`types` and `template` need no store, and a plugin may still want to know of it."""
    info = cli.folder / "plugin" / "where-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: where\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[batchjob]\nwhere = where\n")
    (info.parent / "where.py").write_text(
        "import pathlib\nfrom batchjob import hookimpl\n\n@hookimpl\n"
        "def batchjob_strategies(settings):\n"
        "    pathlib.Path('told').write_text(settings.store)\n    return []\n"
    )
    for command in (("types",), ("template", "product-import")):
        done = cli(*command, "--store", "sqlite:///far.db", PYTHONPATH=str(info.parent))
        assert done.returncode == 0, done.stderr
        assert (cli.folder / "told").read_text() == "sqlite:///far.db"
        (cli.folder / "told").unlink()
    assert not (cli.folder / "far.db").exists()
