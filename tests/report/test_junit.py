from __future__ import annotations

import io
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.comparison import GateResult, Regressed
from evalrun.records.outcome import Exchange, Failure, FailureKind
from evalrun.records.score import Mark, Score
from evalrun.report.junit import JunitXml, TestCases
from tests.report.factory import Words, make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of

ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.sampled_from(HOSTILE)
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPED = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|r)")


def written(words: Words | None = None, *, pending: int = 0, cases: int = 8, samples: int = 1, **limits: int) -> str:
    """junit.xml of a made run."""
    plan = make_plan(words, cases=cases, samples=samples)
    rows = make_rows(plan, words, pending=pending)
    out = io.StringIO()
    junit = JunitXml(out, plan, make_comparison(plan, rows, words), make_facts(words), **limits)
    for row in rows():
        junit.add(row)
    junit.finish()
    return out.getvalue()


def read(text: str) -> ET.Element:
    """The file as a CI system reads it; no character is in it that XML 1.0 has no place for."""
    assert not NOT_XML.search(text)
    return ET.fromstring(text.encode("utf-8"))


def results(suite: ET.Element) -> dict[str, str]:
    """What became of each test case: its element, or ``pass``."""
    return {
        f"{case.get('classname')} {case.get('name')}": next((child.tag for child in case), "pass")
        for case in suite.iter("testcase")
    }


def test_cells_are_test_cases() -> None:
    """Cells are test cases of their suite and column: pass, failure, error and skipped, and the counts say the same."""
    cells, _ = read(written(pending=2)).findall("testsuite")
    found = results(cells)

    assert found["capitals.large france"] == "pass"
    assert found["capitals.large australia"] == "failure"
    assert found["capitals.mini kenya"] == "error"
    assert found["capitals.sim switzerland"] == "skipped"
    counts = {name: int(cells.get(name, "")) for name in ("tests", "failures", "errors", "skipped")}
    said = list(found.values())
    assert counts == {
        "tests": 24, "failures": said.count("failure"), "errors": said.count("error"), "skipped": said.count("skipped")
    }  # fmt: skip


def test_a_failure_says_why() -> None:
    """Its message is the reason, and its text has what was expected and what was said; time is the latency."""
    case = next(c for c in read(written()).iter("testcase") if c.get("name") == "australia")
    failure = case.find("failure")

    assert failure is not None
    assert case.get("time") == "0.450"
    assert failure.get("message") == "does not contain Canberra"
    assert failure.text == (
        'expected: ["Canberra", "Canberra"]\nanswer: I think that it is Sydney, but I may be wrong about it.'
    )


def test_an_error_says_its_kind() -> None:
    """An error has its kind and the server's words; one of a broken scorer is told apart from it by its type."""
    error = next(read(written()).iter("error"))
    assert (error.get("type"), error.get("message")) == ("overload", "503 overloaded")

    plan = make_plan()
    rows = make_rows(plan)
    broken = Mark(
        score=None, verdict=None, scores=(Score(name="form", value=None, passed=None, error="no such field"),)
    )
    out = io.StringIO()
    junit = JunitXml(out, plan, make_comparison(plan, rows), make_facts())
    junit.add(replace(next(rows()), mark=broken))
    junit.finish()
    error = next(read(out.getvalue()).iter("error"))
    assert (error.get("type"), error.get("message")) == ("unscored", "form: no such field")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (FailureKind.SKIPPED, "900 tokens never fit 500"),
        (FailureKind.SPARED, "not needed: what it was for was decided before"),
    ],
)
def test_skipped_says_why(kind: FailureKind, message: str) -> None:
    """What was not asked says whether it can never fit, or was not needed."""
    plan = make_plan()
    rows = make_rows(plan)
    outcome = Failure(kind=kind, message="900 tokens never fit 500")
    out = io.StringIO()
    junit = JunitXml(out, plan, make_comparison(plan, rows), make_facts())
    junit.add(replace(next(rows()), exchanges=(Exchange(request_key="k", outcome=outcome),), mark=None))
    junit.finish()

    assert next(read(out.getvalue()).iter("skipped")).get("message") == message


def test_samples_have_names_of_their_own() -> None:
    """With several samples a case's name has the sample's number, as results.csv has it."""
    names = [case.get("name") for case in read(written(samples=2)).iter("testcase")][:2]

    assert names == ["france #0", "france #1"]


