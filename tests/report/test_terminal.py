from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.records.comparison import GateResult, Interval
from evalrun.records.regression import Regression, Regressions
from evalrun.report.terminal import summary
from evalrun.safe_text import cells_wide
from tests.report.factory import Words, make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of

SGR = re.compile(r"\x1b\[[0-9]*m")


def shown(
    words: Words | None = None, *, width: int = 80, color: bool = False, pending: int = 0, **facts: object
) -> str:
    """The summary of a made run."""
    plan = make_plan(words)
    rows = make_rows(plan, words, pending=pending)
    return summary(plan, make_comparison(plan, rows, words), make_facts(words, **facts), width=width, color=color)


def test_a_finished_run() -> None:
    """Conclusion, table, facts, gates and report, in that order and in 80 columns."""
    assert shown() == (
        "large beats mini on pass rate by 37.5 points [2.1, 72.9] (paired, 8 cases).\n"
        "mini and sim are not distinguishable (needs about 210 more cases).\n"
        "\n"
        "column  rank  pass rate           scored  tokens in/out       cost  not scored\n"
        "large   1     0.875 [0.66, 0.99]     8/8       196 / 24   $0.00029\n"
        "mini    2     0.571 [0.35, 0.68]     7/8      ~172 / 28  ~$0.00017  1 error\n"
        "sim           0.625 [0.41, 0.74]     8/8       196 / 40       free  simulated\n"
        "total: 23/24 scored, 24 requests, ~564 / 92 tokens, ~$0.00046\n"
        "\n"
        "simulated sim: evalrun's rule-based simulator, no real model\n"
        "errors    mini: 503 overloaded\n"
        "note      2 identical cells were merged\n"
        "\n"
        "gates    FAIL  pass_rate >= 0.9: 0.875 < 0.9\n"
        "\n"
        "report  results/capitals/2026-11-20T10-31-07Z-3f9c/report.html"
    )


def test_a_paused_run_says_how_to_go_on() -> None:
    """A run that is not complete says why, how much is left, and the command that goes on, alone on its line."""
    lines = shown(
        pending=9,
        state="paused",
        reason="large has used its 50 requests for today",
        go_on="evalrun resume",
        resume_after="2026-11-21T00:00:00Z",
        finished_at=1_795_197_600.0,
    ).split("\n")

    assert "paused: large has used its 50 requests for today. 10 of 24 cells have no" in lines
    assert "go on   evalrun resume   after 2026-11-21 00:00 UTC (in 6 h 00 min)" in lines
    assert any(line.startswith("gates    not decided") for line in lines)


@pytest.mark.parametrize(("strict", "word"), [(False, "not enough evidence"), (True, "NOT ENOUGH EVIDENCE")])
def test_a_gate_without_enough_evidence_has_its_reason_below(strict: bool, word: str) -> None:
    """The long answer stands alone on its line, in capitals where it fails the run; no line is too wide."""
    plan = make_plan()
    rows = make_rows(plan)
    made = make_comparison(plan, rows)
    gate = replace(plan.suite.gates[0], confidence=0.95, strict=strict)
    result = GateResult(gate=gate, verdict="not enough evidence", reason="large 0.875: [0.529, 0.978] holds 0.9 " * 3)
    lines = summary(plan, replace(made, gates=(result,)), make_facts(), width=80, color=False).split("\n")
    at = lines.index(f"gates    {word}")

    assert lines[at + 1].startswith("             pass_rate >= 0.9: large 0.875: [0.529, 0.978] holds 0.9 large")
    assert lines[at + 2].startswith("             0.875: [0.529")
    assert max(map(len, lines)) <= 80


def test_estimates_and_cut_answers_are_marked() -> None:
    """Tokens and cost that were counted by rule of thumb have a `~`, and answers cut at the limit are counted."""
    plan = make_plan()
    made = make_comparison(plan, make_rows(plan))
    first, *others = made.columns
    first = replace(first, tokens_methods=("api", "estimate"), truncated=2)
    lines = summary(plan, replace(made, columns=(first, *others)), make_facts(), width=120, color=False).split("\n")
    large, sim = (next(line for line in lines if line.startswith(label + "  ")) for label in ("large", "sim"))

    assert "~196 / 24" in large
    assert "~$0.00029" in large
    assert "2 truncated" in large
    assert "~" not in sim
    assert "total: 23/24 scored, 24 requests, ~564 / 92 tokens, ~$0.00046" in lines


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
@pytest.mark.parametrize(
    "label", ["large", "simulator/large", "a-very-long-label-of-a-model-at-a-provider", "東京モデル・大型版"]
)
def test_it_fits(width: int, label: str) -> None:
    """No line is wider than the terminal, but for the report's path."""
    words = Words(labels=(label, "mini", "sim"))
    lines = shown(words, width=width, pending=3).split("\n")

    assert [line for line in lines if cells_wide(line) > width and not line.startswith("report")] == []
    assert all("pass rate" in line for line in lines if line.startswith("column"))


