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
    _recorded("a score that is a word", Code.BAD_FIELD, '§{"q": "x", "answer": "1", "won": "most"}\n', models="[{id: recorded/old, file: old.jsonl, match: q, answer: answer, score: won}]", says="won"),
    _bad("a recorded score of a model that is asked", Code.BAD_SCORER, scorers="[§recorded-score]", says="is no recorded model"),
    _bad("a recorded score in no answer", Code.BAD_SCORER, files={"old.jsonl": _JSONL}, models=_RECORDED, scorers="[§recorded-score]", says="say which field holds them"),
    _bad("a recorded score that is read as it is not", Code.UNKNOWN_VARIABLE, files={"old.jsonl": '{"q": "x", "answer": "1", "score": 1}\n'}, models=_RECORDED, scorers="[recorded-score: §'{{ socre / 10 }}']", says="socre"),
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
    _bad("a scope of a scorer", Code.NOT_ALLOWED, scorers="[icontains: {on: §convesation}]", says="conversation"),
    _bad("a schema that is none", Code.INVALID, scorers="[is-json: {schema: §{type: dict}}]", says="not a JSON Schema"),
    _bad("a schema from elsewhere", Code.INVALID, scorers="[is-json: {schema: §{$ref: 'http://a.example/x'}}]", says="own parts"),
    _bad("a misspelt schema", Code.UNKNOWN_KEY, scorers="[is-json: {§shema: {}}]", says="schema?"),
    _bad("an expected call without a name", Code.INVALID, scorers="[tool-calls: {value: §[{arguments: {}}]}]", says="name"),
    _bad("no expected tool", Code.INVALID, scorers="[tool-call-f1: {value: §[]}]", says="empty"),
    _bad("a way to compare arguments", Code.NOT_ALLOWED, scorers="[tool-calls: {value: [{name: f}], arguments: §exactly}]", says="exact?"),
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
    _bad("a prompt file that is a word", Code.WRONG_TYPE, files={"ask.yaml": "§hello\n"}, prompts="{ask: {file: ask.yaml}}"),
    _bad("a prompt file of one message", Code.UNKNOWN_KEY, files={"ask.yaml": "§role: user\n"}, prompts="{ask: {file: ask.yaml}}", says="user"),
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
    _bad("a stop for an unknown model", Code.UNKNOWN_TARGET, stop_when="{decided: [large, §larg]}", says="large?"),
    _bad("a stop for one model", Code.EMPTY, stop_when="{decided: §[large]}", says="fewer than 2"),
    _bad("a stop for a model twice", Code.DUPLICATE_NAME, stop_when="{decided: [large, §large]}", says="twice"),
    _bad("a stop for nobody", Code.MISSING_KEY, stop_when="§{alpha: 0.05}", says="`decided` is missing"),
    _bad("a stop with a misspelled key", Code.UNKNOWN_KEY, stop_when="{decided: [a, b], §alpah: 0.05}", says="alpha?"),
    _bad("a stop that is never wrong", Code.OUT_OF_RANGE, stop_when="{decided: [a, b], alpha: §0}", says="more than 0"),
    _bad("a stop for any difference", Code.OUT_OF_RANGE, stop_when="{decided: [a, b], min_effect: §1}", says="less than 1"),
    _bad("a stop on another figure", Code.NOT_ALLOWED, stop_when="{decided: [a, b], figure: §scores}", says="score?"),
    _bad(
        "a stop for a model and a column", Code.INVALID, models="[simulator/large, simulator/small]",
        matrix="{temperature: [0, 1]}", stop_when='{decided: §[large, "small · temperature=0"]}', says="not both",
    ),
    _bad(
        "a stop for models of other parameters", Code.INVALID,
        models="[simulator/large, {id: simulator/small, params: {temperature: 0.5}}]",
        matrix="{temperature: [0, 1]}", stop_when="{decided: §[large, small]}", says="no columns of `large` and `small`",
    ),
    _bad("a gate for nobody", Code.UNKNOWN_TARGET, gates="[{check: score >= 0, for: {model: §larg}}]", says="large?"),
    _bad("a gate on an unknown scorer", Code.UNKNOWN_TARGET, gates="[§mean(scorer.icontain) >= 0.9]", says="no scorer `icontain` (did you mean icontains?)"),
    _bad("a gate on a scorer above 1", Code.BAD_GATE, gates="[§mean(scorer.icontains) >= 90]", says="between 0 and 1"),
    _bad("a scorer's percentile", Code.BAD_GATE, gates="[§p95(scorer.icontains) >= 0.9]"),
    _bad("no_regression misspelt", Code.BAD_GATE, gates="[§no_regresion]", says="did you mean no_regression?"),
    _bad("no_regression with a number", Code.BAD_GATE, gates="[§no_regression <= 0.02]", says="min_effect"),
    _bad("alpha on a figure", Code.BAD_GATE, gates="[{check: pass_rate >= 0.9, alpha: §0.05}]", says="confidence"),
    _bad("a smallest effect on a figure", Code.BAD_GATE, gates="[{check: pass_rate >= 0.9, min_effect: §0.05}]"),
    _bad("a confidence of no_regression", Code.BAD_GATE, gates="[{check: no_regression, confidence: §0.95}]", says="alpha"),
    _bad("a confidence in a sum", Code.BAD_GATE, gates="[{check: cost_usd <= 1, confidence: §0.95}]", says="no interval"),
    _bad("a strict equality", Code.BAD_GATE, gates="[{check: pass_rate == 1, strict: §true}]", says=">="),
    _bad("an alpha in percent", Code.OUT_OF_RANGE, gates="[{check: no_regression, alpha: §5}]", says="at most 0.25"),
    _bad("an alpha of nothing", Code.OUT_OF_RANGE, gates="[{check: no_regression, alpha: §0}]"),
    _bad("a smallest effect in points", Code.OUT_OF_RANGE, gates="[{check: no_regression, min_effect: §2}]"),
    _bad("a confidence in percent", Code.OUT_OF_RANGE, gates="[{check: pass_rate >= 0.9, confidence: §95}]"),
    _bad("a word for strict", Code.WRONG_TYPE, gates="[{check: pass_rate >= 0.9, strict: §sure}]"),
    _bad("an unknown key of a gate", Code.UNKNOWN_KEY, gates="[{check: no_regression, §min_efect: 0.02}]", says="min_effect?"),
    _bad("a gate for no one", Code.EMPTY, gates="[{check: pass_rate >= 0.9, for: §{}}]"),
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

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (20).to_bytes(4, "big") + (10).to_bytes(4, "big") + b"\x08\x02\0\0\0"
"""The beginning of a picture of 20 × 10 pixels."""

