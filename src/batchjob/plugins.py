"""Finding plugins, calling their hooks, and keeping the faults of one from the others.

Adapters are found by entry point, the built-in ones too; none is imported here.
"""

import inspect
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeVar, cast

import attrs
import pluggy

from batchjob import hookspecs
from batchjob.abc import (
    Engine,
    EngineFactory,
    FileStore,
    FileStoreFactory,
    Settings,
    Store,
    StoreFactory,
    Strategy,
    Works,
)
from batchjob.converters.schema import misfits
from batchjob.core.actions import Action
from batchjob.core.chunks import Lease
from batchjob.core.events import Event
from batchjob.core.job import BatchJob
from batchjob.errors import BatchJobError, InvalidStrategy, PluginProblem, UnknownScheme, nearest
from batchjob.hookspecs import GROUP
from batchjob.registry import Registry, can_take, check_strategy, context_class

_log = logging.getLogger(__name__)
_PREFIX: Final = "batchjob_"
_SCHEME: Final = re.compile(r"[a-z][a-z0-9.-]*")
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Plugins:
    """What the plugins of one `BatchJobs` offer; ``problems`` says what could not be used and why.

    ``names`` are the plugins that were loaded, sorted.
    """

    manager: pluggy.PluginManager
    names: tuple[str, ...]
    registry: Registry
    stores: Mapping[str, StoreFactory]
    file_stores: Mapping[str, FileStoreFactory]
    engines: Mapping[str, EngineFactory]
    problems: tuple[BatchJobError, ...]

    def open_store(self, settings: Settings) -> Store:
        """Open the store of ``settings.store``; `UnknownScheme` names those that are known."""
        return _pick(self.stores, _scheme(settings.store), "store")(settings.store, settings)

    def open_files(self, settings: Settings) -> FileStore:
        """Open the file store of ``settings.files``; a plain path has the scheme ``file``."""
        scheme = _scheme(settings.files) if "://" in settings.files else "file"
        return _pick(self.file_stores, scheme, "file store")(settings.files, settings)

    def open_engine(self, settings: Settings, works: Works) -> Engine | None:
        """Make the engine of ``settings.engine``, which gets work done by *works*."""
        if settings.engine is None:
            return None
        return _pick(self.engines, _scheme(settings.engine), "engine")(
            settings.engine, settings, works
        )

    def allows(self, actor: str, action: Action, batch_type: str) -> bool | None:
        """Return what the hook `batchjob_allows` says, None where nobody has an opinion.

        One that forbids outweighs the others; what raises, or says neither, forbids.
        """
        given = {"actor": actor, "action": action, "batch_type": batch_type}
        said = False
        for hook in self.manager.hook.batchjob_allows.get_hookimpls():
            try:
                answer = hook.function(*(given[name] for name in hook.argnames))
            except Exception:  # noqa: BLE001 - any fault of a plugin is its own
                _log.exception("plugin %s: its hook batchjob_allows failed", hook.plugin_name)
                return False
            if not isinstance(answer, bool | None):
                words = "plugin %s: its hook batchjob_allows returned %s, no True, False or None"
                _log.error(words, hook.plugin_name, type(answer).__name__)
                return False
            if answer is False:
                return False
            said = said or answer is True
        return True if said else None

    def watching(self, job: BatchJob, lease: Lease) -> Iterator[AbstractContextManager[Any]]:
        """Yield what the hooks `batchjob_watch_attempt` return; what is wrong is logged."""
        given = {"job": job, "lease": lease}
        for hook in self.manager.hook.batchjob_watch_attempt.get_hookimpls():
            try:
                found: Any = hook.function(*(given[name] for name in hook.argnames))
            except Exception:  # noqa: BLE001 - any fault of a plugin is its own
                _log.exception("plugin %s could not watch an attempt", hook.plugin_name)
                continue
            if isinstance(found, AbstractContextManager):
                yield found
            elif found is not None:
                words = "plugin %s: its hook batchjob_watch_attempt returned %s, no context manager"
                _log.error(words, hook.plugin_name, type(found).__name__)

    @property
    def listeners(self) -> tuple[str, ...]:
        """The plugins that hear of changes, in the order of their registration."""
        return tuple(hook.plugin_name for hook in self._listening())

    def tell(self, listener: str, event: Event, job: BatchJob) -> None:
        """Tell the plugin *listener* of *event*; raises what it raises."""
        given = {"event": event, "job": job}
        for hook in self._listening():
            if hook.plugin_name == listener:
                hook.function(*(given[name] for name in hook.argnames))

    def _listening(self) -> list[pluggy.HookImpl]:
        return self.manager.hook.batchjob_job_changed.get_hookimpls()


