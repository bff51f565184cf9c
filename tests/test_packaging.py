"""The wheel, alone: what is in it, and that it runs the demo where nothing else of the repository is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import evalrun
from tests.conftest import REAL_ENVIRONMENT, ROOT, require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NO_REGISTRY = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout|No matching distribution found", re.I)


def pip(python: Path | str, *words: str) -> None:
    """Run pip as the machine has it set up; skip, or fail in CI, where the package registry cannot be reached."""
    environment = {name: value for name, value in REAL_ENVIRONMENT.items() if not name.startswith("PYTHON")}
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *words]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    require(not (done.returncode and NO_REGISTRY.search(said)), "needs the package registry")
    assert done.returncode == 0, said


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the repository, so that building leaves nothing behind in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "a clone" / "evalrun"
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "results", "build", "dist")
    shutil.copytree(ROOT, source, ignore=unwanted)
    pip(
        sys.executable, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an empty environment into which only the wheel, with what it requires, was installed."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=True, symlinks=True)
    installed = folder / "bin" / "python"
    pip(installed, "install", "--quiet", str(wheel))
    return installed


def run(python: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `evalrun` in *folder* with next to no environment."""
    environment = {"PATH": os.defpath, "HOME": os.environ["HOME"]}
    command = [str(python.with_name("evalrun")), *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Every file of the package is inside, data included; tests, suites and results are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "evalrun").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {name for name in names if ".dist-info/" not in name} == ours
    assert {"evalrun/py.typed", "evalrun/prices.json", "evalrun/suite/suite.schema.json"} <= ours
    assert any(name.startswith("evalrun/report/templates/") for name in ours)


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    """Version, licence, the Pythons it runs on and the README are in its metadata."""
    prefix = f"evalrun-{evalrun.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        said = Parser().parsestr(archive.read(f"{prefix}/METADATA").decode())
        commands = archive.read(f"{prefix}/entry_points.txt").decode()
        licence = archive.read(f"{prefix}/licenses/LICENSE").decode()

    assert said["Version"] == evalrun.__version__
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == ">=3.11"
    assert "make demo" in str(said.get_payload())
    assert "evalrun = evalrun.cli:main" in commands
    assert licence.startswith("MIT License")


def test_the_installed_wheel_runs_the_demo(python: Path, tmp_path: Path) -> None:
    """In an empty environment, in a folder of its own, the demo suite runs to the end and writes its reports."""
    elsewhere = tmp_path / "a place of its own"
    shutil.copytree(ROOT / "suites", elsewhere / "suites")
    done = run(python, elsewhere, "suites/basic.yaml")

    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (elsewhere / "results").glob("*/*/")
    assert {"run.db", "report.html", "results.csv", "summary.csv", "run.json"} <= {
        path.name for path in folder.iterdir()
    }


def test_the_installed_wheel_knows_its_schema(python: Path, tmp_path: Path) -> None:
    """`evalrun schema` prints the schema that is inside, and the suite that `evalrun init` writes runs."""
    schema = run(python, tmp_path, "schema").stdout
    started = run(python, tmp_path, "init")
    done = run(python, tmp_path, "suite.yaml", "--quiet")

    assert schema == (ROOT / "evalrun" / "suite" / "suite.schema.json").read_text("utf-8")
    assert started.returncode == 0, started.stderr
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_wheel_lacks_nothing(python: Path) -> None:
    """Its requirements are complete and agree with each other, and every module can be imported with only these."""
    pip(python, "check")
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "evalrun").rglob("*.py")
        if path.name != "__main__.py"
    )
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    command = [str(python), "-W", "error", "-I", "-c", program, *modules]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