def test_gates_are_a_suite_of_their_own() -> None:
    """A gate that fails is a failure at its line with the answers that got worse; what nobody decided is skipped."""
    plan = make_plan()
    rows = make_rows(plan)
    comparison = make_comparison(plan, rows)
    gate = replace(plan.suite.gates[0], line=14)
    worse = tuple(Regressed(column="mini", case=f"c{n}", sample=0) for n in range(25))
    gates = (
        GateResult(gate=gate, verdict="fail", reason="0.571 is below 0.9", regressed=worse),
        GateResult(gate=gate, verdict="pass", reason="0.95"),
        GateResult(gate=gate, verdict="not enough evidence", reason="too few cases"),
        GateResult(gate=replace(gate, strict=True), verdict="not enough evidence", reason="too few cases"),
        GateResult(gate=gate, verdict="not decided", reason="the run is not complete"),
    )
    out = io.StringIO()
    JunitXml(out, plan, replace(comparison, gates=gates), make_facts()).finish()
    suite = read(out.getvalue()).findall("testsuite")[1]
    tags = [next((child.tag for child in case), "pass") for case in suite.iter("testcase")]
    failure = next(suite.iter("failure"))

    assert suite.get("name") == "capitals gates"
    assert tags == ["failure", "pass", "skipped", "failure", "skipped"]
    assert {(case.get("file"), case.get("line")) for case in suite.iter("testcase")} == {(plan.suite.file, "14")}
    assert "c0 (mini) passed in the baseline" in (failure.text or "")
    assert "and 5 more" in (failure.text or "")


def test_a_large_run_lists_what_fails() -> None:
    """Beyond so many cells those that pass are only counted: the counts are of all, and the file says what it lacks."""
    whole, cut = (read(text)[0] for text in (written(cases=40), written(cases=40, most_listed=100)))

    assert cut.attrib == whole.attrib
    assert set(results(cut).values()) == {"failure", "error"}
    assert {k: v for k, v in results(whole).items() if v != "pass"} == results(cut)
    passes = list(results(whole).values()).count("pass")
    assert f"not listed here: {passes} that pass" in (cut.findtext("system-out") or "")


@pytest.mark.parametrize("most", [2**20 + 2**16 + 1_500, 2**20 + 2**16 + 8_000])
def test_a_file_has_an_end(most: int) -> None:
    """However much fails, the file stays within its size, is whole, keeps its gates, and says what is left out."""
    text = written(Words(reason="é" * 3_000), cases=40, most_bytes=most)
    suites = read(text).findall("testsuite")

    assert len(text.encode()) <= most
    assert re.search(r"not listed here: .*\d+ that fail", suites[0].findtext("system-out") or "")
    assert len(list(suites[1].iter("testcase"))) == 1


def test_a_long_answer_is_cut() -> None:
    """One answer takes no more than a few thousand characters, and says how long it was."""
    text = written(Words(answer="x" * 50_000, reason="y" * 5_000))

    assert max(len(failure.text or "") for failure in read(text).iter("failure")) < 5_000
    assert "… (50,000 characters)" in text


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_parses(one: str, other: str) -> None:
    """Whatever the texts, the file parses, and has the test cases and no element besides its own."""
    words = Words(
        suite=one, labels=(one, other + "1", one + "2"), case=other + "{}", reason=one, answer=other, error=one,
        gate=other, gate_reason=one, conclusion=(other,), expected=one,
    )  # fmt: skip
    root = read(written(words).encode("utf-8", "replace").decode())

    assert len(list(root.iter("testcase"))) == 25
    own = {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped"}
    assert {element.tag for element in root.iter()} <= own


def test_the_hostile_corpus_parses() -> None:
    """With each hostile text in each field the file is well-formed, and holds no control character of theirs."""
    run = run_of(HOSTILE)
    out = io.StringIO()
    junit = JunitXml(out, run.plan, run.comparison, run.facts)
    for row in run.rows():
        junit.add(row)
    junit.finish()
    cells, gates = read(out.getvalue().encode("utf-8", "replace").decode()).findall("testsuite")

    assert len(list(cells.iter("testcase"))) == len(run.plan.cells)
    assert len(list(gates.iter("testcase"))) == len(HOSTILE)
    assert not re.search("[\x1b\x07\u202e\u200b]", out.getvalue())


@pytest.mark.parametrize("limits", [{}, {"most_listed": 10}, {"most_bytes": 2**20 + 2**16 + 2_500}])
def test_kept_cases_make_the_same_file(limits: dict[str, int]) -> None:
    """Test cases that were kept until the counts are known make the file that those written at once do."""
    plan = make_plan(cases=60)
    rows = make_rows(plan)
    kept, out = TestCases(plan, **limits), io.StringIO()
    for row in rows():
        kept.add(row)
    junit = JunitXml(out, plan, make_comparison(plan, rows), make_facts(), **limits)
    for result, text in kept.read():
        junit.put(result, text)
    junit.finish()

    assert out.getvalue() == written(cases=60, **limits)
    assert ("not listed here" in out.getvalue()) == bool(limits)
