from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from evalrun.report.terminal import summary
from evalrun.stats.compare import compare
from tests.report.factory import make_facts
from tests.report.written import write_reports
from tests.stats.build import plan, rows

RUNS = {
    "nothing scored": ({"a": "eee", "b": "uuu", "c": "..."}, 1),
    "one case": ({"a": "p", "b": "f"}, 1),
    "one case in samples": ({"a": "pfp", "b": "fff"}, 3),
    "all equal": ({"a": "ppp", "b": "ppp", "c": "ppp"}, 1),
    "all wrong": ({"a": "ffff", "b": "ffff"}, 2),
    "one column": ({"a": "ppf"}, 1),
    "one cell": ({"a": "p"}, 1),
    "no case in common": ({"a": "p.", "b": ".f"}, 1),
    "no case in common but of others": ({"a": "pp..", "b": "..ff", "c": "ppff"}, 1),
    "simulated beside one": ({"a": "pf", "sim": "fp"}, 1),
    "twelve columns": ({f"m{at}": "p" * at + "f" * (12 - at) for at in range(12)}, 2),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("known", [True, False])
def test_poor_runs_are_reported_without_nan(tmp_path: Path, name: str, known: bool) -> None:
    """Whatever is missing, every file and the summary are written, and none of them says nan, inf or None."""
    letters, samples = RUNS[name]
    facts = {} if known else {"latency_s": None, "cost_usd": None, "prompt_tokens": None}
    made = plan(letters, samples=samples)
    found = rows(made, letters, **facts)
    comparison = compare(made, found, complete=True)
    write_reports(tmp_path, made, lambda: iter(found), comparison, make_facts())
    text = summary(made, comparison, make_facts(), width=80, color=False)
    manifest = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        cells = {cell.lower() for line in csv.reader(file) for cell in line}
    page = re.sub(
        r"<(script|style).*?</\1>|<[^>]+>", " ", (tmp_path / "report.html").read_text("utf-8"), flags=re.DOTALL
    )

    assert not cells & {"nan", "inf", "-inf", "none"}
    assert not re.search(r"\b(nan|inf|None)\b", page + text)
    assert len(manifest["figures"]) == len(letters)
    assert len(manifest["pairs"]) == len(comparison.pairs)


def test_the_manifest_holds_every_pair_with_its_flips(tmp_path: Path) -> None:
    """run.json: both p-values, the call, what is needed, and each flip by case, sample and who passed."""
    letters = {"a": "pppppf", "b": "ppppff"}
    made = plan(letters)
    found = rows(made, letters)
    write_reports(tmp_path, made, lambda: iter(found), compare(made, found, complete=True), make_facts())
    (pair,) = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["pairs"]

    assert (pair["first"], pair["second"], pair["call"]) == ("a", "b", "not distinguishable")
    assert (pair["p_value"], pair["p_adjusted"], pair["more_cases"]) == (1.0, 1.0, 39)
    assert pair["needs"] == "needs about 39 more cases"
    assert pair["flips"] == [{"case": "c4", "sample": 0, "passed": "a"}]
    assert set(pair["difference"]) == {"mean", "low", "high"}