def test_wide_terminals_show_every_figure() -> None:
    """Where there is room the table has latencies too."""
    assert "p50     p95" in shown(width=120)


@pytest.mark.parametrize("width", [80, 110])
def test_the_first_token_has_a_column_where_something_streamed(width: int) -> None:
    """The median time to the first piece is in the table, at 80 columns too, and only where there is one."""
    plan = make_plan()
    made = make_comparison(plan, make_rows(plan))
    first, *others = made.columns
    streamed = replace(made, columns=(replace(first, ttft_p50_s=0.25), *others))
    lines = summary(plan, streamed, make_facts(), width=width, color=False).split("\n")
    head = next(line for line in lines if line.startswith("column"))
    large = next(line for line in lines if line.startswith("large  "))

    assert "ttft" in head
    assert "0.25 s" in large
    assert all(cells_wide(line) <= width for line in lines if not line.startswith("report"))
    assert "ttft" not in shown(width=width)


def test_wide_terminals_show_bounds_of_scores_and_fronts() -> None:
    """Where there is room: the interval of the mean score, and which columns nothing beats for their price or speed."""
    plan = make_plan()
    made = make_comparison(plan, make_rows(plan))
    first, *others = made.columns
    first = replace(first, intervals={"score": Interval(mean=0.917, low=0.8, high=1.0)}, on_cost_front=True)
    first = replace(first, on_latency_front=True)
    lines = summary(plan, replace(made, columns=(first, *others)), make_facts(), width=160, color=False).split("\n")
    large = next(line for line in lines if line.startswith("large  "))

    assert "0.917  [0.80, 1.00]" in large
    assert "cost, speed" in large


def test_columns_stand_by_place() -> None:
    """The best comes first, whatever the suite's order; what does not compete comes last."""
    plan = make_plan()
    made = make_comparison(plan, make_rows(plan))
    large, mini, sim = made.columns
    turned = (sim, replace(large, place=2, rank=(1, 2)), replace(mini, place=1, rank=(1, 2)))
    lines = summary(plan, replace(made, columns=turned), make_facts(), width=80, color=False).split("\n")
    start = next(at for at, line in enumerate(lines) if line.startswith("column"))

    assert [line.split()[:2] for line in lines[start + 1 : start + 3]] == [["mini", "1–2"], ["large", "1–2"]]
    assert lines[start + 3].startswith("sim")


@pytest.mark.parametrize(
    ("left_s", "said"),
    [(372 * 60, "6 h 12 min"), (59, "1 min"), (26.5 * 3600, "1 day 2 h"), (48 * 3600, "2 days"), (-5, "")],
)
def test_how_long_it_is_to_wait(left_s: float, said: str) -> None:
    """The time to go on is told with how far off it is; one that is past, without."""
    after = datetime.fromtimestamp(1_795_000_042 + left_s, UTC).isoformat().replace("+00:00", "Z")
    text = shown(state="paused", go_on="evalrun resume", resume_after=after, finished_at=1_795_000_042.0, width=100)
    (line,) = [line for line in text.split("\n") if line.startswith("go on")]

    assert line.endswith(f" UTC (in {said})" if said else " UTC")


def test_a_narrow_terminal_has_the_time_below() -> None:
    """The command stands whole on its line, and the time on the next one."""
    command = "evalrun resume 2026-11-20T10-31-07Z-3f9c"
    text = shown(state="paused", go_on=command, resume_after="2026-11-21T00:00:00Z", finished_at=1.0, width=50)
    lines = text.split("\n")
    at = lines.index(f"go on   {command}")

    assert lines[at + 1].startswith("        after 2026-11-21 00:00 UTC")


def test_what_got_worse_is_told_before_the_gates() -> None:
    """How many answers, against what, and of the worst what was expected and said; not with --quiet."""
    worst = Regression(case="fr", column="mini", sample=None, expected="Paris", said="Sydney", reason="")
    found = Regressions(against="the baseline of 2026-11-19", compared=20, failing=2, worst=(worst,))
    lines = shown(regressions=found).split("\n")
    at = lines.index("worse    2 of 20 answers that passed in the baseline of 2026-11-19 now fail, the")
    plan = make_plan()
    facts = make_facts(regressions=found)
    quiet = summary(plan, make_comparison(plan, make_rows(plan)), facts, width=80, color=False, quiet=True)

    assert lines[at + 1 : at + 3] == ["         worst:", "         fr · mini: expected “Paris”, said “Sydney”"]
    assert lines[at + 4].startswith("gates")
    assert "worse" not in quiet


