"""A request as code that sends it again: curl, Python and JavaScript, which need nothing installed.  (pure)

In each of them the body is JSON or a literal that looks like it, whose strings hold what a string may hold as escapes:
a text can neither end its string nor reach a shell. The key is a variable of the environment, never a value. What
stands in a terminal is what stands in the page: nothing is left that a terminal or a CI system would obey.

Marks (see records.wire) stay in a snippet until `filled`; the page fills them by the same rules, in code.js.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalrun.records.wire import MARK_END, MARK_START, Wire, WireRequest
from evalrun.safe_text import CI_INSIDE, FOR_TERMINALS, escape_json

Language = Literal["curl", "python", "javascript"]
LANGUAGES: tuple[Language, ...] = ("curl", "python", "javascript")

Escapes = Literal["json", "python", "raw"]
"""How a text is written inside a string: as JSON has it, as Python has it, or as JSON inside String.raw."""

_MARK = re.compile(f"{MARK_START}(p?)([0-9]+){MARK_END}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXACT = 2**53 - 1  # the largest whole number that JavaScript keeps exactly
_GLOBS = frozenset("[]{}")
_END = "JSON"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code that sends a request, and how texts are written in the strings of it."""

    code: str
    escapes: Escapes


def snippet(request: WireRequest, language: Language) -> Snippet:
    """The code that sends *request*, with its marks."""
    if language == "curl":
        return Snippet(_curl(request), "json")
    if language == "python":
        return Snippet(_python(request), "python")
    return _javascript(request)


def body_json(request: WireRequest) -> Snippet:
    """The body alone, as JSON text over several lines, with its marks."""
    return Snippet(_literal(request.body, "json"), "json")


def filled(one: Snippet, wire: Wire) -> str:
    """The snippet with the texts and pictures of *wire* where its marks stand."""
    if not wire.request.marked:
        return one.code

    def what(mark: re.Match[str]) -> str:
        number = int(mark.group(2))
        return wire.pictures[number][1] if mark.group(1) else escaped(wire.texts[number], one.escapes)

    return _MARK.sub(what, one.code)


def escaped(text: str, escapes: Escapes) -> str:
    """A text as it stands between the quotation marks of a string.

    Characters that could act, lone surrogates among them, are escapes that mean the same.
    """
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    if not (written.isascii() and written.isprintable()):
        written = FOR_TERMINALS.sub(_python_escape if escapes == "python" else escape_json, written)
    written = CI_INSIDE.sub(r"\\u0023", written)
    return written.replace("`", "\\u0060").replace("${", "\\u0024{") if escapes == "raw" else written


def _python_escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _curl(request: WireRequest) -> str:
    """The body comes after the command, where no shell reads anything in it: every line of it begins as JSON does."""
    options = ["--globoff"] if _GLOBS & set(request.url) else []
    options += ["--no-buffer"] if request.body.get("stream") else []
    said = (f"{name}: {value}" if value else f"{name};" for name, value in request.headers.items())
    options += [f"-H {_shell(header)}" for header in said]
    if request.key_variable:
        options.insert(0, f'-H "{request.key_header}: {request.key_prefix}{_shell_variable(request.key_variable)}"')
    command = " \\\n  ".join([f"curl {_shell(request.url)}", *options, f"--data-binary @- <<'{_END}'"])
    about = f"# {request.about}\n" if request.about else ""
    return f"{about}{command}\n{_literal(request.body, 'json')}\n{_END}\n"


def _python(request: WireRequest) -> str:
    needs = "import os\n" if request.key_variable else ""
    about = f"# {request.about}\n" if request.about else ""
    read = (
        "        for line in reply:\n            print(line.decode().rstrip())\n"
        if request.body.get("stream")
        else "        print(json.dumps(json.load(reply), ensure_ascii=False, indent=2))\n"
    )
    key = f"os.environ[{_quoted(request.key_variable, 'python')}]"
    if request.key_prefix:
        key = f"{_quoted(request.key_prefix, 'python')} + {key}"
    headers = _headers(request, key, "python")
    return (
        f"{about}import json\n{needs}import sys\nimport urllib.error\nimport urllib.request\n\n"
        f"body = {_literal(request.body, 'python')}\n"
        f"request = urllib.request.Request(\n    {_quoted(request.url, 'python')},\n"
        f"    data=json.dumps(body).encode(),\n    headers={headers},\n)\n"
        f"try:\n    with urllib.request.urlopen(request) as reply:\n{read}"
        "except urllib.error.HTTPError as error:\n"
        '    sys.exit(f"{error.code} {error.read().decode()}")\n'
    )


