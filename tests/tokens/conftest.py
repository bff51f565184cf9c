"""Machines with and without rank files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evalrun.tokens import chat, encodings
from tests.conftest import SHARED, require


def forget() -> None:
    """Let the module look for rank files anew."""
    for cached in (encodings._load, encodings.encoding_of, chat._role_tokens, chat._frame, chat._is_published):
        cached.cache_clear()


@pytest.fixture
def no_ranks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine without rank files; the folder is TIKTOKEN_CACHE_DIR, in which evalrun's own cache may come to lie."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    forget()
    yield tmp_path
    forget()


@pytest.fixture
def ranks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with the rank files of cl100k_base and o200k_base at hand."""
    folder = SHARED / "tiktoken-cache"
    require(folder.is_dir(), "needs the rank files in ../shared/tiktoken-cache")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    forget()
    yield
    forget()
