from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from evalrun.tokens.encodings import RANK_FILES, own_folder
from tests.cli.harness import call
from tests.conduct.test_ranks import server
from tests.providers.rawserver import Say, reply


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder of rank files but evalrun's own, which is empty."""
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("words", [("tokens",), ("tokens", "list")])
def test_encodings_are_listed_with_what_to_do(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    """Each encoding is there with its models and the command that fetches it; a damaged copy is named."""
    own_folder().mkdir(parents=True)
    damaged = own_folder() / RANK_FILES["p50k_base"].cached_as
    damaged.write_bytes(b"half of")
    said = call(capsys, *words)

    assert said.code == 0
    assert "cl100k_base    not at hand: evalrun tokens fetch cl100k_base\n" in said.out
    assert "for gpt-4, gpt-3.5-turbo" in said.out
    assert f"not used, for its hash is another: {damaged}" in said.out


def test_the_list_as_json_has_every_encoding(capsys: pytest.CaptureFixture[str]) -> None:
    """--json tells the same to programs."""
    found = json.loads(call(capsys, "tokens", "--json").out)["encodings"]

    assert {one["encoding"] for one in found} == set(RANK_FILES)
    assert all(one["path"] is None and one["damaged"] == [] for one in found)


@pytest.mark.shared
def test_a_fetched_encoding_is_at_hand(capsys: pytest.CaptureFixture[str], shared_data: Path) -> None:
    """What `tokens fetch` brings from a mirror is listed with its place."""
    file = RANK_FILES["cl100k_base"]
    content = (shared_data.parent / "tiktoken-cache" / file.cached_as).read_bytes()
    with server(Say(reply(content))) as one:
        said = call(capsys, "tokens", "fetch", "cl100k_base", "--mirror", one.url, "--timeout", "30")
    listed = call(capsys, "tokens")

    assert said.code == 0, said.err
    assert f"cl100k_base    {own_folder() / file.cached_as}\n" in listed.out
    assert b"GET /v1/cl100k_base.tiktoken" in one.requests[0]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("fetch", "cl100kbase"), "cl100kbase: no such encoding (did you mean cl100k_base?)"),
        (("fetch", "--mirror", "ftp://example.org"), "--mirror ftp://example.org: this is no address"),
        (("fetch", "--timeout", "nan"), "nan is not a number"),
        (("count", "none.txt", "--model", "gpt-4o"), "none.txt: cannot be read (No such file or directory)"),
        (("count", "latin.txt", "--model", "gpt-4o"), "latin.txt: not UTF-8 text (byte 3)"),
        (("count", "latin.txt"), "Missing option '--model'"),
    ],
)
def test_mistakes_are_told_in_words(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], complaint: str) -> None:
    """What cannot be done is said, with 2 as the exit code."""
    Path("latin.txt").write_bytes("café".encode("latin-1"))
    said = call(capsys, "tokens", *words)

    assert said.code == 2
    assert complaint in said.err


def test_a_download_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The wrong file ends with 2 and a sentence, never a traceback."""
    with server(Say(reply(b"<html>"))) as one:
        said = call(capsys, "tokens", "fetch", "o200k_base", "--mirror", one.url)

    assert said.code == 2
    assert "o200k_base.tiktoken: not the file that was published for o200k_base" in said.err


def test_a_text_is_counted_by_estimate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an encoding the figure is marked with ~ and says why; standard input is read where no file is named."""
    Path("text.txt").write_text("What is the capital of France?")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"What is the capital of France?")))
    unknown = call(capsys, "tokens", "count", "text.txt", "--model", "simulator/large")
    absent = call(capsys, "tokens", "count", "--model", "text-davinci-003")

    assert unknown.out == "~7 tokens (an estimate: no encoding is published for this model)\n"
    assert absent.out == "~7 tokens (an estimate: p50k_base is not at hand; evalrun tokens fetch p50k_base)\n"
