from __future__ import annotations

import io
import re
from dataclasses import replace
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.comparison import Flip, GateResult, Regressed
from evalrun.records.regression import Regression, Regressions
from evalrun.report.regressions_text import regression_lines
from evalrun.report.summary_md import MOST_BYTES, FirstFails, SummaryMd, fitted
from tests.conftest import require
from tests.report.factory import Words, make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import Run, run_of

MARKUP = {
    "DOCUMENT_FRAGMENT", "h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "pre",
    "code",
}  # fmt: skip


def page_of(run: Run) -> str:
    """summary.md of a run."""
    out = io.StringIO()
    summary = SummaryMd(out, run.plan, run.comparison, run.facts)
    fails = FirstFails()
    for row in run.rows():
        fails.add(row)
        summary.add(row)
    summary.finish(fails.count)
    return out.getvalue()


def made(words: Words | None = None, *, pending: int = 0, cases: int = 8, samples: int = 1, **facts: object) -> Run:
    """A made run."""
    plan = make_plan(words, cases=cases, samples=samples)
    rows = make_rows(plan, words, pending=pending)
    return Run(plan, rows, make_comparison(plan, rows, words), make_facts(words, **facts))


def commands(text: str) -> list[str]:
    """Lines that a CI system would obey, were the file printed into a job's log."""
    return [line for line in text.split("\n") if re.match(r"\s*(::|##\w*\[)", line) or re.search(r"##(vso)?\[", line)]


def test_a_finished_run() -> None:
    """Standing, conclusion, table, gates, answers, flips and files, in that order."""
    page = page_of(made())

    assert page.startswith(
        "## capitals: the gate failed\n\n"
        "**large beats mini on pass rate by 37.5 points \\[2.1, 72.9\\] (paired, 8 cases).**\n\n"
        "- mini and sim are not distinguishable (needs about 210 more cases).\n\n"
        "| column | rank | pass rate | scored | score | tokens in / out | cost | p50 | p95 | not scored |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n"
        "| large | 1 | 0.875\u00a0\\[0.66,\u00a00.99\\] | 8/8 |"
    )
    assert "| **FAIL** | pass\\_rate >= 0.9 | 0.875 &#60; 0.9 |" in page
    assert "- large passes, mini fails (3): kenya and 2 more" in page
    assert re.findall("^#+ .*", page, re.M) == [
        "## capitals: the gate failed", "### Gates", "### 7 answers fail", "### Flips", "### Errors", "### Notes"
    ]  # fmt: skip
    assert "report.html" in page.splitlines()[-1]


def test_what_got_worse_is_named() -> None:
    """Answers that passed in the baseline and fail now come before the others, each with its reason, and once."""
    run = made()
    worse = (Regressed(column="large", case="australia", sample=0), Regressed(column="gone", case="kenya", sample=0))
    gate = GateResult(gate=replace(run.plan.suite.gates[0], text="no_regression"), verdict="fail", reason="worse",
                      regressed=worse)  # fmt: skip
    page = page_of(replace(run, comparison=replace(run.comparison, gates=(gate,))))

    assert "### Worse than the baseline: 2 answers" in page
    assert "| australia | large | Canberra | I think that it is Sydney" in page
    assert "| kenya | gone | | | |" in page
    assert "### 6 other answers fail" in page
    assert page.count("| australia | large |") == 1


def test_what_got_worse_is_named_without_a_gate() -> None:
    """Where no gate compares, what the run found against the one before stands there, in the terminal's words."""
    worst = Regression(case="australia", column="large", sample=None, expected="Canberra", said="Sydney", reason="no")
    found = Regressions(against="the run of 2026-11-19 02:17", compared=20, failing=3, worst=(worst,))
    page = page_of(made(regressions=found))
    kept = page_of(made(regressions=replace(found, failing=0, worst=())))

    assert "### Worse than the run of 2026-11-19 02:17\n" in page
    assert f"\n{regression_lines(found, 200)[0].removesuffix(', the worst:')}.\n" in page
    assert "| australia | large | Canberra | I think that it is Sydney" in page
    assert page.count("| australia | large |") == 1
    assert "… and 2 more: evalrun compare names them." in page
    assert "### Worse" not in kept