def test_nothing_is_told_twice() -> None:
    """What the conclusion says of a pair or an error is not repeated below, nor a table's word that a line has."""
    words = Words(labels=("large", "mini", "sim", "tiny"), conclusion=(*Words().conclusion, "mini: 503 overloaded."))
    text = shown(words, width=120)
    plan = make_plan()
    made = make_comparison(plan, make_rows(plan))
    every = replace(made, columns=tuple(replace(column, simulated=True) for column in made.columns))
    simulated = summary(plan, every, make_facts(), width=80, color=False)

    assert "large – mini" not in text
    assert text.count("503 overloaded") == 1
    assert simulated.count("simulated") == 1


def test_every_pair_has_a_line_where_there_are_several() -> None:
    """Difference, interval, call and p of each pair that the conclusion leaves open; of many six, and how many more."""
    words = Words(labels=("large", "mini", "sim", "tiny"))
    lines = shown(words, width=120).split("\n")
    many = shown(Words(labels=tuple(f"m{at}" for at in range(14))), width=100)

    tie = "large – tiny: +37.5 points [−10.0, 72.9], not distinguishable, p=0.820 (needs about 210 more cases)"
    assert f"pairs    {tie}" in lines
    assert "         6 more pairs in report.html" in many
    assert "         12 of 78 pairs: the first with each, and neighbours" in many
    assert "pairs" not in shown()


def test_samples_say_how_verdicts_vary() -> None:
    """Where a case has several samples, a line a column: pass@k, pass^k, and how often verdicts differ."""
    plan = make_plan()
    made = make_comparison(plan, make_rows(plan))
    first, *others = made.columns
    share = Interval(mean=0.25, low=0.1, high=0.5)
    first = replace(first, pass_at={1: 0.9, 3: 1.0}, pass_all={1: 0.9, 3: 0.75}, unsteady=share)
    lines = summary(plan, replace(made, columns=(first, *others)), make_facts(), width=100, color=False).split("\n")

    assert "samples  large: pass@3 1.000, pass^3 0.750, verdicts differ in 25.0 % [10.0, 50.0] of cases" in lines


def test_colour_only_repeats_words() -> None:
    """Without its colours the coloured text is the plain one; colours come only when asked for."""
    assert SGR.sub("", shown(color=True, pending=2)) == shown(pending=2)
    assert "\x1b" not in shown(pending=2)
    assert "\x1b[31mFAIL\x1b[0m" in shown(color=True)


def test_quiet_leaves_out_the_table() -> None:
    """--quiet prints the conclusion, the gates and where the report is."""
    plan = make_plan()
    text = summary(plan, make_comparison(plan, make_rows(plan)), make_facts(), width=80, color=False, quiet=True)

    assert text.split("\n")[0].startswith("large beats mini")
    assert "gates" in text
    assert "report" in text
    assert "tokens" not in text


def test_every_model_simulated_is_said_plainly() -> None:
    """Where no model is real, the summary says so in words."""
    plan = make_plan(Words(labels=("large", "mini", "sim")))
    rows = make_rows(plan)
    comparison = make_comparison(plan, rows)
    from dataclasses import replace

    every = replace(comparison, columns=tuple(replace(c, simulated=True) for c in comparison.columns))

    assert "simulated every model here is evalrun's rule-based simulator" in summary(
        plan, every, make_facts(), width=80, color=False
    )


@pytest.mark.parametrize("color", [False, True])
def test_hostile_texts_are_inert(color: bool) -> None:
    """With every field hostile there is no escape sequence but our colours, and no line that a CI system obeys."""
    run = run_of(HOSTILE)
    text = summary(run.plan, run.comparison, run.facts, width=80, color=color)
    plain = SGR.sub("", text)

    assert bool(SGR.search(text)) is color
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain)
    assert [line for line in plain.split("\n") if re.match(r"\s*(::|##)", line) or re.search(r"##(vso)?\[", line)] == []
    plain.encode("utf-8")


@given(st.text(st.characters(exclude_categories=[]), max_size=60), st.integers(40, 120))
@settings(max_examples=60)
def test_any_text_fits_and_is_inert(text: str, width: int) -> None:
    """Whatever models, errors and notes are called, lines fit and begin no command."""
    words = Words(labels=(text + "1", text + "2", "sim"), error=text, note=text, gate=text, conclusion=(text,))
    for line in shown(words, width=width).split("\n"):
        assert cells_wide(line) <= width or line.startswith("report")
        assert not re.match(r"\s*(::|##)", line)
        assert not re.search(r"[\x00-\x1f]", line)
