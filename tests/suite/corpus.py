"""Bad suites: each with its files, where the complaint must point and of what kind it is.

``§`` in a file stands where the complaint must point to; it is taken out before the file is written. ``§`` at the
beginning of a file's name is a complaint about the whole file. `BAD` may be used by any test: `write` puts one into a
folder and says what its suite is called, `Bad.arguments` is what the command line must be given besides.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalrun.errors import Code

MARK = "§"
CERTIFICATE = (Path(__file__).parents[1] / "providers" / "self_signed.pem").read_text()


@dataclass(frozen=True)
class Folder:
    """A folder where a file is expected."""


@dataclass(frozen=True)
class Pipe:
    """A named pipe that nobody writes into."""


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Large:
    """So many bytes of a comment."""

    size: int


Content = str | bytes | Folder | Pipe | Link | Large


@dataclass(frozen=True)
class Bad:
    """One bad suite. *place* is ``file``, ``file:line`` or ``file:line:column``; *says* is a part of the message."""

    name: str
    code: Code
    files: Mapping[str, Content]
    place: str
    says: str = ""
    arguments: tuple[str, ...] = ()


BASE = {
    "models": "[simulator/large]",
    "prompts": '{ask: "What is {{ q }}?"}',
    "cases": "[{id: a, vars: {q: x}, expected: y}]",
    "scorers": "[icontains]",
}


def suite_text(**sections: str | None) -> str:
    """A suite that is good but for the sections given; None leaves one out."""
    said = {**BASE, **sections}
    return "".join(f"{key}: {text}\n" for key, text in said.items() if text is not None)


def write(bad: Bad, folder: Path) -> Path:
    """Write a bad suite's files into *folder*; the path of its suite, which may not be there."""
    for name, content in bad.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8", newline="")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, Folder):
            path.mkdir()
        elif isinstance(content, Pipe):
            os.mkfifo(path)
        elif isinstance(content, Link):
            path.symlink_to(content.target)
        else:
            path.write_bytes(b"#" * content.size)
    return folder / "suite.yaml"


def _bad(
    title: str,
    code: Code,
    text: str | None = None,
    /,
    *,
    says: str = "",
    files: Mapping[str, Content] | None = None,
    at: str = "",
    arguments: tuple[str, ...] = (),
    **sections: str | None,
) -> Bad:
    written: dict[str, Content] = {**(files or {})}
    if "suite.yaml" not in written and at != "no suite":
        written["suite.yaml"] = suite_text(**sections) if text is None else text
    place = "" if at == "no suite" else at
    for file, content in written.items():
        if isinstance(content, str) and MARK in content:
            before, _, after = content.partition(MARK)
            line = before.count("\n") + 1
            column = len(before) - (before.rfind("\n") + 1) + 1
            exact = file.endswith((".yaml", ".json"))
            place = f"{file}:{line}:{column}" if exact else f"{file}:{line}"
            written[file] = before + after
    return Bad(title, code, written, place or "suite.yaml", says, arguments)


_CSV = "id,q,answer\na,x,1\nb,y,2\n"
_JSONL = '{"q": "x", "answer": "1"}\n'
_FROM = {"prompts": '{ask: "{{ q }}"}', "cases": "[{file: rows.csv, id: id, expected: answer}]"}
_RECORDED = "[{id: recorded/old, file: old.jsonl, match: q, answer: answer}]"
_WITH_PRICES = {"prices": "{§simulator/lrage: {input: 1, output: 1}}"}


def _rows(name: str, code: Code, csv: str, *, says: str = "", at: str = "") -> Bad:
    return _bad(name, code, says=says, files={"rows.csv": csv}, at=at, **_FROM)


def _quota(name: str, code: Code, quota: str, *, says: str = "", quotas: str | None = None) -> Bad:
    return _bad(name, code, says=says, models=f"[{{id: simulator/large, quota: {quota}}}]", quotas=quotas)


def _recorded(name: str, code: Code, jsonl: str, *, says: str = "", models: str = _RECORDED, at: str = "") -> Bad:
    return _bad(name, code, says=says, files={"old.jsonl": jsonl}, at=at, models=models)


