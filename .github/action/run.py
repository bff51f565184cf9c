"""The action's inputs -> one command line of evalrun, in whose place it then runs: a job that is cancelled reaches it.

What the runs were like evalrun tells GitHub itself: annotations, the summary, the outputs.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from glob import glob, has_magic
from pathlib import Path
from typing import NoReturn

_USAGE = 2
_BASELINE = ".baseline.jsonl"
_EVALRUN = (sys.executable, "-P", "-m", "evalrun")  # -P: a checkout is data, and a yaml.py in it is not imported


class WrongInput(Exception):
    """An input of the action is not as it must be. The message is for people."""


def main(environ: Mapping[str, str]) -> NoReturn:
    """Run what the inputs ask for, and end with evalrun's exit code."""
    try:
        suites = suites_of(environ["ACTION_SUITES"])
        options = words_of(environ["ACTION_ARGS"], "args")
        paused = one_of(environ["ACTION_PAUSED"], "paused", ("fail", "neutral"))
        plan_only = one_of(environ["ACTION_PLAN_ONLY"], "plan-only", ("false", "true"))
        if environ["ACTION_BASELINE"]:
            put_in_place(Path(environ["ACTION_BASELINE"]), suites)
    except WrongInput as wrong:
        say("error", str(wrong))
        if output := environ.get("GITHUB_OUTPUT"):
            with Path(output).open("a", encoding="utf-8") as file:
                file.write(f"exit-code={_USAGE}\nstate=failed\n")
        sys.exit(_USAGE)
    if plan_only == "true":
        sys.exit(max(subprocess.call([*_EVALRUN, "plan", *options, "--", suite]) for suite in suites))  # noqa: S603
    neutral = ["--paused-exit-code", "0"] if paused == "neutral" else []
    os.execv(sys.executable, [*_EVALRUN, "run", *options, *neutral, "--", *suites])  # noqa: S606


def suites_of(text: str) -> list[str]:
    """The suites that an input names; wildcards stand for the files that there are, in order."""
    found: list[str] = []
    for word in words_of(text, "suites"):
        found += (sorted(glob(word, recursive=True)) or [word]) if has_magic(word) else [word]  # noqa: PTH207
    suites = [name for name in dict.fromkeys(found) if not name.endswith(_BASELINE)]
    if not suites:
        raise WrongInput("suites: name at least one suite, such as suites/basic.yaml")
    return suites


def words_of(text: str, name: str) -> list[str]:
    """An input's words, with quotes as in a shell."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise WrongInput(f"{name}: {text}: {str(error).lower()}") from error


def one_of(text: str, name: str, allowed: tuple[str, str]) -> str:
    """An input that is one of two words."""
    word = text.strip().lower()
    if word not in allowed:
        raise WrongInput(f"{name}: {text}: there is no such choice (allowed: {', '.join(allowed)})")
    return word


def put_in_place(baseline: Path, suites: list[str]) -> None:
    """Lay the baselines beside their suites, where the gate no_regression looks for them."""
    if baseline.is_file() and len(suites) > 1:
        raise WrongInput(
            f"baseline: {baseline}: one file cannot be the baseline of {len(suites)} suites: name a folder"
        )
    used = False
    for suite in map(Path, suites):
        beside = suite.with_name(suite.stem + _BASELINE)
        source = baseline / beside.name if baseline.is_dir() else baseline
        if not _has_gate(suite):
            continue
        if not source.is_file():
            raise WrongInput(f"baseline: {source}: there is no such file")
        if beside.is_symlink():
            raise WrongInput(f"baseline: {beside}: a link, and nothing is written where it leads")
        if source.resolve() != beside.resolve():
            shutil.copyfile(source, beside)
        used = True
    if not used:
        say("warning", "baseline: no suite has the gate no_regression, so that nothing is compared with it")


def _has_gate(suite: Path) -> bool:
    try:
        return "no_regression" in suite.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False  # evalrun says what is wrong with it


def say(level: str, message: str) -> None:
    """Annotate the step."""
    data = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    sys.stderr.write(f"::{level} title=evalrun::{data}\n")


if __name__ == "__main__":
    main(os.environ)
