import json
import subprocess
import sys

import pytest

from cli.harness import Cli


@pytest.mark.parametrize("args", [("run", "count-up"), ("create", "count-up")])
def test_json_is_all_that_is_on_standard_output(cli: Cli, args: tuple[str, ...]) -> None:
    """With --json the job in the API's form is one line, and nothing else is there."""
    done = cli(*args, "--json")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["batch_job"]["type"] == "count-up"


def test_each_command_about_a_job_prints_it_as_json(cli: Cli) -> None:
    """Run, show, confirm, work and cancel print the job as it stands then."""
    job = cli.job("run", "count-up", "--dry-run")
    assert job["status"] == "pre_processed"
    assert cli.job("show", job["id"]) == job
    assert cli.job("confirm", job["id"])["status"] == "confirmed"
    assert cli.job("work", job["id"])["result"]["advancement_count"] == 30
    assert cli.job("cancel", cli.job("create", "count-up")["id"])["status"] == "canceled"


def test_yes_confirms_a_dry_run(cli: Cli) -> None:
    """With --yes a dry run shows what it would do, and does it."""
    done = cli("run", "count-up", "--dry-run", "--yes")
    assert "It will count to 3" in done.stdout
    assert "completed" in done.stdout


def test_a_list_says_what_it_is_a_page_of(cli: Cli) -> None:
    """A list as JSON has its jobs, newest first, with count, offset and limit."""
    ids = [cli.job("create", kind)["id"] for kind in ("count-up", "do-nothing", "count-up")]
    args = ("--type", "count-up", "--type", "refuse", "--status", "created", "--limit", "1")
    page = json.loads(cli("list", *args, "--offset", "1", "--json").stdout)
    assert [job["id"] for job in page.pop("batch_jobs")] == ids[:1]
    assert page == {"count": 2, "offset": 1, "limit": 1}
    assert "Jobs: 2 to 2 of 2" in cli("list", *args, "--offset", "1").stdout


def test_a_list_of_nothing_says_so(cli: Cli) -> None:
    """A list without jobs is fine."""
    done = cli("list")
    assert (done.returncode, done.stdout) == (0, "Jobs: none of 0\n")


def test_types_are_printed_with_their_schemas(cli: Cli) -> None:
    """Types come with name, version and the JSON Schema of their context, in JSON or in words."""
    types = {each["type"]: each for each in json.loads(cli("types", "--json").stdout)}
    assert {"count-up", "product-export"} <= set(types)
    assert types["count-up"]["version"] == 1
    assert types["count-up"]["context_schema"]["properties"]["chunks"]["type"] == "integer"
    assert "How many chunks there are. Default: 3." in cli("types").stdout
    assert not (cli.folder / "batchjob.db").exists()


def test_show_prints_all_that_is_known(cli: Cli) -> None:
    """Of a job are shown its times, context, numbers, outcomes, file and transitions."""
    job = cli.job("run", "count-up", "--context", '{"chunks": 4}')
    shown = cli("show", job["id"]).stdout
    for words in ('{"chunks": 4}', "It will count to 4", "40 of 40", "40 created", "numbers.txt"):
        assert words in shown
    for transition in ("created", "confirmed", "processing", "completed"):
        assert transition in shown


def test_show_says_what_a_job_waits_for(cli: Cli) -> None:
    """An open job says whether it waits for a worker, to be confirmed, or for a plugin."""
    job = cli.job("create", "count-up", "--dry-run")["id"]
    assert f"a worker: batchjob work {job}" in cli("show", job).stdout
    cli("work", job)
    assert f"batchjob confirm {job}" in cli("show", job).stdout
    job = cli.job("create", "count-up")["id"]
    assert "none that is installed here does" in cli("show", job, PYTHONPATH="").stdout


def test_work_says_why_it_stopped(cli: Cli) -> None:
    """A job that is paused is left as it is, and the command that resumes it is told."""
    job = cli.job("create", "count-up")["id"]
    cli("pause", job)
    done = cli("work", job)
    assert done.returncode == 0
    assert f"waits for somebody to resume it: batchjob resume {job}" in done.stderr
    assert cli.job("show", job)["status"] == "created"


def test_commands_that_look_do_no_work(cli: Cli) -> None:
    """An engine that is set for all commands is of no matter to those that only look."""
    job = cli.job("create", "count-up")["id"]
    assert cli.job("show", job, "--engine", "threads:1")["status"] == "created"
    cli("list", BATCHJOB_ENGINE="threads:1")
    assert cli.job("show", job)["status"] == "created"


def test_what_users_wrote_cannot_drive_the_terminal(cli: Cli) -> None:
    """Control characters and markup in a job's data are shown, not obeyed."""
    context = json.dumps({"a": "[red]x[/red] \x1b[2J \u009b"})
    job = cli.job("create", "do-nothing", "--context", context)["id"]
    shown = cli("show", job).stdout
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown
    assert "\u009b" not in shown


def test_create_prints_the_id_alone(cli: Cli) -> None:
    """The id of a new job is all of standard output, to be used by scripts."""
    done = cli("create", "count-up")
    assert cli.job("show", done.stdout.strip())["status"] == "created"
    assert f"batchjob work {done.stdout.strip()}" in done.stderr


def test_create_with_the_inline_engine_does_the_work(cli: Cli) -> None:
    """With --engine inline the job is worked on before its id is printed."""
    done = cli("create", "count-up", "--engine", "inline")
    assert cli.job("show", done.stdout.strip())["status"] == "completed"


