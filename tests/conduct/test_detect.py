"""What a difference takes to be shown: by how often columns differ, in requests and days."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.cli.detect_text import detect_json, detect_lines
from evalrun.conduct.detect import detect
from evalrun.conduct.options import RunOptions, Selection
from evalrun.conduct.plan import prepare
from evalrun.records.outcome import Exchange, Response, TokensMethod, Usage
from evalrun.records.plan import Plan
from evalrun.records.score import Mark
from evalrun.safe_text import cells_wide
from evalrun.stats.design import cases_needed
from evalrun.store.run import RunStore
from evalrun.store.runs import run_folder, run_id

NOW = 1_795_170_667.0  # 2026-11-20T10:31:07Z

SUITE = """\
name: sums
providers:
  lab: {dialect: openai-chat, base_url: "http://127.0.0.1:9/v1", account: team}
models:
  - {id: lab/one, label: one, quota: [{rpd: 150, resets: utc}]}
  - {id: lab/two, label: two}
params: {max_tokens: 40}
prompts: {plain: "What is {{ a }} + 1?"}
cases:
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of forty cases and two models, one of which has a daily limit."""
    path = tmp_path / "sums.yaml"
    path.write_text(SUITE + "".join(f"  - {{id: c{n}, vars: {{a: {n}}}}}\n" for n in range(40)))
    return path


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    """A run's options, with all its folders in one place."""
    return RunOptions(results=tmp_path / "results", environ={}, state=tmp_path / "state")


def earlier(plan: Plan, options: RunOptions, verdicts: dict[str, str]) -> str:
    """A run in which the columns passed (``p``) or failed (``f``) these cases; what it is called."""
    folder = run_folder(options.results, plan.suite.name, run_id(NOW - 500, "3f9c"))
    usage = Usage(prompt_tokens=10, completion_tokens=4, method=TokensMethod.API)
    came = Response(text="3", usage=usage, latency_s=1.0)
    with RunStore.create(folder, plan, evalrun_version="0", now=NOW - 500) as store:
        marks = []
        for cell in plan.cells:
            letters = verdicts[plan.columns[cell.column].label]
            if cell.case < len(letters):
                asyncio.run(store.put(cell.key, 0, Exchange(request_key=cell.key, outcome=came)))
                passed = letters[cell.case] == "p"
                marks.append((cell.key, "", Mark(score=float(passed), verdict="pass" if passed else "fail")))
        store.put_marks(marks)
    return folder.name


