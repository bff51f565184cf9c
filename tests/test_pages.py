"""The pages tell the truth: what they link to exists, and what they show runs."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

import evalrun
from evalrun.cli import verbs
from evalrun.errors import EXIT_CODES
from tests.conftest import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), ROOT / "results" / "README.md"]
README = (ROOT / "README.md").read_text("utf-8")
ENDPOINTS = (ROOT / "docs" / "endpoints.md").read_text("utf-8")
TARGETS = frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def commands_in(page: Path, program: str) -> list[list[str]]:
    """The command lines of a page that call *program*: in shell blocks and between backticks, without comments."""
    text = page.read_text("utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S))
    lines = re.findall(rf"^{program}\b.*", blocks, re.M) + re.findall(rf"`({program}(?: [^`\n]*)?)`", text)
    return [shlex.split(line, comments=True)[1:] for line in lines]


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """Every link that stays in the repository leads to a file."""
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them; a heading that comes again is numbered."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {f"{slug}-{number}" if number else slug for slug, count in found.items() for number in range(count + 1)}


@every_page
def test_anchors_lead_somewhere(page: Path) -> None:
    """Every link into a page leads to a heading of it."""
    links = re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8"))
    own = [(page.parent / name if name else page, anchor) for name, anchor in links if "://" not in name]

    assert [anchor for target, anchor in own if target.suffix == ".md" and anchor not in anchors(target)] == []


def test_the_index_names_every_page() -> None:
    """docs/README.md links to each page of docs/, and README to it and to the tutorial."""
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")} - {"README.md"}

    assert pages - set(re.findall(r"\]\(([^)#]+)\)", index)) == set()
    assert {"docs/README.md", "docs/tutorial.md"} <= set(re.findall(r"\]\(([^)#]+)\)", README))


@every_page
def test_make_commands_exist(page: Path) -> None:
    """Every `make` command of a page names a target."""
    goals = {word for words in commands_in(page, "make") for word in words if "=" not in word}

    assert goals <= TARGETS


@every_page
def test_evalrun_commands_exist(page: Path) -> None:
    """Every `evalrun` command of a page begins with a verb or a suite, and has only options of that verb."""
    group = click.Group()
    verbs.add_to(group)
    wrong = []
    for words in commands_in(page, "evalrun"):
        command: click.Command = group
        for word in words:
            if isinstance(command, click.Group) and word in command.commands:
                command = command.commands[word]
        if command is group:
            wrong += [word for word in words[:1] if not re.fullmatch(r"--version|--help|(?i:.*suite|.*\.ya?ml)", word)]
            command = group.commands["run"]
        known = {name for option in command.params for name in option.opts} | {"--help", "--version"}
        wrong += [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]

    assert wrong == []


def test_the_suite_in_readme_is_valid(tmp_path: Path) -> None:
    """The suite that README shows loads without a complaint."""
    from evalrun.scoring import OPTIONS
    from evalrun.suite.load import load_suite

    (shown,) = re.findall(r"^```yaml\n(version: .+?)^```", README, re.M | re.S)
    (tmp_path / "suite.yaml").write_text(shown, encoding="utf-8")
    suite = load_suite(tmp_path / "suite.yaml", scorers=OPTIONS)

    assert [model.name for model in suite.models] == ["large", "gpt-4o-mini"]


PROMPTS = (ROOT / "docs" / "prompts.md").read_text("utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```", PROMPTS, re.M | re.S)


@pytest.mark.parametrize("shown", SNIPPETS, ids=lambda shown: shown.partition("\n")[2].strip().partition(":")[0])
def test_the_examples_of_prompts_are_valid(shown: str, tmp_path: Path) -> None:
    """Each part of a suite that docs/prompts.md shows makes a suite that loads and is planned, with its files."""
    from evalrun.scoring import OPTIONS
    from evalrun.suite.load import Overrides, load_suite
    from evalrun.suite.plan import make_plan
    from tests.suite.corpus import PNG

    for name, text in re.findall(r"^`([a-z.]+)`:\n\n```[a-z]+\n(.*?)^```", PROMPTS, re.M | re.S):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "ask.md").write_text("{{ question }}", encoding="utf-8")
    (tmp_path / "cat.png").write_bytes(PNG)
    variables = {
        "question": "Why?", "day": "Monday", "city": "Rome", "degrees": 21, "word": "cat", "picture": "cat.png",
        "functions": [{"name": "f"}],
    }  # fmt: skip
    rest = {"models": ["simulator/large"], "prompts": {"ask": "Hi"}, "cases": [{"vars": variables}]}
    missing = {key: value for key, value in rest.items() if f"{key}:" not in shown}
    text = shown + "".join(f"{key}: {json.dumps(value)}\n" for key, value in missing.items())
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")
    suite = load_suite(tmp_path / "suite.yaml", scorers=OPTIONS, overrides=Overrides(allow_code=True))

    assert make_plan(suite).cells


def test_every_parameter_is_told() -> None:
    """The table of docs/prompts.md has each parameter, and no other."""
    from evalrun.suite.param_entries import ParamsEntry

    table = PROMPTS.partition("| parameter | what |")[2].partition("\n\n")[0]
    told = [
        name
        for row in table.splitlines()
        for name in re.findall(r"`([a-z_]+)`", row.split("|")[1] if "|" in row else "")
    ]

    assert sorted(told) == sorted(ParamsEntry.model_fields)


GATES = (ROOT / "docs" / "gates.md").read_text("utf-8")


@pytest.mark.parametrize("shown", re.findall(r"^```yaml\n(.*?)^```", GATES, re.M | re.S))
def test_the_examples_of_gates_are_valid(shown: str, tmp_path: Path) -> None:
    """Each list of gates that docs/gates.md shows belongs to a suite that loads."""
    from evalrun.scoring import OPTIONS
    from evalrun.suite.load import load_suite

    models = "models: [{id: simulator/large, label: mini}]\nprompts: {ask: Hi}\n"
    rest = "cases: [{expected: x, tags: [europe]}]\nscorers: [icontains: {name: terse}]\n"
    (tmp_path / "suite.yaml").write_text(models + rest + shown, encoding="utf-8")

    assert load_suite(tmp_path / "suite.yaml", scorers=OPTIONS).gates


def test_every_figure_of_a_gate_is_told() -> None:
    """The table of docs/gates.md has each name of a figure, and no other."""
    from evalrun.suite.gates import METRICS

    table = GATES.partition("| figure | what |")[2].partition("\n\n")[0]
    told = [name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]

    assert sorted(told) == sorted([*METRICS, "mean(scorer.<name>)"])


def test_readme_has_the_table_of_exit_codes() -> None:
    """README tells each exit code in the words of the program."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README, re.M)

    assert [(int(code), text) for code, text in rows] == [(int(code), text) for code, text in EXIT_CODES.items()]


