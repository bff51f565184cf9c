"""Foreign text made harmless: for terminals and logs, for documents (HTML, Markdown, XML), for spreadsheets.

Everything that a model, an endpoint, a data set or a suite says may hold escape sequences, bidi controls, spreadsheet
formulas or commands of a CI system. Nothing is dropped: what could act is shown as a visible escape, ``\\x1b`` or
``\\u202e``.
"""

from __future__ import annotations

import re
import unicodedata

# C0 without \t and \n, DEL, C1, line and paragraph separators, lone surrogates.
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
# Every format character (Unicode category Cf) but the joiners, without which many scripts and emoji fall apart.
_FORMAT = (
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0001\U000e0020-\U000e007f"
)
_JOINERS = r"\u200c\u200d"

_FOR_DOCUMENTS = re.compile(f"[{_CONTROL}{_FORMAT}]")
FOR_TERMINALS = re.compile(f"[{_CONTROL}{_FORMAT}{_JOINERS}]")
_FOR_CELLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_FOR_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff" + _FORMAT + "]")

# GitHub reads `::command` at a line's start, spaces before it or not; GitHub, Azure and TeamCity read `##[`, `##vso[`
# and `##teamcity[` anywhere.
_CI_LINE = re.compile(r"^(?=\s*(?:::|##))", re.MULTILINE)
CI_INSIDE = re.compile(r"#(?=#(?:vso|teamcity)?\[)", re.IGNORECASE)

# Noncharacters that XML 1.0 has no place for; the other ones that it has none for are control characters.
_NOT_XML = re.compile("[\ufffe\uffff]")
_XML = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\t", "&#9;"), ("\n", "&#10;"))

# What GitHub's Markdown takes for more than text: at the start of a line, and anywhere.
_MARKDOWN = re.compile(
    r"^[-+=>]|^\d{1,9}(?=[.)](?:\s|$))|[\\`*_{}\[\]~$<&|@]|#|:(?=[:/])|(?<=:):|(?<=www)\.", re.IGNORECASE
)
_BY_NUMBER = frozenset("<&|:.>")
_NOTHING_WIDE = "&#8203;"  # ends what looks like a mention, the number of an issue, or that of a list

_SPACES = re.compile(r"\s+")
_FORMULA = re.compile(rf"^(?:[\t\r\n]|[\s\"'{_FORMAT}{_JOINERS}]*[=+\-@＝＋－＠−])")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _harmless(text: str) -> bool:
    """Whether there is nothing to escape, told cheaply: printable ASCII."""
    return text.isascii() and text.isprintable()


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    if number < 0x100:
        return {0x0D: "\\r"}.get(number, f"\\x{number:02x}")
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _escape_markdown(match: re.Match[str]) -> str:
    said = match.group()
    if said.isdigit() or said == "@":
        return said + _NOTHING_WIDE
    if said in _BY_NUMBER:
        return f"&#{ord(said)};"
    return f"\\{said}" + (
        _NOTHING_WIDE if said == "#" and match.string[match.end() : match.end() + 1].isdigit() else ""
    )


def escape_json(match: re.Match[str]) -> str:
    """A character as JSON escapes it, beyond U+FFFF as two halves."""
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def visible(text: str) -> str:
    """Foreign text for a document such as HTML: control and format characters, bidi among them, become visible escapes.

    Zero-width joiners stay, line breaks become ``\\n``. Markup is the document's own business: this escapes none.
    """
    return text if _harmless(text) else _FOR_DOCUMENTS.sub(_escape, text.replace("\r\n", "\n"))


def safe_text(text: str) -> str:
    """Foreign text for a terminal or a log: nothing in it can move the cursor, change colours or command a CI system.

    All control and format characters but ``\\n`` and ``\\t`` become visible escapes; a line that a CI system would obey
    gets ``│`` in front.
    """
    shown = FOR_TERMINALS.sub(_escape, text.replace("\r\n", "\n"))
    return CI_INSIDE.sub("# ", _CI_LINE.sub("│ ", shown))


def safe_line(text: str, width: int | None = None) -> str:
    """Like safe_text, on one line: runs of white space become a space; beyond *width* cells it is cut with ``…``."""
    line = safe_text(_SPACES.sub(" ", text).strip())
    return line if width is None else cut(line, width)


def json_text(text: str) -> str:
    """JSON text of ``json.dumps(ensure_ascii=False)`` with what could act written as ``\\uXXXX``: the same value."""
    plain = text.isascii() and "\x7f" not in text  # told cheaply: JSON has escaped the other control characters
    return text if plain else _FOR_JSON.sub(escape_json, text)


def log_json(text: str) -> str:
    """JSON text for a terminal or a log: the same value, in which no CI system finds a command."""
    return CI_INSIDE.sub(r"\\u0023", json_text(text))


def xml_text(text: str) -> str:
    """Foreign text for an attribute or an element of XML 1.0: what it has no place for becomes visible escapes."""
    shown = _NOT_XML.sub(_escape, visible(text))
    for sign, name in _XML:  # str.translate takes ten times as long
        shown = shown.replace(sign, name)
    return shown


def markdown(text: str, most: int | None = None) -> str:
    """Foreign text for a line of Markdown as GitHub reads it, where it is that text and nothing else.

    It makes no markup, HTML, link, picture, mention or issue number, ends no cell of a table, and is no command of a CI
    system. On one line; beyond *most* characters it is cut with ``…``.
    """
    line = _SPACES.sub(" ", visible(text)).strip()
    if most is not None and len(line) > most:
        line = line[: most - 1].rstrip() + "…"
    return _MARKDOWN.sub(_escape_markdown, line)


def csv_cell(text: str) -> str:
    """Foreign text for a spreadsheet cell, which must not become a formula there.

    ``'`` goes in front of what begins, after white space, quotes and invisible characters, with ``= + - @`` (full-width
    ones too), and of what begins with a tab or a line break (OWASP, CSV injection). A plain number such as ``-5`` is
    none of that and stays. Control characters but ``\\t \\n \\r`` become visible escapes.
    """
    if _harmless(text):
        if not text or text[0].isalnum():  # told cheaply, as nearly all are: what could be a formula begins otherwise
            return text
        cell = text
    else:
        cell = _FOR_CELLS.sub(_escape, text)
    return "'" + cell if _FORMULA.match(cell) and not _PLAIN_NUMBER.fullmatch(cell) else cell


def cells_wide(text: str) -> int:
    """How many cells of a terminal *text* takes: wide East Asian characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, width: int) -> str:
    """*text* in at most *width* terminal cells, with ``…`` where something was left out."""
    if cells_wide(text) <= width:
        return text
    taken = 0
    for index, character in enumerate(text):
        taken += _width(character)
        if taken > width - 1:
            return (text[:index].rstrip() + "…")[: max(width, 0)]
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """*text* filled up with spaces to *width* terminal cells; *right* aligns it to the right."""
    space = " " * max(0, width - cells_wide(text))
    return space + text if right else text + space


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
