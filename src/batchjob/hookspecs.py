"""The hooks by which packages extend batchjob: signatures and docstrings, no logic.

A plugin is a module (or any object) that implements some of them, marked with `hookimpl`, and is
named by an entry point in the group ``batchjob``.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import pluggy

from batchjob.abc import EngineFactory, FileStoreFactory, Settings, StoreFactory, Strategy
from batchjob.core.actions import Action
from batchjob.core.chunks import Lease
from batchjob.core.events import Event
from batchjob.core.job import BatchJob

GROUP: Final = "batchjob"
"""The entry-point group of plugins, and pluggy's project name."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
"""Marks a function as the implementation of the hook whose name it has."""


@hookspec
def batchjob_strategies(settings: Settings) -> Sequence[Strategy[Any]]:  # type: ignore[empty-body]
    """Return the strategies that the plugin offers.

    Called once, when batchjob is opened. A strategy is given here what it needs: a catalogue or a
    client made from *settings*. Do no I/O yet: the strategy may never be used.
    """


@hookspec
def batchjob_stores() -> Mapping[str, StoreFactory]:  # type: ignore[empty-body]
    """Return a factory of stores for each URL scheme that the plugin knows (``redis``)."""


@hookspec
def batchjob_file_stores() -> Mapping[str, FileStoreFactory]:  # type: ignore[empty-body]
    """Return a factory of file stores for each URL scheme that the plugin knows (``s3``)."""


@hookspec
def batchjob_engines() -> Mapping[str, EngineFactory]:  # type: ignore[empty-body]
    """Return a factory of engines for each word before the colon of ``threads:4``."""


@hookspec
def batchjob_allows(actor: str, action: Action, batch_type: str) -> bool | None:
    """Say whether *actor* may do *action* to jobs of *batch_type*; None is no opinion.

    True lets the actor do it to all jobs of the type, whoever made them; False forbids it, to the
    actor's own jobs too. Where nobody has an opinion, actors do what they like with their own jobs
    and see no others. One False outweighs any True. What is raised here, or is none of the three,
    is logged and forbids. It is asked often: answer at once.
    """


@hookspec
def batchjob_watch_attempt(job: BatchJob, lease: Lease) -> AbstractContextManager[Any] | None:
    """Return what is entered before an attempt at a chunk, and left after it; None for nothing.

    It is left with what the attempt raised, if anything, in the thread that worked. *lease* says
    which plan, chunk or finish it is, and which attempt. What the plugin raises is logged.
    """


@hookspec
def batchjob_job_changed(event: Event, job: BatchJob) -> None:
    """Hear of a transition, after it was committed; *job* is as it stands when this is called.

    Each one is told at least once, in order, also after a crash: know a repetition by the event's
    ``job_id`` and ``n``. What is raised here is logged, and the same event told again later.
    """
