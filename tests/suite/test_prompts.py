from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalrun.errors import SuiteInvalid
from evalrun.records.message import Image, Message, Tool, ToolCall, ToolResult
from evalrun.records.suite import Prompt
from evalrun.suite.load import Overrides
from evalrun.suite.rendering import tools_of
from tests.suite.test_load import load

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"name": "weather", "description": "Now.", "parameters": PARAMETERS, "strict": True}
TOOL = Tool(name="weather", description="Now.", parameters=PARAMETERS, strict=True)
PIXEL = Image(source="https://a.example/a.png", detail="low")


def prompt_of(folder: Path, written: Any, overrides: Overrides | None = None) -> Prompt:
    """The prompt that is written so, as JSON, in a suite."""
    return load(folder, prompts=f"{{ask: {json.dumps(written)}}}", overrides=overrides).prompts[0]


def user(content: Any) -> Message:
    """A message of the user."""
    return Message(role="user", content=content)


MESSAGES: dict[str, tuple[Any, tuple[Message, ...]]] = {
    "every role": (
        [
            {"role": "system", "content": "s", "name": "boss"},
            {"role": "developer", "content": ["d", "e"]},
            {"role": "user", "content": "{{ q }}", "name": "Jo"},
            {"role": "assistant", "content": "a"},
        ],
        (
            Message(role="system", content="s", name="boss"),
            Message(role="developer", content=("d", "e")),
            Message(role="user", content="{{ q }}", name="Jo"),
            Message(role="assistant", content="a"),
        ),
    ),
    "a picture": (
        [{"role": "user", "content": ["See:", {"image": "https://a.example/a.png", "detail": "low"}]}],
        (user(("See:", PIXEL)),),
    ),
    "calls in short": (
        [
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "1", "name": "f", "arguments": {"q": "{{ q }}", "é": 1}},
                    {"id": "2", "name": "f", "arguments": "{oops"},
                ],
            },
            {"role": "tool", "tool_call_id": "2", "content": "b"},
            {
                "role": "tool",
                "tool_call_id": "1",
                "content": ["c", {"image": "https://a.example/a.png", "detail": "low"}],
            },
        ],
        (
            Message(
                role="assistant",
                content="",
                tool_calls=(
                    ToolCall(id="1", name="f", arguments='{"q": "{{ q }}", "é": 1}'),
                    ToolCall(id="2", name="f", arguments="{oops"),
                ),
            ),
            Message(role="tool", content="b", tool_call_id="2"),
            Message(role="tool", content=("c", PIXEL), tool_call_id="1"),
        ),
    ),
    "calls of OpenAI's": (
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "b"},
        ],
        (
            Message(role="assistant", content="", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),)),
            Message(role="tool", content="b", tool_call_id="1"),
        ),
    ),
}


@pytest.mark.parametrize(("written", "held"), MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("place", ["in the suite", "a JSON list", "a YAML list", "a mapping in a file"])
def test_messages_are_the_same_wherever_they_stand(
    written: Any, held: tuple[Message, ...], place: str, tmp_path: Path
) -> None:
    """Roles, names, parts, calls and answers become records, from the suite, a list in a file or a mapping in one."""
    whole = {"messages": written}
    contents = {
        "a JSON list": ("ask.json", json.dumps(written)),
        "a YAML list": ("ask.yaml", json.dumps(written, indent=1)),
        "a mapping in a file": ("ask.yml", json.dumps(whole)),
    }
    if place in contents:
        name, text = contents[place]
        (tmp_path / name).write_text(text, encoding="utf-8")
        whole = {"file": name}

    assert prompt_of(tmp_path, whole).messages == held


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "turns": (
        {"turns": ["Why {{ q }}?", ["See:", {"image": "https://a.example/a.png", "detail": "low"}]]},
        {"turns": ("Why {{ q }}?", ("See:", PIXEL))},
    ),
    "flat tools": ({"tools": [WEATHER]}, {"tools": (TOOL,)}),
    "nested tools": ({"tools": [{"type": "function", "function": WEATHER}]}, {"tools": (TOOL,)}),
    "bare tools": (
        {"tools": [{"name": "f"}, {"name": "g", "parameters": {}}]},
        {"tools": (Tool(name="f"), Tool(name="g"))},
    ),
    "a file of tools": ({"tools": {"file": "tools.json"}}, {"tools": (TOOL,)}),
    "a file of one": ({"tools": [{"name": "f"}, {"file": "tool.yaml"}]}, {"tools": (Tool(name="f"), TOOL)}),
    "tools of a case": ({"tools": "{{ f }}"}, {"tools_from": "{{ f }}"}),
    "results": (
        {
            "tools": [WEATHER],
            "tool_results": [
                {"tool": "weather", "arguments": {"city": "{{ q }}"}, "result": {"sky": "{{ q }}", "n": [1]}},
                {"tool": "weather", "result": None},
            ],
            "max_tool_rounds": 3,
        },
        {
            "tools": (TOOL,),
            "tool_results": (
                ToolResult(tool="weather", arguments={"city": "{{ q }}"}, result={"sky": "{{ q }}", "n": [1]}),
                ToolResult(tool="weather"),
            ),
            "max_tool_rounds": 3,
        },
    ),
    "a result of a tool of the case": (
        {"tools": "{{ f }}", "tool_results": [{"tool": "anything", "result": 1}]},
        {"tools_from": "{{ f }}", "tool_results": (ToolResult(tool="anything", result=1),)},
    ),
    "a tool that must be called": (
        {"tools": [WEATHER], "params": {"tool_choice": "weather"}},
        {"tools": (TOOL,), "params": {"tool_choice": {"type": "function", "function": {"name": "weather"}}}},
    ),
}


