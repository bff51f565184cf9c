from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalrun.errors import EXIT_CODES
from tests.cli.harness import BASIC, ROOT, call, environment

HEAVY = ("pandas", "aiohttp", "tiktoken", "jinja2", "numpy", "pydantic", "yaml", "tqdm")


def test_help_imports_nothing_heavy() -> None:
    """`evalrun --help` is answered before any large package is imported."""
    script = (
        "import sys\nfrom evalrun import cli\ncode = cli.execute(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[] 0"


@pytest.mark.slow
def test_help_is_quick() -> None:
    """`evalrun --help` takes at most 12 times as long as an empty Python program, medians of 9 in turn."""

    def took(*words: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], cwd=ROOT, env=environment(), capture_output=True, check=True)
        return time.perf_counter() - start

    bare, helped = zip(*[(took("-c", "pass"), took("-m", "evalrun", "--help")) for _ in range(9)], strict=True)
    assert statistics.median(helped) <= 12 * statistics.median(bare)


def test_help_holds_the_table_of_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """The one table of exit codes is printed by --help."""
    text = " ".join(call(capsys, "--help").out.split())

    for code, meaning in EXIT_CODES.items():
        assert f"{int(code)} {meaning}" in text


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("resme", "did you mean resume?"),
        ("plann", "did you mean plan?"),
        ("basic", "no such verb and no such file"),
    ],
)
def test_a_mistyped_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str], word: str, said: str) -> None:
    """A first word that is neither verb nor file is refused, with a suggestion where one is near."""
    answer = call(capsys, word)

    assert answer.code == 2
    assert said in answer.err


def test_an_option_may_stand_before_the_suite(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`evalrun --quiet suite.yaml` means `evalrun run --quiet suite.yaml`."""
    answer = call(capsys, "--quiet", "--limit", 2, "--results", tmp_path, BASIC)

    assert answer.code in {0, 1}, answer.err
    assert "report" in answer.out


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "--only", "model", str(BASIC)),
        ("run", "--only", "colour=red", str(BASIC)),
        ("run", "--deadline", "soon", str(BASIC)),
        ("run", "--sample", "0", str(BASIC)),
        ("run", "--set", "temperature", str(BASIC)),
        ("run", "--allow-origin", "KEY=nonsense", str(BASIC)),
        ("plan",),
        ("resume", "nothing-like-that"),
        ("score", "nothing-like-that"),
        ("report", "nothing-like-that"),
        ("simulate", "--latency", "fast"),
        ("simulate", "--fault", "500"),
        ("simulate", "--fault", "500=7"),
        ("simulate", "--fault", "flood=0.5"),
        ("--frobnicate",),
    ],
)
def test_wrong_usage_is_two_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Every user's mistake on the command line is a sentence and exit code 2."""
    monkeypatch.chdir(tmp_path)
    answer = call(capsys, *words)

    assert answer.code == 2
    assert answer.err.strip()
    assert "Traceback" not in answer.err
    assert not list(tmp_path.glob("results/*/*"))


def test_a_missing_word_is_told_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """What a command wants, and in which order, stands below the complaint."""
    said = call(capsys, "show", "basic")

    assert said.code == 2
    assert said.out == ""
    complaint, usage = said.err.splitlines()
    assert complaint == "Missing argument 'ROW'."
    assert usage.startswith("Usage: ")
    assert usage.endswith(" show [OPTIONS] RUN ROW")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 1),
        (("--max-requests", "0"), 2),
        (("--set", "temprature=1"), 2),
        (("--only", "case=none"), 5),
        (("--max-requests", "1"), 75),
        (("--quiet",), 1),
    ],
)
def test_json_is_an_object_or_nothing(
    words: tuple[str, ...],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However a run ends, standard output is one object with its exit code; where nothing ran it is empty."""
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text(
        "models: [simulator/large]\nprompts: {p: Hi}\ncases: [{id: a, expected: x}, {id: b, expected: x}]\n"
        "scorers: [equals]\ngates: [pass_rate >= 0.9]\n"
    )
    said = call(capsys, "one.yaml", "--json", *words)

    assert said.code == code, said.err
    assert (json.loads(said.out)["exit_code"] == code) if code in (1, 75) else said.out == ""