FILES = [
    _bad("no such suite", Code.FILE_MISSING, at="no suite", says="there is no file"),
    _bad("a suite with another ending", Code.FILE_MISSING, files={"suite.yml": "a"}, at="no suite", says="suite.yml?"),
    _bad("the suite is a folder", Code.FILE_NOT_REGULAR, files={"suite.yaml": Folder()}, says="folder"),
    _bad("the suite is a pipe", Code.FILE_NOT_REGULAR, files={"suite.yaml": Pipe()}, says="pipe"),
    _bad("the suite is a device", Code.FILE_NOT_REGULAR, files={"suite.yaml": Link("/dev/zero")}, says="device"),
    _bad("the suite links to itself", Code.FILE_UNREADABLE, files={"suite.yaml": Link("suite.yaml")}),
    _bad("an empty suite", Code.FILE_EMPTY, ""),
    _bad("a suite of comments", Code.FILE_EMPTY, "# later\n"),
    _bad("a binary suite", Code.FILE_BINARY, files={"suite.yaml": b"\x7fELF\0\0\1"}),
    _bad("UTF-16", Code.FILE_ENCODING, files={"suite.yaml": "version: 1".encode("utf-16")}, says="UTF-16"),
    _bad("Latin-1", Code.FILE_ENCODING, files={"suite.yaml": b"name: x\nabout: caf\xe9\n"}, at="suite.yaml:2:11"),
    _bad("a suite of 17 MiB", Code.FILE_TOO_LARGE, files={"suite.yaml": Large(17 << 20)}, says="16 MiB"),
    _bad("no such prompt file", Code.FILE_MISSING, prompts="{ask: {file: §ask.md}}", files={"asks.md": "x"}, says="asks.md?"),
    _bad("no such folder", Code.FILE_MISSING, prompts="{ask: {file: §p/ask.md}}", says="no folder"),
    _bad("a prompt is a folder", Code.FILE_NOT_REGULAR, prompts="{ask: {file: §ask.md}}", files={"ask.md": Folder()}),
    _bad("a prompt is a pipe", Code.FILE_NOT_REGULAR, prompts="{ask: {file: §ask.md}}", files={"ask.md": Pipe()}),
    _bad("an empty prompt", Code.FILE_EMPTY, prompts="{ask: {file: ask.md}}", files={"ask.md": " \n"}, at="ask.md"),
    _bad("a name that is too long", Code.FILE_UNREADABLE, prompts="{ask: {file: §" + "a" * 300 + ".md}}"),
    _bad("an absolute path", Code.FILE_OUTSIDE, prompts="{ask: {file: §/etc/motd.txt}}", says="absolute"),
    _bad("out of the repository", Code.FILE_OUTSIDE, prompts="{ask: {file: §../../motd.txt}}", says="repository"),
    _bad("a link out of the repository", Code.FILE_OUTSIDE, prompts="{ask: {file: §a.txt}}", files={"a.txt": Link("/etc/passwd")}),
    _bad("a glob out of the repository", Code.FILE_OUTSIDE, cases="[{file: §d/*.csv}]", files={"d/a.csv": Link("/etc/passwd")}),
    _bad("a prompt of another kind", Code.FILE_KIND, prompts="{ask: {file: §ask.docx}}", says=".md"),
    _bad("data of another kind", Code.FILE_KIND, cases="[{file: §rows.xlsx}]", files={"rows.xlsx": "x"}, says=".csv"),
    _bad("a secret file as data", Code.FILE_KIND, cases="[{file: §.env}]", files={".env": "KEY=x"}),
    _bad("a glob for nothing", Code.GLOB_EMPTY, cases="[{file: §data/*.csv}]"),
    _bad("no pattern", Code.GLOB_EMPTY, cases='[{file: §"a/**b/*.csv"}]', says="pattern"),
]  # fmt: skip

YAML = [
    _bad("a quote that is open", Code.YAML_SYNTAX, "name: 'x§", says="quote"),
    _bad("two colons", Code.YAML_SYNTAX, "name: a§: b\n", says="second"),
    _bad("a tab", Code.YAML_SYNTAX, "models:\n§\t- simulator/large\n", says="tab"),
    _bad("bad indentation", Code.YAML_SYNTAX, "models:\n  - a\n §x: 1\n"),
    _bad("two documents", Code.YAML_SYNTAX, suite_text() + "§---\nname: x\n", says="second document"),
    _bad("a control character", Code.YAML_SYNTAX, "name: x\nabout: \x07\n", at="suite.yaml:2"),
    _bad("a Python tag", Code.YAML_TAG, description="§!!python/object/apply:os.system [touch marker]"),
    _bad("a harmless tag", Code.YAML_TAG, samples='§!!int "3"'),
    _bad("a value inside itself", Code.YAML_ALIAS, cases="§&c [{id: a, vars: {q: *c}, expected: y}]"),
    _bad("an unknown alias", Code.YAML_ALIAS, description="§*nobody"),
    _bad("a merge of text", Code.YAML_ALIAS, params="{<<: §hot}"),
    _bad("an alias bomb", Code.YAML_ALIAS, "a0: &a0 [x,x,§x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)), says="aliases add"),
    _bad("a merge bomb", Code.YAML_ALIAS, "a0: &a0 {k0: §1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 200)}], k{n}: 1}}\n" for n in range(1, 40)), says="aliases add"),
    _bad("a thousand brackets", Code.TOO_DEEP, description="[" * 62 + "§" + "[" * 1000, says="64"),
    _bad("a million brackets", Code.TOO_DEEP, description="[" * 62 + "§" + "[" * 1_000_000),
    _bad("a key twice", Code.DUPLICATE_KEY, suite_text() + "§scorers: [equals]\n", says="line 4"),
    _bad("a list as key", Code.BAD_KEY, suite_text() + "? §[a]\n: b\n"),
    _bad("null as key", Code.BAD_KEY, suite_text() + "§~: b\n"),
    _bad("a number with a 0 in front", Code.AMBIGUOUS_NUMBER, samples="§010", says="begins with 0"),
    _bad("a number that would change", Code.AMBIGUOUS_NUMBER, cases="[{vars: {q: §3.10}, expected: y}]", says="3.1:"),
    _bad("an expected number that would change", Code.AMBIGUOUS_NUMBER, cases="[{vars: {q: x}, expected: §1e-3}]"),
    _bad("not a number", Code.NOT_FINITE, params="{temperature: §.nan}"),
    _bad("without an end", Code.NOT_FINITE, params="{temperature: §-.inf}"),
    _bad("too large for a number", Code.NOT_FINITE, params="{temperature: §1e999}"),
    _bad("too many digits", Code.NOT_FINITE, samples="§" + "9" * 5000),
    _bad("a suite is a list", Code.WRONG_TYPE, "§- a\n- b\n", says="mapping"),
    _bad("a suite is a word", Code.WRONG_TYPE, "§hello\n"),
]  # fmt: skip