@pytest.mark.parametrize(("said", "held"), SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("form", ["terse", "messages", "text file", "list file", "mapping file"])
def test_every_form_says_more(said: dict[str, Any], held: dict[str, Any], form: str, tmp_path: Path) -> None:
    """Turns, tools and results stand beside `user`, `messages` or `file`, or inside the file."""
    messages = [{"role": "user", "content": "Hi"}]
    for name, text in {
        "tools.json": json.dumps([WEATHER]),
        "tool.yaml": json.dumps(WEATHER),
        "ask.md": "Hi",
        "ask.json": json.dumps(messages),
        "whole.yaml": json.dumps({"user": "Hi", **said}),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    written = {
        "terse": {"user": "Hi", **said},
        "messages": {"messages": messages, **said},
        "text file": {"file": "ask.md", **said},
        "list file": {"file": "ask.json", **said},
        "mapping file": {"file": "whole.yaml"},
    }[form]
    suite = load(
        tmp_path,
        prompts=f"{{ask: {json.dumps(written)}}}",
        cases=json.dumps([{"vars": {"q": "x", "f": [WEATHER]}, "expected": "y"}]),
    )

    assert suite.prompts[0] == Prompt(name="ask", messages=(user("Hi"),), **held)
    assert suite.folder == str(tmp_path.resolve())


def test_without_a_user_the_first_turn_opens(tmp_path: Path) -> None:
    """A prompt of turns alone is a conversation that begins with the first of them."""
    prompt = prompt_of(tmp_path, {"system": "Be short.", "turns": ["{{ q }}?", "Why?", "Really?"]})

    assert prompt.messages == (Message(role="system", content="Be short."), user("{{ q }}?"))
    assert prompt.turns == ("Why?", "Really?")


def test_what_stands_beside_a_file_wins(tmp_path: Path) -> None:
    """Keys beside `file` take the place of the file's; parameters are taken together; names count as they end up."""
    inside = {
        "user": "Hi",
        "params": {"n": 1, "seed": 1},
        "turns": ["a"],
        "tool_results": [{"tool": "weather", "result": 1}],
        "max_tool_rounds": 2,
    }
    (tmp_path / "ask.yaml").write_text(json.dumps(inside), encoding="utf-8")
    beside = {"file": "ask.yaml", "tools": [WEATHER], "turns": ["b"], "params": {"seed": 2}}

    assert prompt_of(tmp_path, beside) == Prompt(
        name="ask",
        messages=(user("Hi"),),
        params={"n": 1, "seed": 2},
        turns=("b",),
        tools=(TOOL,),
        tool_results=(ToolResult(tool="weather", result=1),),
        max_tool_rounds=2,
    )


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_function_is_found_and_never_run(kind: str, tmp_path: Path) -> None:
    """With leave to run code, a function of a file in the repository is taken by name; loading runs none of it."""
    (tmp_path / "tools").mkdir()
    code = f"raise SystemExit('run')\n\n{kind} weather(city):\n    '''\\d'''\n    return city\n"
    (tmp_path / "tools" / "w.py").write_text(code, encoding="utf-8")
    said = {"user": "Hi", "tools": [WEATHER], "tool_results": [{"tool": "weather", "function": "tools/w.py:weather"}]}

    prompt = prompt_of(tmp_path, said, Overrides(allow_code=True))

    digest = hashlib.sha256(code.encode()).hexdigest()
    assert prompt.tool_results == (ToolResult(tool="weather", function="tools/w.py:weather", digest=digest),)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"user": "Hi", "turns": ["{{ a }}"]}, "turns.0: `a` is no variable of case-2"),
        ({"user": ["{{ a }}"]}, "user.0: `a` is no variable of case-2"),
        ({"user": [{"image": "{{ a }}"}]}, "user.0.image: `a` is no variable of case-2"),
        ({"user": "Hi", "tools": "{{ a }}"}, "tools: `a` is no variable of case-2"),
        (
            {"user": "Hi", "tools": [{"name": "f"}], "tool_results": [{"tool": "f", "result": ["{{ a }}"]}]},
            "tool_results.0.result.0: `a` is no variable of case-2",
        ),
        (
            {
                "user": "Hi",
                "tools": [{"name": "f"}],
                "tool_results": [{"tool": "f", "arguments": {"b": "{{ a }}"}, "result": 1}],
            },
            "tool_results.0.arguments.b: `a` is no variable of case-2",
        ),
        ({"user": "Hi", "turns": ["{{ q.x }}"]}, "turns.0: cannot be rendered for case-1, case-2"),
        ({"user": "Hi", "tools": "{{ q }}"}, "tools: no tools for case-2: the tools are a text that is not JSON"),
    ],
    ids=str,
)
def test_every_template_is_checked_with_every_case(said: Any, words: str, tmp_path: Path) -> None:
    """Turns, pictures, tools and results are templates like any other: what a case lacks is told at their place."""
    cases = [{"vars": {"q": "[]", "a": "https://a.example/a.png"}}, {"vars": {"q": "x"}}]
    cases = [{**case, "expected": "y"} for case in cases]

    with pytest.raises(SuiteInvalid) as raised:
        load(tmp_path, prompts=f"{{ask: {json.dumps(said)}}}", cases=json.dumps(cases))

    assert [words in str(complaint) for complaint in raised.value.complaints] == [True], str(raised.value)