_WEATHER = "{name: weather, parameters: {type: object, properties: {city: {type: string}}}}"
_CALL = "{role: assistant, tool_calls: [{id: c1, name: weather, arguments: {city: Rome}}]}"


def _messages(name: str, code: Code, *messages: str, says: str = "") -> Bad:
    return _bad(name, code, says=says, prompts=f"{{ask: {{messages: [{', '.join(messages)}]}}}}")


def _with(name: str, code: Code, settings: str, *, says: str = "", files: Mapping[str, Content] | None = None) -> Bad:
    """A prompt that says something more."""
    return _bad(name, code, says=says, files=files, prompts="{ask: {user: '{{ q }}', " + settings + "}}")


def _tool(name: str, code: Code, tool: str, *, says: str = "") -> Bad:
    return _with(name, code, f"tools: [{tool}]", says=says)


def _result(name: str, code: Code, result: str, *, says: str = "", files: Mapping[str, Content] | None = None) -> Bad:
    return _with(name, code, f"tools: [{_WEATHER}], tool_results: [{result}]", says=says, files=files)


def _tools_of_case(name: str, value: str, *, says: str) -> Bad:
    cases = f"[{{vars: {{q: x, f: {value}}}, expected: y}}]"
    return _bad(name, Code.BAD_TOOLS, says=says, prompts="{ask: {user: '{{ q }}', tools: §'{{ f }}'}}", cases=cases)


