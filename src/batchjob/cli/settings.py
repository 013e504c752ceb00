"""Where things are, by option or environment: what every command takes after its name."""

import gc
import math
import os
import re
import shlex
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import attrs
import click
from click.core import ParameterSource

from batchjob.abc import Settings
from batchjob.cli.interrupts import UntornStore
from batchjob.core.times import seconds
from batchjob.engines.environment import plugin_options
from batchjob.errors import InvalidSetting

if TYPE_CHECKING:
    from batchjob.abc import Store
    from batchjob.batchjobs import BatchJobs

Command = Callable[..., int]
"""What a command is made of: a function that returns its exit status."""

_DEFAULTS: Final = Settings()
_OPTIONS: Final = ("store", "files", "catalog", "engine", "lease", "actor_jobs", "retention")


@attrs.frozen(kw_only=True)
class Where:
    """The settings of one command; ``given`` are those of them that stood on the command line."""

    store: str = _DEFAULTS.store
    files: str = _DEFAULTS.files
    catalog: str | None = None
    engine: str | None = None
    lease: float = _DEFAULTS.lease
    actor_jobs: int | None = None
    retention: float | None = None
    options: Mapping[str, str] = attrs.field(factory=dict)
    given: tuple[str, ...] = ()

    def open(self) -> "BatchJobs":
        """Open the jobs of the store to look at them, or to end some: no engine is told."""
        return attrs.evolve(self, engine=None).open_without()

    def open_to_work(self) -> "BatchJobs":
        """Open the jobs for a command that works on them itself.

        The engine ``inline`` has nothing to do then, and Ctrl-C leaves no chunk behind.
        """
        jobs = self.open_without("inline")
        jobs.store = cast("Store", UntornStore(jobs.store))
        return jobs

    def open_without(self, *engines: str) -> "BatchJobs":
        """Open the jobs; an engine that is one of *engines* is what the command does itself."""
        from batchjob.batchjobs import BatchJobs

        settings = self._settings()
        if (settings.engine or "").partition(":")[0] in engines:
            settings = attrs.evolve(settings, engine=None)
        jobs = BatchJobs.of(settings)
        gc.freeze()  # what is loaded stays: collections of garbage need not walk it time and again
        return jobs

    def open_types(self) -> "BatchJobs":
        """Open jobs for a command that asks of their types alone: of the store nothing is needed.

        Plugins are told where it is all the same.
        """
        from batchjob.batchjobs import BatchJobs
        from batchjob.plugins import load

        settings = attrs.evolve(self._settings(), engine=None)
        plugins = load(settings)
        store = plugins.open_store(attrs.evolve(settings, store="memory:"))
        files = plugins.open_files(settings)
        return BatchJobs(settings=settings, store=store, files=files, plugins=plugins)

    def _settings(self) -> Settings:
        given = {name: getattr(self, name) for name in _OPTIONS}
        return Settings(**given, options=self.options)

    def command(self, *words: str) -> str:
        """Return the command that does *words* with the same settings, to be pasted.

        A password in a URL is masked: it has to be filled in again.
        """
        line = ["batchjob", *words]
        for name in self.given:
            value = getattr(self, name)
            text = f"{value:g}" if isinstance(value, float) else masked(str(value))
            line += [f"--{name.replace('_', '-')}", text]
        return shlex.join(line)


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return the seconds of a time such as ``30d``, ``12h``, ``90m`` or ``45s``."""
    if value is None:
        return None
    try:
        return seconds(value)
    except InvalidSetting as error:
        raise click.BadParameter(str(error)) from None


def with_settings(command: Command) -> Command:
    """Give *command* the options that say where things are, as its first argument, a `Where`."""

    @wraps(command)
    def gathered(**options: Any) -> int:
        context = click.get_current_context()
        given = [
            name
            for name in _OPTIONS
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        ]
        where = Where(
            given=tuple(given),
            options=plugin_options(os.environ),
            **{name: options.pop(name) for name in _OPTIONS},
        )
        return command(where, **options)

    decorated: Any = gathered
    for option in reversed(_options()):
        decorated = option(decorated)
    result: Command = decorated
    return result


def with_json(command: Command) -> Command:
    """Give *command* the option ``--json``, as the argument ``as_json``."""
    option = click.option(
        "--json", "as_json", is_flag=True, help="Print JSON, and nothing else on standard output."
    )
    return option(command)


def _finite(_: click.Context, __: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds")
    return value


def _options() -> list[Callable[[Command], Command]]:
    return [
        _option("store", "URL", "Where jobs live.", default=_DEFAULTS.store),
        _option("files", "FOLDER|URL", "Where files live.", default=_DEFAULTS.files),
        _option("catalog", "URL", "The product catalogue; the store's database if absent."),
        _option("engine", "NAME", "Who is told of new work; nobody if absent."),
        _option(
            "lease",
            "SECONDS",
            "How long a chunk is a worker's without a sign of life.",
            default=_DEFAULTS.lease,
            type=float,
            callback=_finite,
        ),
        _option(
            "actor_jobs",
            "N",
            "How many jobs of one actor may be processed at once; any number if absent.",
            type=click.IntRange(min=1),
        ),
        _option(
            "retention",
            "TIME",
            "How long workers keep ended jobs, e.g. 30d; for ever if absent.",
            callback=duration,
        ),
    ]


def _option(name: str, metavar: str, doc: str, **more: Any) -> Callable[[Command], Command]:
    return click.option(
        f"--{name.replace('_', '-')}",
        metavar=metavar,
        envvar=f"BATCHJOB_{name.upper()}",
        show_envvar=True,
        show_default="default" in more,
        help=doc,
        **more,
    )


def masked(url: str) -> str:
    """Return *url*, or an engine that has one, without its password, wherever it stands in it."""
    if (scheme := re.match(r"[a-z]+:(?=[a-z]+://)", url)) is not None:
        return scheme[0] + masked(url[scheme.end() :])
    url = re.sub(r"(?<=[?&]password=)[^&]+", "***", url)
    try:
        password = urlsplit(url).password
    except ValueError:
        return url
    return url.replace(f":{password}@", ":***@", 1) if password else url
