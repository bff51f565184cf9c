"""Takes secrets out of texts that are stored or shown: known keys in every spelling, and user names in URLs."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote, quote_plus

MASK = "***"

_SHORTEST_SECRET = 8  # shorter texts are no keys, and masking them would tear other words apart
_USERINFO = re.compile(r"(?<=://)[^\s/@\"'<>\\]{1,300}@")


class Revealing(Protocol):
    """Whatever holds a secret: `evalrun.keys.Secret`."""

    def reveal(self) -> str:
        """The secret text."""


class Redactor:
    """Masks the given secrets, each also as URL, base64, hexadecimal, HTML and JSON write it."""

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[Revealing]) -> None:
        texts = {secret.reveal() for secret in secrets}
        forms = {form for text in texts if len(text) >= _SHORTEST_SECRET for form in _forms(text)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def __call__(self, text: str) -> str:
        """The text with every secret and every URL's user name masked."""
        return _USERINFO.sub(f"{MASK}@", self.known(text))

    def known(self, text: str) -> str:
        """The text with the given secrets masked and nothing else touched: for answers, which are kept as they came."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"


def _forms(text: str) -> set[str]:
    """How a secret may be spelled in somebody else's text."""
    raw = text.encode("utf-8", "surrogatepass")
    in_url = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    in_json = json.dumps(text)[1:-1]
    return {
        text,
        *in_url,
        *(re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), form) for form in in_url),
        in_json,
        in_json.replace("/", "\\/"),
        json.dumps(text, ensure_ascii=False)[1:-1],
        "".join(f"\\u{ord(c):04x}" for c in text),
        "".join(f"\\u{ord(c):04X}" for c in text),
        html.escape(text),
        raw.hex(),
        raw.hex().upper(),
        *_in_base64(raw),
    }


def _in_base64(raw: bytes) -> set[str]:
    """The letters that the secret alone decides, wherever it begins in what was encoded (three alignments)."""
    forms = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        middle = encoded[first:last].decode("ascii")
        forms |= {middle, middle.translate(str.maketrans("+/", "-_"))}
    return forms
