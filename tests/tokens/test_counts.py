from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun import tokens
from evalrun.records.message import Image, Message, ToolCall
from evalrun.records.outcome import TokensMethod
from evalrun.tokens.encodings import encoding_of

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
MESSAGES = [Message(role=role, content=text, name=name or None) for name, role, text in EXAMPLE]


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("openai/gpt-4o-mini", "o200k_base"),
        ("gpt-5.1-codex", "o200k_base"),
        ("o3", "o200k_base"),
        ("gpt-oss-20b", "o200k_harmony"),
        ("openrouter/openai/gpt-4o:free", "o200k_base"),
        ("ft:gpt-4o-mini:org::id", "o200k_base"),
        ("ft:gpt-4:org", "cl100k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-4.1", "o200k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("gpt-3.5-turbo-instruct", "cl100k_base"),
        ("davinci-002", "cl100k_base"),
        ("babbage-002", "cl100k_base"),
        ("text-davinci-003", "p50k_base"),
        ("code-davinci-002", "p50k_base"),
        ("text-davinci-001", "r50k_base"),
        ("davinci", "r50k_base"),
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
    ("model", "expected"),
    [
        ("gpt-3.5-turbo-0301", 127),
        ("gpt-3.5-turbo", 129),
        ("gpt-4-0613", 129),
        ("gpt-4", 129),
        ("gpt-4o", 124),
        ("gpt-4o-mini", 124),
    ],
)
def test_the_published_example_counts_as_published(model: str, expected: int) -> None:
    """Six messages, four of them with names, count as the API counted them."""
    assert tokens.count_messages(MESSAGES, model) == (expected, TokensMethod.EXACT)


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_a_frame_that_nobody_published_is_an_estimate() -> None:
    """Texts for a later model are counted in its encoding, but the whole request is marked as estimated."""
    assert tokens.count("hello", "gpt-5.1") == (1, TokensMethod.EXACT)
    assert tokens.count_messages(MESSAGES, "gpt-5.1") == (124, TokensMethod.ESTIMATE)


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_pictures_among_texts_count_by_their_rule() -> None:
    """Each part of a content counts; a picture of unknown size makes the whole an estimate."""
    texts = tokens.count_messages([Message(role="user", content="What is it?")], "gpt-4o")[0]
    small, unknown = Image(source="sha256:1", detail="low"), Image(source="https://example.org/a.png")

    def asked(image: Image) -> tuple[int, TokensMethod]:
        return tokens.count_messages([Message(role="user", content=("What is it?", image))], "gpt-4o")

    assert asked(small) == (texts + 85, TokensMethod.EXACT)
    assert asked(unknown) == (texts + 765, TokensMethod.ESTIMATE)


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_calls_and_results_count_as_an_estimate() -> None:
    """What a model called, and what it was told, cost tokens of the next request; no rule says how many."""
    call = ToolCall(id="call_1", name="weather", arguments='{"city": "Paris"}')
    called = [*MESSAGES, Message(role="assistant", content="", tool_calls=(call,))]
    told = [*called, Message(role="tool", content="18 degrees", tool_call_id="call_1")]
    counts = [tokens.count_messages(messages, "gpt-4o") for messages in (MESSAGES, called, told)]

    assert counts[0][0] < counts[1][0] < counts[2][0]
    assert [method for _, method in counts[1:]] == [TokensMethod.ESTIMATE] * 2


@pytest.mark.shared
@pytest.mark.usefixtures("ranks")
def test_exact_counts_take_special_text_as_plain_text() -> None:
    """A known text has its published count, and text that looks like a special token raises nothing."""
    encoding = encoding_of("gpt-4")

    assert encoding is not None
    assert encoding.encode_ordinary("tiktoken is great!") == [83, 1609, 5963, 374, 2294, 0]
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
