from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Image
from evalrun.records.outcome import TokensMethod
from evalrun.tokens import image_tokens

MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1-mini", "o4-mini", "gpt-6", "claude-opus-5-5", "gemini-2.0-flash", "large")


def image(width: int | None, height: int | None, detail: str = "high") -> Image:
    """A picture of that size."""
    return Image(source="sha256:0", width=width, height=height, detail=detail)


@pytest.mark.parametrize(
    ("model", "picture", "expected"),
    [
        ("gpt-4o", image(4096, 8192, "low"), 85),
        ("gpt-4o", image(1024, 1024), 765),
        ("gpt-4o", image(2048, 4096), 1105),
        ("gpt-4o", image(1024, 1024, "auto"), 765),
        ("gpt-4o", image(512, 512), 255),
        ("gpt-4o", image(513, 512), 425),
        ("openai/gpt-4.1", image(1024, 1024), 765),
        ("ft:gpt-4o-2024-08-06:team::id", image(1024, 1024), 765),
        ("gpt-4o-mini", image(1024, 1024, "low"), 2833),
        ("gpt-4o-mini", image(1024, 1024), 2833 + 4 * 5667),
        ("gpt-5", image(1024, 1024), 70 + 4 * 140),
        ("o3", image(1024, 1024), 75 + 4 * 150),
        ("gpt-4.1-mini", image(1024, 1024), 1659),  # 1024 patches × 1.62
        ("gpt-4.1-mini", image(1800, 2400), 2353),  # 1452 patches × 1.62
        ("gpt-5-nano", image(32, 33), 5),  # 2 patches × 2.46
        ("o4-mini", image(1024, 1024), 1762),
    ],
)
def test_published_rules(model: str, picture: Image, expected: int) -> None:
    """Tiles and patches count as OpenAI's guide counts them, its examples among them, and are exact."""
    assert image_tokens(picture, model) == (expected, TokensMethod.EXACT)


@pytest.mark.parametrize(
    ("model", "picture", "expected"),
    [
        ("gpt-4o", image(None, None, "auto"), 765),
        ("gpt-4o", image(0, 10), 765),
        ("gpt-4.1-mini", image(1024, 1024, "low"), 415),  # 256 patches × 1.62
        ("large", image(1024, 1024), 765),
        ("gpt-6-sol", image(2560, 1440, "high"), 2931),
        ("gpt-6-sol", image(2560, 1440, "original"), 4320),
        ("claude-haiku-4-5", image(1000, 1000), 1296),
        ("claude-haiku-4-5", image(8000, 8000), 1600),
        ("claude-opus-4-7", image(2000, 1500), 3888),
        ("claude-opus-5-5", image(8000, 8000), 4784),
        ("gemini-2.0-flash", image(384, 384), 258),
        ("gemini-2.0-flash", image(769, 768), 516),
        ("gemini-3-flash-preview", image(384, 384), 1120),
        ("google/gemini-4-argon", image(384, 384), 1120),
    ],
)
def test_other_rules_are_estimates(model: str, picture: Image, expected: int) -> None:
    """A size that nobody knows, a model without a rule and other vendors' rules are marked as estimates."""
    assert image_tokens(picture, model) == (expected, TokensMethod.ESTIMATE)


@given(st.sampled_from(MODELS), st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["low", "high", "auto"]))
def test_any_size_has_a_count(model: str, width: int, height: int, detail: str) -> None:
    """Whatever the size, there is a count: at least one token, the same lying as standing, never without an end."""
    found = image_tokens(image(width, height, detail), model)[0]

    assert 1 <= found <= 50_000
    assert image_tokens(image(height, width, detail), model)[0] == found
