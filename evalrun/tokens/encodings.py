"""Which encoding a model has, where its rank file lies, and how many tokens a text is in it.

An encoding is used only when its rank file already lies in a cache folder and has the published sha256; tiktoken,
which reads it, is imported when the first such count is asked for. Nothing here downloads anything.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from evalrun.records.outcome import TokensMethod
from evalrun.tokens.estimates import estimate

if TYPE_CHECKING:
    from tiktoken import Encoding

CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
CACHE_VARIABLES = (CACHE_VARIABLE, "DATA_GYM_CACHE_DIR")


@dataclass(frozen=True, slots=True)
class RankFile:
    """A published rank file: its *name* on the server, what a tiktoken cache calls it (its URL's sha1), its hash."""

    name: str
    cached_as: str
    sha256: str


_O200K = RankFile(
    "o200k_base.tiktoken",
    "fb374d419588a4632f3f557e76b4b70aebbca790",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
)
# Source: tiktoken 0.14.0. o200k_harmony differs from o200k_base in its special tokens only.
RANK_FILES = {
    "o200k_base": _O200K,
    "cl100k_base": RankFile(
        "cl100k_base.tiktoken",
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_harmony": _O200K,
    "p50k_base": RankFile(
        "p50k_base.tiktoken",
        "ec7223a39ce59f226a68acc30dc1af2788490e15",
        "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
    ),
    "r50k_base": RankFile(
        "r50k_base.tiktoken",
        "0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4",
        "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
    ),
}

_MODELS = {
    **dict.fromkeys(("o1", "o3", "o4-mini", "gpt-5", "gpt-4.1", "gpt-4o"), "o200k_base"),
    **dict.fromkeys(("gpt-4", "gpt-3.5-turbo", "gpt-3.5", "gpt-35-turbo"), "cl100k_base"),
    **dict.fromkeys(("davinci-002", "babbage-002"), "cl100k_base"),
    **dict.fromkeys(("text-embedding-ada-002", "text-embedding-3-small", "text-embedding-3-large"), "cl100k_base"),
    **dict.fromkeys(("text-davinci-003", "text-davinci-002", "davinci-codex", "cushman-codex"), "p50k_base"),
    **dict.fromkeys(("code-davinci-002", "code-davinci-001", "code-cushman-002", "code-cushman-001"), "p50k_base"),
    **dict.fromkeys(("text-davinci-001", "text-curie-001", "text-babbage-001", "text-ada-001"), "r50k_base"),
    **dict.fromkeys(("davinci", "curie", "babbage", "ada"), "r50k_base"),
}
# In this order. gpt-5 has no dash: it stands for gpt-5.1 and the like too.
_PREFIXES = (
    *((prefix, "o200k_base") for prefix in ("o1-", "o3-", "o4-mini-", "gpt-5", "gpt-4.5-", "gpt-4.1-", "chatgpt-4o-")),
    *((prefix, "o200k_base") for prefix in ("gpt-4o-", "ft:gpt-4o")),
    *((prefix, "cl100k_base") for prefix in ("gpt-4-", "gpt-3.5-turbo-", "gpt-35-turbo-", "ft:gpt-4")),
    ("gpt-oss-", "o200k_harmony"),
    *((prefix, "cl100k_base") for prefix in ("ft:gpt-3.5-turbo", "ft:davinci-002", "ft:babbage-002")),
)
_PUBLISHER = "openai/"

# tiktoken's splitter runs out of stack, and the process prints a panic, on a run of some 500,000 blanks.
_LONG_TEXT = 50_000
_LONG_BLANK = re.compile(r"\s{50000}")

_lock = threading.Lock()


def plain_name(model: str) -> str:
    """A model's own name: without what stands before ``openai/``, and without a route (``:free``) after it."""
    name = model.rpartition(_PUBLISHER)[2]
    return name if name.startswith("ft:") else name.partition(":")[0]


def encoding_name(model: str) -> str | None:
    """The encoding that *model* (with or without ``openai/`` before it) is published to use; None where nobody says.

    Source: tiktoken 0.14.0, model names and then prefixes. gpt2 and the edit models are left out.
    """
    name = plain_name(model)
    found = _MODELS.get(name)
    return found or next((encoding for prefix, encoding in _PREFIXES if name.startswith(prefix)), None)


def count(text: str, model: str) -> tuple[int, TokensMethod]:
    """How many tokens *text* is for *model*, and how that was found. Special-token text counts as plain text."""
    encoding = encoding_of(model)
    if encoding is None or (len(text) >= _LONG_TEXT and _LONG_BLANK.search(text)):
        return estimate(text), TokensMethod.ESTIMATE
    return len(encoding.encode_ordinary(text)), TokensMethod.EXACT


def preload(models: Iterable[str]) -> None:
    """Read the encodings of *models* that are at hand. It takes up to a second: not for the event loop's thread."""
    for model in models:
        encoding_of(model)


@lru_cache(maxsize=256)
def encoding_of(model: str) -> Encoding | None:
    """The model's encoding, where it is known and its rank file is at hand."""
    name = encoding_name(model)
    return _load(name) if name else None


@lru_cache(maxsize=8)
def _load(name: str) -> Encoding | None:
    folder = next((path.parent for path, whole in copies(name) if whole), None)
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


def own_folder() -> Path:
    """The folder of this user's cache that rank files are downloaded to."""
    return Path(platformdirs.user_cache_dir("evalrun")) / "tiktoken"


def copies(name: str) -> Iterator[tuple[Path, bool]]:
    """Every copy of an encoding's rank file in the cache folders, and whether it is what was published.

    The folders: TIKTOKEN_CACHE_DIR, DATA_GYM_CACHE_DIR, evalrun's own.
    """
    file = RANK_FILES[name]
    named = [Path(os.environ[variable]) for variable in CACHE_VARIABLES if os.environ.get(variable)]
    for folder in dict.fromkeys((*named, own_folder())):
        path = folder / file.cached_as
        try:
            content = path.read_bytes()
        except OSError:
            continue
        yield path, hashlib.sha256(content).hexdigest() == file.sha256
