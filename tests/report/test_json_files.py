from __future__ import annotations

import json
from pathlib import Path

from evalrun.report.write import write_reports
from tests.report.factory import make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of


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
        assert said["messages"] == [{"role": m.role, "content": m.content} for m in row.messages]
        assert said["reason"] == (row.mark.reason if row.mark else None)
        if row.status == "answered":
            assert said["output"] == row.output
            assert said["replies"] == [row.output]


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
