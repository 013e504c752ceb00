import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs, Engine, Settings
from batchjob.engines.celery import QUEUE, SWEEP, WORK, open_celery, ready_app, sweep_entry
from batchjob.errors import InvalidSetting, MissingExtra
from engines.brokers import RABBITMQ, REDIS, Broker, broker


@pytest.fixture(params=[REDIS, RABBITMQ], ids=["redis", "rabbitmq"])
def empty(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker whose queue nobody listens to."""
    with broker(request.param) as made:
        yield made


@contextmanager
def opened(empty: Broker) -> Iterator[Engine]:
    """Open the engine on a broker, and close it."""
    engine = open_celery(f"celery:{empty.url}", Settings(options={"queue": empty.queue}))
    yield engine
    engine.close()


def taken(empty: Broker) -> list[str]:
    """Take all messages that wait, and return what jobs they are for."""
    return [message.payload[0][0] for message in iter(empty.take, None)]


def test_a_message_holds_a_jobs_id_alone(empty: Broker, installed: Path) -> None:
    """What goes over the broker is JSON: the name of the task and the job's id."""
    options = {"queue": empty.queue}
    with BatchJobs.open("memory:", engine=f"celery:{empty.url}", options=options) as jobs:
        job = jobs.create("letters")
    message = empty.take()
    assert message.content_type == "application/json"
    arguments, named, _ = message.payload
    assert (arguments, named) == ([job.id], {})
    assert message.headers["task"] == WORK
    assert empty.take() is None


def test_what_a_broker_holds_is_known(empty: Broker) -> None:
    """How many messages wait is known, also before there is a queue."""
    from batchjob.engines import celery as engine

    with closing(engine.Broker(empty.app, empty.queue)) as post:
        assert post.waiting() == 0
        post.send(["batch_1", "batch_2"])
        assert post.waiting() == 2


def test_reminders_do_not_pile_up(empty: Broker) -> None:
    """Reminded of the same jobs again and again, the engine keeps one message for each."""
    from batchjob.engines import celery as engine

    with closing(engine.Broker(empty.app, empty.queue)) as post:
        for _ in range(5):
            engine.CeleryEngine(post).remind(f"batch_{number}" for number in range(3))
        assert post.waiting() == 3


def test_a_connection_is_kept(empty: Broker) -> None:
    """Many nudges go over one connection, which closing the engine ends."""
    with opened(empty) as engine:
        engine.nudge("batch_1")
        accepted = empty.proxy.accepted
        for _ in range(5):
            engine.nudge("batch_1")
        assert empty.proxy.accepted == accepted
    engine.nudge("batch_1")
    engine.close()
    assert empty.proxy.accepted > accepted
    assert taken(empty) == ["batch_1"] * 7


def test_a_broker_may_drop_connections(empty: Broker) -> None:
    """A nudge after the broker ended the kept connection goes over a new one."""
    with opened(empty) as engine:
        engine.nudge("batch_1")
        empty.proxy.cut()
        empty.proxy.mend()
        engine.nudge("batch_2")
    assert taken(empty) == ["batch_1", "batch_2"]


@pytest.mark.parametrize("mute", [True, False])
def test_a_broker_that_goes_away_delays_nobody(empty: Broker, *, mute: bool) -> None:
    """Nudges raise within seconds if a broker is gone or keeps silent, until it is back."""
    with opened(empty) as engine:
        engine.nudge("batch_1")
        if mute:
            empty.proxy.mute = True
        else:
            empty.proxy.cut()
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(Exception, match=r"."):  # whatever the broker's client raises
                engine.nudge("batch_2")
            assert time.monotonic() - began < 4
        if mute:
            empty.proxy.mute = False
        else:
            empty.proxy.mend()
        engine.nudge("batch_3")
    assert taken(empty) == ["batch_1", "batch_3"]


def test_threads_nudge_at_once(empty: Broker) -> None:
    """Threads do not share a connection while they use it: each of their messages arrives."""
    numbers = [f"batch_{number}" for number in range(60)]
    with opened(empty) as engine, ThreadPoolExecutor(12) as threads:
        list(threads.map(engine.nudge, numbers))
    assert sorted(taken(empty)) == sorted(numbers)


def test_a_fork_has_its_own_connection(empty: Broker) -> None:
    """A process that is forked after a nudge opens a connection, and leaves its parent's alone."""
    code = """if True:
        import os, sys
        from batchjob import Settings
        from batchjob.engines.celery import open_celery
        engine = open_celery(sys.argv[1], Settings(options={"queue": sys.argv[2]}))
        engine.nudge("batch_1")
        if child := os.fork():
            assert os.waitpid(child, 0)[1] == 0
        engine.nudge("batch_2")
        engine.close()
    """
    with opened(empty) as engine:
        engine.nudge("batch_0")
    each = empty.proxy.accepted
    url = f"celery:{empty.url}"
    subprocess.run([sys.executable, "-c", code, url, empty.queue], check=True, timeout=60)
    assert taken(empty) == ["batch_0", "batch_1", "batch_2", "batch_2"]
    assert empty.proxy.accepted == 3 * each


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("answers", [True, False])
def test_a_broker_that_is_away_delays_nobody(
    installed: Path, caplog: pytest.LogCaptureFixture, scheme: str, *, answers: bool
) -> None:
    """A job is made within seconds while the broker refuses connections, or keeps silent."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if answers:
            silent.listen()
        url = f"celery:{scheme}://u:geheim@127.0.0.1:{silent.getsockname()[1]}//"
        with BatchJobs.open("memory:", engine=url) as jobs:
            began = time.monotonic()
            job = jobs.create("letters")
            assert time.monotonic() - began < 4
    assert f"could not nudge the engine for job {job.id}" in caplog.text
    assert "geheim" not in caplog.text


@pytest.mark.parametrize("setting", ["celery", "celery:", "celery:host"])
def test_a_broker_is_needed(installed: Path, setting: str) -> None:
    """Without the URL of a broker opening is refused, and it is said how to name one."""
    with pytest.raises(InvalidSetting, match="set BATCHJOB_BROKER"):
        BatchJobs.open("memory:", engine=setting)


def test_without_celery_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Celery is not installed, the error names the extra that installs it."""
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.delitem(sys.modules, "batchjob.engines.celery", raising=False)
    with pytest.raises(MissingExtra, match=r"batchjob\[celery\]"):
        BatchJobs.open("memory:", engine="celery:redis://h/0")


def test_other_engines_do_not_load_celery() -> None:
    """Celery is loaded by its own engine alone."""
    code = (
        "import sys; from batchjob import BatchJobs; BatchJobs.open('memory:', engine='inline');"
        "print('celery' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_tasks_leave_nothing_to_celery(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are acknowledged early, their results ignored, and sweeps are in the beat's list."""
    monkeypatch.setenv("BATCHJOB_BROKER", "redis://127.0.0.1:1/0")
    app: Any = ready_app()
    app.finalize()
    for name in (WORK, SWEEP):
        task = app.tasks[name]
        assert (task.acks_late, task.ignore_result) == (False, True)
        assert task.serializer == "json"
    assert app.conf.task_default_queue == QUEUE
    assert app.conf.accept_content == ["json"]
    assert dict(app.conf.beat_schedule) == sweep_entry()


def test_what_is_no_jobs_id_is_dropped(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that is given anything but a job's id opens nothing, and does nothing."""
    monkeypatch.setenv("BATCHJOB_BROKER", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("BATCHJOB_STORE", "nothing:")
    work = ready_app().tasks[WORK]
    for wrong in ("", "x", 1, None, ["batch_01G8T782965PYFG0751G0Z38B4"], "'; drop table"):
        work(wrong)
