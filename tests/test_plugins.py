"""Loading plugins: each one's faults are its own."""

import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs, Settings, Store
from batchjob.errors import AmbiguousBatchType, PluginProblem, UnknownScheme
from batchjob.hookspecs import GROUP
from batchjob.plugins import Plugins, load
from support import Lines, Offering, answering

NOT_WHOLE: Any = Store
GOOD = """
from support import Lines
from batchjob import hookimpl

@hookimpl
def batchjob_strategies(settings):
    return [Lines()]
"""
BROKEN = {
    "missing_import": ("import no_such_package_anywhere", "ModuleNotFoundError"),
    "bad_syntax": ("def f(:", "SyntaxError"),
    "exits": ("import sys; sys.exit('gone')", "SystemExit"),
    "misspelt": (
        GOOD.replace("batchjob_strategies", "batchjob_strategy"),
        "there is no hook batchjob_strategy; did you mean batchjob_strategies?",
    ),
    "wrong_argument": (GOOD.replace("(settings)", "(setings)"), "setings"),
    "raises": (GOOD.replace("return [Lines()]", "raise RuntimeError('no server')"), "no server"),
    "class_for_instance": (GOOD.replace("Lines()]", "Lines]"), "register an instance"),
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Write modules that can be imported, and return their entry points."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> EntryPoint:
        (tmp_path / f"plugin_{name}.py").write_text(text, "utf-8")
        return EntryPoint(name, f"plugin_{name}", GROUP)

    return write  # type: ignore[return-value]


def loaded(*points: EntryPoint, **options: Any) -> Plugins:
    """Load these entry points and no others."""
    return load(Settings(), found=points, **options)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_reported_by_name_and_the_rest_load(module: Any, name: str) -> None:
    """Whatever is wrong with one plugin, the other one's strategies are there."""
    text, words = BROKEN[name]
    plugins = loaded(module(name, text), module("good", GOOD))
    assert plugins.registry.batch_types == ("lines",)
    assert plugins.problems
    for problem in plugins.problems:
        assert str(problem).startswith(f"plugin {name}: ")
    assert words in str(plugins.problems[0])


def test_strict_refuses_to_start(module: Any) -> None:
    """With strict, the first problem is raised."""
    with pytest.raises(PluginProblem, match="plugin bad_syntax"):
        loaded(module("bad_syntax", "def f(:"), strict=True)


def test_a_disabled_plugin_is_not_even_imported(module: Any) -> None:
    """What is disabled cannot break anything."""
    plugins = loaded(module("exits", BROKEN["exits"][0]), disable=["exits"])
    assert plugins.problems == ()
    assert plugins.names == ()


def test_two_plugins_with_one_batch_type_are_both_named(module: Any) -> None:
    """The type is unusable, the problem names both, and disabling one settles it."""
    first, second = module("first", GOOD), module("second", GOOD)
    (problem,) = loaded(first, second).problems
    assert isinstance(problem, AmbiguousBatchType)
    assert problem.plugins == ("first", "second")
    settled = loaded(first, second, disable=["second"])
    assert (settled.registry.batch_types, settled.problems) == (("lines",), ())


def test_a_scheme_that_two_plugins_offer_stays_with_the_first() -> None:
    """The second one's offer is left out and reported."""
    stores = {name: answering("batchjob_stores", {"mine": lambda *_: None}) for name in "ab"}
    plugins = load(Settings(), found=(), plugins=stores)
    (problem,) = plugins.problems
    assert str(problem) == "plugin b: its stores offer is left out: scheme 'mine' is a's already"


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ({"mine": "x"}, "mine is 'x', which cannot be called"),
        (
            {"mine": lambda url: url},
            r"mine is called with \(url, settings\), and cannot",
        ),
        ({"My Store": print}, "'My Store' is no scheme; it is lower case letters"),
        ({7: print}, "7 is no scheme"),
    ],
)
def test_an_offer_that_cannot_be_taken_is_left_out(offered: Any, words: str) -> None:
    """It is said why, and what else the plugin offers is taken."""
    offering = answering("batchjob_stores", {**offered, "good": lambda *_: None})
    plugins = load(Settings(), found=(), plugins={"a": offering})
    assert set(plugins.stores) == {"good"}
    (problem,) = plugins.problems
    assert re.search(f"plugin a: its stores offer is left out: .*{words}", str(problem))


