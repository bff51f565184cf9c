from __future__ import annotations

import pytest

from evalrun.records.message import ToolCall
from evalrun.simulator.families import formats
from evalrun.simulator.models import render, speak, understand
from evalrun.simulator.tools import results
from tests.simulator.tools.toolbox import answered, ask, wants

PARIS, ROME = (ToolCall(id=name, name="get_weather", arguments=f'{{"city":"{name}"}}') for name in ("Paris", "Rome"))
BARE = ToolCall(id="bare", name="now", arguments="{}")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([(PARIS, "18 degrees, sunny.")], "For Paris: 18 degrees, sunny."),
        ([(PARIS, '{"temperature": 18, "sky": "clear"}')], "For Paris: temperature 18, sky clear."),
        ([(PARIS, "18"), (ROME, "24")], "Paris: 18; Rome: 24."),
        ([(BARE, "12:30")], "The result is 12:30."),
        ([(BARE, '["a", [1, null]]')], "The result is a, 1, null."),
        ([(BARE, "")], "The tool answered nothing."),
        ([(BARE, "[" * 900)], f"The result is {'[' * 900}."),
    ],
)
def test_results_are_said_in_a_sentence(given: list[tuple[ToolCall, str]], expected: str) -> None:
    """Every result is in the answer, with what its call was about."""
    answer, form = understand(answered("What is the weather?", *given))

    assert render(answer, form, talks=True) == expected


def test_the_form_is_kept() -> None:
    """A number or JSON is made of the results where that was asked for."""
    question = "What is the weather in Paris? Answer with only the number."
    number = understand(answered(question, (PARIS, "It is 18 degrees.")))
    fields = understand(
        answered("As JSON with the keys sky and temperature.", (PARIS, '{"sky": "clear", "temperature": 9}'))
    )

    assert render(*number, talks=True) == "18"
    assert render(*fields, talks=True) == '{"sky": "clear", "temperature": 9}'


def test_only_the_last_questions_results_count() -> None:
    """What an earlier question brought is not said again; a new question is answered for itself."""
    talk = [*answered("First?", (PARIS, "18")), *answered("Second?", (ROME, "24"))]
    answer = results.answer(talk, formats.read(""))

    assert answer is not None
    assert answer.text == "24"
    assert results.answer([*talk, *ask("And now?")], formats.read("")) is None


def test_models_answer_from_results_and_err_sometimes() -> None:
    """Nearly all answers of the large model hold the result; the small one gets some of them wrong."""

    def right(model: str) -> int:
        every = [
            speak(
                model,
                answered(f"{n}: the weather in Paris?", (PARIS, f"{n + 20} degrees")),
                temperature=0,
                wants=wants(),
            )
            for n in range(150)
        ]
        return sum(f"{n + 20} degrees" in spoken.text for n, spoken in enumerate(every))

    assert right("large") > 140
    assert 90 < right("small") < 148
