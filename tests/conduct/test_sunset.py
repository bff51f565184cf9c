from __future__ import annotations

import pytest

from evalrun.conduct.sunset import telling_of_ends
from evalrun.providers.ratelimits import rate_facts
from evalrun.records.outcome import Outcome, Response, TokensMethod, Usage
from evalrun.records.request import Request
from tests.providers.makers import request

JULY = "Thu, 30 Jul 2026 00:00:00 GMT"


def answered(headers: dict[str, str]) -> Response:
    """An answer with these headers."""
    usage = Usage(prompt_tokens=1, completion_tokens=1, method=TokensMethod.API)
    return Response(text="Paris", usage=usage, latency_s=0.1, rate=rate_facts(200, headers, "", 1_780_000_000.0))


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"sunset": JULY, "deprecation": "@1777939200"}, "announced its end for 2026-07-30"),
        ({"sunset": JULY}, "announced its end for 2026-07-30"),
        ({"deprecation": "@1777939200"}, "deprecated"),
        ({"deprecation": "true"}, "deprecated"),
        ({"sunset": "soon"}, "deprecated"),
        ({"deprecation": "false"}, ""),
        ({}, ""),
    ],
)
async def test_an_end_is_told_once(headers: dict[str, str], words: str) -> None:
    """An answer with the date of its service's end counts, and that is said once for each model."""

    async def send(_request: Request) -> Outcome:
        return answered(headers)

    said: list[str] = []
    asked = telling_of_ends(send, said.append)
    outcomes = [await asked(request(model=model)) for model in ("a", "a", "b")]

    assert all(isinstance(outcome, Response) for outcome in outcomes)
    assert len(said) == (2 if words else 0)
    assert all(words in line for line in said)
    assert [line.partition(":")[0] for line in said] == (["lab/a", "lab/b"] if words else [])
