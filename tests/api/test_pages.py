from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalrun import Run
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "library.md").read_text("utf-8")
EXAMPLE = ROOT / "docs" / "example.py"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the suites of the repository, which is the working folder."""
    shutil.copytree(ROOT / "suites", tmp_path / "suites")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of docs/library.md run one after the other, and print what their comments say."""
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S):
        exec(compile(block, "docs/library.md", "exec"), names)
    said = capsys.readouterr().out

    assert names["done"].state == "complete"
    assert names["done"].name == names["paused"].name != names["run"].name
    for promised in re.findall(r"^ *print\(.*\)  # (?!what)(.+)$", PAGE, re.M):
        assert promised in said


def test_the_page_names_what_there_is() -> None:
    """Every member of a run that the page names exists."""
    names = set(re.findall(r"`run\.(\w+)", PAGE)) - {"db"}

    assert [name for name in names if not hasattr(Run, name)] == []


def test_the_example_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cells of docs/example.py run in order, and what each ends with can be shown in a notebook."""
    names: dict[str, Any] = {}
    shown = []
    for cell in re.split(r"^# %%.*$", EXAMPLE.read_text("utf-8"), flags=re.M):
        body = ast.parse(cell, str(EXAMPLE)).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), str(EXAMPLE), "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), str(EXAMPLE), "eval"), names))
    tables = [one for one in shown if isinstance(one, pd.DataFrame)]

    assert names["run"].state == "complete"
    assert len(tables) == 3
    assert all(len(table) for table in tables)
    assert names["run"].comparison.conclusion[0] in capsys.readouterr().out
