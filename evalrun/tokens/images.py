"""How many tokens a picture is, by the rules that the vendors publish for its size. Pure.

OpenAI (platform.openai.com/docs/guides/images-vision) has two: *tiles* of 512 pixels after shrinking, and *patches* of
32 pixels under a budget, times a factor. Anthropic (platform.claude.com/docs/en/build-with-claude/vision): patches of
28 pixels after shrinking. Gemini: ai.google.dev/gemini-api/docs/tokens and …/media-resolution.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from evalrun.records.message import Image
from evalrun.records.outcome import TokensMethod
from evalrun.tokens.encodings import plain_name

UNKNOWN_SIZE = (1024, 1024)
"""What a picture of unknown size is reckoned at, in pixels."""

_TILE, _TILES_WITHIN, _TILES_SHORT_SIDE = 512, 2048, 768
_PATCH, _LOW_WITHIN = 32, 512
_CLAUDE_PATCH = 28
_GEMINI_TILE, _GEMINI_SMALL, _GEMINI_WITHIN = 768, 384, 3072
_GEMINI_TILE_TOKENS, _GEMINI_3_TOKENS = 258, 1120


@dataclass(frozen=True, slots=True)
class _Tiles:
    """*base* tokens, and in high detail *each* tile's besides."""

    base: int
    each: int


@dataclass(frozen=True, slots=True)
class _Patches:
    """A token a patch, times *factor*, for at most *budget* patches; *original* is the budget of that detail."""

    factor: Fraction
    budget: int = 1536
    original: int | None = None


# By the beginning of the name, the longest that fits.
_MINI, _NANO, _NEWER = Fraction("1.62"), Fraction("2.46"), _Patches(Fraction("1.2"), budget=2500, original=10_000)
_OPENAI: dict[str, _Tiles | _Patches] = {
    "gpt-4o-mini": _Tiles(2833, 5667),
    **dict.fromkeys(("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-4-turbo", "gpt-4-vision"), _Tiles(85, 170)),
    "gpt-4": _Tiles(85, 170),
    **dict.fromkeys(("o1", "o3"), _Tiles(75, 150)),
    "computer-use-preview": _Tiles(65, 129),
    "gpt-5": _Tiles(70, 140),
    **dict.fromkeys(("gpt-4.1-mini", "gpt-5-mini"), _Patches(_MINI)),
    **dict.fromkeys(("gpt-4.1-nano", "gpt-5-nano"), _Patches(_NANO)),
    "o4-mini": _Patches(Fraction("1.72")),
    **dict.fromkeys(("gpt-5.4", "gpt-5.5", "gpt-6"), _NEWER),
}
_OPENAI_NAMES = sorted(_OPENAI, key=len, reverse=True)

# Claude since Opus 4.7 sees pictures larger: pixels of the long side, tokens at most.
_CLAUDE_LARGE, _CLAUDE = (2576, 4784), (1568, 1600)
_CLAUDE_NEW = re.compile(r"claude-(?:[a-z]+-)?(?:opus-4[-.][789]|[a-z]+-[5-9])")


def image_tokens(image: Image, model: str) -> tuple[int, TokensMethod]:
    """How many tokens *image* is for *model*, and how that was found.

    Exact where OpenAI's rule for the model and the size are known. Where the size is not, the picture is taken for one
    of 1024 × 1024 pixels in high detail, as an estimate; a model without a published rule is estimated as gpt-4o.
    Detail ``auto`` is reckoned as the closest look that the model takes.
    """
    name = plain_name(model).removeprefix("ft:")
    known = bool(image.width and image.height and image.width > 0 and image.height > 0)
    width, height = (image.width or 1, image.height or 1) if known else UNKNOWN_SIZE
    if "claude" in name:
        return _claude(width, height, name), TokensMethod.ESTIMATE
    if "gemini" in name:
        return _gemini(width, height, name), TokensMethod.ESTIMATE
    prefix = next((prefix for prefix in _OPENAI_NAMES if name.startswith(prefix)), None)
    rule = _OPENAI[prefix or "gpt-4o"]
    low = image.detail == "low"
    if isinstance(rule, _Tiles):
        found = rule.base if low else rule.base + rule.each * _tiles(width, height)
        return found, TokensMethod.EXACT if prefix and (known or low) else TokensMethod.ESTIMATE
    budget = rule.budget if image.detail == "high" else rule.original or rule.budget
    patches = _patches(*_within(width, height, _LOW_WITHIN), budget) if low else _patches(width, height, budget)
    sure = known and not low and rule is not _NEWER
    return math.ceil(patches * rule.factor), TokensMethod.EXACT if sure else TokensMethod.ESTIMATE


def _tiles(width: int, height: int) -> int:
    """Squares of 512 after the picture is shrunk into 2048 × 2048 and then to a short side of 768; never enlarged."""
    wide, high = _within(width, height, _TILES_WITHIN)
    scale = min(Fraction(1), _TILES_SHORT_SIDE / min(wide, high))
    return math.ceil(wide * scale / _TILE) * math.ceil(high * scale / _TILE)


def _patches(width: Fraction | int, height: Fraction | int, budget: int) -> int:
    """Squares of 32; over the budget the picture is shrunk to it, and then until one side is whole patches."""
    wide, high = max(1, math.ceil(width / _PATCH)), max(1, math.ceil(height / _PATCH))
    if wide * high <= budget:
        return wide * high
    shrink = math.sqrt(_PATCH**2 * budget / (width * height))
    across, down = float(width) * shrink / _PATCH, float(height) * shrink / _PATCH
    shrink = min(max(1, math.floor(side)) / side for side in (across, down) if side >= 1)
    return min(budget, max(1, math.ceil(across * shrink)) * max(1, math.ceil(down * shrink)))


def _within(width: int, height: int, side: int) -> tuple[Fraction, Fraction]:
    """A size shrunk until both sides are at most *side*."""
    scale = min(Fraction(1), Fraction(side, max(width, height)))
    return width * scale, height * scale


def _claude(width: int, height: int, name: str) -> int:
    side, most = _CLAUDE_LARGE if _CLAUDE_NEW.search(name) else _CLAUDE
    wide, high = _within(width, height, side)
    return min(most, math.ceil(wide / _CLAUDE_PATCH) * math.ceil(high / _CLAUDE_PATCH))


def _gemini(width: int, height: int, name: str) -> int:
    version = re.search(r"gemini-(\d+)", name)
    if version and int(version[1]) >= 3:
        return _GEMINI_3_TOKENS
    if max(width, height) <= _GEMINI_SMALL:
        return _GEMINI_TILE_TOKENS
    wide, high = _within(width, height, _GEMINI_WITHIN)
    return math.ceil(wide / _GEMINI_TILE) * math.ceil(high / _GEMINI_TILE) * _GEMINI_TILE_TOKENS
