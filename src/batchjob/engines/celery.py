"""The engine ``celery``: a nudge is a Celery task that holds a job's id, for many machines.

The store decides and leases protect, so that nothing is asked of Celery but to deliver hints:

- A message is acknowledged before its task is done (``acks_late=False``). One that is lost with
  its worker is sent again by a sweep; one that is kept until the end of a long task would come
  back while the task still runs (Redis: ``visibility_timeout``) or cost the worker its channel
  (RabbitMQ: ``consumer_timeout``).
- The visibility timeout is Celery's own, an hour: no message stays unacknowledged for longer than
  it takes to begin its task, or five minutes where a chunk is to be tried again later.
- Results are ignored, ids of tasks mean nothing, and a task is never retried by Celery.
- A connection is kept for the next message, used by one thread at a time and never by a forked
  process. Where a kept one is dead, the message is sent again over a new one, once.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import celery  # type: ignore[import-untyped]  # it has no types
from celery import bootsteps

from batchjob.abc import Engine, Settings
from batchjob.core.ids import is_job_id
from batchjob.engines.environment import from_environment, open_jobs
from batchjob.engines.turns import apart, remind, take_turn
from batchjob.errors import BatchJobError, InvalidSetting

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs

_log = logging.getLogger(__name__)

WORK: Final = "batchjob.work"
"""The task that works on the job whose id it is given."""

SWEEP: Final = "batchjob.sweep"
"""The task that ends what is stuck, and sends messages for jobs that wait without one."""

QUEUE: Final = "batchjob"
"""The queue of both tasks unless another one is named."""

PERIOD: Final = 5.0
"""Seconds between two sweeps of one worker."""

_PATIENCE: Final = 2.0  # seconds that a broker has to answer
_KEPT: Final = 8  # connections for the next messages; threads beyond that open their own
_AT_ONCE: Final = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}
_OPTIONS: Final[Mapping[str, Mapping[str, float]]] = {
    "redis": {
        "socket_connect_timeout": _PATIENCE,
        "socket_timeout": _PATIENCE,
        "socket_keepalive": True,
    },
    "amqp": {  # unconfirmed, a message over a dead connection would be lost without an error
        "confirm_publish": True,
        "read_timeout": _PATIENCE,
        "write_timeout": _PATIENCE,
    },
}


class Broker:
    """Sends messages for the tasks of *app* to *queue*; raises at once if that cannot be done."""

    def __init__(self, app: Any, queue: str) -> None:
        self._app, self._queue = app, queue
        self._kept: dict[int, list[Any]] = {}  # by process; a parent's are never touched

    def send(self, job_ids: Sequence[str], *, after: float = 0.0) -> None:
        """See `batchjob.engines.turns.Post`."""

        def send(connection: Any) -> None:
            for job_id in job_ids:
                self._send(connection, WORK, args=[job_id], countdown=after or None)

        self._over(send)

    def ask_to_sweep(self) -> None:
        """Send a message for `SWEEP`, which is void by the time of the next one."""
        self._over(lambda connection: self._send(connection, SWEEP, expires=PERIOD))

    def waiting(self) -> int:
        """See `batchjob.engines.turns.Post`."""
        queue = self._app.amqp.queues[self._queue]
        return int(self._over(lambda each: queue.queue_declare(channel=each.default_channel)[1]))

    def close(self) -> None:
        """Let go of this process's connections; the next use opens new ones."""
        for connection in self._kept.pop(os.getpid(), []):
            connection.release()

    def _send(self, connection: Any, name: str, **options: Any) -> None:
        self._app.send_task(
            name,
            queue=self._queue,
            connection=connection,
            serializer="json",
            ignore_result=True,
            add_to_parent=False,
            retry=False,
            confirm_timeout=_PATIENCE,
            **options,
        )

    def _over(self, do: Callable[[Any], Any]) -> Any:
        """Do it over a kept connection and, if that is dead, once more over a new one.

        Messages may be sent twice by that. What took long is not tried again: nobody answers.
        """
        kept, began = self._kept.setdefault(os.getpid(), []), time.monotonic()
        try:
            connection = kept.pop()
        except IndexError:
            return self._keeping(self._connection(), do, kept)
        try:
            return self._keeping(connection, do, kept)
        except Exception:
            if time.monotonic() - began > _PATIENCE / 2:
                raise
        return self._keeping(self._connection(), do, kept)

    def _keeping(self, connection: Any, do: Callable[[Any], Any], kept: list[Any]) -> Any:
        try:
            result = do(connection)
        except BaseException:
            connection.collect(_PATIENCE)  # without a word to the broker, which may not answer
            raise
        if len(kept) < _KEPT:
            kept.append(connection)
        else:
            connection.release()
        return result

    def _connection(self) -> Any:
        # without heartbeats: nobody is there to send them between two messages
        made = self._app.connection_for_write(connect_timeout=_PATIENCE, heartbeat=0)
        options = _OPTIONS.get(made.transport.driver_type, {})
        made.transport_options = {**made.transport_options, **options, **_AT_ONCE}
        return made


