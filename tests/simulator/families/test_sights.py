from __future__ import annotations

import pytest

from evalrun.records.message import Image, Message
from evalrun.simulator.families import sights
from evalrun.simulator.models import MODELS, speak, understand
from evalrun.simulator.pictures import Sight
from tests.simulator.png import BLUE, RED, WHITE, circle, data_url, described, png, square

SQUARE = data_url(png(48, 48, square(48, 24), RED, WHITE))
CIRCLE = data_url(png(60, 40, circle(40, 12), BLUE, WHITE))
DOG = data_url(png(20, 10, square(10, 4), extra=described('A brown dog beside a green door with a sign "NO CATS".')))
FAR = "https://example.com/cat.png"


def shown(question: str, *urls: str) -> list[Message]:
    """A question with pictures."""
    return [Message(role="user", content=(question, *(Image(source=url) for url in urls)))]


@pytest.mark.parametrize(
    ("question", "urls", "expected"),
    [
        ("What colour is the square?", [SQUARE], "Red"),
        ("What color is the background?", [SQUARE], "White"),
        ("What is in this picture?", [SQUARE], "A red square on a white background"),
        ("Which shape is it?", [CIRCLE], "circle"),
        ("How wide is it?", [SQUARE], "48"),
        ("How tall is the image? Answer with only the number.", [CIRCLE], "40"),
        ("What are its dimensions?", [CIRCLE], "60 × 40 pixels"),
        ("What is the format of this picture?", [CIRCLE], "PNG"),
        ("What is in this picture?", [DOG], 'A brown dog beside a green door with a sign "NO CATS"'),
        ("What colour is the dog?", [DOG], "Brown"),
        ("What colour is the door?", [DOG], "Green"),
        ("Is there a dog in the picture?", [DOG], "Yes"),
        ("Is there a car in the picture?", [DOG], "No"),
        ("What does the sign say?", [DOG], "NO CATS"),
        ("How many pictures are there?", [DOG, FAR], "2"),
        ("What colour is the first picture?", [SQUARE, CIRCLE], "Red"),
        ("What colour is the second image?", [SQUARE, CIRCLE], "Blue"),
        ("What is in this picture?", [FAR], sights.UNSEEN),
        ("What is in the second picture?", [SQUARE, FAR], sights.UNSEEN),
        ("What is the capital of France?", [SQUARE], "Paris"),
    ],
)
def test_questions_about_pictures(question: str, urls: list[str], expected: str) -> None:
    """The answer is what the bytes show; what is not there is not seen; other questions are answered as ever."""
    assert understand(shown(question, *urls))[0].text == expected


def test_a_jpeg_has_a_size_and_no_colour() -> None:
    """What was not computed is not claimed: of other kinds the size is told."""
    seen = Sight(kind="JPEG", width=30, height=20)
    found = sights.answer("What is in this picture?", [seen])
    colour = sights.answer("What colour is it?", [seen])

    assert found is not None
    assert found.text == "A JPEG of 30 × 20 pixels"
    assert colour is not None
    assert colour.text == "I cannot tell its colour."


def test_a_picture_is_remembered() -> None:
    """A later question is about the picture that was shown before."""
    talk = [*shown("What is in this picture?", SQUARE), Message(role="assistant", content="A red square.")]

    assert understand([*talk, Message(role="user", content="What colour is the square?")])[0].text == "Red"


def test_models_err_about_pictures_too() -> None:
    """Over many pictures the small model errs clearly more often than the large one."""
    urls = [data_url(png(side, side, square(side, side // 2 * 2 - 4), RED, WHITE)) for side in range(20, 80)]
    wrong = {
        model: sum(
            "red" not in speak(model, shown("What colour is it?", url), temperature=0).text.lower() for url in urls
        )
        for model in MODELS
    }

    assert wrong["large"] < wrong["small"]
    assert wrong["small"] >= 6


def test_the_picture_is_in_the_draw() -> None:
    """Another picture is another question."""
    one, two = (speak("small", shown("How wide is it?", url), temperature=0) for url in (SQUARE, CIRCLE))

    assert one.latency_s != two.latency_s
