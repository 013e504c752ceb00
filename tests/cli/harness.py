"""Running the command line as users do: as a process of its own, in a folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import attrs

LONG = 30.0


@attrs.frozen(kw_only=True)
class Cli:
    """Runs ``python -m batchjob`` in *folder*."""

    folder: Path
    environ: dict[str, str]
    started: list[subprocess.Popen[str]] = attrs.field(factory=list)

    def __call__(
        self,
        *args: str,
        given: str = "",
        **environ: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, without a terminal."""
        return subprocess.run(
            [sys.executable, "-m", "batchjob", *args],
            cwd=self.folder,
            env={**self.environ, **environ},
            input=given,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )

    def job(self, *args: str, **environ: str) -> dict[str, Any]:
        """Run the command with ``--json`` and return the job that it printed."""
        done = self(*args, "--json", **environ)
        found: dict[str, Any] = json.loads(done.stdout)["batch_job"]
        return found

    def start(
        self,
        *args: str,
        stdin: int | IO[str] = subprocess.DEVNULL,
        stdout: int | IO[str] = subprocess.PIPE,
        stderr: int | IO[str] = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start the command and return its process; it is ended with the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "batchjob", *args],
            cwd=self.folder,
            env=self.environ,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
        self.started.append(process)
        return process

    def counting(self, **context: object) -> str:
        """Return the context of a job that counts, records that, and waits for ``gate``."""
        return json.dumps({"record": str(self.folder / "record"), **context})

    @property
    def gate(self) -> Path:
        """The file that counting jobs wait for."""
        return self.folder / "gate"

    @property
    def recorded(self) -> list[str]:
        """What counting jobs did, in order."""
        record = self.folder / "record"
        return record.read_text().split() if record.exists() else []
