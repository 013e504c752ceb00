"""What the tests of faults do in processes that die; such a process imports it by its name."""

import logging
import os
import resource
import signal
import sys
from pathlib import Path

from batchjob import Run
from batchjob.core import faults
from batchjob.core.status import Status
from reliability.scene import Rows, Scene, Size


def kill_at(point: str, *, times: int) -> None:
    """Have this process killed when it reaches *point* for the so many-th time."""
    left = [times]

    def reached(name: str) -> None:
        left[0] -= name == point
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.point = reached


def work_until_killed(url: str, folder: str, point: str, times: int) -> None:
    """Do whatever there is to do, and confirm what waits for it, until killed at *point*."""
    logging.disable()
    kill_at(point, times=times)
    scene = Scene(url, Path(folder), Rows())
    worker = scene.jobs.worker()
    while scene.open_jobs() or scene.jobs.list(statuses=[Status.PRE_PROCESSED]).count:
        worker.step()
        for job in scene.jobs.list(statuses=[Status.PRE_PROCESSED]).jobs:
            scene.jobs.confirm(job.id)
    scene.close()


def work_with_little_memory(url: str, folder: str) -> None:
    """Do a job whose chunk asks, the first time, for far more memory than this process may have."""
    logging.disable()

    def work(run: Run[Size]) -> None:
        if run.attempt == 1:
            bytearray(4 << 30)

    scene = Scene(url, Path(folder), Rows(work=work))
    scene.jobs.create("rows", {"chunks": 1})
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, hard))
    scene.go_on()
    scene.close()


def work_in_forks(url: str, folder: str, forks: int) -> None:
    """Use the jobs, as a server that loads its application first, then work in forked processes."""
    scene = Scene(url, Path(folder), Rows())
    jobs = [scene.jobs.create("rows", {"chunks": 4}) for _ in range(forks)]
    for job in jobs:
        scene.jobs.worker().step(job.id)
    pids = [_worker(scene) for _ in range(forks)]  # the store keeps a connection, unused now
    ends = [os.waitpid(pid, 0)[1] for pid in pids]
    scene.go_on(most=0.0)
    scene.close()
    sys.exit(any(ends))


def _worker(scene: Scene) -> int:
    """Fork a process that works until there is nothing to do, and return its id."""
    if pid := os.fork():
        return pid
    try:
        worker = scene.jobs.worker()
        while worker.step():
            pass
        scene.store.close()
        os._exit(0)
    finally:
        os._exit(1)
