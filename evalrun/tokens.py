"""How many tokens a text has: counted where the model's own encoding is at hand, else estimated and marked so.

A count never touches the network. An encoding is used only when its rank file already lies in a cache folder and has
the published sha256; tiktoken, which reads it, is imported when the first such count is asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from evalrun.records.message import Message, Tool
from evalrun.records.outcome import TokensMethod

if TYPE_CHECKING:
    from tiktoken import Encoding

CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
CACHE_VARIABLES = (CACHE_VARIABLE, "DATA_GYM_CACHE_DIR")

# encoding -> name of its rank file in a tiktoken cache (sha1 of its URL), sha256 of the file. Source: tiktoken 0.14.0.
RANK_FILES = {
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
}

_MODELS = {
    **dict.fromkeys(("o1", "o3", "o4-mini", "gpt-5", "gpt-4.1", "gpt-4o"), "o200k_base"),
    **dict.fromkeys(("gpt-4", "gpt-3.5-turbo", "gpt-35-turbo", "davinci-002", "babbage-002"), "cl100k_base"),
    **dict.fromkeys(("text-embedding-ada-002", "text-embedding-3-small", "text-embedding-3-large"), "cl100k_base"),
}
# In this order. gpt-5 has no dash (it stands for gpt-5.1 and the like too); gpt-oss differs in special tokens only.
_PREFIXES = (
    *((prefix, "o200k_base") for prefix in ("o1-", "o3-", "o4-mini-", "gpt-5", "gpt-4.5-", "gpt-4.1-", "chatgpt-4o-")),
    *((prefix, "o200k_base") for prefix in ("gpt-4o-", "gpt-oss-", "ft:gpt-4o")),
    *((prefix, "cl100k_base") for prefix in ("gpt-4-", "gpt-3.5-turbo-", "gpt-35-turbo-", "ft:gpt-4")),
    *((prefix, "cl100k_base") for prefix in ("ft:gpt-3.5-turbo", "ft:davinci-002", "ft:babbage-002")),
)

TOKENS_PER_MESSAGE = 3
TOKENS_PER_REPLY = 3

# tiktoken's splitter runs out of stack, and the process prints a panic, on a run of some 500,000 blanks.
_LONG_TEXT = 50_000
_LONG_BLANK = re.compile(r"\s{50000}")

# Words with the blank or sign before them, a new word at each capital after a small letter; digits by threes; runs of
# signs with the line ends after them; blanks. Close to the pieces that o200k_base is cut into before merging.
_PIECE = re.compile(
    r"[^\w\r\n]?(?:[A-Z]*[^\W\d_A-Z]+|[A-Z]+)(?:'(?:[sdmt]|ll|ve|re))?"
    r"|\d{1,3}"
    r"| ?(?:[^\s\w]|_)+[\r\n/]*"
    r"|\s*[\r\n]+|\s+"
)
_ASCII_PIECE = 8
_ASCII_MORE = 4
_OTHER_BYTES_PER_TOKEN = 4.2

_lock = threading.Lock()


def encoding_name(model: str) -> str | None:
    """The encoding that *model* (with or without ``openai/`` before it) is published to use; None where nobody says.

    Source: tiktoken 0.14.0, model names and then prefixes. Older encodings than cl100k_base are left out.
    """
    name = model.removeprefix("openai/")
    found = _MODELS.get(name)
    return found or next((encoding for prefix, encoding in _PREFIXES if name.startswith(prefix)), None)


def count(text: str, model: str) -> tuple[int, TokensMethod]:
    """How many tokens *text* is for *model*, and how that was found. Special-token text counts as plain text."""
    encoding = _encoding(model)
    if encoding is None or (len(text) >= _LONG_TEXT and _LONG_BLANK.search(text)):
        return estimate(text), TokensMethod.ESTIMATE
    return len(encoding.encode_ordinary(text)), TokensMethod.EXACT


def count_messages(messages: Sequence[Message], model: str, _tools: Sequence[Tool] = ()) -> tuple[int, TokensMethod]:
    """Prompt tokens of a chat request: each message's role and content and 3 more, and 3 for the reply's beginning.

    Source of the overhead: OpenAI cookbook, "How to count tokens with tiktoken", checked there against real usage.
    """
    total, method = TOKENS_PER_REPLY, TokensMethod.EXACT
    for message in messages:
        tokens, method_of_content = count(message.text, model)
        total += TOKENS_PER_MESSAGE + tokens + _role_tokens(message.role, model)
        if method_of_content is TokensMethod.ESTIMATE:
            method = TokensMethod.ESTIMATE
    return total, method if messages and _encoding(model) else TokensMethod.ESTIMATE


def estimate(text: str) -> int:
    """About how many tokens *text* is in a present-day vocabulary. The same everywhere: it needs no file.

    A piece of ASCII is one token up to 8 characters and one more for each 4 beyond; other text is 4.2 UTF-8 bytes a
    token. Measured against o200k_base: English, code and JSON within about 10 %, Chinese 5 %, Russian +50 %.
    """
    return sum(map(_piece_tokens, _PIECE.findall(text)))


def cut(text: str, limit: int) -> str:
    """The longest beginning of *text*, in whole pieces, that `estimate` counts as at most *limit* tokens."""
    total = 0
    for match in _PIECE.finditer(text):
        total += _piece_tokens(match.group())
        if total > limit:
            return text[: match.start()]
    return text


def _piece_tokens(piece: str) -> int:
    if piece.isascii():
        size = len(piece)
        return 1 if size <= _ASCII_PIECE else 1 + (size - _ASCII_PIECE + _ASCII_MORE - 1) // _ASCII_MORE
    return max(1, round(len(piece.encode("utf-8", "surrogatepass")) / _OTHER_BYTES_PER_TOKEN))


@lru_cache(maxsize=256)
def _role_tokens(role: str, model: str) -> int:
    return count(role, model)[0]


@lru_cache(maxsize=256)
def _encoding(model: str) -> Encoding | None:
    name = encoding_name(model)
    return _load(name) if name else None


@lru_cache(maxsize=8)
def _load(name: str) -> Encoding | None:
    folder = next(_verified_folders(name), None)
    if folder is None:
        return None
    import tiktoken

    # tiktoken looks into the folder that this variable names and nowhere else, so it finds what was verified.
    with _lock:
        before = os.environ.get(CACHE_VARIABLE)
        os.environ[CACHE_VARIABLE] = str(folder)
        try:
            return tiktoken.get_encoding(name)
        finally:
            if before is None:
                del os.environ[CACHE_VARIABLE]
            else:
                os.environ[CACHE_VARIABLE] = before


def _verified_folders(name: str) -> Iterator[Path]:
    file_name, sha256 = RANK_FILES[name]
    named = [os.environ[variable] for variable in CACHE_VARIABLES if os.environ.get(variable)]
    for folder in (*map(Path, named), Path(platformdirs.user_cache_dir("evalrun")) / "tiktoken"):
        try:
            content = (folder / file_name).read_bytes()
        except OSError:
            continue
        if hashlib.sha256(content).hexdigest() == sha256:
            yield folder