DATA = [
    _rows("a row too short", Code.CSV_FIELDS, "id,q,answer\na,x,1\n§b,y\n", says="2 fields where the header has 3"),
    _rows("a row too long, after a row of two lines", Code.CSV_FIELDS, 'id,q,answer\na,"x\ny",1\n§b,y,2,3\n'),
    _rows("a column twice", Code.CSV_HEADER, "§id,q,q,answer\na,x,y,1\n", says="`q` twice"),
    _rows("a column without a name", Code.CSV_HEADER, "§id,q,,answer\na,x,y,1\n", says="column 3"),
    _rows("an open quote", Code.CSV_SYNTAX, 'id,q,answer\n§a,"x,1\nb,y,2\n'),
    _rows("a header alone", Code.FILE_EMPTY, "id,q,answer\n", at="rows.csv", says="no rows"),
    _rows("no id in a row", Code.BAD_FIELD, "id,q,answer\n§,x,1\n", says="id"),
    _rows("an id twice", Code.DUPLICATE_CASE, "id,q,answer\na,x,1\n§a,y,2\n", says="rows.csv:2"),
    _rows("a binary data file", Code.FILE_BINARY, "id,q,answer\na,\0,1\n", at="rows.csv"),
    _bad("no such column", Code.UNKNOWN_COLUMN, files={"rows.csv": _CSV}, cases="[{file: rows.csv, id: §ids}]", says="did you mean id?"),
    _bad("no such column for a variable", Code.UNKNOWN_COLUMN, files={"rows.csv": _CSV}, cases="[{file: rows.csv, expected: answer, vars: {q: §question}}]"),
    _bad("a column called expected", Code.RESERVED_VARIABLE, files={"rows.csv": "q,expected\nx,1\n"}, cases="[§{file: rows.csv}]", says="expected: expected"),
    _bad("a bad line", Code.JSON_SYNTAX, files={"rows.jsonl": '{"q": "x"}\n{"q": }\n'}, cases="[{file: rows.jsonl}]", at="rows.jsonl:2:7"),
    _bad("a bad JSON file", Code.JSON_SYNTAX, files={"rows.json": '[{"q": "x"},\n {"q" §1}]'}, cases="[{file: rows.json}]"),
    _bad("a line that is no row", Code.BAD_ROW, files={"rows.jsonl": '{"q": "x"}\n§[1]\n'}, cases="[{file: rows.jsonl}]"),
    _bad("an item that is no row", Code.BAD_ROW, files={"rows.json": '[{"q": "x"},\n\n  §3]'}, cases="[{file: rows.json}]"),
    _bad("a YAML item that is no row", Code.BAD_ROW, files={"rows.yaml": "- {q: x}\n- §word\n"}, cases="[{file: rows.yaml}]"),
    _bad("data that is no list", Code.BAD_ROW, files={"rows.json": '§{"q": "x"}'}, cases="[{file: rows.json}]"),
    _bad("a key twice in a row", Code.DUPLICATE_KEY, files={"rows.jsonl": '{"q": "x", "q": "y"}'}, cases="[{file: rows.jsonl}]", at="rows.jsonl:1:1"),
    _bad("NaN in a row", Code.NOT_FINITE, files={"rows.jsonl": '{"q": NaN}'}, cases="[{file: rows.jsonl}]", at="rows.jsonl:1:1"),
    _bad("half a character", Code.FILE_ENCODING, files={"rows.jsonl": '{"q": "\\ud800"}'}, cases="[{file: rows.jsonl}]", at="rows.jsonl:1:1"),
    _bad("a deep row", Code.TOO_DEEP, files={"rows.jsonl": '{"q": ' + "[" * 100_000 + "}"}, cases="[{file: rows.jsonl}]", at="rows.jsonl:1:1"),
    _bad("tags that are numbers", Code.BAD_FIELD, files={"rows.jsonl": '§{"q": "x", "t": 3}'}, cases="[{file: rows.jsonl, tags: t}]"),
    _recorded("two answers for one question", Code.DUPLICATE_ANSWER, _JSONL + '§{"q": "x", "answer": "2"}\n', says="line 1"),
    _recorded("an answer that is a list", Code.BAD_FIELD, '§{"q": "x", "answer": [1]}\n', says="must be text"),
    _recorded("a row that joins nothing", Code.BAD_FIELD, _JSONL + '§{"q": null, "answer": "1"}\n'),
    _recorded("a figure that is a word", Code.BAD_FIELD, '§{"q": "x", "answer": "1", "ms": "fast"}\n', models="[{id: recorded/old, file: old.jsonl, match: q, answer: answer, latency_s: ms}]"),
    _recorded("no such field", Code.UNKNOWN_COLUMN, _JSONL, models="[{id: recorded/old, file: old.jsonl, match: q, answer: §answr}]", says="did you mean answer?"),
    _recorded("no such variable", Code.UNKNOWN_VARIABLE, '{"k": "x", "answer": "1"}\n', models="[{id: recorded/old, file: old.jsonl, match: §k, answer: answer}]"),
    _bad("no answers at all", Code.FILE_MISSING, models="[{id: recorded/old, file: §old.jsonl, match: q, answer: answer}]"),
]  # fmt: skip

