from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import call

SUITE = """\
models: [simulator/large]
prompts:
  ask:
    user: "How warm is it in {{ city }}?"
    tools: [{name: weather, parameters: {type: object, properties: {city: {type: string}}}}]
    tool_results: [{tool: weather, function: "tools.py:weather"}]
cases: [{vars: {city: Rome}, expected: warm}]
scorers: [icontains]
"""


@pytest.mark.parametrize("verb", [["run"], ["plan"], []], ids=["run", "plan", "no verb"])
def test_code_runs_only_when_told(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A suite that names a Python function is refused, and the complaint says which option allows it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "tools.py").write_text("open('ran', 'w')\n\ndef weather(city): ...\n", encoding="utf-8")

    said = call(capsys, *verb, "suite.yaml")

    assert said.code == 2
    assert "suite.yaml:6:46: prompts.ask.tool_results.0.function: a function is code of this suite" in said.err
    assert "--allow-code" in said.err
    assert not (tmp_path / "ran").exists()


def test_a_plan_runs_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With leave, `plan` tells what would be sent and still runs nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "tools.py").write_text("open('ran', 'w')\n\ndef weather(city): ...\n", encoding="utf-8")

    said = call(capsys, "plan", "suite.yaml", "--allow-code")

    assert said.code == 0, said.err
    assert not (tmp_path / "ran").exists()
