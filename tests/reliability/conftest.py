"""Databases for faults: fresh ones, with a clock that is moved, and a table that shows effects."""

import importlib
import multiprocessing
import os
import subprocess
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from batchjob.stores.tables import metadata
from reliability.scene import EFFECTS, Scene, scene
from stores.databases import migrated, new_postgresql


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[str]:
    """A database of a server, for the session."""
    with new_postgresql() as url:
        migrated(url)
        with psycopg.connect(url) as connection:
            connection.execute(EFFECTS)
        yield url


@pytest.fixture
def postgresql_url(_postgresql: str) -> str:
    """The database of a server, empty."""
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with psycopg.connect(_postgresql) as connection:
        connection.execute(f"TRUNCATE {names}, fault_effect".encode())
    return _postgresql


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file of its own."""
    url = migrated(f"sqlite:///{tmp_path / 'jobs.db'}")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(EFFECTS)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Each store in turn."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def set_scene(url: str, tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """Open scenes on each store in turn."""
    opened: list[Any] = []

    def make(*strategies: Any, **options: Any) -> Scene:
        context = scene(url, tmp_path, *strategies, **options)
        opened.append(context)
        return context.__enter__()

    yield make
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A PostgreSQL server of the test's own, with the tables, to be stopped at will."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    servers = importlib.import_module("benchmarks.chaos.server")
    if servers.programs() is None:
        pytest.skip("no PostgreSQL is installed here")
    with servers.own_server() as server:
        migrated(server.url)
        with psycopg.connect(server.url) as connection:
            connection.execute(EFFECTS)
        yield server


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="session")
def _server() -> BaseContext:
    """A process that has imported everything, and forks quickly."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["reliability.children", "psycopg"])
    return context


@pytest.fixture
def child(_server: Any) -> Callable[..., int]:
    """Run a function in a process of its own, and return how that ended: -9 if it was killed."""

    def run(function: Callable[..., object], *arguments: object) -> int:
        process: BaseProcess = _server.Process(target=function, args=arguments)
        process.start()
        process.join(60)
        if process.is_alive():
            process.kill()
            pytest.fail("the child did not end")
        assert process.exitcode is not None
        return process.exitcode

    return run