KEYS = [
    _bad("an unknown section", Code.UNKNOWN_KEY, suite_text() + "§scorer: [equals]\n", says="did you mean scorers?"),
    _bad("a key of a later version", Code.UNKNOWN_KEY, suite_text() + "§judges: [a]\n", says="allowed"),
    _bad("an unknown key of a case", Code.UNKNOWN_KEY, cases="[{id: a, vars: {q: x}, §expcted: y}]", says="expected?"),
    _bad("an unknown parameter", Code.UNKNOWN_KEY, params="{§temprature: 0}", says="temperature?"),
    _bad("an unknown key of a model", Code.UNKNOWN_KEY, models="[{id: simulator/large, §lable: x}]", says="label?"),
    _bad("an unknown option of a scorer", Code.UNKNOWN_KEY, scorers="[icontains: {§wieght: 2}]", says="weight?"),
    _bad("an unknown kind of target", Code.UNKNOWN_KEY, gates="[{check: score >= 0, for: {§modle: large}}]", says="model?"),
    _bad("no models", Code.MISSING_KEY, "§prompts: {a: b}\ncases: [{}]\nscorers: [is-json]\n", says="`models`"),
    _bad("no cases", Code.MISSING_KEY, "§models: [simulator/large]\nprompts: {a: b}\n", says="`cases`"),
    _bad("no prompts", Code.MISSING_KEY, "§models: [simulator/large]\ncases: [{expected: a}]\nscorers: [equals]\n", says="`prompts`"),
    _bad("a prompt of a system alone", Code.MISSING_KEY, prompts="{ask: §{system: Be short.}}", says="`user`"),
    _bad("a recorded model without a file", Code.MISSING_KEY, models="[§recorded/old]"),
    _bad("an endpoint without an address", Code.MISSING_KEY, providers="{mine: §{timeout_s: 5}}", says="base_url"),
    _bad("a text for a number", Code.WRONG_TYPE, params="{temperature: §warm}", says="a number, not `warm`"),
    _bad("yes for a number", Code.WRONG_TYPE, samples="§yes"),
    _bad("a fraction of samples", Code.WRONG_TYPE, samples="§1.5"),
    _bad("a truth value for a number", Code.WRONG_TYPE, samples="§true"),
    _bad("a number for a name", Code.WRONG_TYPE, name="§3", says="quote it"),
    _bad("nothing for a list", Code.WRONG_TYPE, models="", at="suite.yaml:1:8"),
    _bad("a text for a list", Code.WRONG_TYPE, models="§simulator/large"),
    _bad("a list for a mapping", Code.WRONG_TYPE, prompts="§[a]"),
    _bad("a case that is a word", Code.WRONG_TYPE, cases="[§fr]"),
    _bad("a matrix without a list", Code.WRONG_TYPE, matrix="{temperature: §0.5}"),
    _bad("a prompt that is a number", Code.WRONG_TYPE, prompts="{ask: §3}"),
    _bad("a stop of numbers", Code.WRONG_TYPE, params="{stop: [a, §1]}"),
    _bad("a negative temperature", Code.OUT_OF_RANGE, params="{temperature: §-1}", says="at least 0"),
    _bad("no samples", Code.OUT_OF_RANGE, samples="§0"),
    _bad("a threshold in percent", Code.OUT_OF_RANGE, threshold="§90"),
    _bad("a negative weight", Code.OUT_OF_RANGE, scorers="[icontains: {weight: §-1}]"),
    _bad("another version", Code.NOT_ALLOWED, version="§2"),
    _bad("a role that nobody plays", Code.NOT_ALLOWED, prompts="{ask: {messages: [{role: §usr, content: x}]}}", says="user?"),
    _bad("an unknown dialect", Code.NOT_ALLOWED, providers="{mine: {base_url: 'http://localhost/v1', dialect: §openai}}", says="openai-chat"),
    _bad("an empty list of models", Code.EMPTY, models="§[]"),
    _bad("an empty list of values", Code.EMPTY, matrix="{temperature: §[]}"),
    _bad("an empty text", Code.EMPTY, prompts="{ask: §''}"),
    _bad("a label of 300 characters", Code.TOO_LONG, models="[{id: simulator/large, label: §" + "x" * 300 + "}]"),
    _bad("an id of 300 characters", Code.TOO_LONG, cases="[{id: §" + "x" * 300 + ", vars: {q: x}, expected: y}]"),
    _bad("a list that is too long", Code.TOO_LONG, matrix="{seed: §[" + "1," * 1001 + "]}"),
    _bad("a bad pattern as a value", Code.INVALID, scorers="[regex: {value: §'('}]", says="regular expression"),
    _bad("a name that is a path", Code.BAD_NAME, name="§../../etc"),
    _bad("an id with a line break", Code.BAD_NAME, cases='[{id: §"a\\nb", vars: {q: x}, expected: y}]'),
    _bad("a variable with a dash", Code.BAD_NAME, models="[mine/a]", providers="{mine: {base_url: 'https://a.example/v1', api_key_env: §MY-KEY}}"),
    _bad("days of a deadline", Code.BAD_DURATION, budget="{deadline: §3 days}", says="1h30m"),
    _bad("no time at all", Code.BAD_DURATION, budget="{deadline: §0s}"),
]  # fmt: skip