def bfcl(folder: Path, name: str) -> list[dict[str, Any]]:
    """Rows of the Berkeley Function-Calling Leaderboard, with its types and names said as APIs want them."""
    types = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}

    def schema(value: Any) -> Any:
        if isinstance(value, dict):
            said = {key: schema(item) for key, item in value.items()}
            if isinstance(said.get("type"), str):
                said["type"] = types.get(said["type"], said["type"])
            return said
        return [schema(item) for item in value] if isinstance(value, list) else value

    def function(value: Any) -> Any:
        if isinstance(value, list):
            return [function(item) for item in value]
        return {**value, "name": value["name"].replace(".", "_"), "parameters": schema(value["parameters"])}

    rows = (json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines())
    return [{**row, "function": function(row["function"])} for row in rows]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["simple", "multiple_function", "parallel_function", "parallel_multiple_function"])
def test_real_function_calls_load(name: str, tmp_path: Path, shared_data: Path) -> None:
    """Every case brings its own tools, one or several, by a template; and so it does as text, out of a CSV."""
    rows = bfcl(shared_data / "bfcl" / "questions", name)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    suite = load(
        tmp_path,
        prompts="{ask: {user: '{{ question }}', tools: '{{ function }}', params: {tool_choice: required}}}",
        cases="[{file: rows.jsonl, id: id}]",
        scorers="[is-json]",
    )

    found = [tools_of(suite.prompts[0], case) for case in suite.cases]
    defined = [row["function"] if isinstance(row["function"], list) else [row["function"]] for row in rows]
    assert [[tool.name for tool in tools] for tools in found] == [
        [f["name"] for f in functions] for functions in defined
    ]
    assert [tools[0].parameters for tools in found] == [functions[0]["parameters"] for functions in defined]


@pytest.mark.shared
def test_types_that_are_none_are_told(tmp_path: Path, shared_data: Path) -> None:
    """The same rows as published have types that no API takes, and each kind of mistake is told with its cases."""
    (tmp_path / "rows.jsonl").write_bytes((shared_data / "bfcl" / "questions" / "simple.jsonl").read_bytes())

    with pytest.raises(SuiteInvalid) as raised:
        load(
            tmp_path,
            prompts="{ask: {user: '{{ question }}', tools: '{{ function }}'}}",
            cases="[{file: rows.jsonl, id: id}]",
            scorers="[is-json]",
        )

    assert "`dict` is no type of JSON Schema (did you mean object?)" in str(raised.value)


@pytest.mark.parametrize(
    "make", [lambda n: f"{{{{ q }}}} {n}", lambda n: f"{{{{ q|upper }}}} {n}"], ids=["plain", "made"]
)
def test_many_cases_with_tools_load_fast(make: Callable[[int], str], tmp_path: Path) -> None:
    """2,000 cases that bring a tool each are looked at in a second or so."""
    import time

    rows = [{"q": str(n), "f": [{**WEATHER, "name": f"f{n % 50}"}]} for n in range(2000)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    prompt = {"user": make(1), "turns": [make(2)], "tools": "{{ f }}"}
    started = time.process_time()

    suite = load(tmp_path, prompts=f"{{ask: {json.dumps(prompt)}}}", cases="[{file: rows.jsonl}]", scorers="[is-json]")

    assert len(suite.cases) == 2000
    assert time.process_time() - started < 3
