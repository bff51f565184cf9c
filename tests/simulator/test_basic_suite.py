"""The demo's questions are ones that the models understand; how it runs is tested with the runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evalrun.simulator.models import MODELS, render, speak, understand
from tests.simulator.questions import asked

SUITE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "suites" / "basic.yaml").read_text("utf-8"))
SYSTEM = SUITE["prompts"]["brief"]["system"]


def contains(text: str, expected: str | list[str]) -> bool:
    """Whether any of what is expected is in the text, in upper or lower case."""
    return any(each.lower() in text.lower() for each in ([expected] if isinstance(expected, str) else expected))


@pytest.mark.parametrize("case", SUITE["cases"], ids=lambda case: case["id"])
def test_every_question_of_the_demo_is_understood(case: dict[str, Any]) -> None:
    """The right answer of the models, which know nothing of the suite, is the expected one."""
    answer, form = understand(asked(case["vars"]["question"], SYSTEM))

    assert answer.family != "unknown"
    assert contains(render(answer, form, talks=False), case["expected"])


def test_the_demo_tells_the_models_apart() -> None:
    """Large is clearly better than small, and medium lies between them."""
    right = {
        model: sum(
            contains(speak(model, asked(case["vars"]["question"], SYSTEM), temperature=0).text, case["expected"])
            for case in SUITE["cases"]
        )
        for model in MODELS
    }

    assert 40 <= len(SUITE["cases"]) <= 60
    assert right["large"] >= 45
    assert right["large"] - right["medium"] >= 3
    assert right["medium"] - right["small"] >= 3
    assert right["small"] > 25
