from __future__ import annotations

from types import SimpleNamespace

import pytest

from evalrun.errors import UsageError
from evalrun.scoring import OPTIONS, catalogue
from evalrun.scoring.options import NoOptions
from evalrun.scoring.scorer import Scorer

FOREIGN = Scorer(function=lambda subject, options: 1.0, options=NoOptions)
TEXTS = ["equals", "iequals", "contains", "icontains", "contains-any", "contains-all", "icontains-any", "icontains-all"]
ENDS = ["starts-with", "ends-with"]
OTHERS = [
    "regex",
    "is-json",
    "contains-json",
    "numeric",
    "latency",
    "cost",
    "tokens",
    "finish-reason",
    "recorded-score",
]
CALLS = ["is-valid-openai-tools-call", "tool-call-f1", "tool-calls"]
NAMES = [*TEXTS, *ENDS, *OTHERS, *CALLS]


@pytest.fixture
def installed(monkeypatch):
    """Entry points of other packages: what each loads, or raises."""
    found, asked = {}, []

    def entry_points(*, group, name):
        asked.append((group, name))

        def load():
            if isinstance(found[name], Exception):
                raise found[name]
            return found[name]

        return [SimpleNamespace(load=load, value=f"other:{name}")] if name in found else []

    monkeypatch.setattr(catalogue, "entry_points", entry_points)
    catalogue._foreign.cache_clear()
    yield found, asked
    catalogue._foreign.cache_clear()


def test_the_built_in_scorers_are_these():
    """The names are part of the suite format."""
    assert list(OPTIONS) == NAMES
    assert len(OPTIONS) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_model_refuses_unknown_keys(name):
    """A key that a scorer does not know is a mistake; the model says whether it falls back on the expected value."""
    with pytest.raises(ValueError, match="unknown_key"):
        OPTIONS[name].model_validate({"unknown_key": 1})
    assert isinstance(OPTIONS[name].needs_expected, bool)


def test_a_built_in_name_asks_no_other_package(installed):
    """Entry points are read only for a name that is not built in, and a built-in one cannot be taken."""
    found, asked = installed
    found["equals"] = FOREIGN

    assert "equals" in OPTIONS
    assert asked == []


def test_another_package_s_scorer_is_found_by_name(installed):
    """An entry point's scorer is there when asked for, and not in the list of built-in ones."""
    found, asked = installed
    found["odd"] = FOREIGN

    assert OPTIONS["odd"] is NoOptions
    assert "odd" not in list(OPTIONS)
    assert asked == [("evalrun.scorers", "odd")]


def test_an_unknown_name_is_not_there(installed):
    """A name that nobody offers is a KeyError, as in any mapping."""
    assert "icontain" not in OPTIONS
    assert OPTIONS.get("icontain") is None


@pytest.mark.parametrize("broken", [ImportError("no module named x"), "not a scorer"])
def test_a_broken_foreign_scorer_is_one_clear_message(installed, broken):
    """A package that cannot be loaded, or offers something else, is named."""
    installed[0]["odd"] = broken

    with pytest.raises(UsageError, match=r"scorer odd \(other:odd\)"):
        OPTIONS["odd"]
