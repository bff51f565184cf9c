from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.records.message import Message
from evalrun.simulator.models import MODELS, render, speak, understand
from tests.simulator.questions import asked, questions

QUESTIONS = questions(640)


def said_by_all() -> str:
    """Everything that the models say to some of the questions, as one hash."""
    replies = [
        speak(model, asked(question), temperature=temperature, seed=3)
        for model in MODELS
        for question, _ in QUESTIONS[:80]
        for temperature in (0.0, 0.8)
    ]
    return hashlib.sha256(repr(replies).encode()).hexdigest()


def test_every_process_says_the_same() -> None:
    """Neither the process nor PYTHONHASHSEED is in a reply."""
    program = "from tests.simulator.test_models import said_by_all; print(said_by_all())"
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)

    assert other.stdout.strip() == said_by_all()


def test_the_order_of_calls_is_in_no_reply() -> None:
    """Asked in another order, each question gets the same reply."""
    forth = [speak("small", asked(question)) for question, _ in QUESTIONS[:60]]
    back = [speak("small", asked(question)) for question, _ in reversed(QUESTIONS[:60])]

    assert forth == back[::-1]


def test_the_seed_counts_above_temperature_zero_only() -> None:
    """At temperature 0 every seed gives the same reply; above it another seed is another draw."""
    cold = [{speak("small", asked(q), temperature=0, seed=seed) for seed in (None, 1, 2)} for q, _ in QUESTIONS[:100]]
    warm = [{speak("small", asked(q), temperature=1, seed=seed).text for seed in range(6)} for q, _ in QUESTIONS[:100]]

    assert all(len(replies) == 1 for replies in cold)
    assert sum(len(replies) > 1 for replies in warm) > 50


@pytest.mark.parametrize(
    ("model", "temperature", "least", "most"),
    [
        ("large", 0.0, 0.02, 0.08),
        ("medium", 0.0, 0.15, 0.30),
        ("small", 0.0, 0.22, 0.42),
        ("large", 1.0, 0.03, 0.12),
        ("small", 1.0, 0.33, 0.60),
    ],
)
def test_models_err_as_often_as_their_size_says(model: str, temperature: float, least: float, most: float) -> None:
    """The share of errors over many questions lies in the model's band; nearly all of them show in the text."""
    replies = [(speak(model, asked(q), temperature=temperature, seed=1), right) for q, right in QUESTIONS]
    erred = sum(reply.erred for reply, _ in replies) / len(replies)
    wrong = sum(right not in reply.text for reply, right in replies) / len(replies)

    assert least <= erred <= most
    assert 0.6 * erred <= wrong <= erred


def test_who_does_not_err_is_right() -> None:
    """A reply that was no error contains the right answer, whatever the family."""
    for question, right in QUESTIONS:
        reply = speak("medium", asked(question), temperature=0)

        assert reply.erred or right in reply.text, (question, reply.text)


def test_latencies_differ_by_model_and_request() -> None:
    """A reply's time lies in its model's range, or in the one that is given, and depends on the request."""
    for model, mind in MODELS.items():
        times = {speak(model, asked(question)).latency_s for question, _ in QUESTIONS[:50]}
        assert len(times) > 40
        assert mind.latency_s[0] <= min(times) <= max(times) <= mind.latency_s[1]
    assert speak("large", asked("Hello?"), latency_s=(2.0, 2.0)).latency_s == 2.0


@pytest.mark.parametrize(
    "question", ["Who wrote Faust?", "Why is there something and not nothing?", "", "?", "{{ x }}"]
)
def test_what_no_model_knows_is_admitted(question: str) -> None:
    """An unknown question gets an honest non-answer."""
    assert all("I am not sure." in speak(model, asked(question)).text for model in MODELS)


@pytest.mark.parametrize(
    ("system", "question", "expected"),
    [
        ("Answer with one word.", "What is the capital of France?", "Paris"),
        ("You name the capital of a country in upper case.", "Japan", "TOKYO"),
        ("Answer as JSON with the key answer.", "What is 6 times 7?", '{"answer": 42}'),
        ("Reply in JSON.", "What is the capital of Kenya?", '{"answer": "Nairobi"}'),
        ("Answer in a full sentence.", "What is the capital of Spain?", "The capital of Spain is Madrid."),
        ("Answer in a full sentence.", 'Reverse "abc".', "The answer is cba."),
        ("Begin your answer with Sir,", "What is 2 + 2? Only the number.", "Sir 4"),
        ("End with Done.", "What is 2 + 2? Only the number.", "4 Done"),
        ("Extract name and email as JSON.", "I am Ada Byron, ada@example.org, hello there.",
         '{"name": "Ada Byron", "email": "ada@example.org"}'),
        ("Answer as JSON with the key answer.", "Who wrote Faust?", '{"answer": null}'),
    ],
)  # fmt: skip
def test_the_system_message_is_read(system: str, question: str, expected: str) -> None:
    """The form of a reply, and sometimes the task, is what the system message asks for."""
    answer, form = understand(asked(question, system))

    assert render(answer, form, talks=False) == expected


def test_the_last_question_counts() -> None:
    """In a conversation it is the last user message that is answered."""
    talk = [
        Message(role="user", content="What is the capital of France?"),
        Message(role="assistant", content="Paris"),
        Message(role="user", content="What is the capital of Italy?"),
    ]

    assert understand(talk)[0].text == "Rome"


def test_json_can_be_asked_for_by_parameter() -> None:
    """json_only makes a JSON object of the reply, whatever the messages say."""
    replies = [speak("large", asked(question), temperature=0, json_only=True) for question, _ in QUESTIONS[:100]]

    assert all(isinstance(json.loads(reply.text), dict) for reply in replies if not reply.erred)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text(max_size=200)), max_size=4))
def test_any_conversation_gets_a_reply(talk: list[tuple[str, str]]) -> None:
    """Whatever is said, every model says something back and nothing is raised."""
    for model in MODELS:
        assert isinstance(speak(model, [Message(role=role, content=text) for role, text in talk]).text, str)


KNOWN_WORDS = [
    *(
        "%",
        "(",
        ")",
        "+",
        "-",
        "*",
        "/",
        "^",
        '"',
        ":",
        "?",
        ",",
        "12",
        "3.5",
        "0",
        "-1",
        "of",
        "the",
        "capital",
        "France",
    ),
    *("JSON", "with", "keys", "extract", "reverse", "letter", "words", "sort", "list", "each", "share", "first", "in"),
    *(
        "replace",
        "a",
        "is",
        "prime",
        "name",
        "percent",
        "third",
        "palindrome",
        "\n",
        "what is",
        "how many",
        "days of the week",
    ),
    *("upper case", "square root of", "remainder when", "times as many", "average of", "difference between"),
]


@given(st.lists(st.sampled_from(KNOWN_WORDS)).map(" ".join))
def test_any_jumble_of_known_words_gets_a_reply(text: str) -> None:
    """Words that the rules look for, in any order, raise nothing."""
    assert isinstance(speak("medium", asked(text, text)).text, str)


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", [" ", "a", "A", "1", "-", "(", "A ", "A-", "1 (", "a:b ", "\n", '"', "a, ", "key a ", "9^9^", "name is A "]
)
def test_no_prompt_takes_long(part: str) -> None:
    """A long repetition of anything is answered in a moment."""
    began = time.perf_counter()
    for before in ("", "What is ", "Extract the name, email, price and company as JSON from this text: "):
        speak("large", asked(before + part * (20_000 // len(part))))

    assert time.perf_counter() - began < 3
