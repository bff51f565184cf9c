from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.errors import Code, Complaint, SuiteInvalid
from evalrun.records.comparison import GateResult
from evalrun.report.annotations import MOST, Annotation, commands, of_complaints, of_run
from tests.report.factory import make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of

ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.sampled_from(HOSTILE)
COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^:,\r\n]*)(?:,\w+=[^:,\r\n]*)*)::([^\r\n]*)")


def told(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it: level, properties and message."""
    found = COMMAND.fullmatch(line)
    assert found, line
    properties = dict(part.split("=", 1) for part in found[2].split(","))
    decode = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    plain = lambda text: re.sub("%0D|%0A|%3A|%2C", lambda m: decode[m[0]], text).replace("%25", "%")  # noqa: E731
    return found[1], {name: plain(value) for name, value in properties.items()}, plain(found[3])


def gates(*verdicts: str, **more: object) -> list[GateResult]:
    """Gates in line 14, with these answers."""
    gate = replace(make_plan().suite.gates[0], line=14, column=5, **more)
    return [GateResult(gate=gate, verdict=verdict, reason="0.571 is below 0.9") for verdict in verdicts]  # type: ignore[arg-type]


def of(*results: GateResult, complete: bool = True, **facts: object) -> list[tuple[str, dict[str, str], str]]:
    """The annotations of a made run, as the runner reads them."""
    plan = make_plan()
    comparison = replace(make_comparison(plan, make_rows(plan)), gates=results, complete=complete)
    return [told(line) for line in commands(of_run(comparison, make_facts(**facts), "capitals", "suites/a.yaml"))]


def test_a_failed_gate_is_an_error_at_its_line() -> None:
    """One that fails is an error, one without enough evidence a warning, or an error where it is strict."""
    place = {"file": "suites/a.yaml", "line": "14", "col": "5"}
    found = of(*gates("pass", "fail", "not enough evidence"), *gates("not enough evidence", strict=True))

    assert found == [
        ("error", place | {"title": "gate: fail: pass_rate >= 0.9"}, "0.571 is below 0.9"),
        ("error", place | {"title": "gate: not enough evidence: pass_rate >= 0.9"}, "0.571 is below 0.9"),
        ("warning", place | {"title": "gate: not enough evidence: pass_rate >= 0.9"}, "0.571 is below 0.9"),
    ]


@pytest.mark.parametrize(
    ("state", "level"), [("paused", "notice"), ("interrupted", "warning"), ("incomplete", "error")]
)
def test_a_run_that_is_not_complete_says_so(state: str, level: str) -> None:
    """A pause is a notice with the time, an interruption a warning, an incomplete run an error; gates are not told."""
    found = of(
        *gates("not decided"), complete=False, state=state, reason="large: 4 requests a day", go_on="evalrun resume x",
        resume_after="2026-11-21T00:00:00Z",
    )  # fmt: skip

    assert found == [
        (
            level,
            {"file": "suites/a.yaml", "title": f"capitals: {state}"},
            "large: 4 requests a day\nit goes on after 2026-11-21T00:00:00Z\ngo on with: evalrun resume x",
        )
    ]


def test_a_complete_run_is_silent() -> None:
    """Where all gates pass there is nothing to say."""
    assert of(*gates("pass", "pass")) == []


def test_complaints_have_their_places() -> None:
    """Each complaint about a suite is an error at its line and column; one about a whole file has no line."""
    error = SuiteInvalid(
        [
            Complaint("a.yaml", 14, 7, "cases.3.expcted", "unknown key (did you mean expected?)", Code.UNKNOWN_KEY),
            Complaint("b.yaml", 0, 0, "", "there is no such file", Code.FILE_MISSING),
        ]
    )
    found = [told(line) for line in commands(of_complaints(error, ["suites/a.yaml", "b.yaml"]))]

    assert found == [
        (
            "error",
            {"file": "suites/a.yaml", "line": "14", "col": "7", "title": "cases.3.expcted: unknown-key"},
            "unknown key (did you mean expected?)",
        ),
        ("error", {"file": "b.yaml", "title": "suite: file-missing"}, "there is no such file"),
    ]


@pytest.mark.parametrize("count", [1, MOST, MOST + 1, 70])
def test_the_last_one_counts_the_others(count: int) -> None:
    """GitHub shows ten of each level: no more are printed, and the tenth says how many there are."""
    lines = commands([Annotation(level="error", title="t", message=f"m{n}") for n in range(count)])
    more = count - MOST

    assert len(lines) == min(count, MOST)
    assert (f"(and {more} more error" in lines[-1]) == (more > 0)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_text_can_add_a_command(title: str, message: str, file: str) -> None:
    """Whatever the texts: one line, one command, three properties, and no command of another kind inside."""
    (line,) = commands([Annotation(level="warning", title=title, message=message, file=file, line=3)])

    assert len(line.splitlines()) == 1
    assert set(told(line)[1]) <= {"file", "line", "title"}
    assert not re.search(r"##(vso)?\[", line)


def test_the_hostile_corpus_adds_no_command() -> None:
    """With each hostile text in each field of a run, what is printed is its own ten errors and one notice."""
    run = run_of(HOSTILE)
    lines = commands(of_run(run.comparison, run.facts, run.plan.suite.name, run.plan.suite.file))

    assert [told(line)[0] for line in lines] == ["error"] * MOST + ["notice"]
