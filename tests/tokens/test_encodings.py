from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import tiktoken.load
import tiktoken_ext.openai_public

from evalrun import tokens
from evalrun.records.outcome import TokensMethod
from evalrun.tokens.encodings import RANK_FILES, copies, own_folder

DAMAGED = b"IQ== 0\n"
SOURCE = Path(tiktoken_ext.openai_public.__file__).read_text("utf-8")


@pytest.mark.parametrize("name", RANK_FILES)
def test_rank_files_are_those_of_tiktoken(name: str) -> None:
    """Name and hash are the ones that tiktoken's own source has, and the name in the cache is the sha1 of its URL."""
    file = RANK_FILES[name]
    url = f"https://openaipublic.blob.core.windows.net/encodings/{file.name}"

    assert f'"{url}"' in SOURCE
    assert file.sha256 in SOURCE.partition(url)[2][:200]
    assert file.cached_as == hashlib.sha1(url.encode()).hexdigest()


def test_a_damaged_rank_file_is_left_alone(no_ranks: Path) -> None:
    """A file with another hash is neither used nor deleted, and is told apart from a whole one."""
    path = no_ranks / RANK_FILES["o200k_base"].cached_as
    path.write_bytes(DAMAGED)

    assert tokens.count("hello", "gpt-4o")[1] is TokensMethod.ESTIMATE
    assert path.read_bytes() == DAMAGED
    assert list(copies("o200k_base")) == [(path, False)]


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_a_whole_copy_is_found_behind_a_damaged_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first copy with the published hash is used: here that of evalrun's own folder."""
    file = RANK_FILES["cl100k_base"]
    content = next(path for path, _ in copies("cl100k_base")).read_bytes()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    (tmp_path / file.cached_as).write_bytes(DAMAGED)
    own_folder().mkdir(parents=True)
    (own_folder() / file.cached_as).write_bytes(content)
    monkeypatch.setattr(tiktoken.load, "read_file", lambda _: pytest.fail("tiktoken went to the network"))

    assert [whole for _, whole in copies("cl100k_base")] == [False, True]
    assert tokens.count("tiktoken is great!", "gpt-4") == (6, TokensMethod.EXACT)


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_the_open_models_have_the_ranks_of_the_closed_ones() -> None:
    """o200k_harmony reads the rank file of o200k_base."""
    text = "Things working well together will increase revenue."

    assert tokens.count(text, "gpt-oss-20b") == tokens.count(text, "gpt-4o")
    assert tokens.count(text, "gpt-oss-20b")[1] is TokensMethod.EXACT


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_encodings_are_read_ahead() -> None:
    """After `preload` a count reads no file; names without an encoding are no trouble."""
    tokens.preload(["large", "gpt-4o", "text-davinci-003"])
    for file in set(RANK_FILES.values()):
        assert len(file.sha256) == 64

    from evalrun.tokens import encodings

    before = encodings._load.cache_info().misses
    tokens.count("hello", "gpt-4o")

    assert encodings._load.cache_info().misses == before