class CeleryEngine(Engine):
    """Sends a message for each nudge."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def nudge(self, job_id: str) -> None:
        """Send the job's id; raises what the broker's client does, within seconds."""
        self._broker.send([job_id])

    def remind(self, job_ids: Iterable[str]) -> None:
        """Send messages for jobs that have a chunk to claim, if messages were lost."""
        remind(job_ids, self._broker)

    def close(self) -> None:
        """Let go of the broker."""
        self._broker.close()


def open_celery(setting: str, settings: Settings) -> Engine:
    """Return the engine of ``celery:BROKER_URL``, or of ``celery`` and ``BATCHJOB_BROKER``.

    The queue is ``BATCHJOB_QUEUE``; the options ``broker`` and ``queue`` of *settings* stand for
    the variables. `InvalidSetting` if no broker is named.
    """
    url, queue = _broker(setting.partition(":")[2], settings.options)
    return CeleryEngine(Broker(_app(url, queue), queue))


def ready_app() -> Any:
    """Return a Celery app for workers, with the settings of the environment.

    It takes ``BATCHJOB_STORE`` and the like, ``BATCHJOB_BROKER`` and ``BATCHJOB_QUEUE``.
    """
    settings = from_environment(os.environ)
    engine = settings.engine or ""
    named = engine.partition(":")[2] if engine.startswith("celery:") else ""
    url, queue = _broker(named, settings.options)
    app = _app(url, queue)
    app.conf.beat_schedule = sweep_entry(queue=queue)
    add_tasks(app, lambda: open_jobs(settings), queue=queue)
    return app


def add_tasks(app: Any, open_jobs: Callable[[], "BatchJobs"], *, queue: str = QUEUE) -> None:
    """Add batchjob's tasks to a Celery app: its workers on *queue* then work on jobs.

    *open_jobs* is called once in each process that works, after it was forked; open them without
    an engine. Each worker asks for a sweep now and then, so that nothing depends on a beat.
    """
    post, home = Broker(app, queue), _Home(open_jobs)
    settled = {
        "shared": False,
        "serializer": "json",
        "acks_late": False,
        "ignore_result": True,
    }

    @app.task(name=WORK, **settled)  # type: ignore[untyped-decorator]  # Celery has no types
    def work(job_id: object) -> None:
        if not isinstance(job_id, str) or not is_job_id(job_id):
            _log.warning("a message was dropped: it holds no job's id")
            return
        apart(lambda: _logged(lambda: take_turn(home(), job_id, post)))

    @app.task(name=SWEEP, **settled)  # type: ignore[untyped-decorator]
    def sweep() -> None:
        apart(lambda: _logged(lambda: _sweep(home(), post)))

    app.steps["consumer"].add(_sweeping(post))


def sweep_entry(*, queue: str = QUEUE, seconds: float = PERIOD) -> Mapping[str, Any]:
    """Return an entry for the ``beat_schedule`` of a Celery app: a sweep every so many seconds."""
    options = {"queue": queue, "expires": seconds}
    return {SWEEP: {"task": SWEEP, "schedule": seconds, "options": options}}


def _sweeping(post: Broker) -> type:
    """Return a part of a worker that asks for sweeps while the worker has its broker.

    It is started again with each new connection: a timer alone would not survive the old one's end.
    """

    class Sweeping(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
        requires = ("celery.worker.consumer.tasks:Tasks",)
        entry: Any = None

        def start(self, consumer: Any) -> None:
            self.stop(consumer)
            ask = (post.ask_to_sweep,)
            self.entry = consumer.timer.call_repeatedly(PERIOD, _logged, ask)

        def stop(self, consumer: Any) -> None:
            if self.entry is not None:
                self.entry.cancel()

    return Sweeping


class _Home:
    """The jobs of this process, opened when they are first asked for."""

    def __init__(self, open_jobs: Callable[[], "BatchJobs"]) -> None:
        self._open_jobs = open_jobs
        self._opened: dict[int, BatchJobs] = {}  # by process; a parent's are never touched
        self._lock = threading.Lock()

    def __call__(self) -> "BatchJobs":
        pid = os.getpid()
        with self._lock:
            if pid not in self._opened:
                self._opened[pid] = self._open_jobs()
            return self._opened[pid]


def _sweep(jobs: "BatchJobs", post: Broker) -> None:
    jobs.sweep()
    remind(jobs.claimable(), post)


def _logged(do: Callable[[], object]) -> None:
    """Do it, and log what it raises: a message that fails is only a hint that was lost."""
    try:
        do()
    except BatchJobError as error:
        _log.warning("a turn was not taken: %s", error)
    except Exception:  # noqa: BLE001 - the next sweep finds what was not done
        _log.exception("a turn was not taken")


def _broker(named: str, options: Mapping[str, str]) -> tuple[str, str]:
    """Return the broker's URL and the queue."""
    url = named or options.get("broker") or os.environ.get("BATCHJOB_BROKER", "")
    if "://" not in url:
        raise InvalidSetting(
            "the engine celery needs a broker: write celery:redis://HOST/0 or"
            " celery:amqp://USER@HOST//, or set BATCHJOB_BROKER to such a URL"
        )
    return url, options.get("queue") or os.environ.get("BATCHJOB_QUEUE") or QUEUE


def _app(url: str, queue: str) -> Any:
    app = celery.Celery("batchjob", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=None,  # a worker waits for its broker, as for its store
        broker_connection_retry_on_startup=True,
        task_default_queue=queue,
        task_serializer="json",
        worker_cancel_long_running_tasks_on_connection_loss=False,  # leases know better
        worker_prefetch_multiplier=1,
    )
    return app
