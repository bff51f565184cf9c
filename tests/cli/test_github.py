"""What GitHub Actions is told: annotations, the step's summary, the step's outputs, and nothing that a model says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from evalrun.cli.github import Actions
from evalrun.cli.show import worst_exit_code
from tests.cli.harness import call
from tests.cli.scripted import Scripted, text
from tests.report.hostile import HOSTILE

SUITE = """\
name: small
models: [simulator/large]
prompts: {p: "What is {{ n }} + 1?"}
cases: [{id: one, vars: {n: 1}, expected: EXPECTED}]
scorers: [numeric]
gates:
  - pass_rate >= 0.9
"""


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A step of a job, in its workspace; the files that it writes for the runner are beside that."""
    workspace = tmp_path / "work space"
    (workspace / "suites").mkdir(parents=True)
    monkeypatch.chdir(workspace)
    for name in ("STEP_SUMMARY", "OUTPUT"):
        monkeypatch.setenv(f"GITHUB_{name}", str(tmp_path / name))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(workspace))
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))
    return tmp_path


def write(name: str, expected: int) -> str:
    """A suite of one case in the workspace."""
    path = Path("suites") / f"{name}.yaml"
    path.write_text(SUITE.replace("EXPECTED", str(expected)).replace("small", name))
    return str(path)


def outputs(step: Path) -> dict[str, str]:
    """The step's outputs as the runner reads them; a later one replaces an earlier one."""
    found = re.findall(r"^([\w-]+)<<(end-[0-9a-f]{32})\n(.*?)\n\2\n", (step / "OUTPUT").read_text(), re.M | re.S)
    return {name: value for name, _, value in found}


def annotations(err: str) -> list[str]:
    """The lines that the runner would obey."""
    return [line for line in err.split("\n") if re.match(r"\s*::", line)]


