"""Reads a tree of sources and says what in it breaks the law of the house. The rules stand in test_floors.py.

Every way to import counts alike: at the top of a module, inside a function, under TYPE_CHECKING, by importlib.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Literal

IMPURE = frozenset(
    {"aiohttp", "asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "platform"}
    | {"secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile"}
    | {"threading", "time", "tqdm", "urllib"}
)
IMPURE_CALLS = frozenset({"eval", "exec", "input", "open", "print"})
IMPURE_DATES = frozenset({"now", "today", "utcnow"})
OWN_CHANCE = frozenset({"Random", "Generator", "default_rng"})
"""What a module that only calculates may not touch, and what it may take of random: a generator of its own, seeded."""

BY_NAME = frozenset({"__import__", "find_spec", "files", "get_data", "import_module", "run_module"})
MUST_BE_LITERAL = frozenset({"__import__", "import_module", "run_module"})
FOR_DATA = frozenset({"files", "get_data"})
"""Calls that import what their first argument names; some have other uses as well, some only read a package's data."""

How = Literal["at once", "in a function", "for types", "for data"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, kw_only=True)
class Law:
    """The rules.

    *floors*: the floor of each module or folder right under evalrun/. *pure*: patterns of modules that only calculate.
    *heavy*: packages that are imported inside functions only by the (module, package) pairs of *lazy*.
    *start*: the modules that must not bring along any of *not_at_the_start*. From *lazy_floor* up, a module may import
    the house's own modules inside functions.
    """

    floors: Mapping[str, int]
    pure: Collection[str]
    heavy: Collection[str]
    lazy: Collection[tuple[str, str]]
    start: Collection[str]
    not_at_the_start: Collection[str]
    lazy_floor: int

    def is_pure(self, module: str) -> bool:
        """Whether *module* is one of those that only calculate."""
        return any(fnmatchcase(module, pattern) or module == pattern.removesuffix(".*") for pattern in self.pure)


@dataclass(frozen=True)
class Import:
    """One import: the module that is imported, as far as the tree tells, where, and when it happens."""

    target: str
    line: int
    how: How


@dataclass
class Reading:
    """What one module imports, and what it does that a pure one may not."""

    imports: list[Import] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    impure: list[tuple[int, str]] = field(default_factory=list)