def test_a_paused_run_says_when_it_goes_on() -> None:
    """The reason, how much is left, the time and the command; and what the ledger has left."""
    page = page_of(
        made(
            pending=9,
            state="paused",
            reason="large has used its 50 requests for today",
            go_on="evalrun resume 2026-11-20T10-31-07Z-3f9c",
            resume_after="2026-11-21T00:00:00Z",
            quota_left=("large: 50 requests a day, 0 left, all back 2026-11-21 00:00 UTC",),
        )
    )

    assert page.startswith("## capitals: paused\n")
    assert (
        "**paused**: large has used its 50 requests for today. 10 of 24 cells have no verdict; it goes on after" in page
    )
    assert "**2026-11-21T00:00:00Z**" in page
    assert "```sh\nevalrun resume 2026-11-20T10-31-07Z-3f9c\n```" in page
    assert "### Quota\n\n- large: 50 requests a day, 0 left, all back 2026-11-21 00:00 UTC" in page


def test_lists_are_cut_and_say_so() -> None:
    """Of many answers, gates and flips the first are named, with the number of the others and where they are."""
    run = made(cases=200)
    flips = tuple(Flip(case=f"c{n}", sample=0, passed="large") for n in range(90))
    pair = replace(run.comparison.pairs[0], flips=flips, only_first=120)
    gates = run.comparison.gates * 60
    page = page_of(replace(run, comparison=replace(run.comparison, pairs=(pair,), gates=gates)))

    assert "c29 and 90 more" in page
    assert "c30" not in page
    assert "… and 20 more: run.json has them." in page
    assert re.search(r"… and \d\d+ more: report.html and results.csv have them", page)
    assert len(page) < 20_000


def test_it_fits_what_github_takes() -> None:
    """A run whose every text is long, in many columns, makes a page far below 1 MiB."""
    run = run_of(tuple("é|@<" * 500 + str(n) for n in range(120)))

    assert len(page_of(run).encode()) < MOST_BYTES / 2


@given(st.integers(0, 3_000))
def test_what_is_cut_ends_with_a_whole_block(most: int) -> None:
    """Within any number of bytes: whole blocks, none of them a bare heading, and a word on what is missing."""
    page = page_of(made())
    cut = fitted(page, most)
    *blocks, note = cut.split("\n\n")

    assert len(cut.encode()) <= most or not cut
    if cut != page and cut:
        assert note.startswith("(cut here, to fit:")
        assert blocks == page.split("\n\n")[: len(blocks)]
        assert not blocks[-1].startswith("###")


def test_the_hostile_corpus_is_text() -> None:
    """As GitHub reads it: no element besides our own, no link, no mention; and no command where it is printed."""
    require(find_spec("cmarkgfm"), "needs cmarkgfm (make test-all installs it)")
    import cmarkgfm
    import html5lib

    chunks = [HOSTILE[at : at + 12] for at in range(0, len(HOSTILE), 12)]
    for texts in chunks:
        page = page_of(run_of(texts))
        html = cmarkgfm.github_flavored_markdown_to_html(page)
        tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
        nodes = [node for node in tree.iter() if isinstance(node.tag, str)]

        assert {node.tag for node in nodes} <= MARKUP
        assert {name for node in nodes for name in node.attrib} <= {"align", "lang"}
        assert not re.search(r"@[A-Za-z0-9]|(?<!&)#\d", "".join(tree.itertext()).replace("&#", "&"))
        assert (
            len({len(row.findall("td")) for table in tree.iter("tbody") for row in table.findall("tr")} - {3, 5, 9, 10})
            == 0
        )
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", page)
        assert not commands(page)


@pytest.mark.parametrize("text", ["```", "a\n```\n<script>", "::error::x", "`" * 50])
def test_a_command_stays_in_its_block(text: str) -> None:
    """The command that goes on cannot end the block that it stands in."""
    page = page_of(made(pending=9, state="paused", go_on=text))
    fence = max(re.findall("^`{3,}", page, re.M), key=len)

    assert len(re.findall(f"^{fence}(?:sh)?$", page, re.M)) == 2
    assert not commands(page)
