from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.harness import Simulator, call, newest_run

SUITE = """\
name: days
providers:
  lab: {dialect: openai-chat, base_url: "URL", account: mine}
models:
  - {id: lab/large, quota: {rpd: 4, resets: rolling-24h}}
  - {id: lab/small, quota: {rpd: 4, resets: rolling-24h}}
prompts: {p: "What is {{ n }} + 1?"}
cases: [CASES]
scorers: [numeric]
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a state of its own, and where the suite will be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))
    return tmp_path / "days.yaml"


def write(suite: Path, url: str, text: str = SUITE) -> Path:
    """The suite of ten cases, asked at *url*."""
    cases = ", ".join(f"{{id: c{n}, vars: {{n: {n}}}, expected: {n + 1}}}" for n in range(10))
    suite.write_text(text.replace("URL", url).replace("CASES", cases))
    return suite


def test_a_spent_day_pauses_with_a_time(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A day that is used up ends the run with 75 and a time, the same cases done for every model; going on too early
    says so and sends nothing, in this run or a new one; the ledger shows what was used."""
    with Simulator(tmp_path) as lab:
        first = call(capsys, write(suite, lab.url))
        folder = newest_run(Path("results"))
        rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
        manifest = json.loads((folder / "run.json").read_text())
        second = call(capsys, "resume")
        third = call(capsys, suite, "--new")

        assert len(lab.requests()) == 8
    assert (first.code, second.code, third.code) == (75, 75, 75)
    assert manifest["resume_after"][:16].replace("T", " ") in first.out
    assert "evalrun resume" in first.out
    assert "paused: large: 4 requests a day" in first.out
    done = [
        {row["case"] for row in rows if row["status"] == "answered" and row["model"] == m} for m in ("large", "small")
    ]
    assert len(done[0]) == 4
    assert done[0] == done[1]
    shown = call(capsys, "quota").out
    assert "lab" in shown
    assert "days" in shown
    assert "4" in shown


def test_what_can_never_fit_is_skipped_unsent(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A prompt over the limit of one request is skipped with the reason, never sent, and the run is incomplete (3)."""
    text = SUITE.replace("{rpd: 4, resets: rolling-24h}", "{max_input_tokens: 30}").replace(
        '"What is {{ n }} + 1?"', '"What is {{ n }} + 1? {% if n == 3 %}(' + "please " * 60 + '){% endif %}"'
    )
    with Simulator(tmp_path) as lab:
        said = call(capsys, write(suite, lab.url, text))

        assert said.code == 3, said.err
        assert len(lab.requests()) == 18
    rows = [json.loads(line) for line in (newest_run(Path("results")) / "results.jsonl").read_text().splitlines()]
    skipped = [row for row in rows if row["status"] == "skipped"]
    assert {row["case"] for row in skipped} == {"c3"}
    assert len(skipped) == 2
    assert "30" in json.dumps(skipped[0])


@pytest.mark.slow
def test_a_learned_limit_is_said_and_kept(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a 429 taught is said while it happens, and `evalrun quota` shows it afterwards."""
    text = SUITE.replace(", quota: {rpd: 4, resets: rolling-24h}", "")
    with Simulator(tmp_path, "--rpm", "6") as lab:
        said = call(capsys, write(suite, lab.url, text), "--deadline", "2s")

    assert said.code == 75, said.out + said.err
    assert "learned 6" in said.err
    assert "6" in call(capsys, "quota").out


def test_a_ledger_out_of_reach_sends_nothing(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the ledger cannot be written nothing is sent, and the run ends as paused (75) with the reason."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "quota.db").mkdir()
    with Simulator(tmp_path) as lab:
        said = call(capsys, write(suite, lab.url))

        assert said.code == 75, said.out + said.err
        assert lab.requests() == []
    assert "quota.db" in "".join((said.out + said.err).split())  # a long path is broken over lines
