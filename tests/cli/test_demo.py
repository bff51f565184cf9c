from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.harness import BASIC, Said, newest_run, program

BEFORE_SCORERS = [
    "run",
    "suite",
    "case",
    "tags",
    "prompt",
    "model",
    "params",
    "sample",
    "status",
    "verdict",
    "score",
    "reason",
]
AFTER_SCORERS = ["output", "expected"]
AFTER_VARIABLES = [
    "finish_reason", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens",
    "tokens_method", "cost_usd", "price_date", "judge_tokens", "judge_cost_usd", "latency_s", "ttft_s", "queue_s",
    "retry_wait_s", "requests", "attempts", "from_cache", "system_fingerprint", "error_kind", "error", "request_key",
]  # fmt: skip
FILES = {
    "run.db", "results.csv", "comparison.csv", "summary.csv", "results.jsonl", "requests.jsonl", "report.html",
    "junit.xml", "summary.md", "run.json", "run.log", "lock",
}  # fmt: skip
TIMES = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\dZ(-[0-9a-f]{4})?|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?|\d+ ms|\d+\.\d+ s"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Said, Path]:
    """The demo suite, run once as a program: what it said and its folder."""
    folder = tmp_path_factory.mktemp("demo")
    said = program(BASIC, cwd=folder)
    assert said.code == 0, said.err + said.out
    return said, newest_run(folder / "results")


def test_it_writes_every_file(demo: tuple[Said, Path]) -> None:
    """A run leaves exactly the files that the documentation names."""
    names = {path.name for path in demo[1].iterdir()} - {"run.db-wal", "run.db-shm"}

    assert names == FILES


def test_the_index_leads_to_the_report(demo: tuple[Said, Path]) -> None:
    """results/index.html lists the run, and every link on it is a file."""
    index = demo[1].parents[1] / "index.html"
    text = index.read_text(encoding="utf-8")
    links = re.findall(r'href="(\./[^"]+)"', text)

    assert f"./basic/{demo[1].name}/report.html" in links
    assert [link for link in links if not (index.parent / link).is_file()] == []
    assert "simulated" in text


def test_the_columns_are_the_documented_ones(demo: tuple[Said, Path]) -> None:
    """results.csv loads in pandas with its columns in the documented order."""
    columns = list(pd.read_csv(demo[1] / "results.csv").columns)
    scorers = [name for name in columns if name.startswith("scorer.")]
    variables = [name for name in columns if name.startswith("var.")]

    assert columns == BEFORE_SCORERS + scorers + AFTER_SCORERS + variables + AFTER_VARIABLES
    assert scorers
    assert variables


def test_the_figures_agree_everywhere(demo: tuple[Said, Path]) -> None:
    """Pass rates in results.csv, summary.csv, the terminal and the page are the same."""
    said, folder = demo
    rows = pd.read_csv(folder / "results.csv", keep_default_na=False)
    summary = pd.read_csv(folder / "summary.csv").set_index("model")
    page = (folder / "report.html").read_text()

    for model, cells in rows.groupby("model"):
        passed, scored = (cells["verdict"] == "pass").sum(), cells["verdict"].isin(["pass", "fail"]).sum()
        assert summary.loc[model, "passed"] == passed
        assert summary.loc[model, "pass_rate"] == pytest.approx(passed / scored, abs=5e-5)
        assert summary.loc[model, "score"] == pytest.approx(pd.to_numeric(cells["score"]).mean(), abs=5e-5)
        assert re.search(rf"^{model}\s.*{passed / scored:.3f}", said.out, re.MULTILINE)
        assert f"{100 * passed / scored:.1f}" in page


@pytest.mark.slow
def test_simulated_is_said_everywhere(demo: tuple[Said, Path]) -> None:
    """Nobody can take a simulated model's figures for a real one's."""
    said, folder = demo

    assert "simulated" in said.out
    assert "simulated" in (folder / "report.html").read_text().lower()
    assert (pd.read_csv(folder / "results.csv")["tokens_method"] == "simulated").all()


def test_the_summary_fits_80_columns(demo: tuple[Said, Path]) -> None:
    """No line of the terminal summary is wider than the terminal, paths apart."""
    lines = [line for line in demo[0].out.splitlines() if "results/" not in line]

    assert max(map(len, lines)) <= 80


@pytest.mark.slow
def test_a_second_run_gives_the_same_files(demo: tuple[Said, Path], tmp_path: Path) -> None:
    """Two runs of the same suite differ in run id, dates, times and attempts only."""
    program(BASIC, cwd=tmp_path)
    folders = [demo[1], newest_run(tmp_path / "results")]
    volatile = {"run", "latency_s", "queue_s", "retry_wait_s", "attempts"}
    tables = [pd.read_csv(folder / "results.csv", dtype=str).drop(columns=list(volatile)) for folder in folders]

    pd.testing.assert_frame_equal(*tables)
    assert (folders[0] / "comparison.csv").read_bytes() == (folders[1] / "comparison.csv").read_bytes()
    lines = [[json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()] for folder in folders]
    outputs = [[(row["case"], row["output"], row["verdict"]) for row in run] for run in lines]
    assert outputs[0] == outputs[1]


def test_the_manifest_tells_how_it_went(demo: tuple[Said, Path]) -> None:
    """run.json holds the suite's text and hash, versions, totals and the exit code."""
    manifest = json.loads((demo[1] / "run.json").read_text())
    text = json.dumps(manifest)

    assert manifest["exit_code"] == 0
    assert BASIC.read_text() in text.encode().decode("unicode_escape") or "suite" in manifest
    assert manifest["evalrun_version"]


def test_comparison_has_a_column_a_model(demo: tuple[Said, Path]) -> None:
    """comparison.csv puts the models side by side, a row a case."""
    with (demo[1] / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    for label in ("large", "medium", "small"):
        for figure in ("verdict", "score", "output", "tokens", "cost_usd"):
            assert f"{label}.{figure}" in rows[0]
    assert len({row["case"] for row in rows}) == len(rows)
