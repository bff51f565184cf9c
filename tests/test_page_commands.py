"""Every command that a page shows is carried out, in a folder where there is what the page takes for granted."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import Simulator, call
from tests.conftest import ROOT
from tests.test_pages import PAGES
from tests.test_walkthrough import FOLLOWED

pytestmark = pytest.mark.slow

STANDS_FOR = {
    "SUITE": "suites/capitals.yaml",
    "SUITE.yaml": "suite.yaml",
    "SUITES": "suite.yaml",
    "FILE": "prices.yaml",
    "PROVIDER": "openai",
    "ROW": "fr:large",
}
VERDICTS = {"basic": "human.jsonl", "RUN": "verdicts.jsonl"}
"""The files with people's verdicts on the demo's run, and on RUN."""

ASKED = {"openai/gpt-4o-mini": "simulator/large"}
"""What a page's words stand for here: placeholders, and models that cost money."""

NEEDS = {"parquet": "pyarrow"}
"""Words that ask for a package which not every machine has: a command with one is left out where that is missing."""

SAYS_MORE = frozenset({"run", "plan", "score", "report", "compare", "history", "bless", "show"})
"""Verbs that a page may name alone, between backticks, without being a command: they need to be told of what."""

CAPITALS = """
name: capitals
providers: {lab: {base_url: "http://127.0.0.1:PORT/v1", quota: {rpm: 600}}}
models: [{id: lab/large, label: FIRST}, {id: lab/medium, label: mini}, {id: lab/small, label: large}]
prompts: {ask: "What is the capital of {{ country }}?"}
cases:
  - {id: fr, vars: {country: France}, expected: Paris, tags: [europe]}
  - {id: jp, vars: {country: Japan}, expected: Tokyo}
  - {id: ke, vars: {country: Kenya}, expected: Nairobi}
scorers: [icontains]
"""
MINE = CAPITALS.replace("name: capitals", "quotas: {day: {rpd: 2, resets: utc}}").replace(
    "models: [{id: lab/large, label: FIRST}, {id: lab/medium, label: mini}, {id: lab/small, label: large}]",
    "models: [{id: simulator/large, quota: day}]",
)


@dataclass(frozen=True)
class Shown:
    """A command of a page: its words, and what it ends with."""

    words: tuple[str, ...]
    exit_code: int

    def __str__(self) -> str:
        return shlex.join(self.words)


def shown_on(page: Path) -> list[Shown]:
    """The commands of a page's blocks in their order, then those between backticks, each once."""
    text = page.read_text("utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S))
    typed = re.findall(r"^evalrun\b.*", blocks, re.M)
    named = [line for line in re.findall(r"`(evalrun(?: [^`\n]*)?)`", text) if _is_whole(line)]
    return [_command(line) for line in (*typed, *dict.fromkeys(named))]


def _is_whole(line: str) -> bool:
    words = line.split()[1:]
    return bool(words) and not (words[0] in SAYS_MORE and (len(words) == 1 or words[1].startswith("-")))


def _command(line: str) -> Shown:
    said = re.search(r"#.*\b(?:exit code|ends with) (\d+)", line)
    words = [word.partition("|")[0] for word in shlex.split(line, comments=True)[1:]]  # csv|json: the first will do
    words = words[: words.index(">")] if ">" in words else words
    return Shown(tuple(words), int(said[1]) if said else 0)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with suites and a server that one of them names."""
    folder = tmp_path_factory.mktemp("prepared")
    shutil.copytree(ROOT / "suites", folder / "suites")
    with Simulator(folder) as server:
        texts = {"suites/capitals.yaml": CAPITALS, "suites/mine.yaml": MINE, "one.yaml": MINE, "suite.yaml": CAPITALS}
        texts["suites/nightly.yaml"] = CAPITALS.replace("name: capitals", "name: nightly")
        for name, text in texts.items():
            (folder / name).write_text(text.replace("PORT", str(server.port)).replace("FIRST", "gpt-4o"))
        (folder / "prices.yaml").write_text("lab/large: {input: 1, output: 2}\n")
        for name, case in (("basic", "sum"), ("RUN", "fr")):
            (folder / VERDICTS[name]).write_text(f'{{"case": "{case}", "column": "large", "verdict": "fail"}}\n')
        (folder / "prompt.txt").write_text("How many tokens is this?")
        yield folder


@pytest.fixture
def folder(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """What placeholders stand for, in a copy of that folder with two runs of a suite. Vendors' answers are made up."""
    from evalrun.conduct import models, ranks

    here = tmp_path / "here"
    shutil.copytree(prepared, here)
    monkeypatch.chdir(here)
    monkeypatch.setenv("EVALRUN_STATE", str(here / "state"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    monkeypatch.setattr(models, "_ask", lambda *_: _listed())
    monkeypatch.setattr(ranks, "fetch", lambda *_, **__: None)
    suite = Path("suites/capitals.yaml")
    runs = [_run(capsys, suite)]
    suite.write_text(suite.read_text().replace("label: gpt-4o", "label: gpt-4.1"))
    runs.append(_run(capsys, suite))
    scopes = json.loads(call(capsys, "quota", "--json").out)["scopes"]
    return {**STANDS_FOR, "A": runs[0], "B": runs[1], "RUN": runs[1], "SCOPE": scopes[0]["id"]}


def _run(capsys: pytest.CaptureFixture[str], suite: Path) -> str:
    said = call(capsys, suite, "--json")
    assert said.code == 0, said.err
    found: Any = json.loads(said.out)
    return str(found["runs"][0]["run"] if "runs" in found else found["run"])


async def _listed() -> list[str]:
    return ["gpt-4o"]


OTHERS = [page for page in PAGES if page not in FOLLOWED and page.name != "endpoints.md" and shown_on(page)]


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run(
    page: Path, folder: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends with what the page says, 0 where it says nothing. A run to go on with is begun before it is needed."""
    wrong = []
    for command in shown_on(page):
        if any(find_spec(NEEDS[word]) is None for word in command.words if word in NEEDS):
            continue
        words = [folder.get(word, ASKED.get(word, word)) for word in command.words]
        if words[:1] == ["init"]:
            Path("suite.yaml").unlink()
        if "basic" in words and not Path("results/basic").exists():
            assert call(capsys, "suites/basic.yaml").code == 0
        if "--human" in words:
            words[words.index("--human") + 1] = VERDICTS["basic" if "basic" in words else "RUN"]
        if words[:1] == ["resume"]:
            assert call(capsys, "one.yaml", "--new", "--max-requests", 1).code == 75
        if words[:1] == ["simulate"] and "--help" not in words:
            words.append("--help")
        said = call(capsys, *words)
        if said.code != command.exit_code:
            wrong.append(f"{command}: {said.code}, {said.err}")

    assert wrong == []
