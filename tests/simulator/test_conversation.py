from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Message
from evalrun.simulator.models import MODELS, render, speak, understand


def talk(*texts: str) -> list[Message]:
    """User and assistant in turn, the user first."""
    return [Message(role="assistant" if at % 2 else "user", content=text) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("What is 6 times 7?", "42", "Add 5 to that."), "47"),
        (("What is 6 times 7?", "6 * 7 = 42", "Subtract 2 from it."), "40"),
        (("What is 6 times 7?", "The answer is 42.", "Double that."), "84"),
        (("What is 6 times 7?", "42", "Multiply the result by 3."), "126"),
        (("What is 6 times 7?", "42", "And now divide by 6."), "7"),
        (("What is 6 times 7?", "42", "Plus 8?"), "50"),
        (("What is 6 times 7?", "42", "Is that even?"), "Yes"),
        (("What is 6 times 7?", "42", "What is that minus 2?"), "40"),
        (("What is 900 + 100?", "1,000", "Add 5 to that."), "1005"),
        (("What is 2 + 2?", "4", "Add 1 to that.", "5", "Add 1 to that."), "6"),
        (("What is the capital of France?", "Paris", "And its currency?"), "euro"),
        (("What is the capital of France?", "Paris", "And of Italy?"), "Rome"),
        (("What is the currency of Japan?", "yen", "What about Poland?"), "zloty"),
        (("What is the capital of France?", "Paris", "What language do they speak there?"), "French"),
        (("What is the capital of France?", "Paris", "Reverse it."), "siraP"),
        (("What is the capital of France?", "Paris", "How many letters does that have?"), "5"),
        (("What is the capital of France?", "Paris.", "Write that in upper case."), "PARIS"),
        (("Remember the number 42.", "OK", "What number did I ask you to remember?"), "42"),
        (("Remember this word: apple", "OK", "Which word was it?"), "apple"),
        (("My name is Ada.", "OK", "What is my name?"), "Ada"),
        (("My favourite colour is green. Remember it.", "OK", "What is my favourite colour?"), "green"),
        (
            ("Remember the number 7.", "OK", "What is 2 + 3?", "5", "Add the number I asked you to remember to that."),
            "12",
        ),
        (("What is 2 + 2?", "4", "What was my first question?"), "What is 2 + 2?"),
        (("What is the capital of France?", "Paris", "What did you say?"), "Paris"),
        (("Remember the number 42.",), "OK"),
        (("Add 5 to 12.",), "17"),
        (("Subtract 5 from 12.",), "7"),
    ],
)
def test_a_question_means_what_was_said_before(texts: tuple[str, ...], expected: str) -> None:
    """What refers to an earlier turn is taken from there."""
    assert understand(talk(*texts))[0].text == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("What is 6 times 7?", "41", "Add 5 to that."), "46"),
        (("In which country is the zloty used?", "Hungary", "What is its capital?"), "Budapest"),
        (("What is the capital of France?", "Lyon", "Reverse it."), "noyL"),
    ],
)
def test_wrong_replies_count_as_well(texts: tuple[str, ...], expected: str) -> None:
    """A model believes what it said, also where that was wrong."""
    assert understand(talk(*texts))[0].text == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Italy?",
        "What is 2 + 2?",
        'Reverse the word "that".',
        "Is Sydney the capital of Australia?",
    ],
)
def test_what_stands_for_itself_is_answered_for_itself(question: str) -> None:
    """An earlier turn does not change a question that does not refer to it."""
    alone = understand(talk(question))[0]

    assert understand(talk("What is the capital of France?", "Paris", question))[0].text == alone.text


def test_the_form_is_still_the_users() -> None:
    """What a follow-up asks of the form holds for its answer."""
    answer, form = understand(talk("What is 6 times 7?", "42", "Add 5 to that. Answer as JSON with the key answer."))

    assert render(answer, form, talks=True) == '{"answer": 47}'


def test_without_anything_before_nothing_is_made_up() -> None:
    """A reference to nothing is not understood."""
    assert understand(talk("Add 5 to that."))[0].family == "unknown"
    assert understand(talk("And its currency?"))[0].family == "unknown"
    assert understand(talk("Hello", "Hi", "What number did I ask you to remember?"))[0].family == "unknown"


WORDS = [
    "that",
    "it",
    "its",
    "add 5 to",
    "and",
    "plus 3",
    "remember",
    "the number 7",
    "my name is Ada",
    "what",
    "capital",
    "France",
    "?",
    ".",
    "42",
    "the result",
    "reverse",
    "the number I told you before",
    "first question",
    "\n",
]


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), min_size=1, max_size=5))
def test_any_talk_gets_a_reply(texts: list[str]) -> None:
    """Whatever was said before, in whatever words, something is answered."""
    assert all(isinstance(speak(model, talk(*texts)).text, str) for model in MODELS)


@pytest.mark.parametrize(
    "part", ["\n", " ", ", ", "my a is ", "remember ", "the a: ", "that ", "1 ", "its ", "the number I told you "]
)
def test_no_talk_takes_long(part: str) -> None:
    """A long repetition of anything that is looked for is over in a moment."""
    began = time.perf_counter()
    long = part * (20_000 // len(part))
    speak("large", talk(long, long, long, long, long))

    assert time.perf_counter() - began < 3