MODELS = [
    _bad("a model without a provider", Code.BAD_MODEL, models="[§gpt-4o]", says="provider/model"),
    _bad("a provider without a model", Code.BAD_MODEL, models="[§simulator]", says="name one of its models"),
    _bad("a recorded model without a name", Code.BAD_MODEL, models="[{id: §recorded/, file: a.csv, match: a, answer: b}]"),
    _bad("an unknown simulated model", Code.UNKNOWN_MODEL, models="[§simulator/lrage]", says="large?"),
    _bad("a price of another model", Code.UNKNOWN_MODEL, **_WITH_PRICES, says="simulator/large?"),
    _bad("an unknown provider", Code.UNKNOWN_PROVIDER, models="[{id: §opena/gpt-4o}]", says="openai?"),
    _bad("recorded as an endpoint", Code.RESERVED_PROVIDER, providers="{§recorded: {base_url: 'http://localhost/v1'}}"),
    _bad("a simulator elsewhere", Code.RESERVED_PROVIDER, providers="{§simulator: {base_url: 'https://a.example/v1'}}"),
    _bad("an address without a scheme", Code.BAD_URL, providers="{mine: {base_url: §api.example/v1}}", says="https://"),
    _bad("a password in an address", Code.BAD_URL, providers="{mine: {base_url: §'https://a:b@c.example/v1'}}"),
    _bad("a header with a line break", Code.BAD_HEADER, providers='{mine: {base_url: "http://localhost/v1", headers: {§x: "a\\r\\nHost: b"}}}'),
    _bad("a header that carries a key", Code.BAD_HEADER, providers="{mine: {base_url: 'http://localhost/v1', headers: {§X-Api-Key: abc}}}"),
    _bad("a header twice", Code.DUPLICATE_NAME, providers="{mine: {base_url: 'http://localhost/v1', headers: {x: a, §X: b}}}"),
    _bad("a key in a header", Code.LITERAL_KEY, providers="{mine: {base_url: 'http://localhost/v1', headers: {x: §sk-abcdefghijklmnop123456}}}"),
    _bad("a key where its variable belongs", Code.LITERAL_KEY, models="[mine/a]", providers="{mine: {base_url: 'http://localhost/v1', api_key_env: §AKIAABCDEFGHIJKLMNOP}}"),
    _bad("a key in a parameter", Code.LITERAL_KEY, params="{stop: §ghp_abcdefghijklmnop123456}"),
    _bad("a key that goes elsewhere", Code.KEY_ORIGIN, models="[mine/a]", providers="{mine: {base_url: §'https://evil.example/v1', api_key_env: OPENAI_API_KEY}}", says="--allow-origin"),
    _bad("a catalog's key that goes elsewhere", Code.KEY_ORIGIN, models="[openai/a]", providers="{openai: {base_url: §'https://evil.example/v1'}}"),
    _bad("a key without encryption", Code.KEY_ORIGIN, models="[mine/a]", providers="{mine: {base_url: §'http://a.example/v1', api_key_env: MY_KEY}}", says="https"),
    _bad("an Entra token that goes elsewhere", Code.KEY_ORIGIN, models="[azure/a]", providers="{azure: {base_url: §'https://evil.example', auth: entra}}", says="Entra token"),
    _bad("an Azure key that goes elsewhere", Code.KEY_ORIGIN, models="[azure/a]", providers="{azure: {base_url: §'https://evil.openai.azure.com'}}", says="AZURE_OPENAI_API_KEY=https://evil.openai.azure.com"),
    _bad("a vendor's key on this machine", Code.KEY_ORIGIN, models="[azure/a]", providers="{azure: {base_url: §'http://127.0.0.1:1'}}"),
    _bad("a service that was closed", Code.RETIRED_PROVIDER, models="[§github/openai/gpt-4o]", says="openrouter"),
    _bad("a service that was closed, with headers", Code.RETIRED_PROVIDER, models="[§github/gpt-4o]", providers="{github: {timeout_s: 5}}", says="base_url"),
    _bad("a service that was closed, as an option", Code.RETIRED_PROVIDER, at="--model", arguments=("--model", "github/gpt-4o"), says="2026-07-30"),
    _bad("Azure without an address", Code.NO_ADDRESS, models="[§azure/mine]", says="AZURE_OPENAI_ENDPOINT"),
    _bad("an authority that is none", Code.BAD_CERTIFICATE, providers="{mine: {base_url: 'https://localhost/v1', ca_file: §ca.pem}}", files={"ca.pem": "hello"}),
    _bad("an authority that is missing", Code.FILE_MISSING, providers="{mine: {base_url: 'https://localhost/v1', ca_file: §nope.pem}}"),
    _bad("an authority and anyone", Code.NOT_ALLOWED, models="[mine/a]", providers="{mine: {base_url: 'https://a.example/v1', ca_file: ca.pem, insecure: §true}}", files={"ca.pem": CERTIFICATE}),
    _bad("a key and a token", Code.NOT_ALLOWED, providers="{mine: {base_url: 'https://a.example/v1', auth: entra, api_key_env: §K}}"),
    _bad("a way to send a key that is none", Code.NOT_ALLOWED, providers="{mine: {base_url: 'https://a.example/v1', auth: §basic}}", says="entra"),
    _bad("a label twice", Code.DUPLICATE_NAME, models="[{id: simulator/small, label: a}, {id: simulator/large, label: §a}]"),
    _bad("a model twice", Code.DUPLICATE_NAME, models="[simulator/small, §simulator/small]"),
]  # fmt: skip