@pytest.mark.parametrize(
    ("hook", "setting", "made", "words"),
    [
        ("stores", {"store": "mine:x"}, lambda *_: None, "made NoneType, no Store"),
        ("file_stores", {"files": "mine://x"}, lambda *_: {}, "made dict, no FileStore"),
        ("engines", {"engine": "mine:2"}, lambda *_: "x", "made str, no Engine"),
        ("stores", {"store": "mine:x"}, lambda *_: NOT_WHOLE(), "TypeError: Can't instantiate abs"),
        ("stores", {"store": "mine://u:pw@x"}, lambda url, _: int(url), r"base 10: 'mine:\.\.\.'"),
    ],
)
def test_an_adapter_that_is_none_is_its_plugins_problem(
    hook: str, setting: dict[str, str], made: Any, words: str
) -> None:
    """Opening names the plugin, and tells nothing of what the URL holds."""
    plugin = answering(f"batchjob_{hook}", {"mine": made})
    given: dict[str, Any] = {"store": "memory:", "plugins": {"odd": plugin}, **setting}
    with pytest.raises(PluginProblem, match=f"plugin odd: what it offers for mine .*{words}"):
        BatchJobs.open(**given)


def test_a_batch_type_that_one_plugin_offers_twice_is_told_as_that() -> None:
    """There is no other plugin to disable."""
    plugins = load(Settings(), found=(), plugins={"a": Offering(Lines(), Lines())})
    (problem,) = plugins.problems
    assert str(problem) == "batch type 'lines' is offered twice by plugin a"


def test_the_built_in_adapters_come_in_by_the_door() -> None:
    """Stores, file stores, engines and strategies of batchjob are plugins like any other."""
    plugins = load(Settings())
    assert plugins.problems == ()
    assert {"engines", "files", "products", "stores"} <= set(plugins.names)
    assert {"memory", "sqlite", "postgresql"} <= set(plugins.stores)
    assert "file" in plugins.file_stores
    assert "inline" in plugins.engines
    assert "product-export" in plugins.registry.batch_types


def test_without_the_door_there_is_nothing() -> None:
    """With no entry points there is neither a store nor a strategy."""
    plugins = load(Settings(), found=())
    assert (plugins.stores, plugins.file_stores, plugins.engines) == ({}, {}, {})
    assert plugins.registry.batch_types == ()


def test_entry_points_of_a_backport_are_taken() -> None:
    """Where `importlib_metadata` is imported, entry points are of its class, and are loaded too."""

    class Point:
        name = "lines"

        def load(self) -> Any:
            return Offering(Lines())

    point: Any = Point()
    assert loaded(point).registry.batch_types == ("lines",)


def test_a_plugin_may_be_given_as_an_object() -> None:
    """A host can add plugins without installing them."""
    plugins = load(Settings(), found=(), plugins={"mine": Offering(Lines())})
    assert plugins.registry.batch_types == ("lines",)


@pytest.mark.parametrize(
    ("settings", "opener", "words"),
    [
        (Settings(store="sqlit:///x"), "open_store", "unknown store scheme 'sqlit'"),
        (Settings(files="s4://bucket"), "open_files", "unknown file store scheme 's4'"),
        (Settings(engine="tread:4"), "open_engine", "unknown engine scheme 'tread'"),
    ],
)
def test_an_unknown_scheme_lists_the_known(settings: Settings, opener: str, words: str) -> None:
    """Who misspells a URL's scheme reads which there are."""
    plugins = load(settings)
    extra = [print] if opener == "open_engine" else []
    with pytest.raises(UnknownScheme, match=words) as refused:
        getattr(plugins, opener)(settings, *extra)
    assert refused.value.known
