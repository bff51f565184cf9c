"""The law of the house: imports go strictly down, and rooms on one floor are strangers."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.floors import Law, faults, module_name, room

LAW = Law(
    floors={
        **dict.fromkeys(["records", "errors"], 0),
        **dict.fromkeys(["tokens", "prices", "catalog", "template", "files", "keys", "safe_text", "redact"], 1),
        **dict.fromkeys(["batches", "clock", "collector", "sandbox"], 1),
        **dict.fromkeys(
            ["suite", "dialogue", "scheduler", "providers", "simulator", "scoring", "stats", "store", "report"], 2
        ),
        "conduct": 3,
        "progress": 4,
        **dict.fromkeys(["api", "cli"], 5),
        "": 6,  # evalrun/__init__.py, which hands out the Python API
        "__main__": 6,
    },
    pure=[
        "evalrun.records.*",
        "evalrun.errors",
        "evalrun.batches",
        "evalrun.template",
        "evalrun.tokens.estimates",
        "evalrun.tokens.images",
        "evalrun.safe_text",
        "evalrun.suite.definitions",
        "evalrun.conduct.choices",
        "evalrun.conduct.daily",
        "evalrun.conduct.feeds",
        "evalrun.conduct.identity",
        "evalrun.conduct.matching",
        "evalrun.dialogue.*",
        "evalrun.catalog.adapt",
        "evalrun.suite.image_headers",
        "evalrun.suite.plan",
        "evalrun.suite.reference",
        "evalrun.suite.reference_parts",
        "evalrun.suite.rendering",
        "evalrun.suite.select",
        "evalrun.scheduler.calendar",
        "evalrun.scheduler.lessons",
        "evalrun.scheduler.quota",
        "evalrun.scheduler.rooms",
        "evalrun.scheduler.scope_state",
        "evalrun.scheduler.windows",
        "evalrun.scheduler.retry",
        "evalrun.scheduler.forecast",
        "evalrun.scheduler.forecast_state",
        "evalrun.scheduler.forecast_walk",
        "evalrun.simulator.answer",
        "evalrun.simulator.complaints",
        "evalrun.simulator.conversation",
        "evalrun.simulator.dialects.*",
        "evalrun.simulator.draws",
        "evalrun.simulator.embeddings",
        "evalrun.simulator.families.*",
        "evalrun.simulator.faults",
        "evalrun.simulator.pictures",
        "evalrun.simulator.pieces",
        "evalrun.simulator.replies",
        "evalrun.simulator.schemas",
        "evalrun.simulator.tools.*",
        "evalrun.simulator.wants",
        "evalrun.simulator.windows",
        "evalrun.providers.dialect",
        "evalrun.providers.asking",
        "evalrun.providers.chat_reply",
        "evalrun.providers.chat_stream",
        "evalrun.providers.openai_chat",
        "evalrun.providers.openai_responses",
        "evalrun.providers.responses_reply",
        "evalrun.providers.openai_completions",
        "evalrun.providers.openai_embeddings",
        "evalrun.providers.anthropic_messages",
        "evalrun.providers.messages_reply",
        "evalrun.providers.asking",
        "evalrun.providers.reading",
        "evalrun.providers.sse",
        "evalrun.providers.ratelimits",
        "evalrun.providers.durations",
        "evalrun.providers.error_body",
        "evalrun.providers.limit_headers",
        "evalrun.providers.limit_words",
        "evalrun.scoring.*",
        "evalrun.stats.*",
        "evalrun.report.annotations",
        "evalrun.report.charts.*",
        "evalrun.report.charts_view",
        "evalrun.report.limits_text",
        "evalrun.report.numbers",
        "evalrun.report.snippets",
        "evalrun.report.cell_detail",
        "evalrun.report.answer_text",
        "evalrun.conduct.cell_names",
        "evalrun.report.lines",
        "evalrun.report.regressions_text",
        "evalrun.report.sparkline",
        "evalrun.report.compare_words",
        "evalrun.report.history_words",
        "evalrun.report.history_text",
    ],
    heavy=["aiohttp", "genai_prices", "jinja2", "jsonschema_rs", "numpy", "pandas", "pyarrow", "pydantic", "tiktoken"],
    lazy=[
        ("evalrun.tokens.encodings", "tiktoken"),
        ("evalrun.prices", "genai_prices"),
        ("evalrun.report.page", "jinja2"),
        ("evalrun.report.parquet_file", "pyarrow"),
        ("evalrun.suite.json_schemas", "jsonschema_rs"),
    ],
    start=["evalrun", "evalrun.cli", "evalrun.cli.verbs", "evalrun.__main__"],
    not_at_the_start=["aiohttp", "genai_prices", "jinja2", "jsonschema_rs", "numpy", "pandas", "pyarrow", "tiktoken"],
    lazy_floor=3,
)


def house() -> dict[str, str]:
    """The real tree."""
    base = ROOT / "evalrun"
    return {path.relative_to(base).as_posix(): path.read_text("utf-8") for path in base.rglob("*.py")}


def test_the_house_keeps_its_law() -> None:
    """Every module has a floor, imports only from below or its own folder, and is as pure as it is said to be."""
    found = faults(LAW, house())

    assert not found, "\n" + "\n".join(found)


def test_every_pure_module_exists() -> None:
    """A name in the list of pure modules that no module bears would guard nothing."""
    modules = {module_name(path) for path in house()}

    assert [name for name in LAW.pure if name.removesuffix(".*") not in modules] == []


def test_every_floor_is_lived_on() -> None:
    """No floor is kept for a room that is not there."""
    assert set(LAW.floors) - {room(module_name(path)) for path in house()} == set()


BELOW = dict.fromkeys(["errors.py", "clock.py", "files.py", "stats/n.py", "report/write.py", "conduct/run.py"], "")

MUTATIONS = {
    "a module nobody gave a floor": ({"helpers.py": ""}, "evalrun.helpers:0: has no floor"),
    "an import of one": ({"stats/a.py": "import evalrun.helpers"}, "evalrun.helpers, which has no floor"),
    "a stranger": (
        {"stats/a.py": "from evalrun.report import write"},
        "evalrun.report.write, a stranger on its floor (2)",
    ),
    "a stranger among leaf tools": ({"keys.py": "from evalrun import files"}, "evalrun.files, a stranger"),
    "a stranger among nouns": ({"records/a.py": "from evalrun.errors import X"}, "evalrun.errors, a stranger"),
    "upstairs": ({"stats/a.py": "import evalrun.conduct.run"}, "evalrun.conduct.run, on floor 3, above its own (2)"),
    "upstairs, the package itself": ({"stats/a.py": "from evalrun import run_suite"}, "evalrun, on floor 6, above"),
    "relatively": ({"stats/a.py": "from ..report.write import x"}, "evalrun.report.write, a stranger"),
    "relatively, from a package": ({"stats/__init__.py": "from ..report import write"}, "evalrun.report.write, a"),
    "under TYPE_CHECKING": (
        {"stats/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from evalrun.report.write import X"},
        "evalrun.stats.a:3: imports evalrun.report.write, a stranger",
    ),
    "in a function": ({"keys.py": "def f():\n    import evalrun.files"}, "evalrun.files, a stranger"),
    "in a method": ({"keys.py": "class A:\n    async def f(self):\n        from . import files"}, "evalrun.files, a"),
    "by importlib": ({"stats/a.py": "importlib.import_module('evalrun.report')"}, "evalrun.report, a stranger"),
    "by __import__": ({"stats/a.py": "x = __import__('evalrun.report.write')"}, "evalrun.report.write, a stranger"),
    "by its data": ({"stats/a.py": "files('evalrun.report')"}, "evalrun.report, a stranger"),
    "by a name made up": (
        {"stats/a.py": "import_module('evalrun.' + x)"},
        "import_module of a name that cannot be read",
    ),
    "by a relative name": ({"stats/a.py": "import_module('.report', 'evalrun')"}, "of a name that cannot be read"),
    "lazily, low down": ({"suite/a.py": "def f():\n    from evalrun import clock"}, "evalrun.clock inside a function"),
    "a heavy package, lazily": ({"keys.py": "def f():\n    import pandas as pd"}, "imports pandas inside a function"),
    "a heavy package at the start": (
        {"cli/__init__.py": "from evalrun.report import write", "report/write.py": "import pandas.api"},
        "evalrun.report.write:1: the program starts with pandas.api",
    ),
    "a heavy package in a verb": ({"cli/verbs.py": "import tiktoken"}, "the program starts with tiktoken"),
    "a heavy package in an init": (
        {"cli/__init__.py": "from evalrun.report import write", "report/__init__.py": "import jinja2"},
        "evalrun.report:1: the program starts with jinja2",
    ),
    "a knot": ({"stats/a.py": "import evalrun.stats.b", "stats/b.py": "import evalrun.stats.a"}, "imports itself"),
    "time in a pure module": ({"stats/a.py": "import time"}, "is pure, but imports time"),
    "the loop in a pure module": ({"records/a.py": "from asyncio import sleep"}, "is pure, but imports asyncio"),
    "files in a pure module": ({"scoring/a.py": "from pathlib import Path"}, "is pure, but imports pathlib"),
    "files in a pure package": ({"scoring/__init__.py": "import io"}, "is pure, but imports io"),
    "files in a pure function": ({"scoring/a.py": "def f(p):\n    import os.path"}, "is pure, but imports os.path"),
    "open in a pure module": ({"template.py": "def f(p):\n    return open(p)"}, "is pure, but calls open"),
    "chance in a pure module": ({"stats/a.py": "import random\nx = random.random()"}, "takes random.random"),
    "chance by name": ({"stats/a.py": "from random import shuffle"}, "takes random.shuffle"),
    "chance without a seed": (
        {"stats/a.py": "import numpy as np\nx = np.random.default_rng()"},
        "is pure, but draws without a seed",
    ),
    "chance of numpy": ({"stats/a.py": "import numpy as np\nx = np.random.normal()"}, "takes random.normal"),
    "today in a pure module": ({"stats/a.py": "import datetime\nx = datetime.datetime.now()"}, "takes datetime.now"),
}


@pytest.mark.parametrize(("mutation", "complaint"), MUTATIONS.values(), ids=MUTATIONS)
def test_each_rule_can_fail(mutation: dict[str, str], complaint: str) -> None:
    """A house that breaks a rule is told which, and where."""
    found = faults(LAW, BELOW | mutation)

    assert any(complaint in fault for fault in found), found


ALLOWED = {
    "downstairs": {"stats/a.py": "from evalrun import clock, errors"},
    "its own folder": {"stats/a.py": "from evalrun.stats import n\nfrom .n import x"},
    "the version": {"conduct/b.py": "from evalrun import __version__"},
    "its own generator": {"stats/a.py": "import random\nfrom random import Random\nx = random.Random(7)"},
    "numpy's own generator": {"stats/a.py": "import numpy as np\nx = np.random.default_rng(7)"},
    "lazily, high up": {"cli/__init__.py": "def f():\n    from evalrun.conduct import run"},
    "tiktoken in tokens": {"tokens/encodings.py": "def f():\n    import tiktoken"},
    "a heavy package where it is used": {"report/a.py": "import pandas"},
    "time where it is measured": {"clock.py": "import time"},
    "a heavy package for types": {
        "cli/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas"
    },
    "its own data": {"report/a.py": "def f():\n    return files('evalrun.report')"},
    "somebody else's data": {"suite/a.py": "x = files('tzdata')\nself.files(1)"},
}


@pytest.mark.parametrize("tree", ALLOWED.values(), ids=ALLOWED)
def test_what_the_law_allows(tree: dict[str, str]) -> None:
    """The rules forbid no more than they say."""
    assert faults(LAW, BELOW | tree) == []
