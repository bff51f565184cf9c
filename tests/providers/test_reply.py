from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.reply import NotJson, read_json, text_of


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_is_read(value: Any) -> None:
    """What is plain JSON is read as such, lone surrogates and all."""
    assert read_json(json.dumps(value)) == value


@given(st.text())
def test_any_text(text: str) -> None:
    """Any other text is NotJson, never another exception."""
    with suppress(NotJson):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "reason", "cut"),
    [
        ("", "empty", True),
        ('{"a": 1', "too early", True),
        ('{"a": {}', "too early", True),
        ('{"a": "b}', "too early", True),
        ('{"a": tru', "too early", True),
        ("[1, 2", "too early", True),
        ("<html>", "not JSON", False),
        ("{} x", "not JSON", False),
        ('{"a": 1, "a": 2}', "twice", False),
        ('{"a": NaN}', "NaN", False),
        ("1" * 5000, "digits", False),
        ("[" * 100_000, "deep", False),
    ],
)
def test_what_is_not_json(text: str, reason: str, cut: bool) -> None:
    """The reason is told, and whether the text only ends too early."""
    with pytest.raises(NotJson, match=reason) as caught:
        read_json(text)

    assert caught.value.cut is cut


def test_text_of_bytes() -> None:
    """A byte order mark is dropped, and what is no UTF-8 is replaced, not refused."""
    assert text_of(b"\xef\xbb\xbfab\xff") == "ab�"
