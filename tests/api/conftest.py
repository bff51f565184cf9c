from __future__ import annotations

from pathlib import Path

import pytest

SUITE = """\
name: sums
models: [simulator/large, {id: simulator/small, label: tiny, tags: [cheap]}]
params: {temperature: 0}
prompts:
  plain: "What is {{ a }} + {{ b }}?"
  terse: {system: Answer with the number only., user: "What is {{ a }} + {{ b }}?"}
cases:
  - {id: one, tags: [easy], vars: {a: 1, b: 2}, expected: 3}
  - {id: two, tags: [easy], vars: {a: 20, b: 22}, expected: 42}
  - {id: three, tags: [hard], vars: {a: 123, b: 456}, expected: 579}
scorers: [numeric]
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small suite in a folder of its own, which is the working folder and has a state of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))
    path = tmp_path / "sums.yaml"
    path.write_text(SUITE)
    return path


@pytest.fixture
def silent(capfd: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """What the test may print: `nothing_said` looks at it."""
    return capfd


def nothing_said(silent: pytest.CaptureFixture[str]) -> bool:
    """Whether nothing was printed, by this process or by one that it started."""
    return silent.readouterr() == ("", "")