def _image(name: str, code: Code, image: str, *, says: str = "", files: Mapping[str, Content] | None = None) -> Bad:
    return _bad(name, code, says=says, files=files, prompts=f"{{ask: {{user: ['{{{{ q }}}}', {image}]}}}}")


def _schema(name: str, schema: str, *, says: str) -> Bad:
    return _bad(name, Code.BAD_SCHEMA, says=says, params=f"{{response_format: {{schema: {schema}}}}}")


PARAMS = [
    _bad("too many answers", Code.OUT_OF_RANGE, params="{n: §129}", says="at most 128"),
    _bad("too many log probabilities", Code.OUT_OF_RANGE, params="{logprobs: true, top_logprobs: §21}"),
    _bad("a bias that is too strong", Code.OUT_OF_RANGE, params="{logit_bias: {50256: §-101}}", says="-100"),
    _bad("a bias of a word", Code.INVALID, params="{logit_bias: {§hello: 1}}", says="number of a token"),
    _bad("no bias at all", Code.EMPTY, params="{logit_bias: §{}}"),
    _bad("a number for logprobs", Code.WRONG_TYPE, params="{logprobs: §5}", says="true or false"),
    _bad("an unknown effort", Code.NOT_ALLOWED, params="{reasoning_effort: §hgih}", says="high?"),
    _bad("an unknown tier", Code.NOT_ALLOWED, models="[{id: simulator/large, params: {service_tier: §fex}}]", says="flex?"),
    _bad("an unknown encoding", Code.NOT_ALLOWED, matrix="{encoding_format: [float, §floats]}", says="float?"),
    _bad("a stream of words", Code.WRONG_TYPE, cases="[{vars: {q: x}, expected: y, params: {stream: §'on'}}]"),
    _bad("a tool that is no name", Code.BAD_NAME, params="{tool_choice: §get weather}"),
    _bad("a choice of nothing", Code.MISSING_KEY, params="{tool_choice: §{type: function}}", says="`function`"),
    _bad("a model in extra_body", Code.NOT_ALLOWED, params="{extra_body: {§model: x}}", says="say it with `models`"),
    _bad("messages in extra_body", Code.NOT_ALLOWED, params="{extra_body: {top_k: 1, §messages: []}}", says="say it with the prompt"),
    _bad("a stream in extra_body", Code.NOT_ALLOWED, params="{extra_body: {§stream: true}}", says="`stream`, beside"),
    _bad("another format", Code.NOT_ALLOWED, params="{response_format: §jsonschema}", says="json_object"),
    _bad("a format without a name", Code.MISSING_KEY, params="{response_format: {type: json_schema, json_schema: §{schema: {}}}}", says="`name`"),
    _bad("a format's name with a space", Code.BAD_NAME, params="{response_format: {schema: {}, name: §my answer}}"),
    _bad("an inline schema that is none", Code.BAD_SCHEMA, params="{response_format: {type: json_schema, json_schema: {name: a, schema: {properties: §[]}}}}"),
    _bad("a schema that is missing", Code.FILE_MISSING, params="{response_format: {schema: §answer.json}}"),
    _bad("a schema of another kind", Code.FILE_KIND, params="{response_format: {schema: §answer.xsd}}", says=".json"),
    _bad("a schema file that is none", Code.BAD_SCHEMA, files={"a.json": '{"type": "object",\n "required": §"x"}'}, params="{response_format: {schema: a.json}}"),
    _bad("a schema file that is a list", Code.BAD_SCHEMA, files={"a.yaml": "§- 1\n"}, params="{response_format: {schema: a.yaml}}"),
    _schema("a type that is none", "{type: §strin}", says="string?"),
    _schema("a type of Python", "{type: object, properties: {a: {type: §float}}}", says="number?"),
    _schema("a reference to another host", "{$ref: §'https://a.example/s.json'}", says="nothing is fetched"),
    _schema("a reference to a file", "{properties: {a: {$ref: §other.json}}}", says="nothing is fetched"),
    _schema("a reference to nowhere", "{properties: {a: {$ref: §'#/$defs/b'}}}", says="`#/$defs/b` leads nowhere"),
    _schema("a draft of nobody", "{$schema: §'https://a.example/draft'}", says="draft-07"),
    _schema("a pattern that is none", "{pattern: §'('}", says="regex"),
    _bad("a schema that is too deep", Code.BAD_SCHEMA, files={"a.json": "§" + '{"not": ' * 70 + "{}" + "}" * 70}, params="{response_format: {schema: a.json}}", says="64"),
    _bad("several answers and turns", Code.NOT_ALLOWED, params="{n: 2}", prompts="{ask: {user: '{{ q }}', §turns: [Why?]}}", says="use `samples`"),
    _bad("several answers and tool results", Code.NOT_ALLOWED, matrix="{n: [1, 2]}", prompts="{ask: {user: '{{ q }}', tools: [{name: f}], §tool_results: [{tool: f, result: 1}]}}", says="the matrix"),
]  # fmt: skip