def module_name(path: str) -> str:
    """``stats/compare.py`` is evalrun.stats.compare; ``stats/__init__.py`` is evalrun.stats."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(("evalrun", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def room(module: str) -> str:
    """The name right under evalrun that *module* belongs to; empty for evalrun itself."""
    return module.split(".")[1] if "." in module else ""


def faults(law: Law, tree: Mapping[str, str]) -> list[str]:
    """Everything in *tree* (sources by path under evalrun/) that breaks *law*, as ``module:line: what``."""
    modules = frozenset(map(module_name, tree))
    readings = {module_name(path): _read(path, source, modules) for path, source in sorted(tree.items())}
    found = []
    for module, reading in readings.items():
        if room(module) not in law.floors:
            found.append(f"{module}:0: has no floor")
            continue
        wrongs = list(reading.unreadable)
        if law.is_pure(module):
            wrongs += [(line, f"is pure, but {what}") for line, what in reading.impure]
        wrongs += [(one.line, what) for one in reading.imports for what in _wrongs(law, module, one)]
        found += [f"{module}:{line}: {what}" for line, what in wrongs]
    return found + _knots(readings) + _heavy_start(law, readings)


def _walk(node: ast.AST, how: How = "at once") -> Iterator[tuple[ast.AST, How]]:
    for child in ast.iter_child_nodes(node):
        yield child, how
        inside = how
        if isinstance(child, _FUNCTIONS):
            inside = "in a function"
        elif isinstance(child, ast.If) and _name_of(child.test) == "TYPE_CHECKING":
            inside = "for types"
        yield from _walk(child, inside)


def _read(path: str, source: str, modules: frozenset[str]) -> Reading:
    module = module_name(path)
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    reading = Reading()
    for node, how in _walk(ast.parse(source, path)):
        line = getattr(node, "lineno", 0)
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = list(_from(node, package, modules))
            if node.module == "random":
                reading.impure += [(line, f"takes random.{a.name}") for a in node.names if a.name not in OWN_CHANCE]
        elif isinstance(node, ast.Call):
            targets = list(_call(node, reading))
            how = "for data" if _name_of(node.func) in FOR_DATA else how
        elif isinstance(node, ast.Attribute):
            owner = _name_of(node.value)
            chance = owner == "random" and node.attr not in OWN_CHANCE
            if chance or (owner in {"datetime", "date"} and node.attr in IMPURE_DATES):
                reading.impure.append((line, f"takes {owner}.{node.attr}"))
        reading.imports += [Import(target, line, how) for target in targets]
        reading.impure += [(line, f"imports {target}") for target in targets if target.partition(".")[0] in IMPURE]
    return reading


def _name_of(node: ast.expr) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _from(node: ast.ImportFrom, package: str, modules: frozenset[str]) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        above = package.split(".")
        above = above[: len(above) - node.level + 1]
        base = ".".join([*above, base] if base else above)
    for alias in node.names:
        if base == "evalrun" and alias.name == "__version__":
            continue  # a constant that is there before any module is imported
        longer = f"{base}.{alias.name}"
        yield longer if longer in modules else base


def _call(node: ast.Call, reading: Reading) -> Iterator[str]:
    name = _name_of(node.func)
    if isinstance(node.func, ast.Name) and name in IMPURE_CALLS:
        reading.impure.append((node.lineno, f"calls {name}"))
    if name == "default_rng" and not node.args:
        reading.impure.append((node.lineno, "draws without a seed"))
    if name not in BY_NAME or not node.args:
        return
    first = node.args[0]
    said = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "."
    if not said.startswith("."):
        yield said
    elif name in MUST_BE_LITERAL:
        reading.unreadable.append((node.lineno, f"{name} of a name that cannot be read here"))


def _wrongs(law: Law, module: str, one: Import) -> Iterator[str]:
    top, mine = one.target.partition(".")[0], law.floors[room(module)]
    if top == "evalrun":
        theirs = law.floors.get(room(one.target))
        if theirs is None:
            yield f"imports {one.target}, which has no floor"
        elif room(one.target) != room(module) and theirs >= mine:
            relation = "a stranger on its floor" if theirs == mine else f"on floor {theirs}, above its own"
            yield f"imports {one.target}, {relation} ({mine})"
        if one.how == "in a function" and mine < law.lazy_floor:
            yield f"imports {one.target} inside a function"
    if one.how == "in a function" and top in law.heavy and (module, top) not in law.lazy:
        yield f"imports {top} inside a function"


def _at_the_top(readings: Mapping[str, Reading]) -> dict[str, set[str]]:
    """Which modules of the tree each module imports when it is imported itself."""
    return {
        module: {one.target for one in reading.imports if one.how == "at once" and one.target in readings} - {module}
        for module, reading in readings.items()
    }


def _knots(readings: Mapping[str, Reading]) -> list[str]:
    try:
        graphlib.TopologicalSorter(_at_the_top(readings)).prepare()
    except graphlib.CycleError as error:
        return [f"{error.args[1][0]}:0: imports itself: {' < '.join(error.args[1])}"]
    return []


def _heavy_start(law: Law, readings: Mapping[str, Reading]) -> list[str]:
    graph, seen = _at_the_top(readings), set[str]()
    waiting = list(law.start)
    while waiting:
        module = waiting.pop()
        if module in readings and module not in seen:
            seen.add(module)
            waiting += [*graph[module], module.rpartition(".")[0]]
    return [
        f"{module}:{one.line}: the program starts with {one.target}"
        for module in sorted(seen)
        for one in readings[module].imports
        if one.how == "at once" and one.target.partition(".")[0] in law.not_at_the_start
    ]
