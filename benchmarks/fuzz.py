"""The command ``python -m benchmarks.fuzz``: schemathesis against a server of its own.

All of its checks, on every operation of the OpenAPI document, with what it makes up and with
what the server answered before. The exit status is schemathesis's: 0 if it found nothing.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

import attrs

from batchjob import BatchJobs, Chunk, Part, Run, Settings, Strategy, hookimpl, json_key
from batchjob.products.catalog import Catalog
from batchjob.products.tables import create_tables
from batchjob.web import ApiTokens, WebSettings, create_app
from batchjob.web.serving import AppServer, bind, url_of

CONFIG: Final = """
headers = {{ "x-medusa-access-token" = "{secret}" }}
[generation]
allow-x00 = false
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "416", "422"]
[checks.negative_data_rejection]
expected-statuses = [
    "400", "401", "403", "404", "405", "406", "408", "409", "413", "415", "416", "422", "429"
]
"""
"""413: more files than are taken; 416: no such bytes; 422: what a schema has no words for."""

_EVENTS: Final = "watch_batch_job"  # an answer that goes on until its job ends


@attrs.frozen(kw_only=True)
class CountContext:
    """How far to count."""

    lines: int = attrs.field(
        default=3,
        validator=[
            attrs.validators.instance_of(int),
            attrs.validators.ge(0),
            attrs.validators.le(50),
        ],
        metadata=json_key(schema={"type": "integer", "minimum": 0, "maximum": 50}),
    )


class Counting(Strategy[CountContext]):
    """Writes numbers: jobs that come to an end while they are looked at."""

    batch_type: ClassVar[str] = "count"

    def plan(self, run: Run[CountContext]) -> Iterable[Chunk]:
        """Yield one chunk."""
        yield Chunk({}, weight=run.context.lines)

    def work(self, run: Run[CountContext], chunk: Chunk) -> None:
        """Write them."""
        with run.part() as file:
            for number in range(run.context.lines):
                file.write(f"{number}\n")

    def finish(self, run: Run[CountContext], parts: Iterable[Part]) -> None:
        """Hand them out."""
        with run.output("count.csv") as file:
            run.join(parts, file)


class Plugin:
    """Offers the counting."""

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> list[Any]:
        """Offer it."""
        return [Counting()]


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve jobs, with workers and an empty catalogue; yield the address and a secret."""
    url = f"sqlite:///{folder / 'fuzz.db'}"
    with (
        BatchJobs.open(url, files=str(folder / "files"), plugins={"fuzz": Plugin()}) as jobs,
        bind("127.0.0.1", 0) as listener,
    ):
        _empty_catalog(url)
        _, secret = jobs.create_token("usr_fuzz")
        settings = WebSettings(max_body=64 << 10, max_upload=1 << 20)
        app = create_app(jobs, authenticator=ApiTokens(jobs), settings=settings)
        pool, serving = jobs.pool(threads=1), AppServer(app, listener)
        serving.start()
        pool.start()
        try:
            yield url_of(listener), secret
        finally:
            serving.stop()
            pool.drain()
            serving.join()
            pool.join()


def _empty_catalog(url: str) -> None:
    catalog = Catalog(url)
    with catalog.engine.begin() as connection:
        create_tables(connection)
    catalog.close()


def fuzz(folder: Path, *, seconds: int, more: Sequence[str] = ()) -> int:
    """Run schemathesis for some *seconds*, and return its exit status."""
    hooks = Path(__file__).with_name("fuzz_hooks.py")
    with server(folder) as (url, secret):
        config = folder / "schemathesis.toml"
        config.write_text(CONFIG.format(secret=secret), "utf-8")
        command = [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", config, "run", f"{url}/openapi.json"),
            *("--exclude-operation-id", _EVENTS),
            *("--max-time", str(seconds), "--checks", "all", "--request-timeout", "20"),
            *("--warnings", "off"),
            *more,
        ]
        return subprocess.run(  # noqa: S603 - the command is ours
            [str(each) for each in command],
            cwd=folder,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(hooks)},
            check=False,
        ).returncode


def main() -> int:
    """Fuzz for as long as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("more", nargs="*", help="arguments for schemathesis, after --")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="batchjob-fuzz-") as folder:
        return fuzz(Path(folder), seconds=given.seconds, more=given.more)


if __name__ == "__main__":
    sys.exit(main())
