from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.keys import Secret
from evalrun.redact import Redactor

KEY = 'sk-canary/9+x"7&=Zq<w'

SPELLINGS = {
    "plain": KEY,
    "header": f"Authorization: Bearer {KEY}",
    "url": quote(KEY, safe=""),
    "url, lower case": re.sub("%..", lambda m: m[0].lower(), quote(KEY, safe="")),
    "form": quote_plus(KEY),
    "json": json.dumps({"k": KEY}),
    "json, escaped slash": json.dumps(KEY).replace("/", "\\/"),
    "json, all escaped": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "html": html.escape(KEY),
    "hex": KEY.encode().hex(),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64, basic": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "base64, shifted": base64.b64encode(f"u:{KEY}xyz".encode()).decode(),
    "base64, url": base64.urlsafe_b64encode(f"me:{KEY}".encode()).decode(),
}


def middle(text: str) -> str:
    """The letters of a spelling that are surely the key's own."""
    return text[len(text) // 3 : -len(text) // 3]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_masked(spelling: str) -> None:
    """A known key is masked however a server or a library spells it."""
    text = SPELLINGS[spelling]

    shown = Redactor([Secret(KEY)])(f"<before> {text} <after>")

    assert "***" in shown
    assert middle(text) not in shown
    assert shown.startswith("<before> ")
    assert shown.endswith(" <after>")


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60), st.text())
def test_any_key_in_any_text(key: str, around: str) -> None:
    """No key of eight or more letters survives, in whatever text it stands."""
    redact = Redactor([Secret(key)])

    assert key not in redact(around + key + around).replace("***", "\0")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/x", "https://***@host/x"),
        ("to postgres://me@db:5432/x and http://a:b@c", "to postgres://***@db:5432/x and http://***@c"),
        ("mail me@example.com or https://host/@me", "mail me@example.com or https://host/@me"),
        ("no secret at all", "no secret at all"),
    ],
)
def test_user_names_in_urls(text: str, shown: str) -> None:
    """What stands before @ in a URL is masked; mail addresses are left alone."""
    assert Redactor([])(text) == shown


def test_answers_are_touched_only_where_a_key_stands() -> None:
    """`known` masks keys and nothing else, so that an answer stays what the model said."""
    redact = Redactor([Secret("sk-canary-123456")])

    assert redact.known("git clone https://me@host sk-canary-123456") == "git clone https://me@host ***"


def test_short_words_are_no_keys() -> None:
    """A dummy key such as ``none`` does not tear words apart."""
    assert Redactor([Secret("none")])("nonetheless") == "nonetheless"


def test_repr_shows_no_key() -> None:
    """A redactor does not show what it hides."""
    assert "canary" not in repr(Redactor([Secret("sk-canary-123456")]))


def test_a_long_text_takes_no_time() -> None:
    """A body at the cap is redacted without the time growing with the square of its length."""
    text = "https://" + "a" * 2_000_000

    assert Redactor([Secret("sk-canary-123456")])(text) == text