def test_changelog_tells_this_version() -> None:
    """The version that is being written has its chapter."""
    assert f"\n## {evalrun.__version__} (" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_suite_in_endpoints_is_valid(tmp_path: Path) -> None:
    """The suite that docs/endpoints.md shows loads without a complaint."""
    from evalrun.scoring import OPTIONS
    from evalrun.suite.load import load_suite

    (shown,) = re.findall(r"^```yaml\n(version: .+?)^```", ENDPOINTS, re.M | re.S)
    (tmp_path / "suite.yaml").write_text(shown, encoding="utf-8")
    suite = load_suite(tmp_path / "suite.yaml", scorers=OPTIONS)

    assert suite.providers["openai"].dialect == "openai-responses"


def test_endpoints_tells_every_provider() -> None:
    """docs/endpoints.md has the catalog's table: each provider with its dialect and key variable."""
    from evalrun.catalog import DIALECTS, PROVIDERS

    table = re.findall(r"^\| `([\w-]+)` \| (\S+) \| (\S+) \|", ENDPOINTS, re.M)
    rows = {name: (dialect, key) for name, dialect, key in table if name in PROVIDERS}
    wanted = {
        entry.id: (_quoted(None if entry.dialect == "recorded" else entry.dialect), _quoted(entry.api_key_env))
        for entry in PROVIDERS.values()
        if not entry.id.startswith("simulator-")
    }

    assert rows == wanted
    assert all(f"`{name}`" in ENDPOINTS for name in {*PROVIDERS, *DIALECTS})


@pytest.mark.parametrize(
    "words", commands_in(ROOT / "docs" / "endpoints.md", "evalrun"), ids=lambda words: "-".join(words[:3])
)
def test_the_commands_of_endpoints_run(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command of docs/endpoints.md does what it is shown for; what a vendor would answer is made up."""
    from evalrun import cli
    from evalrun.conduct import models

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LAB_KEY", "sk-canary-0123456789")
    monkeypatch.setattr(models, "_ask", lambda *_: _listed())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.yaml").write_text(
        "providers: {lab: {base_url: 'https://llm.example.org/v1', api_key_env: LAB_KEY}}\n"
        "models: [lab/a, simulator/small]\n"
        "prompts: {p: 'Capital of France?'}\ncases: [{expected: Paris}]\nscorers: [icontains]\n"
    )
    only = ["--only", "model=small"] if words and words[0].endswith(".yaml") else []

    assert cli.execute([*words, *only]) == 0, capsys.readouterr().err


def _quoted(word: str | None) -> str:
    return f"`{word}`" if word else "none"


async def _listed() -> list[str]:
    return ["gpt-4o"]
