"""Whole commands with suite, data, server and people hostile in every field: nothing written or printed acts."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from evalrun import cli
from tests.cli.background import background
from tests.cli.harness import Said, newest_run
from tests.providers.rawserver import Say, raw_server, reply
from tests.report import inert
from tests.report.hostile import HOSTILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIELDS = (
    *("description", "label", "prompt", "asked", "case", "tag", "variable", "expected", "scorer"),
    *("answer", "refusal", "call", "arguments", "choice", "finish", "fingerprint", "model", "error", "code", "note"),
)
"""Where hostile texts stand; each ends with the name of its field, so that a test can tell that it arrived."""

TEXTS = tuple(text for text in HOSTILE if len(text) < 1_000)
DATA = tuple(text for text in TEXTS if text.encode("utf-8", "replace").decode() == text)  # what a data set may hold


def told(text: str, field: str) -> str:
    """A hostile text that says in which field it stood."""
    return f"{text} zq{field}"


def replied(number: int) -> bytes:
    """The reply to the n-th request: answers, refusals, calls, several choices, errors, and what is no reply at all."""
    text = TEXTS[number % len(TEXTS)]
    message: dict[str, Any] = {"role": "assistant", "content": told(text, "answer")}
    kind = number % 7
    if kind == 1:
        message = {"role": "assistant", "content": None, "refusal": told(text, "refusal")}
    elif kind == 2:
        function = {"name": told(text, "call"), "arguments": told(text, "arguments")}
        calls = [{"id": told(text, "call"), "type": "function", "function": function}]
        message = {"role": "assistant", "content": None, "tool_calls": calls}
    elif kind == 3:
        error = {"message": told(text, "error"), "code": told(text, "code"), "type": text, "param": text}
        return reply({"error": error}, 400, {"x-request-id": latin(text)})
    elif kind == 4:
        return reply(f"<html>{text}{{{text}".encode("utf-8", "replace"), 400)
    body = {
        "id": text,
        "model": told(text, "model"),
        "system_fingerprint": told(text, "fingerprint"),
        "choices": [{"index": 0, "message": message, "finish_reason": told(text, "finish")}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    if kind == 5:
        other = {"role": "assistant", "content": told(text, "choice")}
        body["choices"] += [{"index": 1, "message": other, "finish_reason": "stop"}]
    return reply(body, 200, {"x-request-id": latin(text), "x-ratelimit-limit-requests": latin(text)})


def named(text: str, field: str, number: int | str = "") -> str:
    """As much of a text as a name can hold, which is what can be printed."""
    return "".join(filter(str.isprintable, f"{text[:150]} zq{field}{number}")).strip()


def latin(text: str) -> str:
    """As much of a text as a header can hold."""
    return "".join(one for one in text if " " <= one <= "~")


def suite_of(url: str) -> dict[str, Any]:
    """A suite with a hostile text in each of its fields."""
    return {
        "name": "hostile",
        "description": told(" ".join(DATA[:40]), "description"),
        "providers": {"lab": {"dialect": "openai-chat", "base_url": url}},
        "prices": {"lab/a": {"input": 0, "output": 0}},
        "models": [
            {"id": "lab/a", "label": told("<img src=x onerror=alert(1)> ##[error]x", "label"), "tags": ["=1+1"]},
            {"id": "lab/a", "label": told("=cmd|' /C calc'!A0 ::error::", "label"), "params": {"seed": 1}},
        ],
        "prompts": {told("</script><script>alert(1)</script>", "prompt"): told("{{ q }} ##vso[x]", "asked")},
        "cases": [{"file": "cases.jsonl", "id": "id", "expected": "right", "tags": "tags"}],
        "scorers": [{"icontains": {"name": told("<svg onload=alert(1)>", "scorer")}}, {"not-regex": {"value": "^~~~"}}],
        "gates": [{"check": "pass_rate >= 0.9", "for": {"tag": told(DATA[0], "tag")}}, "no_regression"],
    }


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Said]]]:
    """A job's step in which every verb was used: its folder, and what each command printed."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch, background() as servers:
        patch.chdir(folder)
        patch.setenv("GITHUB_ACTIONS", "true")
        patch.setenv("EVALRUN_STATE", str(folder / "state"))
        for name in ("STEP_SUMMARY", "OUTPUT"):
            patch.setenv(f"GITHUB_{name}", str(folder / f"{name}.md"))
        says = [Say(replied(number), end="close") for number in range(2 * len(TEXTS) + 50)]
        server = servers.open(raw_server(*says))
        (folder / "suite.yaml").write_text(json.dumps(suite_of(server.url)), encoding="utf-8")
        lines = [
            {
                "id": named(text, "case", number),
                "q": told(text, "variable"),
                "right": told(text, "expected"),
                "tags": [named(text, "tag")],
            }
            for number, text in enumerate(DATA)
        ]
        (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        yield folder, list(used(folder))


def command(*words: object) -> Said:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.execute([str(word) for word in words])
    return Said(code, out.getvalue(), err.getvalue())


def used(folder: Path) -> Iterator[Said]:
    """What each command of a user's day says."""
    ids = [named(text, "case", number) for number, text in enumerate(DATA)]
    yield command("plan", "suite.yaml", "--show", 400)
    yield command("suite.yaml", "-j", 1, "-v")
    first = newest_run(folder / "results")
    for number in range(1, 2 * len(ids), 5):
        form = ("chat", "raw", "curl", "python", "javascript")[number // 5 % 5]
        yield command("show", first.name, number, "--as", form)
    for wrong in (ids[0], "::error::x", "\x1b[31m", "##[error]"):
        yield command("show", first.name, wrong)
    rows = list(map(json.loads, (first / "results.jsonl").read_text("utf-8").split("\n")[:-1]))
    verdicts = [
        {"case": row["case"], "column": row["column"], "verdict": row["verdict"], "note": told(row["case"], "note")}
        for row in rows
        if row["verdict"] in ("pass", "fail")
    ]
    (folder / "human.jsonl").write_text("\n".join(map(json.dumps, verdicts)), encoding="utf-8")
    yield command("score", first.name, "--human", "human.jsonl")
    (folder / "wrong.jsonl").write_text("\n".join(json.dumps({"case": text, "verdict": text}) for text in DATA))
    yield command("score", first.name, "--human", "wrong.jsonl")
    yield command("suite.yaml", "--new", "-j", 1, "--json")
    yield command("compare", first.name, newest_run(folder / "results").name)
    yield command("compare", first.name)
    yield command("history", "suite.yaml")
    yield command("report", first.name)
    yield command("bless", first.name, "--note", told(DATA[0], "note"), "--force")
    for text in (text for text in DATA[::20] if "\0" not in text):  # no command line can hold one
        yield command("report", text)
        yield command("runs", "--results", text)
        yield command("suite.yaml", "--only", f"case={text}")
    yield command("runs")


def test_every_file_is_inert(step: tuple[Path, list[Said]]) -> None:
    """Each file of the results parses as what it is, and nothing in it acts."""
    folder, _ = step
    files = [path for path in (folder / "results").rglob("*") if path.suffix in inert.CHECKS]
    wrong = {
        path.name: found for path in files if (found := inert.CHECKS[path.suffix](path.read_bytes().decode("utf-8")))
    }

    assert {path.name for path in files} >= {"report.html", "comparison.html", "index.html", "junit.xml", "run.log"}
    assert wrong == {}


def test_nothing_printed_is_obeyed(step: tuple[Path, list[Said]]) -> None:
    """No command prints an escape sequence, a control character or a command of CI but its own annotations."""
    _, said = step

    assert [found for one in said for text in (one.out, one.err) if (found := inert.printed(text))] == []
    assert not any("Traceback" in one.err for one in said)
    assert [one.err for one in said if one.code not in (0, 1, 2, 3, 5)] == []


def test_what_the_step_is_told_is_inert(step: tuple[Path, list[Said]]) -> None:
    """The step's summary and outputs are text, and an output ends where we end it."""
    folder, _ = step
    outputs = (folder / "OUTPUT.md").read_text("utf-8")

    assert inert.printed((folder / "STEP_SUMMARY.md").read_text("utf-8")) == []
    assert set(re.findall(r"^([\w-]+)<<end-[0-9a-f]{32}$", outputs, re.M)) == {
        *("exit-code", "state", "conclusion", "resume-after", "folder"),
    }


def test_every_field_arrived(step: tuple[Path, list[Said]]) -> None:
    """Each field's texts stand in the files that tell of it: the other tests looked at something."""
    folder, said = step
    files = [path for path in (folder / "results").rglob("*") if path.suffix in inert.CHECKS]
    text = "".join([*(path.read_text("utf-8") for path in files), *(one.out for one in said)])

    assert [field for field in FIELDS if f"zq{field}" not in text] == []
