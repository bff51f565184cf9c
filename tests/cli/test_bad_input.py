from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.harness import Said, call, environment, program
from tests.suite.corpus import BAD, Bad, write

GOOD = "models: [simulator/large]\nprompts: {p: 'What is 1 + 1?'}\ncases: [{expected: 2}]\nscorers: [numeric]\n"
NOBODY = 65534


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name.replace(" ", "-"))
def test_every_bad_suite_ends_with_two(
    bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each bad suite: exit 2, its place printed, a count at the end, no traceback, nothing written or sent."""
    write(bad, tmp_path)
    monkeypatch.chdir(tmp_path)
    said = call(capsys, "suite.yaml", *bad.arguments)

    assert said.code == 2, said.err
    assert bad.place in said.err
    assert said.err.rstrip().endswith("nothing was sent.")
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not (tmp_path / "results").exists()


def test_the_corpus_is_large() -> None:
    """There are at least 60 bad suites."""
    assert len(BAD) >= 60


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, with a good suite in it."""
    folder = Path(tempfile.mkdtemp(prefix="evalrun-"))
    folder.chmod(0o755)
    (folder / "suite.yaml").write_text(GOOD)
    yield folder
    shutil.rmtree(folder)


def as_nobody(folder: Path, *words: str) -> Said:
    """Run a command as somebody who may not do everything; where this is root, with root's rights given up."""
    script = (
        "import codecs, importlib, os, pkgutil, sys, evalrun\n"
        "for module in pkgutil.walk_packages(evalrun.__path__, 'evalrun.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "for name in ('idna', 'utf-8-sig', 'ascii'): codecs.lookup(name)\n"
        f"if os.getuid() == 0: os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "sys.exit(evalrun.cli.execute(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=folder, env=environment(), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_a_suite_that_may_not_be_read(open_folder: Path) -> None:
    """No permission to read is a complaint about the file, exit 2."""
    (open_folder / "suite.yaml").chmod(0o000)
    said = as_nobody(open_folder, "suite.yaml")

    assert said.code == 2
    assert said.err.startswith("suite.yaml: ")
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_results_that_cannot_be_written(open_folder: Path) -> None:
    """A results folder that refuses is found before anything is sent, exit 2, with what to do."""
    open_folder.chmod(0o555)
    said = as_nobody(open_folder, "suite.yaml")

    assert said.code == 2, said.err
    assert "--results DIR" in said.err
    assert "Traceback" not in said.err


def test_results_that_are_a_file(tmp_path: Path) -> None:
    """A file where the results folder should be is refused."""
    (tmp_path / "suite.yaml").write_text(GOOD)
    (tmp_path / "results").write_text("")
    said = program("suite.yaml", cwd=tmp_path)

    assert said.code == 2
    assert "results" in said.err


def test_a_missing_suite_names_a_near_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A suite that is not there is one sentence."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(GOOD)
    said = call(capsys, "siute.yaml")

    assert said.code == 2
    assert "did you mean suite.yaml?" in said.err


@pytest.mark.slow
def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """`evalrun … | head` ends without a traceback."""
    (tmp_path / "suite.yaml").write_text(GOOD)
    command = f'"{sys.executable}" -m evalrun suite.yaml 2>err.txt | true; exit "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}
    assert "Traceback" not in (tmp_path / "err.txt").read_text()


@pytest.mark.parametrize("content", [b"", b"\0\0\0", os.urandom(5000)])
def test_a_damaged_run_is_told_and_not_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """A run.db that is damaged is storage failure (4) for report, and never taken for an empty run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(GOOD)
    assert call(capsys, "suite.yaml", "--quiet").code == 0
    database = next((tmp_path / "results").glob("*/*/run.db"))
    database.write_bytes(content)
    said = call(capsys, "report", database.parent)

    assert said.code == 4
    assert "run.db" in said.err
    assert "Traceback" not in said.err