def load(
    settings: Settings,
    *,
    plugins: Mapping[str, object] | None = None,
    disable: Iterable[str] = (),
    strict: bool = False,
    found: Iterable[EntryPoint] | None = None,
) -> Plugins:
    """Load the plugins of the entry-point group ``batchjob`` and those given by name in *plugins*.

    A plugin that cannot be imported, or has a hook that is misspelt, is reported in ``problems``
    (and logged); the others load. With *strict* the first problem is raised. *disable* names
    plugins to leave out; *found* stands for the installed entry points.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    left_out = set(disable)
    problems: list[BatchJobError] = []
    installed = entry_points(group=GROUP) if found is None else found
    points = {point.name: point for point in sorted(installed, key=lambda p: p.name)}
    for name, point, given in [  # a point may be of the class that a backport has put in place
        *((name, point, None) for name, point in points.items()),
        *((name, None, given) for name, given in (plugins or {}).items()),
    ]:
        if name in left_out:
            continue
        try:
            plugin = given if point is None else point.load()
            problems += (PluginProblem(name, fault) for fault in _misspelt(plugin))
            manager.register(plugin, name=name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - any fault of a plugin is its own
            problems.append(PluginProblem(name, f"it cannot be loaded: {_say(error)}"))
    loaded = _collect(manager, settings, problems)
    for problem in loaded.problems:
        if strict:
            raise problem
        _log.warning("%s", problem)
    return loaded


def _collect(
    manager: pluggy.PluginManager, settings: Settings, problems: list[BatchJobError]
) -> Plugins:
    registry = Registry()
    for plugin, strategies in _answers(
        manager, "batchjob_strategies", problems, Sequence, settings=settings
    ):
        for strategy in strategies:
            try:
                _check(strategy)
            except BatchJobError as error:
                problems.append(PluginProblem(plugin, str(error)))
            except Exception as error:  # noqa: BLE001 - any fault of a plugin is its own
                what = f"strategy {type(strategy).__qualname__} cannot be checked"
                problems.append(PluginProblem(plugin, f"{what}: {_say(error)}"))
            else:
                registry.add(strategy, plugin=plugin)
    tables = {kind: _table(manager, kind, problems) for kind in _OFFERS}
    return Plugins(
        manager=manager,
        names=tuple(sorted(name for name, _ in manager.list_name_plugin())),
        registry=registry,
        problems=(*problems, *registry.clashes),
        **tables,
    )


_OFFERS: Final[Mapping[str, tuple[type[Any], Sequence[str]]]] = {
    "stores": (Store, ("url", "settings")),
    "file_stores": (FileStore, ("url", "settings")),
    "engines": (Engine, ("setting", "settings", "works")),
}
"""By the hook's name: what is made, and what the factory is called with."""


def _table(
    manager: pluggy.PluginManager, kind: str, problems: list[BatchJobError]
) -> dict[str, Any]:
    """Return what makes the stores, file stores or engines of each scheme."""
    table, owners = dict[str, Any](), dict[str, str]()
    port, takes = _OFFERS[kind]
    for plugin, offered in _answers(manager, f"batchjob_{kind}", problems, Mapping):
        for scheme, factory in offered.items():
            fault = _fault_of_offer(scheme, factory, takes)
            if scheme in owners:
                fault = f"scheme {scheme!r} is {owners[scheme]}'s already"
            if fault:
                problems.append(PluginProblem(plugin, f"its {kind} offer is left out: {fault}"))
                continue
            table[scheme], owners[scheme] = _guarded(plugin, scheme, factory, port), plugin
    return table