def test_a_failed_gate(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is annotated at its line, by the path from the workspace; outputs and summary tell the run."""
    said = call(capsys, write("bad", 9))
    found = outputs(step)

    assert said.code == 1
    assert annotations(said.err) == [
        "::error file=suites/bad.yaml,line=7,col=5,title=gate%3A fail%3A pass_rate >= 0.9::large 0.000 is below 0.9"
    ]
    assert annotations(said.out) == []
    assert found["exit-code"] == "1"
    assert found["state"] == "complete"
    assert found["resume-after"] == ""
    assert (Path(found["folder"]) / "report.html").exists()
    assert (step / "STEP_SUMMARY").read_text().startswith("## bad: the gate failed\n")


def test_several_suites_of_a_step(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each suite's page is appended, and the outputs are of all: the worst code, every folder."""
    said = call(capsys, write("good", 2), write("bad", 9))
    found = outputs(step)
    headings = re.findall("^## .*", (step / "STEP_SUMMARY").read_text(), re.M)

    assert said.code == 1
    assert headings == ["## good: the gate passed", "## bad: the gate failed"]
    assert (found["exit-code"], found["state"]) == ("1", "complete")
    assert [Path(line).parent.name for line in found["folder"].split("\n")] == ["good", "bad"]
    assert found["conclusion"].startswith("good: ")


def test_a_summary_that_is_nearly_full(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a step's summary has no room for is left out, block by block, and of a full one nothing is written."""
    summary = step / "STEP_SUMMARY"
    summary.write_text("x" * (2**20 - 300))
    call(capsys, write("good", 2))
    assert 2**20 - 300 < summary.stat().st_size <= 2**20
    assert "(cut here, to fit:" in summary.read_text()

    summary.write_text("x" * (2**20 - 5))
    said = call(capsys, write("good", 2), "--new")
    assert summary.stat().st_size == 2**20 - 5
    assert "WARNING: the step's summary is full" in said.err
    assert said.code == 0


def test_files_that_cannot_be_written(
    step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A summary or an output file out of reach is a warning, and the run ends as it would."""
    for name in ("STEP_SUMMARY", "OUTPUT"):
        monkeypatch.setenv(f"GITHUB_{name}", str(step / "gone" / name))
    said = call(capsys, write("good", 2))

    assert said.code == 0
    assert said.err.count("WARNING: the step's") == 2


def test_elsewhere_nothing_is_told(
    step: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside GitHub Actions nothing is annotated or put out; a step's summary that is named is still written."""
    monkeypatch.delenv("GITHUB_ACTIONS")
    said = call(capsys, write("bad", 9))

    assert said.code == 1
    assert annotations(said.err) == []
    assert not (step / "OUTPUT").exists()
    assert (step / "STEP_SUMMARY").exists()


def test_json_stays_json(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json standard output is one object; annotations go to standard error."""
    said = call(capsys, write("bad", 9), "--json")

    assert json.loads(said.out)["exit_code"] == 1
    assert len(annotations(said.err)) == 1


def test_complaints_are_annotated(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong with a suite is an error at its line and column, and the outputs say that nothing ran."""
    path = Path(write("wrong", 2))
    path.write_text(path.read_text().replace("scorers:", "scorer:"))
    said = call(capsys, path)

    assert said.code == 2
    assert annotations(said.err)[0].startswith("::error file=suites/wrong.yaml,line=5,col=1,title=")
    assert "did you mean scorers?" in annotations(said.err)[0]
    assert outputs(step) == {"exit-code": "2", "state": "failed"}


@pytest.mark.parametrize(("words", "code"), [(["--nonsense"], 2), (["suites/good.yaml", "--only", "case=zzz"], 5)])
def test_other_faults_are_annotated(
    words: list[str], code: int, step: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong option or an empty selection is one error without a place."""
    write("good", 2)
    said = call(capsys, "run", *words)

    assert said.code == code
    assert [line.partition(" ")[0] for line in annotations(said.err)] == ["::error"]
    assert outputs(step)["exit-code"] == str(code)


def test_a_paused_exit_code_of_0_hides_nothing() -> None:
    """Where a pause ends with 0, the code of another run that failed is what the command ends with."""
    assert worst_exit_code([0, 1], paused=0) == 1
    assert worst_exit_code([0, 3, 1], paused=0) == 3
    assert worst_exit_code([0, 0], paused=0) == 0
    assert worst_exit_code([7, 3], paused=7) == 7


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_model_says_is_no_command(as_json: bool, step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every hostile text as an answer, a case, a label and a server's error: the log has our own annotations alone."""
    texts = [one for one in HOSTILE if one.strip() and one.isprintable() and len(one) < 150]
    cases = [{"id": f"{n} {one}".strip(), "vars": {"q": str(n)}, "expected": "zzz"} for n, one in enumerate(texts)]
    asked = {"dialect": "openai-chat", "account": "mine"}

    def reply(body: dict[str, object]) -> dict[str, object]:
        messages = body["messages"]
        assert isinstance(messages, list)
        return text(texts[int(messages[0]["content"])])

    with Scripted(reply) as server:
        suite = {
            "name": "hostile",
            "providers": {"lab": asked | {"base_url": server.url}},
            "models": [{"id": "lab/x", "label": "::error::##[error]x"}],
            "prompts": {"p": "{{ q }}"},
            "cases": cases,
            "scorers": ["icontains"],
            "gates": ["pass_rate >= 0.9"],
        }
        Path("suites/hostile.yaml").write_text(json.dumps(suite))
        said = call(capsys, "suites/hostile.yaml", *(["--json"] if as_json else []))
    plan = call(capsys, "plan", "suites/hostile.yaml", "--show", len(cases), *(["--json"] if as_json else []))
    lines = [*said.out.split("\n"), *said.err.split("\n"), *plan.out.split("\n"), *plan.err.split("\n")]
    obeyed = [line for line in lines if re.match(r"\s*::", line) or re.search(r"##(vso)?\[", line)]

    assert said.code == 1, said.err
    assert len(obeyed) == 1
    assert obeyed[0].startswith("::error file=suites/hostile.yaml,line=1,")


def test_outputs_come_back_as_they_were(step: Path) -> None:
    """No value can end itself or begin another output, whatever lines are in it."""
    values = {f"value-{n}": one.replace("\r", "") for n, one in enumerate(HOSTILE)}
    values["forged"] = "x\nend-00000000000000000000000000000000\nstate<<y\nz\ny\nexit-code=0"
    Actions(os.environ)._write(values)
    found = outputs(step)

    assert found == {name: value.encode("utf-8", "replace").decode() for name, value in values.items()}
