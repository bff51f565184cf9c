from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evalrun.records.wire import Wire, WireRequest, picture_mark, text_mark
from evalrun.report.snippets import LANGUAGES, Language, body_json, escaped, filled, snippet
from evalrun.safe_text import safe_text
from tests.conftest import REAL_ENVIRONMENT, require
from tests.report.hostile import HOSTILE

HEADERS = {"accept": "application/json", "x-empty": "", "x-quotes": 'it\'s "so" $HOME `id`'}


def asking(*texts: str, **body: Any) -> Wire:
    """A request whose messages say *texts*."""
    messages = [{"role": "user", "content": text_mark(at)} for at in range(len(texts))]
    request = WireRequest(
        url="https://lab.example/v1/chat/completions?a=b&c=[d]",
        headers=HEADERS,
        body={"model": "m", **body, "messages": messages},
        key_variable="LAB_KEY",
        key_header="authorization",
        key_prefix="Bearer ",
        marked=True,
    )
    return Wire(request=request, texts=texts)


def code_of(wire: Wire, language: Language) -> str:
    """The code as it is shown."""
    return filled(snippet(wire.request, language), wire)


def body_of(wire: Wire) -> Any:
    """The body that it must send, as it is read at the other end: halves of a character that meet there are one."""
    messages = [{"role": "user", "content": text} for text in wire.texts]
    return json.loads(json.dumps({**wire.request.body, "messages": messages}))


def said_in_python(code: str) -> Any:
    """The value of ``body`` in a Python snippet."""
    (value,) = [
        node.value
        for node in ast.parse(code).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "body"
    ]
    return json.loads(json.dumps(ast.literal_eval(value)))


