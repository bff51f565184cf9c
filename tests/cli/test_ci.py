"""The action and the workflows of docs/workflows, carried out: green, worse, out of quota and broken nights."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.harness import BASIC, ROOT, Simulator, environment, program
from tests.cli.jobs import OWN, Ran, Runner
from tests.cli.scripted import Scripted
from tests.cli.scripted import text as answer

pytestmark = pytest.mark.timeout(300)  # whole jobs, several programs each

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / "docs" / "workflows").glob("*.yml"))
DAY_S = 86_400.0

QUOTA = """\
name: many
providers:
  lab: {dialect: openai-chat, base_url: "URL", account: mine}
prices: {lab/large: {input: 0, output: 0}}
models: [{id: lab/large, quota: {rpd: 4, resets: rolling-24h}}]
prompts: {p: "What is {{ n }} + 1?"}
cases: [CASES]
scorers: [numeric]
gates: [pass_rate >= 0.5]
"""

every_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)


def workflow_of(name: str) -> Path:
    """One of the workflows of docs/workflows."""
    return ROOT / "docs" / "workflows" / f"{name}.yml"


def repository(name: str, text: str, *more: Path) -> Callable[[Path], None]:
    """What a checkout brings: a suite of that name, and files beside it."""

    def checkout(workspace: Path) -> None:
        (workspace / "suites").mkdir()
        (workspace / "suites" / f"{name}.yaml").write_text(text)
        for path in more:
            shutil.copy(path, workspace / "suites")

    return checkout


def small(url: str, text: str = QUOTA) -> str:
    """The suite of ten cases, asked at *url*."""
    cases = ", ".join(f"{{id: c{n}, vars: {{n: {n}}}, expected: {n + 1}}}" for n in range(10))
    return text.replace("URL", url).replace("CASES", cases)


def next_number(body: dict[str, Any]) -> dict[str, Any]:
    """The answer to the questions of the small suite."""
    (number,) = re.findall(r"What is (\d+) ", body["messages"][-1]["content"])
    return answer(str(int(number) + 1))


def fifty(model: str) -> str:
    """The fifty questions of the demo to one model, whose label stays, with a gate against the baseline."""
    _, rest = BASIC.read_text("utf-8").split("models:", 1)
    cases = rest.partition("params:")[2].partition("# What the run must reach")[0]
    return f"name: nightly\nmodels: [{{id: simulator/{model}, label: bot}}]\nparams:{cases}gates:\n  - no_regression\n"


# ── what stands in the files ───────────────────────────────────────────────────────────────────────────────────────


def scripts(steps: list[dict[str, Any]]) -> list[str]:
    """The scripts among the steps."""
    return [step["run"] for step in steps if "run" in step]


def test_no_input_stands_in_a_script() -> None:
    """Inputs reach the action's scripts through the environment alone: nothing in them can become a command."""
    steps = ACTION["runs"]["steps"]

    assert scripts(steps)
    assert not any("${{" in script for script in scripts(steps))
    assert all("::" not in script for script in scripts(steps))


def test_the_action_is_explained() -> None:
    """Every input and output says what it is, and docs/ci.md has each of them."""
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")

    for name, one in {**ACTION["inputs"], **ACTION["outputs"]}.items():
        assert one["description"], name
        assert f"`{name}`" in page, name


def test_the_example_of_the_action_has_its_inputs() -> None:
    """The step that docs/ci.md shows gives the action inputs that it has, those it needs among them."""
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    (step,) = yaml.safe_load(shown)

    assert OWN.fullmatch(step["uses"])
    assert {"suites"} <= step["with"].keys() <= ACTION["inputs"].keys()