def test_without_an_earlier_run_a_table_of_assumptions_is_shown(suite: Path, options: RunOptions) -> None:
    """For each share on which columns may differ the cases of the fixed design, all columns' requests, and the days
    that the daily limit makes of them."""
    found = detect(prepare(suite, Selection()), options, NOW, 0.05)
    needed = [cases_needed(0.05, discordance=share) for share in (0.1, 0.2, 0.3)]

    assert [one.discordance for one in found.needed] == [0.1, 0.2, 0.3]
    assert [one.cases for one in found.needed] == needed
    assert [one.requests for one in found.needed] == [2 * cases for cases in needed]
    assert [one.forecast.timing.days for one in found.needed if one.forecast] == [
        -(-cases // 150) for cases in needed
    ]  # fmt: skip
    assert all(one.measured is None for one in found.needed)
    assert not options.results.exists()


def test_half_of_all_runs_end_where_the_table_says(suite: Path, options: RunOptions) -> None:
    """The median with ``stop_when`` is below what a fixed design with 95 % power takes, by about two fifths."""
    found = detect(prepare(suite, Selection()), options, NOW, 0.1)
    saved = [1 - (one.stops_after or 0) / one.sure_cases for one in found.needed]

    assert all(0.3 < share < 0.6 for share in saved)


def test_an_earlier_run_tells_how_often_columns_differ(suite: Path, options: RunOptions) -> None:
    """Its share comes first, and its columns and cases are named; one of too few cases says nothing."""
    plan = prepare(suite, Selection())
    run = earlier(plan, options, {"one": "p" * 40, "two": "ffffff" + "p" * 34})
    first, *rest = detect(plan, options, NOW, 0.05).needed

    assert first.measured is not None
    assert (first.discordance, first.measured.cases, first.measured.run) == (0.15, 40, run)
    assert (first.measured.first, first.measured.second) == ("one", "two")
    assert [one.discordance for one in rest] == [0.1, 0.2, 0.3]


@pytest.mark.slow
def test_a_run_of_few_cases_says_nothing(suite: Path, options: RunOptions) -> None:
    """Nineteen cases are too few to go by."""
    plan = prepare(suite, Selection())
    earlier(plan, options, {"one": "p" * 19, "two": "f" * 19})

    assert [one.measured for one in detect(plan, options, NOW, 0.05).needed] == [None] * 3


@pytest.mark.slow
def test_columns_that_hardly_differed_are_taken_to_differ_as_much_as_is_looked_for(
    suite: Path, options: RunOptions
) -> None:
    """A difference of 5 points needs 5 % of cases on which columns differ, whatever an earlier run had."""
    plan = prepare(suite, Selection())
    earlier(plan, options, {"one": "p" * 40, "two": "p" * 40})

    assert detect(plan, options, NOW, 0.05).needed[0].discordance == 0.05


@pytest.mark.parametrize("difference", [1e-6, 0.0004, 0.3, 0.6, 1.0])
def test_any_difference_can_be_asked_for(suite: Path, options: RunOptions, difference: float) -> None:
    """What takes too long to walk or play through is left open; a large difference assumes no smaller share."""
    found = detect(prepare(suite, Selection()), options, NOW, difference)
    said = detect_json(found)

    assert all(one.discordance >= difference for one in found.needed)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert (found.needed[0].forecast is None) == (difference < 0.01)
    assert (found.needed[0].stops_after is None) == (difference < 0.01)


@pytest.mark.slow
def test_the_table_fits_a_terminal(suite: Path, options: RunOptions) -> None:
    """Every line of the text is at most 80 wide, and says how many cases there are."""
    plan = prepare(suite, Selection())
    run = earlier(plan, options, {"one": "p" * 40, "two": "f" * 10 + "p" * 30})
    lines = list(detect_lines(detect(plan, options, NOW, 0.05)))

    assert max(map(cells_wide, lines)) <= 80
    assert "The suite has 40 cases: too few for any of these." in lines
    assert any(f"as one and two did on 40 cases of {run}" in line for line in lines)
    assert "3 days" in "\n".join(lines)


@pytest.mark.parametrize(
    ("difference", "figures"),
    [
        (1e-6, ["785 bn", "1,570 bn", "1,299 bn"]),
        (1e-4, ["78.5 M", "157 M", "130 M"]),
        (3e-4, ["8.73 M", "17.5 M", "14.4 M"]),
    ],
)
def test_very_many_cases_are_told_in_short(
    suite: Path, options: RunOptions, difference: float, figures: list[str]
) -> None:
    """A difference so small takes millions: three digits of them, and the table fits a terminal still."""
    found = detect(prepare(suite, Selection()), options, NOW, difference)
    lines = list(detect_lines(found))
    (row,) = [line for line in lines if line.startswith("   10 %")]

    assert max(map(cells_wide, lines)) <= 80
    assert [text for text in re.split(r"  +", row.strip()) if text[-1] in "Mn"] == figures
    assert detect_json(found)["needed"][0]["cases"] > 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cases", "words"), [(40, "too few for any of these."), (400, "10 %."), (1000, "enough for all of these.")]
)
def test_what_the_suite_can_show_is_said(suite: Path, options: RunOptions, cases: int, words: str) -> None:
    """The suite's own number of cases is held against each of the shares."""
    found = replace(detect(prepare(suite, Selection()), options, NOW, 0.05), planned=cases)

    assert any(line.endswith(words) for line in detect_lines(found))
