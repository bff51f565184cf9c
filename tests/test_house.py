"""What keeps the repository in order: the Makefile, the workflow, the size of things, and the guards."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import conftest
from tests.conftest import MISTAKES, ROOT
from tests.test_pages import PAGES, TARGETS

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_SLEEP_S = 0.25

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|not (yet )?implemented|raise NotImplementedError", re.I)
THIS_MACHINE = re.compile(r"(?<![\w.])/(work|root)/")
EMOJI = re.compile("[\U0001f300-\U0001faff\u2705\u274c\u2b50]")


def files(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> Iterator[Path]:
    """Our own text files under *folders*."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path


def place(path: Path, line: int) -> str:
    """A place as people write it."""
    return f"{path.relative_to(ROOT)}:{line}"


# ── sizes and words ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_one_idea() -> None:
    """No module is longer than 400 lines."""
    lengths = {path: path.read_text("utf-8").count("\n") for path in files("evalrun", ".ci")}

    assert {str(path): length for path, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_a_function_is_one_thing() -> None:
    """No function is longer than 60 lines, tests included."""
    long = []
    for path in files("evalrun", "tests", ".ci"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    long.append(f"{place(path, node.lineno)} {node.name}: {length} lines")

    assert long == []


def test_tests_do_not_sleep() -> None:
    """No test blocks for more than a moment: where time matters, the clock is an argument."""
    long = []
    for path in files("tests"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep"):
                continue
            real = isinstance(node.func.value, ast.Name) and node.func.value.id == "time"
            seconds = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else 0
            if real and isinstance(seconds, int | float) and seconds > MAX_SLEEP_S:
                long.append(place(path, node.lineno))

    assert long == []


@pytest.mark.parametrize(
    "pattern", [UNFINISHED, THIS_MACHINE, EMOJI], ids=["unfinished", "a path of one machine", "emoji"]
)
def test_words_that_do_not_belong_here(pattern: re.Pattern[str]) -> None:
    """What is in the repository is finished, and says nothing of the machine that it was written on."""
    texts = (".py", ".md", ".yaml", ".yml", ".toml", ".json", ".html", ".css", ".js", "")
    own = [*files("evalrun", "suites", "docs", ".ci", ".github", suffixes=texts), *PAGES, ROOT / "pyproject.toml"]
    found = [
        place(path, number)
        for path in own
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_tests_mirror_the_package() -> None:
    """A folder of tests is called like the folder of the package that it tests."""
    folders = {path.parent.relative_to(ROOT / "tests") for path in files("tests") if path.name.startswith("test_")}
    beside = {Path("bench"), Path("cli"), Path("end_to_end")}

    assert [str(folder) for folder in folders - beside if not (ROOT / "evalrun" / folder).is_dir()] == []


# ── Makefile ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("goal", [[], ["help"]], ids=["by default", "help"])
def test_make_help_explains_every_target(goal: list[str], tmp_path: Path) -> None:
    """`make` and `make help` print a line for each target, also in a folder whose name has spaces."""
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    said = subprocess.run(["make", *goal], cwd=folder, capture_output=True, text=True, check=True).stdout

    assert set(re.findall(r"^  make ([a-z-]+) +\S", said, re.M)) == TARGETS


def test_every_target_is_phony() -> None:
    """No target is taken for a file of the same name."""
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.M)

    assert phony
    assert set(phony[1].split()) == TARGETS


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    """A Python before 3.11 gets one clear sentence, and no half-made .venv."""
    old = tmp_path / "python3.10"
    old.write_text('#!/bin/sh\ncase "$*" in *"(3, 11)"*) exit 1;; esac\nexit 99\n')
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "demo", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "evalrun needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()


# ── CI ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_can_do_no_harm(workflow: Path) -> None:
    """A workflow reads the repository and no more: pinned actions, no secrets, no rights over the repository."""
    text = workflow.read_text("utf-8")

    assert re.search(r"^permissions:\n  contents: read\n\n", text, re.M)
    assert len(re.findall(r"permissions:", text)) == 1
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40} # v[\d.]+)", used) for used in _used(text))
    assert "secrets." not in text
    assert "pull_request_target" not in text


def _used(workflow: str) -> list[str]:
    return re.findall(r"uses: (.+)$", workflow, re.M)


def test_ci_checks_every_python_that_is_promised() -> None:
    """The versions in the package's classifiers are those of the workflow."""
    promised = re.findall(r'Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text("utf-8"))

    assert f"python: {promised}".replace("'", '"') in WORKFLOWS[0].read_text("utf-8")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_ci_run_is_a_script() -> None:
    """`.ci/run` can be executed, parses, stops at the first fault, and skips nothing for want of a tool."""
    script = ROOT / ".ci" / "run"
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text("utf-8")

    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in text
    assert "export EVALRUN_REQUIRE=1" in text


# ── the guards of the tests ────────────────────────────────────────────────────────────────────────────────────────


def expect(mistake: type[AssertionError]) -> None:
    """The guards noted *mistake*, and would have failed this test for it."""
    assert [type(one) for one in MISTAKES] == [mistake]
    MISTAKES.clear()


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "10.0.0.1", "169.254.169.254"])
def test_the_network_is_out_of_reach(address: str) -> None:
    """A connection to any address but loopback fails the test, even where the code swallows it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as caller, pytest.raises(conftest.YouTouchedTheNetwork, match=re.escape(address)):
        caller.connect((address, 80))

    expect(conftest.YouTouchedTheNetwork)


def test_names_are_not_looked_up() -> None:
    """Asking a name server is touching the network too; a name under .invalid is answered as all of them would."""
    with pytest.raises(conftest.YouTouchedTheNetwork, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)
    expect(conftest.YouTouchedTheNetwork)

    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("host.invalid", 443)


async def test_loopback_is_open() -> None:
    """A server of the test's own is reached, by address and by name."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        said = await reader.read()
        writer.close()

    assert said == b"here"


def test_the_real_results_are_left_alone() -> None:
    """Neither a file nor a database can be made in the repository's results folder."""
    with pytest.raises(conftest.YouWroteIntoTheRealResults):
        (ROOT / "results" / "run.json").write_text("{}")
    expect(conftest.YouWroteIntoTheRealResults)
    with pytest.raises(conftest.YouWroteIntoTheRealResults):
        sqlite3.connect(ROOT / "results" / "run.db")
    expect(conftest.YouWroteIntoTheRealResults)


def test_the_real_home_is_left_alone() -> None:
    """HOME is a folder of this test's own, and the folders of the real one cannot be written to."""
    real = Path(conftest._REAL_HOME_FOLDERS[0]).parent
    assert Path.home() != real
    assert list(Path.home().iterdir()) == []

    with pytest.raises(conftest.YouWroteIntoTheRealHome):
        (real / ".cache" / "evalrun-guard").mkdir()
    expect(conftest.YouWroteIntoTheRealHome)


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "https_proxy", "EVALRUN_RESULTS", "CI", "GITHUB_ACTIONS", "NO_COLOR"]
)
def test_foreign_variables_are_taken_away(name: str) -> None:
    """Nothing that could change what evalrun does is left of the environment that pytest was started with."""
    assert conftest._FOREIGN.fullmatch(name)
    assert name not in os.environ


@pytest.mark.slow
@pytest.mark.parametrize(("required", "outcome"), [(False, "skipped"), (True, "error")])
@pytest.mark.parametrize("name", ["shared", "browser"])
def test_a_missing_need_is_never_silent_in_ci(name: str, required: bool, outcome: str, tmp_path: Path) -> None:
    """A test whose needs are missing is skipped with the reason, and an error under EVALRUN_REQUIRE=1."""
    suite = tmp_path / "house" / "tests"
    suite.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", suite)
    (suite / "test_it.py").write_text(f"import pytest\n\n@pytest.mark.{name}\ndef test_it():\n    pass\n")
    (suite.parent / "pytest.ini").write_text("[pytest]\nmarkers =\n    shared\n    browser\n")
    environment = {"PATH": str(tmp_path), "EVALRUN_REQUIRE": "1" if required else ""}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-p", "no:randomly", "tests"]
    said = subprocess.run(
        command, cwd=suite.parent, env=environment, capture_output=True, text=True, check=False
    ).stdout

    assert f"1 {outcome}" in said
    assert "needs" in said