def _fault_of_offer(scheme: object, factory: Any, takes: Sequence[str]) -> str | None:
    if not isinstance(scheme, str) or not _SCHEME.fullmatch(scheme):
        return f"{scheme!r} is no scheme; it is lower case letters, digits, dots and hyphens"
    if not callable(factory):
        return f"{scheme} is {factory!r}, which cannot be called"
    if not can_take(factory, *takes):
        return f"what makes {scheme} is called with ({', '.join(takes)}), and cannot be"
    return None


def _guarded(plugin: str, scheme: str, factory: Callable[..., T], port: type[T]) -> Any:
    """Return *factory* such that what it does wrongly is told as the plugin's."""

    def made(url: str, *given: Any) -> T:
        try:
            found = factory(url, *given)
        except BatchJobError:
            raise
        except Exception as error:
            said = _say(error).replace(url, f"{scheme}:...")  # there may be a password in it
            raise PluginProblem(plugin, f"what it offers for {scheme} failed: {said}") from error
        if not isinstance(found, port):
            wrong = f"what it offers for {scheme} made {type(found).__name__}, no {port.__name__}"
            raise PluginProblem(plugin, wrong)
        return found

    return made


def _check(strategy: object) -> None:
    """Raise `InvalidStrategy` if *strategy*, or its context class, breaks a rule."""
    check_strategy(strategy)
    for fault in misfits(context_class(cast("type[Strategy]", type(strategy)))):
        raise InvalidStrategy(type(strategy).__qualname__, fault)


def _answers(
    manager: pluggy.PluginManager,
    hook: str,
    problems: list[BatchJobError],
    kind: type[Any],
    **given: object,
) -> Iterable[tuple[str, Any]]:
    """Yield (plugin, answer) for each implementation of *hook*, in the order of registration.

    What fails, or is answered with something else than a *kind*, is added to *problems*.
    """
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        name, plugin = implementation.plugin_name, implementation.plugin
        try:
            answer = implementation.function(*(given[name] for name in implementation.argnames))
        except Exception as error:  # noqa: BLE001 - any fault of a plugin is its own
            hint = " (give an instance, not the class)" if inspect.isclass(plugin) else ""
            problems.append(PluginProblem(name, f"its hook {hook} failed: {_say(error)}{hint}"))
        else:
            if isinstance(answer, kind):
                yield name, answer
            else:
                wrong = f"its hook {hook} returned {type(answer).__name__}, not a {_WORDS[kind]}"
                problems.append(PluginProblem(name, wrong))


_WORDS: Final[Mapping[Any, str]] = {Sequence: "list", Mapping: "dict"}


def _misspelt(plugin: object) -> Iterable[str]:
    """Yield what is wrong with the functions of *plugin* that are called or marked as hooks."""
    known = [hook for hook in vars(hookspecs) if hook.startswith(_PREFIX)]
    is_silent = True
    for attribute in dir(plugin):
        found = getattr(plugin, attribute, None)
        marked = hasattr(found, f"{GROUP}_impl")
        if hasattr(found, f"{GROUP}_spec") or not (marked or attribute.startswith(_PREFIX)):
            continue
        is_silent = False
        if attribute not in known:
            guess = nearest(attribute, known)
            hint = f"; did you mean {guess}?" if guess else f"; known: {', '.join(known)}"
            yield f"there is no hook {attribute}{hint}"
        elif not marked:
            yield f"its {attribute} is not marked as a hook; write @hookimpl above it"
    if is_silent:
        yield f"it has no hook, and so does nothing; known: {', '.join(known)}"


def _pick(table: Mapping[str, T], scheme: str, kind: str) -> T:
    if scheme not in table:
        raise UnknownScheme(scheme, list(table), kind)
    return table[scheme]


def _scheme(url: str) -> str:
    """Return what stands before the colon, less a driver's name (``sqlite+pysqlite:``)."""
    return url.partition(":")[0].partition("+")[0]


def _say(error: BaseException) -> str:
    text = " ".join((str(error) if isinstance(error, Exception) else repr(error)).split())
    return f"{type(error).__name__}: {text}".rstrip(": ")
