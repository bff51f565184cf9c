from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalrun.records.comparison import GateResult, Regressed
from evalrun.records.message import Image, Message, Tool, ToolCall
from evalrun.records.outcome import Choice, Response
from evalrun.records.row import Row
from evalrun.records.suite import Gate
from evalrun.report.json_files import request_lines
from tests.report.factory import make_comparison, make_facts, make_plan, make_rows, talking
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of
from tests.report.written import write_reports


@pytest.mark.slow
def test_results_jsonl_loses_nothing(tmp_path: Path) -> None:
    """Every text, lone surrogates and NUL among them, comes back from results.jsonl as it was."""
    run = run_of(HOSTILE)
    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts)
    data = (tmp_path / "results.jsonl").read_bytes()
    lines = data.decode("utf-8").split("\n")[:-1]

    assert b"\x1b" not in data
    for row, line in zip(run.rows(), lines, strict=True):
        said = json.loads(line)
        assert said["case"] == row.case.id
        assert said["vars"] == row.case.vars
        assert read_messages(said["messages"]) == row.messages
        assert read_calls(said["tool_calls"]) == row.tool_calls
        assert [Tool(**tool) for tool in said["tools"]] == list(row.tools)
        assert said["reason"] == (row.mark.reason if row.mark else None)
        if isinstance(reply := row.outcome, Response):
            assert (said["output"], said["reasoning"], said["ttft_s"]) == (reply.text, reply.reasoning, reply.ttft_s)
            assert said["replies"] == [reply.body]
            assert tuple(read_choice(choice) for choice in said["choices"]) == reply.choices


def read_messages(said: list[dict[str, Any]] | None) -> tuple[Message, ...]:
    """Messages as a program reads them from a line."""
    return tuple(
        Message(
            role=one["role"],
            content=one["content"] if isinstance(one["content"], str) else tuple(map(read_part, one["content"])),
            name=one.get("name"),
            tool_calls=read_calls(one.get("tool_calls", [])),
            tool_call_id=one.get("tool_call_id"),
            carried=one.get("carried"),
        )
        for one in said or []
    )


def read_part(said: str | dict[str, Any]) -> str | Image:
    """A part of a message: a text or a picture."""
    if isinstance(said, str):
        return said
    return Image(source=said["image"], detail=said["detail"], width=said.get("width"), height=said.get("height"))


def read_calls(said: list[dict[str, str]]) -> tuple[ToolCall, ...]:
    """Calls."""
    return tuple(ToolCall(**call) for call in said)


def read_choice(said: dict[str, Any]) -> Choice:
    """A further answer."""
    return Choice(**{**said, "tool_calls": read_calls(said["tool_calls"])})


def test_requests_jsonl_has_a_line_a_request(tmp_path: Path) -> None:
    """Each exchange is a line with its attempts, its figures and the place of its cell."""
    plan = make_plan()
    rows = make_rows(plan, pending=4)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts())
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text(encoding="utf-8").splitlines()]
    failed = [line for line in lines if line["result"] != "ok"]

    assert len(lines) == len(plan.cells) - 4
    assert [line["position"] for line in lines] == list(range(len(lines)))
    assert [(line["result"], line["http_status"], line["case"]) for line in failed] == [("overload", 503, "kenya")]
    assert lines[0]["usage"] == {
        "prompt_tokens": 21,
        "completion_tokens": 3,
        "method": "api",
        "cached_tokens": None,
        "reasoning_tokens": None,
    }
    assert len(lines[0]["attempts"]) == 1


def test_run_json_is_a_manifest(tmp_path: Path) -> None:
    """run.json names the run, the suite word for word, versions, limits, totals, forecast against fact, and the end."""
    plan = make_plan()
    rows = make_rows(plan)
    facts = make_facts(state="paused", exit_code=75, resume_after="2026-11-21T00:00:00Z")
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), facts)
    said = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))

    assert said["run"] == facts.run
    assert said["suite"] == {
        "name": "capitals",
        "file": "suites/capitals.yaml",
        "sha256": plan.suite.digest,
        "text": plan.suite.text,
    }
    assert (said["exit_code"], said["resume_after"]) == (75, "2026-11-21T00:00:00Z")
    assert (said["evalrun_version"], said["python_version"], said["git_commit"]) == ("0.1.0", "3.11.7", "3f9c1d2")
    assert said["totals"]["planned"] == 24
    assert said["totals"]["prompt_tokens"] == said["forecast"]["fact"]["prompt_tokens"] == 564
    assert said["forecast"]["said"] == {"requests": 24}
    assert said["limits"] == {"mini": {"rpm": 15}}
    assert [column["simulated"] for column in said["columns"]] == [False, False, True]


def test_requests_jsonl_has_the_messages_of_each_request(tmp_path: Path) -> None:
    """Each request of a dialogue has what it asked; the reply, its calls and its own figures stand beside."""
    plan = make_plan(cases=1)
    row = talking(next(make_rows(plan)()))
    lines = [json.loads(line) for line in request_lines(row, "run")]
    asked = [read_messages(line["messages"]) for line in lines]

    assert [line["request"] for line in lines] == [0, 1, 2]
    assert asked == [row.messages[:2], row.messages[:4], row.messages]
    assert [read_calls(line["tool_calls"]) for line in lines] == [row.exchanges[0].outcome.tool_calls, (), ()]
    assert [line["output"] for line in lines] == [None, "It is 18 degrees in Paris.", "Take no coat."]
    assert [line["ttft_s"] for line in lines] == [0.2, 0.3, 0.25]


def test_messages_that_are_not_known_are_null(tmp_path: Path) -> None:
    """Where the conversation is not what the replies say, earlier requests' messages are not made up."""
    plan = make_plan(cases=1)
    row = talking(next(make_rows(plan)()))
    others = tuple(replace(m, content="other") if m.role == "assistant" else m for m in row.messages)

    def messages(changed: Row) -> Iterator[bool]:
        return (json.loads(line)["messages"] is None for line in request_lines(changed, "run"))

    assert list(messages(replace(row, messages=others))) == [True, True, False]
    assert list(messages(replace(row, messages=()))) == [True, True, True]
    assert list(messages(replace(row, messages=row.messages[:1]))) == [True, True, False]


@pytest.mark.slow
def test_run_json_tells_each_gate_and_every_case_that_regressed(tmp_path: Path) -> None:
    """Its answer, whether it fails the run, whom it is for, and all answers that passed in the baseline."""
    run = run_of(HOSTILE)
    gate = Gate(text="no_regression", metric="no_regression", only={"tag": (HOSTILE[0],)}, min_effect=0.02)
    lost = tuple(Regressed(column=text, case=text, sample=0) for text in HOSTILE)
    plain = replace(run.comparison.gates[0], verdict="not enough evidence")
    worse = GateResult(gate=gate, verdict="fail", reason=HOSTILE[0], regressed=lost)
    write_reports(tmp_path, run.plan, run.rows, replace(run.comparison, gates=(plain, worse)), run.facts)
    first, second = json.loads((tmp_path / "run.json").read_text("utf-8"))["gates"]

    assert (first["verdict"], first["failed"], "regressed" in first) == ("not enough evidence", False, False)
    assert (second["failed"], second["min_effect"], second["for"]) == (True, 0.02, {"tag": [HOSTILE[0]]})
    assert [one["case"] for one in second["regressed"]] == list(HOSTILE)
