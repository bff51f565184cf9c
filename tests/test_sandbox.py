from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from evalrun.sandbox import RESULT_BYTES, ToolFault, call

ENVIRON = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": "sk-canary-canary-canary", "LANG": "C.UTF-8"}
CODE = """
import os, sys, time, subprocess
import neighbour

def add(a, b=1):
    print("not a result")
    os.write(1, b"neither")
    return a + b

def text(): return "as it is – ä"
def nothing(): return None
async def later(): return {"when": "later"}
def broken(): raise KeyError("no such city")
def leave(): os._exit(3)
def stop(): sys.exit(1)
def hang(): time.sleep(600)
def large(): return "x" * 3_000_000
def family():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    time.sleep(600)
def environment(): return dict(os.environ)
def next_door(): return neighbour.NAME
def odd(): return {"path": os}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with functions of every kind, and another one beside it."""
    (tmp_path / "neighbour.py").write_text("NAME = 'next door'")
    path = tmp_path / "a tool.py"
    path.write_text(CODE)
    return path


async def ask(file: Path, function: str, timeout_s: float = 20.0, **arguments: Any) -> str:
    """Call a function of the file."""
    return await call(file, function, arguments, environ=ENVIRON, timeout_s=timeout_s)


RESULTS = {
    "a number": ("add", {"a": 1, "b": 2}, "3"),
    "a default": ("add", {"a": 1}, "2"),
    "text": ("text", {}, "as it is – ä"),
    "nothing": ("nothing", {}, "null"),
    "a coroutine": ("later", {}, '{"when": "later"}'),
    "an import from its folder": ("next_door", {}, "next door"),
}


@pytest.mark.parametrize(("function", "arguments", "result"), RESULTS.values(), ids=RESULTS)
async def test_a_function_is_called(file: Path, function: str, arguments: dict[str, Any], result: str) -> None:
    """What a function returns comes back as text, whatever it prints."""
    assert await ask(file, function, **arguments) == result


FAULTS = {
    "it raises": ("broken", {}, "KeyError: 'no such city'"),
    "wrong arguments": ("add", {"c": 1}, "TypeError: .*unexpected keyword argument 'c'"),
    "no such function": ("absent", {}, "AttributeError"),
    "the process ends": ("leave", {}, "leave ended its process without a result"),
    "it leaves": ("stop", {}, "SystemExit: 1"),
    "it returns too much": ("large", {}, f"large returned more than {RESULT_BYTES >> 20} MiB"),
}


@pytest.mark.parametrize(("function", "arguments", "words"), FAULTS.values(), ids=FAULTS)
async def test_a_fault_is_told_in_words(file: Path, function: str, arguments: dict[str, Any], words: str) -> None:
    """A function that gives no result is a ToolFault that says why."""
    with pytest.raises(ToolFault, match=words):
        await ask(file, function, **arguments)


@pytest.mark.parametrize("function", ["hang", "family"])
async def test_a_function_that_hangs_is_killed(file: Path, function: str) -> None:
    """A function has so long and no longer, and what it started ends with it."""
    began = time.monotonic()
    with pytest.raises(ToolFault, match=f"{function} did not end within 0.5 s"):
        await ask(file, function, timeout_s=0.5)

    assert time.monotonic() - began < 10


async def test_a_function_sees_no_keys(file: Path) -> None:
    """Of the environment a function has no more than where programs and temporary files are."""
    seen = json.loads(await ask(file, "environment"))

    assert "OPENAI_API_KEY" not in seen
    assert "canary" not in json.dumps(seen)


async def test_a_value_that_is_no_json_is_written_as_text(file: Path) -> None:
    """A result that JSON has no form for does not end the call."""
    assert "module 'os'" in await ask(file, "odd")


async def test_arguments_that_are_nested_too_deeply(file: Path) -> None:
    """A model can write arguments that can be read, but from here not be written again: that call has no result."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ToolFault, match="nested too deeply"):
        await ask(file, "add", a=deep)