MEANING = [
    _bad("a template that is open", Code.BAD_TEMPLATE, prompts='{ask: §"{{ q"}'),
    _bad("a template's line", Code.BAD_TEMPLATE, prompts="{ask: {file: ask.md}}", files={"ask.md": "one\n§{{ q q }}\n"}),
    _bad("a macro", Code.BAD_TEMPLATE, prompts='{ask: §"{% macro a() %}{% endmacro %}{{ q }}"}', says="macro"),
    _bad("an include", Code.BAD_TEMPLATE, prompts="""{ask: §"{% include 'a' %}"}""", says="include"),
    _bad("a text without an end", Code.BAD_TEMPLATE, prompts="""{ask: §"{{ 'a' * 50000000 }}"}""", says="steps"),
    _bad("a loop without an end", Code.BAD_TEMPLATE, prompts='{ask: §"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"}'),
    _bad("a way out of the sandbox", Code.BAD_TEMPLATE, prompts='{ask: §"{{ q.__class__.__mro__ }}"}'),
    _bad("a part that is not there", Code.BAD_TEMPLATE, prompts='{ask: §"{{ q.name }}"}', says="`name`"),
    _bad("a template of a scorer", Code.BAD_TEMPLATE, scorers='[icontains: §"{{ q"]'),
    _bad("an unknown variable", Code.UNKNOWN_VARIABLE, prompts='{ask: §"{{ qq }}"}', says="no variable of a (allowed: q)"),
    _bad("an unknown variable in a line", Code.UNKNOWN_VARIABLE, prompts="{ask: {file: ask.md}}", files={"ask.md": "{{ q }}\n§{{ qq }}\n"}),
    _bad("an unknown variable in a list", Code.UNKNOWN_VARIABLE, prompts="{ask: {file: ask.yaml}}", files={"ask.yaml": "- role: user\n  content: §'{{ qq }}'\n"}),
    _bad("an unknown variable of a scorer", Code.UNKNOWN_VARIABLE, scorers='[icontains: §"{{ qq }}"]'),
    _bad("a prompt that sees what is expected", Code.RESERVED_VARIABLE, prompts='{ask: §"{{ q }}{{ expected }}"}'),
    _bad("a variable called expected", Code.RESERVED_VARIABLE, cases="[{vars: {q: x, §expected: y}, expected: y}]"),
    _bad("a prompt file that is no list", Code.WRONG_TYPE, prompts="{ask: {file: ask.yaml}}", files={"ask.yaml": "§role: user\n"}),
    _bad("a JSON prompt with a wrong key", Code.UNKNOWN_KEY, prompts="{ask: {file: ask.json}}", files={"ask.json": '[{"role": "user",\n  §"contents": "x", "content": "y"}]'}),
    _bad("a case id twice", Code.DUPLICATE_CASE, cases="[{id: a, vars: {q: x}, expected: y}, §{id: a, vars: {q: x}, expected: y}]"),
    _bad("nothing scores", Code.NO_SCORERS, scorers=None, cases="[{vars: {q: x}, expected: y, scorers: [equals]}, §{vars: {q: x}, expected: y}]"),
    _bad("nothing is expected", Code.MISSING_EXPECTED, cases="[§{vars: {q: x}}]"),
    _bad("nothing is expected of a row", Code.MISSING_EXPECTED, files={"rows.csv": "q\n§x\n"}, cases="[{file: rows.csv}]"),
    _bad("a scorer with two names", Code.BAD_SCORER, scorers="[§{icontains: a, equals: b}]"),
    _bad("a scorer that is a number", Code.BAD_SCORER, scorers="[§3]"),
    _bad("a scorer without a short form", Code.BAD_SCORER, scorers="[latency: §5]", says="max_s"),
    _bad("an unknown scorer", Code.UNKNOWN_SCORER, scorers="[§icontain]", says="icontains?"),
    _bad("an unknown negated scorer", Code.UNKNOWN_SCORER, scorers="[§not-icontain]", says="not-icontains?"),
    _bad("a scorer's name twice", Code.DUPLICATE_NAME, scorers="[icontains: {name: a}, equals: §{name: a}]"),
    _bad("a name that a case takes again", Code.DUPLICATE_NAME, scorers="[icontains: {name: a}]", cases="[{vars: {q: x}, expected: y, scorers: [equals: §{name: a}]}]"),
    _bad("a bad pattern", Code.BAD_PATTERN, scorers="[icontains: {extract: §'('}]"),
    _bad("a gate without a number", Code.BAD_GATE, gates="[§pass_rate]"),
    _bad("a gate in percent", Code.BAD_GATE, gates="[§pass_rate >= 90%]", says="0.9"),
    _bad("a gate above 1", Code.BAD_GATE, gates="[§pass_rate >= 90]"),
    _bad("a gate on an unknown figure", Code.BAD_GATE, gates="[§pas_rate >= 0.9]", says="pass_rate?"),
    _bad("a gate with another operator", Code.BAD_GATE, gates="[§'pass_rate = 0.9']"),
    _bad("a gate for nobody", Code.UNKNOWN_TARGET, gates="[{check: score >= 0, for: {model: §larg}}]", says="large?"),
    _bad("a gate for an unknown tag", Code.UNKNOWN_TARGET, gates="[{check: score >= 0, for: {tag: [§hard]}}]"),
]  # fmt: skip