def said_in_curl(code: str) -> Any:
    """The JSON between the heredoc's marks."""
    head, body = code.split("<<'JSON'\n")
    assert body.count("\nJSON\n") == 1
    assert body.endswith("\nJSON\n")
    assert "\nJSON" not in head
    return json.loads(body.removesuffix("JSON\n"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_inside_its_string(text: str) -> None:
    """Whatever a text is, code is well-formed, holds it to the character, and shows nothing that acts."""
    wire = asking(text, "between", text * 2)

    assert said_in_python(code_of(wire, "python")) == body_of(wire)
    assert said_in_curl(code_of(wire, "curl")) == body_of(wire)
    assert json.loads(filled(body_json(wire.request), wire)) == body_of(wire)
    for language in LANGUAGES:
        code = code_of(wire, language)
        assert safe_text(code) == code


@pytest.mark.slow
def test_a_shell_hands_over_every_text(tmp_path: Path) -> None:
    """A shell that runs the curl command of every hostile text does that and nothing else."""
    wires = [asking(text) for text in HOSTILE]
    stand_in = "curl() { printf '%s\\n' \"$*\" >> arguments; cat; printf '\\036'; }\n"
    (tmp_path / "all.sh").write_text(stand_in + "".join(code_of(wire, "curl") for wire in wires), encoding="utf-8")
    done = subprocess.run(
        ["sh", "-eu", "all.sh"], cwd=tmp_path, env={"LAB_KEY": "k", "PATH": REAL_ENVIRONMENT["PATH"]},
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip

    assert [json.loads(one) for one in done.stdout.split(b"\x1e")[:-1]] == [body_of(wire) for wire in wires]
    assert done.stderr == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.sh", "arguments"]
    first = (tmp_path / "arguments").read_text().splitlines()[0]
    assert "-H authorization: Bearer k" in first
    assert '-H x-quotes: it\'s "so" $HOME `id`' in first
    assert "-H x-empty;" in first


def node(script: str, folder: Path) -> Any:
    """What a script of node prints, as JSON."""
    program = shutil.which("node", path=REAL_ENVIRONMENT["PATH"])
    require(program, "needs node (Debian: apt-get install nodejs)")
    (folder / "script.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [program or "", "script.mjs"], cwd=folder, env={"LAB_KEY": "k"}, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.slow
def test_node_hands_over_every_text(tmp_path: Path) -> None:
    """What fetch is given by the JavaScript of every hostile text is the body, the address and the headers."""
    wires = [asking(text) for text in HOSTILE] + [asking(text, seed=2**60) for text in HOSTILE]
    wires.append(asking("x", tool={"__proto__": {"a": 1}, "constructor": None}))
    codes = [code_of(wire, "javascript").partition("console.log(")[0] for wire in wires]
    blocks = "".join(f"{{\n{code}\n}}\n" for code in codes)
    script = (
        "const seen = [], fetch = (url, options) => { seen.push([url, options]); return {}; };\n"
        f"{blocks}process.stdout.write(JSON.stringify(seen));"
    )
    seen = node(script, tmp_path)

    assert [json.loads(options["body"]) for _, options in seen] == [body_of(wire) for wire in wires]
    url, options = seen[0]
    assert url == wires[0].request.url
    assert options["method"] == "POST"
    assert options["headers"] == {"authorization": "Bearer k", **HEADERS}


def test_numbers_and_words_are_the_languages_own() -> None:
    """Each language has its own true and null, and a figure that JavaScript would round is kept."""
    body: dict[str, Any] = {"a": True, "b": None, "c": 0.1, "d": 1e-7, "e": -0.0, "f": [], "g": {}, "h": [1, [2, {}]]}
    wire = asking("x", **body)

    assert said_in_python(code_of(wire, "python")) == body_of(wire)
    assert said_in_curl(code_of(wire, "curl")) == body_of(wire)
    assert "JSON.stringify({" in code_of(wire, "javascript")
    assert "String.raw`" in code_of(asking("x", seed=2**53), "javascript")


def test_pictures_are_filled_in() -> None:
    """A picture's bytes come where its mark stands, also in the middle of a data URL."""
    body = {"model": "m", "image": f"data:image/png;base64,{picture_mark(0)}"}
    request = WireRequest(url="https://lab.example/v1", headers={}, body=body, marked=True)
    wire = Wire(request=request, pictures=(("sha256:ab", "AAAA"),))

    assert said_in_curl(code_of(wire, "curl"))["image"] == "data:image/png;base64,AAAA"


def test_marks_in_texts_are_texts() -> None:
    """A text that looks like a mark is not filled, and neither is anything in a request without marks."""
    wire = asking(text_mark(1), "second")
    unmarked = Wire(request=WireRequest(url="https://lab.example/v1", headers={}, body={"a": text_mark(0)}))

    assert said_in_curl(code_of(wire, "curl")) == body_of(wire)
    assert said_in_curl(code_of(unmarked, "curl")) == {"a": text_mark(0)}


def test_odd_names_of_variables_cannot_act() -> None:
    """A key's variable with a name that no shell would take is read by its name all the same."""
    request = WireRequest(
        url="https://lab.example/v1", headers={}, body={}, key_variable="a'; rm -rf ~; '", key_header="x-api-key"
    )
    codes = {language: snippet(request, language).code for language in LANGUAGES}

    assert "$(printenv 'a'\\''; rm -rf ~; '\\''')" in codes["curl"]
    assert "os.environ[\"a'; rm -rf ~; '\"]" in codes["python"]
    assert "process.env[\"a'; rm -rf ~; '\"]" in codes["javascript"]


def test_texts_are_escaped_only_where_they_must() -> None:
    """What people write stays readable: accents, other scripts, quotation marks of the other kind."""
    assert escaped("It's 東京, naïve – $5 `x`", "json") == "It's 東京, naïve – $5 `x`"
    assert escaped('a "b"\n\\', "json") == 'a \\"b\\"\\n\\\\'
    assert escaped("\U000e0041\u202e", "python") == "\\U000e0041\\u202e"
    assert escaped("`${x}`", "raw") == "\\u0060\\u0024{x}\\u0060"
