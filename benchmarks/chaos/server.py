"""A PostgreSQL server of one's own, to be stopped in the middle of its work."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

USER = "postgres"


@attrs.frozen
class Server:
    """A running server in *folder*, with its programs in *programs*."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers: after a crash it recovers first."""
        settings = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c max_connections=200"
        where = f"-c unix_socket_directories={self.folder}"
        log = ("-l", str(self.folder / "log"))
        self._control("start", "-w", "-t", "60", *log, "-o", f"{settings} {where}")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; ``immediate`` is a crash: nothing is written that was not yet."""
        self._control("stop", "-w", "-m", mode)

    def crash(self) -> None:
        """Stop it at once, and start it again."""
        self.stop()
        self.start()

    def _control(self, verb: str, *options: str) -> None:
        _run([self.programs / "pg_ctl", verb, "-s", "-D", self.folder / "data", *options])


def programs() -> Path | None:
    """Return where PostgreSQL's programs are; None if they are not installed."""
    if (config := shutil.which("pg_config")) is not None:
        ask = [config, "--bindir"]
        found = subprocess.run(ask, capture_output=True, text=True, check=True)  # noqa: S603 - ours
        if (folder := Path(found.stdout.strip())) and (folder / "initdb").exists():
            return folder
    initdb = shutil.which("initdb")
    return None if initdb is None else Path(initdb).resolve().parent


@contextmanager
def own_server() -> Iterator[Server]:
    """Make a new server on a free port, and put it away in the end."""
    if (found := programs()) is None:
        raise FileNotFoundError("PostgreSQL's initdb is not installed")
    folder = Path(tempfile.mkdtemp(prefix="batchjob-server-"))
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, USER, USER)
    server = Server(found, folder, _free_port())
    try:
        _run([found / "initdb", "-U", USER, "-A", "trust", "-N", "-D", folder / "data"])
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(command: Sequence[str | Path]) -> None:
    """Run a program of PostgreSQL, as its user where we are root."""
    known = {"user": USER, "group": USER, "extra_groups": ()} if os.geteuid() == 0 else {}
    subprocess.run(  # noqa: S603 - our own command
        list(map(str, command)),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        **known,  # type: ignore[call-overload]
    )