PROMPTS = [
    _messages("a message without content", Code.MISSING_KEY, "§{role: user}", says="`content`"),
    _messages("a picture of the system", Code.NOT_ALLOWED, "{role: system, content: [Look, §{image: a.png}]}", says="user"),
    _messages("a call of the user", Code.NOT_ALLOWED, "{role: user, content: a, §tool_calls: [{id: c1, name: f, arguments: {}}]}", says="only the assistant"),
    _messages("an answer of the user", Code.NOT_ALLOWED, _CALL, "{role: tool, tool_call_id: c1, content: a}", "{role: user, content: a, §tool_call_id: c1}"),
    _messages("an answer to no call", Code.MISSING_KEY, "§{role: tool, content: a}", says="`tool_call_id`"),
    _messages("an answer to another call", Code.BAD_CALL, _CALL, "{role: tool, content: a, tool_call_id: c1}", "{role: tool, content: a, tool_call_id: §c2}", says="c1"),
    _messages("an answer too many", Code.BAD_CALL, _CALL, "{role: tool, content: a, tool_call_id: c1}", "{role: tool, content: a, tool_call_id: §c1}", says="answered already"),
    _messages("a call that nobody answers", Code.BAD_CALL, _CALL.replace("c1", "§c1"), "{role: user, content: a}", says="role tool"),
    _messages("an id of two calls", Code.BAD_CALL, _CALL, "{role: tool, content: a, tool_call_id: c1}", _CALL.replace("c1", "§c1"), "{role: tool, content: a, tool_call_id: c1}"),
    _messages("a call of OpenAI's without an id", Code.MISSING_KEY, "{role: assistant, tool_calls: [§{type: function, function: {name: f, arguments: '{}'}}]}", says="`id`"),
    _messages("a template in a call", Code.UNKNOWN_VARIABLE, "{role: assistant, tool_calls: [{id: c1, name: f, arguments: {a: §'{{ qq }}'}}]}", "{role: tool, content: a, tool_call_id: c1}", says="no variable of a"),
    _messages("a template in the JSON of a call", Code.UNKNOWN_VARIABLE, """{role: assistant, tool_calls: [{id: c1, name: f, arguments: §'{"a": "{{ qq }}"}'}]}""", "{role: tool, content: a, tool_call_id: c1}"),
    _messages("a name with a space", Code.BAD_NAME, "{role: user, content: a, name: §Jo Doe}"),
    _messages("an empty list of parts", Code.EMPTY, "{role: user, content: §[]}"),
    _messages("a part that is a number", Code.WRONG_TYPE, "{role: user, content: [a, §3]}", says="text or a mapping"),
    _messages("an unknown key of a picture", Code.UNKNOWN_KEY, "{role: user, content: [{image: 'https://a.example/a.png', §detial: low}]}", says="detail?"),
    _messages("an unknown detail", Code.NOT_ALLOWED, "{role: user, content: [{image: 'https://a.example/a.png', detail: §hihg}]}", says="high?"),
    _with("no turns", Code.EMPTY, "turns: §[]"),
    _with("a turn that is a number", Code.WRONG_TYPE, "turns: [a, §3]"),
    _with("a turn without its variable", Code.UNKNOWN_VARIABLE, "turns: [a, §'{{ qq }}']", says="no variable of a"),
    _with("a turn that is no template", Code.BAD_TEMPLATE, "turns: [§'{{ q']"),
    _with("no rounds", Code.OUT_OF_RANGE, "max_tool_rounds: §0"),
    _with("too many rounds", Code.OUT_OF_RANGE, "max_tool_rounds: §101", says="at most 100"),
    _tool("a tool without a name", Code.MISSING_KEY, "§{description: x}", says="`name`"),
    _tool("a tool with a dot", Code.BAD_NAME, "{name: §math.hypot}", says="64 letters"),
    _tool("two tools of a name", Code.DUPLICATE_NAME, "{name: f}, {type: function, function: {name: §f}}"),
    _tool("an unknown key of a tool", Code.UNKNOWN_KEY, "{name: f, §paramters: {}}", says="parameters?"),
    _tool("parameters of Python", Code.BAD_SCHEMA, "{name: f, parameters: {type: §dict}}", says="object?"),
    _tool("parameters of a list", Code.BAD_SCHEMA, "{type: function, function: {name: f, parameters: {type: §array}}}", says="`type: object`"),
    _tool("parameters without a type", Code.BAD_SCHEMA, "{name: f, parameters: §{properties: {}}}", says="`type: object`"),
    _tool("a tools file that is missing", Code.FILE_MISSING, "{file: §tools.json}"),
    _with("a file's name for tools", Code.BAD_TOOLS, "tools: §tools.json", says="{file: tools.json}"),
    _with("a tools file with a bad tool", Code.BAD_SCHEMA, "tools: {file: tools.json}", files={"tools.json": '[{"name": "f",\n"parameters": {"type": §"dict"}}]'}),
    _with("an empty tools file", Code.EMPTY, "tools: {file: tools.yaml}", files={"tools.yaml": "§[]\n"}),
    _with("a tool that must be called and is not there", Code.UNKNOWN_TOOL, f"tools: [{_WEATHER}], params: {{tool_choice: §wether}}", says="weather?"),
    _tools_of_case("tools of a word", "weather", says="no tools for case-1: the tools are a text that is not JSON"),
    _tools_of_case("tools of a wrong type", "[{name: g, parameters: {type: dict}}]", says="g: parameters.type: `dict`"),
    _tools_of_case("tools twice in a case", "[{name: g}, {name: g}]", says="two tools are called `g`"),
    _with("tools of no variable", Code.UNKNOWN_VARIABLE, "tools: §'{{ functions }}'"),
    _result("a result of another tool", Code.UNKNOWN_TOOL, "{tool: §wether, result: 1}", says="weather?"),
    _result("a tool without a result", Code.MISSING_KEY, "§{tool: weather}", says="`result`"),
    _result("a result and a function", Code.NOT_ALLOWED, "§{tool: weather, result: 1, function: 'f.py:f'}", files={"f.py": "def f(): ..."}),
    _result("a result without its variable", Code.UNKNOWN_VARIABLE, "{tool: weather, result: {a: [§'{{ qq }}']}}"),
    _result("arguments that are a list", Code.WRONG_TYPE, "{tool: weather, arguments: §[a], result: 1}"),
    _result("a function without leave", Code.CODE_NOT_ALLOWED, "{tool: weather, function: §'f.py:f'}", says="--allow-code", files={"f.py": "def f(city): ..."}),
    _result("a function that is a word", Code.BAD_FUNCTION, "{tool: weather, function: §weather}", says="file.py:name"),
    _result("a function that is not there", Code.BAD_FUNCTION, "{tool: weather, function: §'f.py:wether'}", says="weather?", files={"f.py": "def weather(city): ..."}),
    _result("a function in a function", Code.BAD_FUNCTION, "{tool: weather, function: §'f.py:g'}", files={"f.py": "def f():\n    def g(): ..."}),
    _result("code that is no Python", Code.BAD_FUNCTION, "{tool: weather, function: 'f.py:f'}", files={"f.py": "x = 1\n§def f(:\n"}),
    _result("code that is missing", Code.FILE_MISSING, "{tool: weather, function: §'f.py:f'}"),
    _result("code out of the repository", Code.FILE_OUTSIDE, "{tool: weather, function: §'../../f.py:f'}"),
]  # fmt: skip

