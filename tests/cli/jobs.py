"""A job of GitHub Actions on this machine, as far as our action and the workflows of docs/workflows need one.

Steps of scripts are run with bash as the runner does it, each with files of its own for outputs and summary. Of foreign
actions only what they are for is played: a cache that is written once a key, artifacts that are kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cli.harness import ROOT, environment

OWN = re.compile(r"[\w-]+/evalrun@v\d+|\./.*")
_TOKEN = re.compile(r"\s*(&&|\|\||==|!=|!|\(|\)|'(?:[^']|'')*'|[\w.-]+)")

# What stands in for the runner's python: a virtual environment is this Python under another name, pip is noted down.
_PYTHON = """\
#!/bin/sh
if [ "$1 $2 $3" = "-P -m venv" ]; then
    mkdir -p "$4/bin" && cp "$0" "$4/bin/python"
    printf '#!/bin/sh\\nexec "%s/python" -P -m evalrun "$@"\\n' "$4/bin" > "$4/bin/evalrun"
    chmod +x "$4/bin/evalrun"
elif [ "$1 $2 $3" = "-P -m pip" ]; then
    printf '%s\\n' "$*" >> "$PIP_LOG"
else
    exec "{python}" "$@"
fi
"""
_CLOCK = (
    "import os, time\n_real, _by = time.time, float(os.environ['CLOCK_AHEAD_S'])\ntime.time = lambda: _real() + _by\n"
)


@dataclass
class Step:
    """What one step did: whether it ran, how it ended, and what it said."""

    name: str
    ran: bool = True
    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: str = ""

    @property
    def annotations(self) -> list[str]:
        """The lines of its log that the runner obeys."""
        return [line for line in self.log.split("\n") if re.match(r"\s*::", line)]


@dataclass
class Ran:
    """A job that ended."""

    steps: list[Step]
    artifacts: dict[str, list[Path]]

    @property
    def passed(self) -> bool:
        """Whether the job is green."""
        return all(step.code == 0 for step in self.steps)

    def step(self, name: str) -> Step:
        """The step of that id or name."""
        return next(step for step in self.steps if step.name == name)


class Runner:
    """Runs jobs, each in a fresh checkout. What stays between them: the caches, and how many runs there were."""

    def __init__(self, folder: Path, checkout: Callable[[Path], None]) -> None:
        self._folder, self._checkout = folder, checkout
        self.caches: dict[str, Path] = {}
        self._runs = 0

    def run(
        self, workflow: Path, *, event: Mapping[str, Any] | None = None, ahead_s: float = 0.0, **secrets: str
    ) -> Ran:
        """The only job of a workflow. *ahead_s* is how much later it is by the clock."""
        self._runs += 1
        place = self._folder / f"job {self._runs}"
        for name in ("workspace", "temp", "tools"):
            (place / name).mkdir(parents=True)
        said = yaml.safe_load(workflow.read_text("utf-8"))
        (job,) = said["jobs"].values()
        github = {"run_id": str(self._runs), "run_attempt": "1", "ref": "refs/heads/main", "event": event or {}}
        contexts = {"github": github, "secrets": secrets, "steps": {}}
        return _Job(self, place, contexts, said.get("env", {}), ahead_s).run(job["steps"])

    def prepare(self, workspace: Path) -> None:
        """Check the repository out."""
        self._checkout(workspace)


class _Job:
    """One job under way. What changes: outputs of steps, whether one failed, the path, artifacts."""

    def __init__(
        self, runner: Runner, place: Path, contexts: dict[str, Any], env: Mapping[str, str], ahead_s: float
    ) -> None:
        self._runner, self._place, self._contexts = runner, place, contexts
        self._workspace = place / "workspace"
        self._ran = Ran([], {})
        self._number = 0
        clock = place / "clock"
        clock.mkdir()
        (clock / "sitecustomize.py").write_text(_CLOCK)
        python = place / "tools" / "python"
        python.write_text(_PYTHON.replace("{python}", sys.executable))
        python.chmod(0o755)
        self._path = [str(place / "tools")]
        self._env = environment(
            PYTHONPATH=f"{clock}{os.pathsep}{ROOT}",
            CLOCK_AHEAD_S=str(ahead_s),
            PIP_LOG=str(place / "pip.log"),
            CI="true",
            GITHUB_ACTIONS="true",
            GITHUB_WORKSPACE=str(self._workspace),
            RUNNER_TEMP=str(place / "temp"),
        )
        del self._env["EVALRUN_STATE"]
        self._env |= {name: str(value) for name, value in env.items()}

    def run(self, steps: list[dict[str, Any]]) -> Ran:
        """All steps, as far as their conditions let them."""
        for step in steps:
            done = self._step(step, {})
            self._ran.steps.append(done)
            if "id" in step:
                self._contexts["steps"][step["id"]] = {"outputs": done.outputs}
        return self._ran

    def _step(self, step: dict[str, Any], env: Mapping[str, str]) -> Step:
        name = step.get("id") or step.get("name") or step.get("uses", "run")
        condition = str(step.get("if", "success()")).removeprefix("${{").removesuffix("}}")
        if not re.search(r"\b(always|failure|success)\(\)", condition):
            condition = f"success() && ({condition})"
        if not self._true(condition):
            return Step(name, ran=False)
        env = {**env, **{key: self._text(value) for key, value in step.get("env", {}).items()}}
        if "run" in step:
            return self._script(name, step["run"], env)
        given = {key: self._text(value) for key, value in step.get("with", {}).items()}
        return self._uses(name, step["uses"], given, env)

    def _script(self, name: str, text: str, env: Mapping[str, str]) -> Step:
        """A script, run as `shell: bash` is; no expression may stand in it."""
        assert "${{" not in text, f"an expression in a script can become a command: {text}"
        self._number += 1
        files = {kind: self._place / f"{kind}-{self._number}" for kind in ("STEP_SUMMARY", "OUTPUT", "PATH")}
        for path in files.values():
            path.touch()
        script = self._place / f"script-{self._number}.sh"
        script.write_text(text)
        whole = {**self._env, **env, **{f"GITHUB_{kind}": str(path) for kind, path in files.items()}}
        whole["PATH"] = os.pathsep.join([*self._path, os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self._workspace, env=whole, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=100, check=False,
        )  # fmt: skip
        self._path = [*files["PATH"].read_text().split("\n")[:-1], *self._path]
        outputs = _outputs(files["OUTPUT"].read_text("utf-8"))
        summary = files["STEP_SUMMARY"].read_text("utf-8")
        return Step(name, code=done.returncode, outputs=outputs, summary=summary, log=done.stdout)

    def _uses(self, name: str, action: str, given: dict[str, str], env: Mapping[str, str]) -> Step:
        what = action.partition("@")[0]
        if OWN.fullmatch(action):
            return self._own(name, given, env)
        if what == "actions/checkout":
            self._runner.prepare(self._workspace)
        elif what == "actions/cache/restore":
            self._restore(given)
        elif what == "actions/cache/save":
            self._save(given)
        elif what == "actions/upload-artifact":
            paths = [Path(line) for line in given["path"].split("\n") if line]
            assert all((self._workspace / path).exists() for path in paths)
            self._ran.artifacts[given["name"]] = paths
        else:
            assert what == "actions/setup-python", what
        return Step(name)

    def _own(self, name: str, given: dict[str, str], env: Mapping[str, str]) -> Step:
        """Our composite action, with its inputs and the outputs of its own steps."""
        action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
        assert given.keys() <= action["inputs"].keys()
        assert {key for key, one in action["inputs"].items() if one.get("required")} <= given.keys()
        outer = self._contexts
        inputs = {key: one.get("default", "") for key, one in action["inputs"].items()} | given
        self._contexts = {**outer, "inputs": inputs, "steps": {}}
        whole = Step(name)
        for step in action["runs"]["steps"]:
            assert "run" not in step or step.get("shell") == "bash"
            done = self._step(step, {**env, "GITHUB_ACTION_PATH": str(ROOT)})
            whole.log, whole.summary, whole.code = whole.log + done.log, whole.summary + done.summary, done.code
            if "id" in step:
                self._contexts["steps"][step["id"]] = {"outputs": done.outputs}
            if done.code:
                break
        whole.outputs = {key: self._text(one["value"]) for key, one in action["outputs"].items()}
        self._contexts = outer
        return whole

    def _restore(self, given: dict[str, str]) -> None:
        """The cache of that key, else the newest one whose key begins with one of the others."""
        caches = self._runner.caches
        keys = [given["key"], *given.get("restore-keys", "").split()]
        found = next((key for begin in keys for key in reversed(caches) if key.startswith(begin)), None)
        if found:
            shutil.copytree(caches[found], self._workspace / given["path"], dirs_exist_ok=True)

    def _save(self, given: dict[str, str]) -> None:
        """A cache is written once; there is nothing to keep where the path is not there."""
        path, key = self._workspace / given["path"], given["key"]
        if path.exists() and key not in self._runner.caches:
            self._runner.caches[key] = self._place / "cache"
            shutil.copytree(path, self._place / "cache")

    # ── expressions ────────────────────────────────────────────────────────────────────────────────────────────────

    def _text(self, value: object) -> str:
        """A value with its expressions filled in, as text."""
        if isinstance(value, bool):
            return str(value).lower()
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _shown(self._value(found[1])), str(value))

    def _true(self, expression: str) -> bool:
        return bool(self._value(expression))

    def _value(self, expression: str) -> Any:
        """What an expression comes to; or, and, comparison, not, in that order of binding."""
        tokens = _TOKEN.findall(expression)
        assert "".join(tokens) == re.sub(r"\s", "", expression), expression
        value, rest = self._any(tokens)
        assert not rest, expression
        return value

    def _any(self, tokens: list[str]) -> tuple[Any, list[str]]:
        value, tokens = self._all(tokens)
        while tokens[:1] == ["||"]:
            other, tokens = self._all(tokens[1:])
            value = value or other
        return value, tokens

    def _all(self, tokens: list[str]) -> tuple[Any, list[str]]:
        value, tokens = self._compared(tokens)
        while tokens[:1] == ["&&"]:
            other, tokens = self._compared(tokens[1:])
            value = value and other
        return value, tokens

    def _compared(self, tokens: list[str]) -> tuple[Any, list[str]]:
        value, tokens = self._one(tokens)
        if tokens[:1] in (["=="], ["!="]):
            operator, (other, tokens) = tokens[0], self._one(tokens[1:])
            value = (_shown(value) == _shown(other)) is (operator == "==")
        return value, tokens

    def _one(self, tokens: list[str]) -> tuple[Any, list[str]]:
        first, rest = tokens[0], tokens[1:]
        if first == "!":
            value, rest = self._one(rest)
            return not value, rest
        if first == "(":
            value, rest = self._any(rest)
            return value, rest[1:]
        if first.startswith("'"):
            return first[1:-1].replace("''", "'"), rest
        if rest[:2] == ["(", ")"]:
            return {"always": True, "success": self._ran.passed, "failure": not self._ran.passed}[first], rest[2:]
        if first in ("true", "false"):
            return first == "true", rest
        assert first.partition(".")[0] in self._contexts, f"{first}: there is no such context"
        value: Any = self._contexts
        for step in first.split("."):
            value = value.get(step, "") if isinstance(value, Mapping) else ""
        return value, rest


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _outputs(text: str) -> dict[str, str]:
    """The outputs of a step's file: ``name=value``, or ``name<<mark``, lines, and the mark."""
    found: dict[str, str] = {}
    lines = text.split("\n")
    while lines:
        line = lines.pop(0)
        name, marked, mark = line.partition("<<")
        if marked and "=" not in name:
            end = lines.index(mark)
            found[name] = "\n".join(lines[:end])
            lines = lines[end + 1 :]
        elif "=" in line:
            name, _, found[line.partition("=")[0]] = line.partition("=")
    return found
