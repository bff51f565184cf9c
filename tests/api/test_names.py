from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

import evalrun
from evalrun import api
from tests.cli.harness import environment
from tests.conftest import ROOT, require

HEAVY = ("aiohttp", "jinja2", "numpy", "pandas", "pydantic", "tiktoken", "tqdm", "yaml", "asyncio", "evalrun.api")


def test_names_are_what_is_promised() -> None:
    """The names of the Python API are these, in the package and in its room alike."""
    names = {
        "ComparedRuns", "EvalrunError", "LoadedSuite", "Run", "SuiteForecast", "SuiteInvalid", "arun_suite",
        "compare_runs", "load_suite", "open_run", "run_suite",
    }  # fmt: skip

    assert set(evalrun.__all__) == set(api.__all__) == names
    assert evalrun.__all__ == api.__all__
    assert all(getattr(evalrun, name) is getattr(api, name) for name in names)
    assert names <= set(dir(evalrun))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that is not there is refused as any module's would be."""
    with pytest.raises(AttributeError, match="module 'evalrun' has no attribute 'run_suit'"):
        evalrun.run_suit  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("program", "absent"),
    [("import evalrun; evalrun.__version__; dir(evalrun)", HEAVY), ("import evalrun.__main__", HEAVY[:4])],
    ids=["evalrun", "the command line"],
)
def test_to_import_is_quick(program: str, absent: tuple[str, ...]) -> None:
    """`import evalrun` brings nothing along but its own few lines, and the command line none of the API."""
    told = f"{program}; import sys, json; print(json.dumps([m for m in {absent!r} if m in sys.modules]))"
    said = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    ).stdout

    assert json.loads(said) == []


@pytest.mark.slow
def test_pandas_comes_with_the_first_table(tmp_path: Path) -> None:
    """A suite is loaded and run without pandas."""
    program = (
        "import sys, evalrun\n"
        f"run = evalrun.run_suite({str(ROOT / 'suites' / 'basic.yaml')!r}, results={str(tmp_path)!r})\n"
        "assert 'pandas' not in sys.modules\n"
        "assert len(run.results()) == len(run.plan.cells)\n"
        "assert 'pandas' in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def mypy(file: Path, folder: Path) -> str:
    """What mypy says of a file, strictly."""
    require(importlib.util.find_spec("mypy"), "needs mypy (make test-all installs it)")
    words = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(folder / "cache")]
    done = subprocess.run(
        [*words, "--config-file", str(ROOT / "pyproject.toml"), str(file)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_type_checker_sees_the_real_signatures(tmp_path: Path) -> None:
    """A file as users write it is free of complaints; a wrong argument, a wrong name and a wrong type are not."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from evalrun import load_suit\n"
        "from evalrun import open_run, run_suite\n"
        "run_suite('a.yaml', cache='on')\n"
        "run_suite('a.yaml', concurency=3)\n"
        "x: int = open_run().results()\n"
    )

    assert mypy(Path(__file__).with_name("typed_example.py"), tmp_path) == ""
    said = mypy(wrong, tmp_path).splitlines()
    assert [line.partition("wrong.py:")[2].partition(":")[0] for line in said if ": error:" in line] == [
        "1", "3", "4", "5"
    ]  # fmt: skip
