"""Python functions of a suite, each call in a process of its own: it can be killed, and it sees no keys.

It is no wall against a hostile suite: the code runs with the user's rights, and only after ``--allow-code``. What it
is for: a function that hangs or crashes costs one call, prints nothing into the run, and inherits none of the
environment but where programs, the home folder and temporary files are.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

TIMEOUT_S = 30.0
RESULT_BYTES = 1 << 20

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT")
_RUNNER = """
import asyncio, importlib.util, inspect, json, os, sys
said = json.loads(sys.stdin.buffer.read())
out, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr
os.dup2(2, 1)
sys.path.insert(0, os.path.dirname(said["file"]))
try:
    spec = importlib.util.spec_from_file_location("tool_functions", said["file"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = getattr(module, said["function"])(**said["arguments"])
    if inspect.isawaitable(result):
        async def wait():
            return await result
        result = asyncio.run(wait())
    told = {"result": result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)}
except BaseException as error:
    told = {"error": f"{type(error).__name__}: {error}"}
out.write(json.dumps(told).encode("ascii"))
out.flush()
"""


class ToolFault(Exception):
    """A function gave no result. The message says why, in words for the model and for the log."""


async def call(
    file: Path, function: str, arguments: Mapping[str, Any], *, environ: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> str:
    """What *function* of *file* (an absolute path) returns for *arguments*, as text: a text as it is, all else as JSON.

    Raises ToolFault where it raises, does not end within *timeout_s* seconds, or returns more than 1 MiB, and where the
    arguments, which a model wrote, are nested too deeply to be passed on.
    """
    try:
        said = json.dumps({"file": str(file), "function": function, "arguments": dict(arguments)}).encode("ascii")
    except RecursionError:
        raise ToolFault("the arguments are nested too deeply") from None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", _RUNNER,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={name: environ[name] for name in _KEPT if name in environ}, cwd=file.parent,
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout_s):
            told = await _exchange(process, said)
    except TimeoutError:
        raise ToolFault(f"{function} did not end within {timeout_s:g} s") from None
    finally:
        _end(process)
        await process.wait()
    return _result(function, told)


async def _exchange(process: asyncio.subprocess.Process, said: bytes) -> bytes:
    """Tell it what to do, and read what it says up to the cap."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process has no pipes")
    process.stdin.write(said)
    with suppress(ConnectionError):
        await process.stdin.drain()
    process.stdin.close()
    told = b""
    while len(told) <= RESULT_BYTES and (piece := await process.stdout.read(1 << 16)):
        told += piece
    return told


def _result(function: str, told: bytes) -> str:
    if len(told) > RESULT_BYTES:
        raise ToolFault(f"{function} returned more than {RESULT_BYTES >> 20} MiB")
    try:
        read = json.loads(told)
    except ValueError:
        raise ToolFault(f"{function} ended its process without a result") from None
    if "error" in read:
        raise ToolFault(read["error"])
    return str(read["result"])


def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it and whatever it started, if any of it is still there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, 9)