def test_hints_repeat_the_settings_that_were_given(cli: Cli) -> None:
    """A command that is printed has the options that were given, with passwords masked."""
    done = cli("create", "count-up", "--store", "sqlite:///a b.db", "--lease", "5")
    assert done.stderr.strip().endswith("--store 'sqlite:///a b.db' --lease 5")
    from batchjob.cli.settings import Where

    where = Where(store="postgresql://u:geheim@h/d", given=("store",))
    assert where.command("list") == "batchjob list --store 'postgresql://u:***@h/d'"


def test_settings_are_read_from_the_environment(cli: Cli) -> None:
    """Each setting may be an environment variable, and an option counts before it."""
    done = cli("create", "count-up", "--files", "f", BATCHJOB_STORE="sqlite:///e.db")
    assert (done.returncode, (cli.folder / "e.db").exists()) == (0, True)
    assert "BATCHJOB_LEASE" in cli("list", BATCHJOB_LEASE="soon").stderr


def test_a_context_may_be_a_file_or_standard_input(cli: Cli) -> None:
    """@FILE reads the context from a file, @- from standard input."""
    (cli.folder / "context.json").write_text('{"chunks": 2}')
    assert cli.job("create", "count-up", "--context", "@context.json")["context"] == {"chunks": 2}
    done = cli("create", "count-up", "--context", "@-", "--json", given='{"chunks": 1}')
    assert json.loads(done.stdout)["batch_job"]["context"] == {"chunks": 1}


def test_a_file_is_uploaded_for_the_job(cli: Cli) -> None:
    """--file keeps the file and names it in the context; two names for it are refused."""
    (cli.folder / "x.csv").write_bytes(b"12345")
    job = cli.job("run", "read-file", "--file", "x.csv")
    assert job["context"]["fileKey"].endswith("/x.csv")
    assert job["result"]["stat_descriptors"][0]["message"] == "5 bytes"
    both = cli("run", "read-file", "--file", "x.csv", "--context", '{"fileKey": "a"}')
    assert both.returncode == 2


def test_out_saves_the_file_whole(cli: Cli) -> None:
    """--out saves the job's file, in place of an older one, and leaves nothing beside it."""
    (cli.folder / "out").mkdir()
    (cli.folder / "out" / "n.txt").write_text("old")
    job = cli.job("run", "count-up", "--out", "out/n.txt")
    assert (cli.folder / "out" / "n.txt").read_text() == "0\n1\n2\n"
    assert [path.name for path in (cli.folder / "out").iterdir()] == ["n.txt"]
    assert cli("work", job["id"], "--out", "again.txt").returncode == 0
    assert (cli.folder / "again.txt").read_text() == "0\n1\n2\n"


def test_out_of_a_job_that_failed_leaves_the_old_file(cli: Cli) -> None:
    """A job that failed saves nothing; the file that was there stays."""
    (cli.folder / "n.txt").write_text("old")
    assert cli("run", "refuse", "--context", '{"later": 1}', "--out", "n.txt").returncode == 1
    assert (cli.folder / "n.txt").read_text() == "old"


def test_out_of_a_job_without_a_file_says_so(cli: Cli) -> None:
    """--out of a job that makes no file is a warning; the job completes all the same."""
    done = cli("run", "do-nothing", "--out", "n.txt", "--json")
    assert json.loads(done.stdout)["batch_job"]["status"] == "completed"
    assert "warning" in done.stderr
    assert not (cli.folder / "n.txt").exists()


def test_a_reader_that_goes_away_is_no_error(cli: Cli) -> None:
    """When nobody reads the output any more, the program ends without a word."""
    cli("create", "count-up")
    for args in (["list"], ["list", "--json"], ["types"], ["show", "nope"]):
        process = cli.start(*args)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert not [word for word in ("Traceback", "Exception", "Broken") if word in said]


def test_an_encoding_without_the_sign_is_no_error(cli: Cli) -> None:
    """Where the output takes ASCII only, JSON stays JSON and text is spelled out."""
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    context = '{"a": "caf\\u00e9"}'
    job = cli.job("create", "do-nothing", "--context", context, **ascii_only)
    assert job["context"] == {"a": "café"}
    assert "caf\\xe9" in cli("show", job["id"], **ascii_only).stdout


def test_help_is_light(cli: Cli) -> None:
    """Help and version load neither rich nor SQLAlchemy."""
    code = (
        "import sys; from batchjob.cli.app import program\n"
        "try: program.main([sys.argv[1]])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'rich', 'sqlalchemy'} & set(sys.modules), 'heavy'"
    )
    for option in ("--help", "--version"):
        subprocess.run(
            [sys.executable, "-c", code, option], check=True, capture_output=True, timeout=30
        )


def test_help_names_each_command_and_setting(cli: Cli) -> None:
    """The program and each command have help; every command takes the settings and --json."""
    commands = ("types", "run", "create", "work", "list", "show", "confirm", "cancel")
    listed = cli("--help")
    assert (listed.returncode, cli().stdout) == (0, listed.stdout)
    for command in commands:
        assert f"\n  {command} " in listed.stdout
        shown = cli(command, "--help").stdout
        for option in ("store", "files", "catalog", "engine", "lease", "json"):
            assert f"--{option}" in shown


def test_without_click_one_line_says_what_to_install(cli: Cli) -> None:
    """Without click the program ends with status 2 and names the extra."""
    (cli.folder / "click.py").write_text("raise ModuleNotFoundError('no click', name='click')")
    done = cli("--help", PYTHONPATH=str(cli.folder))
    assert done.returncode == 2
    assert done.stderr.endswith("needs more packages: pip install 'batchjob[cli]'\n")