IMAGES = [
    _image("no such picture", Code.FILE_MISSING, "{image: §cat.png}", says="cats.png?", files={"cats.png": PNG}),
    _image("no picture for a case", Code.FILE_MISSING, "{image: §'{{ q }}.png'}", says="(case a)"),
    _image("a picture that is a text", Code.BAD_IMAGE, "{image: §cat.png}", says="is a text", files={"cat.png": "hello"}),
    _image("a picture that is a drawing", Code.BAD_IMAGE, "{image: §cat.svg}", says="SVG", files={"cat.svg": "<svg/>"}),
    _image("a picture that is empty", Code.BAD_IMAGE, "{image: §cat.png}", says="an empty file", files={"cat.png": ""}),
    _image("a picture that is cut off", Code.BAD_IMAGE, "{image: §cat.png}", says="damaged", files={"cat.png": PNG[:18]}),
    _image("a picture that is a folder", Code.FILE_NOT_REGULAR, "{image: §cat.png}", files={"cat.png": Folder()}),
    _image("a picture out of the repository", Code.FILE_OUTSIDE, "{image: §../../cat.png}"),
    _image("a picture that is too large", Code.FILE_TOO_LARGE, "{image: §cat.png}", says="21.0 MiB, and a picture at most 20.0 MiB", files={"cat.png": Large(21 << 20)}),
    _image("a picture in the suite", Code.BAD_IMAGE, "{image: §'data:image/png;base64,AAAA'}", says="save them as a file"),
    _image("a picture by FTP", Code.BAD_IMAGE, "{image: §'ftp://a.example/a.png'}", says="http(s) URL"),
    _image("a picture with a password", Code.BAD_URL, "{image: §'https://a:b@c.example/a.png?x=1'}", says="password"),
    _image("a picture of a strange host", Code.BAD_URL, "{image: §'https://a b.example/a.png'}"),
    _image("a picture of no variable", Code.UNKNOWN_VARIABLE, "{image: §'{{ qq }}.png'}", says="no variable of a"),
    _bad("a picture without a name", Code.EMPTY, prompts="{ask: {user: [{image: §'{{ q }}'}]}}", cases="[{vars: {q: ' '}, expected: y}]", says="(case case-1)"),
    _bad("a picture in the data", Code.BAD_IMAGE, prompts="{ask: {user: [{image: §'{{ q }}'}]}}", cases="[{vars: {q: 'data:image/png;base64,AAAA'}, expected: y}]", says="save them as a file"),
]  # fmt: skip

OVERRIDES = [
    _bad("--set a word", Code.WRONG_TYPE, at="--set", arguments=("--set", "temperature=hot")),
    _bad("--set an unknown parameter", Code.UNKNOWN_KEY, at="--set", arguments=("--set", "temprature=0"), says="temperature?"),
    _bad("--set a schema that is missing", Code.FILE_MISSING, at="--set", arguments=("--set", "response_format={schema: a.json}")),
    _bad("--set too many answers", Code.OUT_OF_RANGE, at="--set", arguments=("--set", "n=1000")),
    _bad("--model of nobody", Code.UNKNOWN_PROVIDER, at="--model", arguments=("--model", "opena/gpt-4o"), says="openai?"),
    _bad("--model by a wrong label", Code.UNKNOWN_MODEL, at="--model", arguments=("--model", "larg"), says="large?"),
    _bad("--var of what is expected", Code.RESERVED_VARIABLE, at="--var", arguments=("--var", "expected=x")),
]  # fmt: skip

BAD = [*FILES, *YAML, *DATA, *KEYS, *MODELS, *MEANING, *QUOTAS, *PARAMS, *PROMPTS, *IMAGES, *OVERRIDES]