def _javascript(request: WireRequest) -> Snippet:
    """For node from 18 on, as a module (``.mjs``)."""
    name = request.key_variable
    key = f"process.env.{name}" if _VARIABLE.fullmatch(name) else f"process.env[{_quoted(name, 'json')}]"
    if request.key_prefix:
        key = f"{_quoted(request.key_prefix, 'json')} + {key}"
    headers = _headers(request, key, "json")
    exact = _is_exact(request.body)
    body = f"JSON.stringify({_literal(request.body, 'javascript', 1)})" if exact else _raw(request.body)
    read = (
        "for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) process.stdout.write(piece);\n"
        if request.body.get("stream")
        else "console.log(reply.status, JSON.stringify(await reply.json(), null, 2));\n"
    )
    about = f"// {request.about}\n" if request.about else ""
    code = (
        f"// node 18 or newer: save this as ask.mjs and run node ask.mjs\n{about}"
        f"const reply = await fetch({_quoted(request.url, 'json')}, {{\n"
        f'  method: "POST",\n  headers: {headers},\n  body: {body},\n}});\n{read}'
    )
    return Snippet(code, "json" if exact else "raw")


def _headers(request: WireRequest, key: str, escapes: Escapes) -> str:
    """The headers as a literal of Python or JavaScript; *key* is an expression."""
    indent = "        " if escapes == "python" else "    "
    said = {name: _quoted(value, escapes) for name, value in request.headers.items()}
    if request.key_variable:
        said = {request.key_header: key} | said
    lines = "".join(f"{indent}{_quoted(name, escapes)}: {value},\n" for name, value in said.items())
    return f"{{\n{lines}{indent[:-4] if escapes == 'python' else indent[:-2]}}}"


def _raw(body: Mapping[str, Any]) -> str:
    """JSON text as a template that nothing is put into, for bodies with numbers that JavaScript would round."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, indent=2)
    text = FOR_TERMINALS.sub(lambda match: match.group() if match.group() == "\n" else escape_json(match), text)
    text = CI_INSIDE.sub(r"\\u0023", text)
    return "String.raw`" + text.replace("`", "\\u0060").replace("${", "\\u0024{") + "`"


def _is_exact(value: Any) -> bool:
    """Whether JavaScript keeps every number in *value*."""
    if isinstance(value, bool | str) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) <= _EXACT
    if isinstance(value, Mapping):
        return all(map(_is_exact, value.values()))
    return not isinstance(value, list | tuple) or all(map(_is_exact, value))


_WORDS: Mapping[str, Mapping[Any, str]] = {
    "json": {None: "null", True: "true", False: "false"},
    "javascript": {None: "null", True: "true", False: "false"},
    "python": {None: "None", True: "True", False: "False"},
}


def _literal(value: Any, form: Literal["json", "python", "javascript"], depth: int = 0) -> str:
    """A JSON value as text in one of three forms, over several lines, two (Python: four) spaces a level."""
    if value is None or isinstance(value, bool):
        return _WORDS[form][value]
    escapes: Escapes = "python" if form == "python" else "json"
    if isinstance(value, str):
        return _quoted(value, escapes)
    if isinstance(value, int | float):
        return json.dumps(value, allow_nan=False)
    step = "    " if form == "python" else "  "
    inside, outside = step * (depth + 1), step * depth
    last = "" if form == "json" else ","
    if isinstance(value, Mapping):
        items = [f"{_key(str(key), form)}: {_literal(item, form, depth + 1)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        items = [_literal(item, form, depth + 1) for item in value]
        opening, closing = "[", "]"
    if not items:
        return opening + closing
    return opening + "\n" + ",\n".join(inside + item for item in items) + f"{last}\n{outside}{closing}"


def _key(name: str, form: str) -> str:
    """A member's name. In JavaScript ``__proto__`` is no member unless it stands in brackets."""
    quoted = _quoted(name, "python" if form == "python" else "json")
    return f"[{quoted}]" if form == "javascript" and name == "__proto__" else quoted


def _quoted(text: str, escapes: Escapes) -> str:
    return f'"{escaped(text, escapes)}"'


def _shell(text: str) -> str:
    """A word in a POSIX shell's single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def _shell_variable(name: str) -> str:
    """A variable's value inside double quotes."""
    return f"${name}" if _VARIABLE.fullmatch(name) else f"$(printenv {_shell(name)})"
