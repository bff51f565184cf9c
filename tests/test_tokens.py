from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun import tokens
from evalrun.records.message import Message
from evalrun.records.outcome import TokensMethod

SHARED = Path(__file__).resolve().parents[2] / "shared" / "tiktoken-cache"

# OpenAI cookbook, "How to count tokens with tiktoken": (name, role, text) of the example that was checked with the API.
EXAMPLE = (
    (
        "",
        "system",
        "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
    ),
    ("example_user", "system", "New synergies will help drive top-line growth."),
    ("example_assistant", "system", "Things working well together will increase revenue."),
    (
        "example_user",
        "system",
        "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
    ),
    ("example_assistant", "system", "Let's talk later when we're less busy about how to do better."),
    ("", "user", "This late pivot means we don't have time to boil the ocean for the client deliverable."),
)
MESSAGES = [Message(role=role, content=text) for _, role, text in EXAMPLE]


def forget() -> None:
    """Let the module look for rank files anew."""
    for cached in (tokens._load, tokens._encoding, tokens._role_tokens):
        cached.cache_clear()


@pytest.fixture
def no_ranks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine without rank files; the folder is TIKTOKEN_CACHE_DIR."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    forget()
    yield tmp_path
    forget()


@pytest.fixture
def ranks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with both rank files at hand."""
    if not SHARED.is_dir():
        pytest.skip(f"no rank files at {SHARED}")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(SHARED))
    forget()
    yield
    forget()


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("openai/gpt-4o-mini", "o200k_base"),
        ("gpt-5.1-codex", "o200k_base"),
        ("o3", "o200k_base"),
        ("gpt-oss-20b", "o200k_base"),
        ("ft:gpt-4o-mini:org::id", "o200k_base"),
        ("ft:gpt-4:org", "cl100k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-4.1", "o200k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("claude-sonnet", None),
        ("simulator/large", None),
        ("", None),
    ],
)
def test_a_model_has_the_encoding_that_is_published(model: str, encoding: str | None) -> None:
    """Exact names come first, then prefixes in their order; an unknown model has none."""
    assert tokens.encoding_name(model) == encoding


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
@pytest.mark.parametrize(
    ("model", "expected"), [("gpt-4", 129), ("gpt-3.5-turbo", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)]
)
def test_the_published_example_counts_as_published(model: str, expected: int) -> None:
    """Six messages count as the API counted them; a name costs its own tokens and one."""
    total, method = tokens.count_messages(MESSAGES, model)
    names = sum(tokens.count(name, model)[0] + 1 for name, _, _ in EXAMPLE if name)

    assert (total + names, method) == (expected, TokensMethod.EXACT)


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_exact_counts_take_special_text_as_plain_text() -> None:
    """A known text has its published count, and text that looks like a special token raises nothing."""
    assert tokens.count("tiktoken is great!", "gpt-4") == (6, TokensMethod.EXACT)
    assert tokens.count("<|endoftext|>", "gpt-4o")[0] > 1
    assert tokens.count("a \ud800 b", "gpt-4o")[1] is TokensMethod.EXACT


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_a_text_that_tiktoken_chokes_on_is_estimated() -> None:
    """A very long run of blanks is never given to tiktoken."""
    assert tokens.count(" " * 1_000_000, "gpt-4o")[1] is TokensMethod.ESTIMATE


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
@pytest.mark.parametrize(
    "text",
    [
        " ".join(text for _, _, text in EXAMPLE),
        "def add(first: int, second: int) -> int:\n    return first + second\n\n\nprint(add(20, 22))\n" * 5,
        '{"name": "Maria Lopez", "items": [1, 2, 3], "total": 129.5, "paid": false}\n' * 5,
    ],
)
def test_the_estimate_is_near_the_exact_count(text: str) -> None:
    """English, code and JSON are estimated within a quarter of o200k's own count."""
    exact = tokens.count(text, "gpt-4o")[0]

    assert tokens.estimate(text) == pytest.approx(exact, rel=0.25)


def test_without_a_rank_file_a_count_is_an_estimate(no_ranks: Path) -> None:
    """Where no file is at hand there is no download, but an estimate that says so."""
    assert tokens.count("What is the capital of France?", "gpt-4o") == (7, TokensMethod.ESTIMATE)
    assert tokens.count_messages(MESSAGES, "gpt-4o")[1] is TokensMethod.ESTIMATE
    assert list(no_ranks.iterdir()) == []


def test_a_rank_file_with_another_hash_is_left_alone(no_ranks: Path) -> None:
    """A damaged file is neither used nor deleted."""
    name, sha256 = tokens.RANK_FILES["o200k_base"]
    (no_ranks / name).write_bytes(b"IQ== 0\n")

    assert hashlib.sha256(b"IQ== 0\n").hexdigest() != sha256
    assert tokens.count("hello", "gpt-4o")[1] is TokensMethod.ESTIMATE
    assert (no_ranks / name).read_bytes() == b"IQ== 0\n"


def test_messages_have_an_overhead() -> None:
    """A request costs three tokens, and each message three and its role besides its text."""
    assert tokens.count_messages([], "large") == (3, TokensMethod.ESTIMATE)
    assert tokens.count_messages([Message(role="user", content="")], "large")[0] == 3 + 3 + 1


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_has_a_count(text: str) -> None:
    """Whatever the text, lone surrogates included, there is a count; only an empty text may count as nothing."""
    assert tokens.estimate(text) >= bool(text)
    assert tokens.count(text, "large") == (tokens.estimate(text), TokensMethod.ESTIMATE)


@given(st.text(alphabet=st.characters(exclude_categories=())), st.integers(0, 20))
def test_a_cut_text_is_a_beginning_within_the_limit(text: str, limit: int) -> None:
    """What is cut to a limit begins the text and counts no more than the limit."""
    short = tokens.cut(text, limit)

    assert text.startswith(short)
    assert tokens.estimate(short) <= limit or not short


@pytest.mark.parametrize(
    "text", [" " * 200_000, "\n" * 200_000, "a" * 200_000, "A" * 200_000, "1" * 200_000, "-_" * 100_000]
)
def test_no_text_takes_long(text: str) -> None:
    """A long run of one sort of character is estimated in a moment."""
    began = time.perf_counter()
    tokens.estimate(text)

    assert time.perf_counter() - began < 2