@every_workflow
def test_a_workflow_may_do_little(workflow: Path) -> None:
    """Each reads the repository and no more, has a group of its own, a time limit, and actions pinned by version."""
    said = yaml.safe_load(workflow.read_text("utf-8"))
    (job,) = said["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]

    assert said["permissions"] == {"contents": "read"}
    assert said["concurrency"]["group"].startswith("evalrun-")
    assert job["timeout-minutes"] <= 120
    assert all(re.fullmatch(r"[\w/-]+@v\d+", action) for action in used)
    assert any(OWN.fullmatch(action) for action in used)
    assert not any("${{" in script for script in scripts(job["steps"]))
    assert "pull_request_target" not in workflow.read_text("utf-8")


def test_docs_show_every_workflow() -> None:
    """docs/ci.md leads to each of the files."""
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")

    assert all(f"(workflows/{workflow.name})" in page for workflow in WORKFLOWS)


# ── nights ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline that `evalrun bless` makes of a good night."""
    folder = tmp_path_factory.mktemp("blessed")
    repository("nightly", fifty("large"))(folder)
    assert program("suites/nightly.yaml", cwd=folder).code == 0
    assert program("bless", "nightly", cwd=folder).code == 0
    return folder / "suites" / "nightly.baseline.jsonl"


def night(tmp_path: Path, model: str, *more: Path) -> Ran:
    """One night of the nightly workflow."""
    return Runner(tmp_path, repository("nightly", fifty(model), *more)).run(workflow_of("nightly"))


@pytest.mark.slow
def test_a_green_night(tmp_path: Path, baseline: Path) -> None:
    """Nothing got worse: 0, no annotation, the summary with its table, the report as an artifact."""
    ran = night(tmp_path, "large", baseline)
    step = ran.step("evalrun")

    assert ran.passed, step.log
    assert step.outputs["exit-code"] == "0"
    assert step.outputs["state"] == "complete"
    assert step.annotations == []
    assert step.summary.startswith("## nightly: the gate passed\n")
    assert "| bot |" in step.summary
    assert [path.name for path in ran.artifacts["evalrun-report"]] == [Path(step.outputs["folder"]).name]
    assert not ran.step("Say what to do about it").ran


@pytest.mark.slow
def test_a_night_that_got_worse(tmp_path: Path, baseline: Path) -> None:
    """A model behind the same label knows less: 1, an annotation at the gate's line, the summary names the cases."""
    ran = night(tmp_path, "small", baseline)
    step = ran.step("evalrun")
    line = fifty("small").split("\n").index("  - no_regression") + 1
    (error,) = step.annotations
    worse = step.summary.partition("### Worse than the baseline")[2].partition("###")[0]

    assert step.code == 1
    assert step.outputs["exit-code"] == "1"
    assert error.startswith(f"::error file=suites/nightly.yaml,line={line},col=5,title=gate%3A fail%3A no_regression::")
    assert "now failing: sum, product" in error
    assert step.summary.startswith("## nightly: the gate failed\n")
    assert {"product", "australia", "words"} <= set(re.findall(r"^\| ([\w-]+) \| bot \|", worse, re.M))
    assert "a gate failed" in ran.step("Say what to do about it").log
    assert ran.artifacts["evalrun-report"]


@pytest.mark.slow
def test_a_night_whose_endpoint_is_broken(tmp_path: Path, baseline: Path) -> None:
    """An endpoint that answers nothing but errors: 3, an error that says so, no gate decided."""
    with Scripted(lambda body: 404) as server:
        text = fifty("large").replace("simulator/large", "lab/large")
        text += f'providers:\n  lab: {{dialect: openai-chat, base_url: "{server.url}"}}\n'
        text += "prices: {lab/large: {input: 0, output: 0}}\n"
        ran = Runner(tmp_path, repository("nightly", text, baseline)).run(workflow_of("nightly"))
    step = ran.step("evalrun")
    (error,) = step.annotations

    assert step.code == 3, step.log
    assert (step.outputs["exit-code"], step.outputs["state"]) == ("3", "incomplete")
    assert error.startswith("::error file=suites/nightly.yaml,title=nightly%3A incomplete::")
    assert step.summary.startswith("## nightly: incomplete\n")
    assert "404" in step.summary
    assert "| not decided | no\\_regression |" in step.summary
    assert not ran.step("Say what to do about it").ran


@pytest.mark.slow
def test_a_night_without_its_baseline(tmp_path: Path) -> None:
    """Where the baseline that is asked for is missing, the night fails before anything is sent."""
    ran = night(tmp_path, "large")
    step = ran.step("evalrun")

    assert step.code == 2
    assert step.annotations == ["::error title=evalrun::baseline: suites/nightly.baseline.jsonl: there is no such file"]
    assert step.outputs == {"exit-code": "2", "state": "failed", "folder": "", "conclusion": "", "resume-after": ""}


@pytest.mark.slow
def test_a_run_of_three_nights(tmp_path: Path) -> None:
    """Four of ten a day: two nights end neutrally with a time, the third ends the run; each case is asked once."""
    with Simulator(tmp_path) as lab:
        runner = Runner(tmp_path, repository("multi-day", small(lab.url)))
        nights = [runner.run(workflow_of("multi-day"), ahead_s=n * (DAY_S + 60)) for n in range(3)]
        sent = len(lab.requests())

    steps = [ran.step("evalrun") for ran in nights]
    assert [ran.passed for ran in nights] == [True] * 3, steps[0].log + steps[1].log
    assert [step.outputs["state"] for step in steps] == ["paused", "paused", "complete"]
    assert [step.outputs["exit-code"] for step in steps] == ["75", "75", "0"]
    assert [step.annotations[0].split(" ")[0] for step in steps[:2]] == ["::notice"] * 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", steps[0].outputs["resume-after"])
    assert steps[0].outputs["resume-after"] in steps[0].summary
    assert "4 requests a day, 0 left" in steps[0].summary
    assert "going on with" in steps[2].log
    assert sent == 10
    assert "10/10" in steps[2].summary
    assert [list(ran.artifacts) for ran in nights] == [[], [], ["evalrun-report"]]
    assert list(runner.caches) == [f"evalrun-multi-day-{n}-1" for n in (1, 2, 3)]


@pytest.mark.slow
def test_a_night_too_early_sends_nothing(tmp_path: Path) -> None:
    """The ledger comes along: a second job on the same day sends nothing. Without it the day would be spent twice."""
    with Scripted(next_number) as lab:
        runner = Runner(tmp_path, repository("multi-day", small(lab.url)))
        runner.run(workflow_of("multi-day"))
        again = runner.run(workflow_of("multi-day"), ahead_s=3600)
        assert len(lab.bodies) == 4
        assert again.step("evalrun").outputs["state"] == "paused"

        runner.caches.clear()
        runner.run(workflow_of("multi-day"), ahead_s=3700)
        assert len(lab.bodies) == 8


# ── pull requests ──────────────────────────────────────────────────────────────────────────────────────────────────

KEYED = """\
name: review
models: [openai/gpt-4o-mini]
prompts: {p: "What is {{ n }} + 1?"}
cases: [{vars: {n: 1}, expected: 2}]
scorers: [numeric]
"""


def pull_request(*, fork: bool) -> dict[str, Any]:
    """The event of a pull request."""
    return {"pull_request": {"head": {"repo": {"fork": fork}}}}


@pytest.mark.slow
def test_a_pull_request(tmp_path: Path) -> None:
    """From a branch of the repository it is evaluated, with annotations and a summary and no comment."""
    with Scripted(next_number) as lab:
        text = small(lab.url).replace("rpd: 4", "rpd: 400")
        ran = Runner(tmp_path, repository("pull-request", text)).run(
            workflow_of("pull-request"), event=pull_request(fork=False)
        )
    step = ran.step("evalrun")

    assert ran.passed, step.log
    assert "## many: " in step.summary
    assert ran.artifacts["evalrun-report"]


@pytest.mark.slow
def test_a_pull_request_of_a_fork_sends_nothing(tmp_path: Path) -> None:
    """There are no secrets then: the suite is planned, and what is wrong with it is annotated."""
    workflow, event = workflow_of("pull-request"), pull_request(fork=True)
    good = Runner(tmp_path / "good", repository("pull-request", KEYED)).run(workflow, event=event)
    bad = Runner(tmp_path / "bad", repository("pull-request", KEYED + "scorer: x\n")).run(workflow, event=event)

    assert good.passed, good.step("evalrun").log
    assert "1 case" in good.step("evalrun").log
    assert good.artifacts == {}
    assert bad.step("evalrun").code == 2
    assert bad.step("evalrun").annotations[0].startswith("::error file=suites/pull-request.yaml,line=6,col=1,")


# ── the action's inputs ────────────────────────────────────────────────────────────────────────────────────────────


def act(tmp_path: Path, checkout: Callable[[Path], None], **inputs: str) -> Ran:
    """A job that is our action with these inputs, and nothing else."""
    step = {"id": "evalrun", "uses": "OWNER/evalrun@v0", "with": {k.replace("_", "-"): v for k, v in inputs.items()}}
    tmp_path.mkdir(exist_ok=True)
    workflow = tmp_path / "workflow.yml"
    workflow.write_text(yaml.safe_dump({"jobs": {"one": {"steps": [{"uses": "actions/checkout@v5"}, step]}}}))
    return Runner(tmp_path, checkout).run(workflow)


def two(workspace: Path) -> None:
    """Two suites, one of which needs a baseline."""
    (workspace / "suites").mkdir()
    for name, gate in {"a b": "no_regression", "c": "pass_rate >= 0.5"}.items():
        text = f"name: {name}\nmodels: [simulator/large]\nprompts: {{p: Hi}}\ncases: [{{}}]\ngates: [{gate}]\n"
        (workspace / "suites" / f"{name}.yaml").write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize("suites", ["suites/*.yaml", "'suites/a b.yaml'\nsuites/c.yaml"])
def test_suites_are_words(tmp_path: Path, suites: str) -> None:
    """Wildcards, quotes, spaces and line breaks part suites as in a shell; each has its folder."""
    step = act(tmp_path, two, suites=suites).step("evalrun")

    assert step.code == 0, step.log
    assert [Path(line).parent.name for line in step.outputs["folder"].split("\n")] == ["a-b", "c"]
    assert (tmp_path / "job 1" / "pip.log").read_text().endswith(f"-- {ROOT}\n")


@pytest.mark.slow
@pytest.mark.parametrize("fields", [("suites",), ("paused",), ("args", "baseline", "version")], ids="+".join)
def test_no_input_is_a_command(tmp_path: Path, fields: tuple[str, ...]) -> None:
    """What would be a command in a script is a word like any other."""
    evil = "$(touch evil) `touch evil`; touch evil && touch evil | touch evil"
    act(tmp_path, two, **{"suites": "suites/c.yaml", **dict.fromkeys(fields, evil)})

    assert list(tmp_path.rglob("evil")) == []


@pytest.mark.slow
@pytest.mark.parametrize("plan_only", ["true", "false"])
def test_a_checkout_is_data(tmp_path: Path, plan_only: str) -> None:
    """Modules in the checkout that are called as those that Python, pip and evalrun import are never run."""

    def checkout(workspace: Path) -> None:
        two(workspace)
        for name in ("yaml", "venv", "pip", "click", "random", "evalrun"):
            (workspace / f"{name}.py").write_text("import pathlib\npathlib.Path('evil').touch()\n")

    step = act(tmp_path, checkout, suites="suites/c.yaml", plan_only=plan_only).step("evalrun")

    assert step.code == 0, step.log
    assert list(tmp_path.rglob("evil")) == []


@pytest.mark.slow
def test_a_baseline_is_not_written_through_a_link(tmp_path: Path, baseline: Path) -> None:
    """What lies beside the suite may lead anywhere: a link there is refused, and what it leads to stays."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")

    def checkout(workspace: Path) -> None:
        repository("nightly", fifty("large"))(workspace)
        shutil.copy(baseline, workspace / "given.jsonl")
        (workspace / "suites" / baseline.name).symlink_to(elsewhere)

    step = act(tmp_path, checkout, suites="suites/nightly.yaml", baseline="given.jsonl").step("evalrun")

    assert step.code == 2
    assert step.annotations == [
        "::error title=evalrun::baseline: suites/nightly.baseline.jsonl: a link, and nothing is written where it leads"
    ]
    assert elsewhere.read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"paused": "maybe"}, "paused: maybe: there is no such choice (allowed: fail, neutral)"),
        ({"suites": " "}, "suites: name at least one suite, such as suites/basic.yaml"),
        ({"args": "--only 'x"}, "args: --only 'x: no closing quotation"),
        ({"baseline": "suites/c.yaml", "suites": "suites/*.yaml"},
         "baseline: suites/c.yaml: one file cannot be the baseline of 2 suites: name a folder"),
        ({"baseline": "suites", "suites": "suites/*.yaml"},
         "baseline: suites/a b.baseline.jsonl: there is no such file"),
    ],
    ids=["paused", "suites", "args", "one file", "missing"],
)  # fmt: skip
def test_wrong_inputs_are_told(tmp_path: Path, inputs: dict[str, str], said: str) -> None:
    """Each is one error in words, and nothing runs."""
    step = act(tmp_path, two, **{"suites": "suites/c.yaml", **inputs}).step("evalrun")

    assert step.code == 2
    assert step.annotations == [f"::error title=evalrun::{said}"]


@pytest.mark.slow
@pytest.mark.parametrize(("paused", "code"), [("fail", 75), ("neutral", 0)])
def test_what_a_pause_is(tmp_path: Path, paused: str, code: int) -> None:
    """A pause ends the step with 75 or 0; either way the outputs say 75 and paused."""
    with Scripted(next_number) as lab:
        checkout = repository("one", small(lab.url))
        step = act(tmp_path, checkout, suites="suites/one.yaml", paused=paused, args="--max-requests 2").step("evalrun")

    assert step.code == code, step.log
    assert (step.outputs["exit-code"], step.outputs["state"]) == ("75", "paused")
    assert step.annotations[0].startswith("::notice file=suites/one.yaml,title=many%3A paused::")


@pytest.mark.slow
def test_a_neutral_pause_hides_no_failed_gate(tmp_path: Path) -> None:
    """Of two suites one pauses and one fails its gate: the step fails, however neutral a pause is."""
    with Scripted(next_number) as lab:

        def checkout(workspace: Path) -> None:
            repository("one", small(lab.url))(workspace)
            bad = small(lab.url).replace("rpd: 4", "rpd: 400").replace("many", "other").replace("numeric", "equals: no")
            (workspace / "suites" / "two.yaml").write_text(bad.replace("account: mine", "account: other"))

        step = act(tmp_path, checkout, suites="suites/*.yaml", paused="neutral").step("evalrun")

    assert step.code == 1, step.log
    assert step.outputs["state"] == "paused"


@pytest.mark.slow
def test_a_folder_of_baselines(tmp_path: Path, baseline: Path) -> None:
    """Baselines from elsewhere are laid beside their suites; one for a suite without the gate is said to be no use."""

    def checkout(workspace: Path) -> None:
        repository("nightly", fifty("small"))(workspace)
        (workspace / "kept").mkdir()
        shutil.copy(baseline, workspace / "kept")

    worse = act(tmp_path / "1", checkout, suites="suites/nightly.yaml", baseline="kept").step("evalrun")
    unused = act(tmp_path / "2", two, suites="suites/c.yaml", baseline="suites").step("evalrun")

    assert worse.code == 1, worse.log
    assert unused.code == 0
    assert unused.annotations == [
        "::warning title=evalrun::baseline: no suite has the gate no_regression, so that nothing is compared with it"
    ]


@pytest.mark.slow
def test_a_job_that_is_cancelled(tmp_path: Path) -> None:
    """The signal that the runner sends to the step reaches evalrun, which keeps what it has and tells the job."""
    (step,) = [one for one in ACTION["runs"]["steps"] if one.get("id") == "run"]
    python = tmp_path / "evalrun" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    script = tmp_path / "script.sh"
    script.write_text(step["run"])
    inputs = dict.fromkeys(step["env"], "") | {"ACTION_PAUSED": "fail", "ACTION_PLAN_ONLY": "false"}
    with Simulator(tmp_path, "--latency", "30s") as lab:
        repository("one", small(lab.url).replace("rpd: 4", "rpd: 400"))(tmp_path)
        given = inputs | {"ACTION_SUITES": "suites/one.yaml", "GITHUB_ACTION_PATH": str(ROOT)}
        told = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(tmp_path / "output"), "RUNNER_TEMP": str(tmp_path)}
        job = subprocess.Popen(
            ["bash", "-eo", "pipefail", str(script)], cwd=tmp_path, env=environment(**given, **told), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while not lab.requests() and job.poll() is None:
            time.sleep(0.05)
        job.send_signal(signal.SIGINT)
        job.send_signal(signal.SIGTERM)
        said, _ = job.communicate(timeout=60)

    assert job.returncode in (130, 143), said
    assert "::warning file=suites/one.yaml,title=many%3A interrupted::" in said
    assert "interrupted" in (tmp_path / "output").read_text()


def test_the_environment_of_tests_has_no_job() -> None:
    """Tests run as if there were no CI system, wherever they run."""
    assert not any(name.startswith("GITHUB_") for name in environment())
