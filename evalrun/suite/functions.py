"""Functions of Python files that answer calls of tools: looked for, never run or imported here."""

from __future__ import annotations

import ast
import hashlib
import warnings

from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, Spot, hint, printable
from evalrun.suite.sources import Sources

MAX_CODE_BYTES = 1 << 20


def check_function(said: str, spot: Spot, sources: Sources, complaints: Complaints, *, allowed: bool) -> str:
    """Complain where ``file.py:name`` names no function of the suite's repository, and where code is not *allowed*.

    Returns the sha256 of the file's text, empty where it cannot be read.
    """
    if not allowed:
        words = "a function is code of this suite, which runs on your machine: allow it with --allow-code"
        complaints.add(spot, Code.CODE_NOT_ALLOWED, words)
    file, colon, name = said.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        complaints.add(spot, Code.BAD_FUNCTION, f"`{printable(said)}` is not of the form file.py:name")
        return ""
    found = sources.find(file, spot)
    text = sources.read(found, spot, MAX_CODE_BYTES) if found else None
    if found is None or text is None:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else 0
        words = printable(error.msg if isinstance(error, SyntaxError) else "nested too deeply")
        complaints.add(Spot(found.shown, line or 0), Code.BAD_FUNCTION, f"not Python: {words}")
        return ""
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if name not in functions:
        complaints.add(spot, Code.BAD_FUNCTION, f"`{name}` is no function of the file{hint(name, functions)}")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