QUOTAS = [
    _quota("an unknown key of a quota", Code.UNKNOWN_KEY, "{§rpmm: 15}", says="rpm?"),
    _quota("an unknown key in a list of quotas", Code.UNKNOWN_KEY, "[openai, {§concurency: 2}]", says="concurrency?"),
    _quota("an unknown key of a group", Code.UNKNOWN_KEY, "team", quotas="{team: {§rpdd: 15}}", says="rpd?"),
    _quota("a quota that is a number", Code.WRONG_TYPE, "§15", says="a mapping"),
    _quota("a group that is a name", Code.WRONG_TYPE, "team", quotas="{team: §openai}"),
    _quota("groups in a list", Code.WRONG_TYPE, "{rpm: 1}", quotas="§[{rpm: 15}]"),
    _quota("a quota of a word", Code.WRONG_TYPE, "{rpm: §many}"),
    _quota("half a request", Code.OUT_OF_RANGE, "{rpm: §0.5}", says="at least 1"),
    _quota("no requests at once", Code.OUT_OF_RANGE, "{concurrency: §0}"),
    _quota("an unknown window", Code.NOT_ALLOWED, "{rpm: 15, window: §fixd}", says="fixed?"),
    _quota("an unknown rule of charge", Code.NOT_ALLOWED, "{tpm: 15, charge: §usages}", says="usage?"),
    _quota("a quota of nothing", Code.EMPTY, "§{}", says="limits nothing"),
    _quota("a quota of an empty list", Code.EMPTY, "§[]"),
    _quota("a group of nothing", Code.EMPTY, "team", quotas="{team: §{}}"),
    _quota("a group's name with a line break", Code.BAD_NAME, "{rpm: 1}", quotas='{§"a\\nb": {rpm: 15}}'),
    _quota("a month", Code.BAD_DURATION, "{requests: 10, per: §30d}", says="1 day"),
    _quota("half a second", Code.BAD_DURATION, "{requests: 10, per: §0.5}", says="from 1 s"),
    _quota("a general limit without its time", Code.BAD_QUOTA, "{§requests: 10}", says="needs `per`"),
    _quota("a time without a limit", Code.BAD_QUOTA, "{rpm: 10, §per: 1m}", says="missing"),
    _quota("a reset of minutes", Code.BAD_QUOTA, "{rpm: 10, §resets: utc}", says="limits of a day"),
    _quota("a reset and a window of a day", Code.BAD_QUOTA, "{rpd: 10, resets: utc, §window: rolling}", says="already"),
    _quota("a window of requests at once", Code.BAD_QUOTA, "{concurrency: 5, §window: fixed}", says="there is none"),
    _quota("a burst without a bucket", Code.BAD_QUOTA, "{rpm: 10, §burst: 5}", says="window: bucket"),
    _quota("a burst of two limits", Code.BAD_QUOTA, "{rpm: 10, tpm: 1000, window: bucket, §burst: 5}", says="of its own"),
    _quota("two profiles", Code.BAD_QUOTA, "[openai, §anthropic]", says="openai is named already"),
    _quota("a limit twice in a list", Code.DUPLICATE_LIMIT, "[{rpm: 10}, {§rpm: 20}]"),
    _quota("a limit in two words", Code.DUPLICATE_LIMIT, "{rpm: 10, §requests: 5, per: 60s}", says="`rpm`"),
    _quota("requests at once twice", Code.DUPLICATE_LIMIT, "[{concurrency: 1}, {§concurrency: 2}]"),
    _quota("an unknown group", Code.UNKNOWN_QUOTA, "§tema", quotas="{team: {rpd: 5}}", says="team?"),
    _quota("an unknown profile of a model", Code.UNKNOWN_QUOTA, "[{rpm: 1}, §opena]", says="openai?"),
    _quota("a city for a zone", Code.UNKNOWN_ZONE, "{rpd: 5, resets: §Los Angeles}", says="America/Los_Angeles?"),
    _quota("a zone in small letters", Code.UNKNOWN_ZONE, "{rpd: 5, resets: §europe/berlin}", says="Europe/Berlin?"),
    _quota("a rolling day misspelt", Code.UNKNOWN_ZONE, "{rpd: 5, resets: §rolling-24}", says="rolling-24h?"),
    _quota("a zone of a group", Code.UNKNOWN_ZONE, "team", quotas="{team: {rpd: 5, resets: §midnight}}", says="utc"),
    _bad("a group that a provider does not find", Code.UNKNOWN_QUOTA, providers="{simulator: {quota: [§team]}}"),
    _bad("an unknown profile", Code.UNKNOWN_PROFILE, providers="{simulator: {profile: §opneai}}", says="openai?"),
    _bad("a profile besides another", Code.BAD_QUOTA, providers="{simulator: {quota: openai, profile: §anthropic}}"),
    _bad("an account of two lines", Code.BAD_NAME, providers='{simulator: {account: §"a\\nb"}}'),
]  # fmt: skip

OVERRIDES = [
    _bad("--set a word", Code.WRONG_TYPE, at="--set", arguments=("--set", "temperature=hot")),
    _bad("--set an unknown parameter", Code.UNKNOWN_KEY, at="--set", arguments=("--set", "temprature=0"), says="temperature?"),
    _bad("--model of nobody", Code.UNKNOWN_PROVIDER, at="--model", arguments=("--model", "opena/gpt-4o"), says="openai?"),
    _bad("--model by a wrong label", Code.UNKNOWN_MODEL, at="--model", arguments=("--model", "larg"), says="large?"),
    _bad("--var of what is expected", Code.RESERVED_VARIABLE, at="--var", arguments=("--var", "expected=x")),
]  # fmt: skip

BAD = [*FILES, *YAML, *DATA, *KEYS, *MODELS, *MEANING, *QUOTAS, *OVERRIDES]
