from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.safe_text import cells_wide, csv_cell, cut, json_text, pad, safe_line, safe_text, visible
from tests.report.hostile import HOSTILE

ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.sampled_from(HOSTILE)
LETHAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def commands(text: str) -> list[str]:
    """Lines that GitHub's or Azure's runner would obey."""
    return [line for line in text.split("\n") if re.match(r"\s*(::|##)", line) or re.search(r"##(vso)?\[", line)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text,\n\ttwo lines", "plain text,\n\ttwo lines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb", "a\\rb"),
        ("a\r\nb", "a\nb"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202eabc", "\\u202eabc"),
        ("\u200b", "\\u200b"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("東京 é", "東京 é"),
        ("::error::x", "│ ::error::x"),
        ("a\n  ##[error]b", "a\n│   # #[error]b"),
        ("see ##vso[x]", "see # #vso[x]"),
        ("a::b #1 ## c", "a::b #1 ## c"),
    ],
)
def test_safe_text_shows_what_could_act(text: str, shown: str) -> None:
    """A terminal gets visible escapes, and no line that a CI system would obey."""
    assert safe_text(text) == shown


@given(ANY_TEXT)
def test_safe_text_leaves_nothing_lethal(text: str) -> None:
    """Whatever the text, neither a control character nor a command of a CI system is left, nor a format character."""
    shown = safe_text(text)

    assert not LETHAL.search(shown)
    assert not any(unicodedata.category(c) == "Cf" for c in shown)
    assert not commands(shown)
    assert safe_text(shown) == shown


def test_every_format_character_is_known() -> None:
    """The ranges in safe_text hold all of Unicode's category Cf."""
    missed = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) == "Cf" and c in safe_text(c)]

    assert missed == []


@given(ANY_TEXT, st.integers(1, 90))
def test_safe_line_is_one_line_that_fits(text: str, width: int) -> None:
    """safe_line has no line break and takes at most the cells that it is given."""
    line = safe_line(text, width)

    assert "\n" not in line
    assert "\t" not in line
    assert cells_wide(line) <= width


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("東京都", 5, "東京…"),
        ("東京都", 4, "東…"),
        ("a b c", 3, "a…"),
        ("ab", 0, ""),
    ],
)
def test_cut_counts_cells(text: str, width: int, shown: str) -> None:
    """Wide characters take two cells; what was left out is marked."""
    assert cut(text, width) == shown


def test_pad_fills_by_cells() -> None:
    """Padding counts wide characters as two and combining ones as none."""
    assert pad("東京", 6) == "東京  "
    assert pad("e\u0301", 3, right=True) == "  e\u0301"


@given(ANY_TEXT)
def test_visible_keeps_joiners_and_drops_lone_surrogates(text: str) -> None:
    """Text for a document can always be encoded and holds no control character, but keeps zero-width joiners."""
    shown = visible(text)

    shown.encode("utf-8")
    assert not LETHAL.search(shown)
    assert shown.count("\u200d") == text.count("\u200d")


@given(ANY_TEXT)
def test_json_text_is_the_same_value(text: str) -> None:
    """What was made inert for a JSON file parses back to the very same string, in UTF-8 and on one line."""
    line = json_text(json.dumps(text, ensure_ascii=False))

    assert json.loads(line.encode("utf-8")) == text
    assert len(line.splitlines()) == 1
    assert not LETHAL.search(line)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-Infinity", "'-Infinity"),
        ("@SUM(1)", "'@SUM(1)"),
        ("＝1", "'＝1"),
        ("\u200b=1", "'\u200b=1"),
        ("\ufeff =1", "'\ufeff =1"),
        ('"=1"', '\'"=1"'),
        ("\n=1", "'\n=1"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("-", "'-"),
        ("-5", "-5"),
        ("+3.25", "+3.25"),
        ("-1e-9", "-1e-9"),
        ("-5 apples", "'-5 apples"),
        ("a=1", "a=1"),
        ("", ""),
        ("\x1b[0m\x00", "\\x1b[0m\\x00"),
        ("\ud800", "\\ud800"),
    ],
)
def test_csv_cell_disarms_formulas(text: str, cell: str) -> None:
    """What a spreadsheet would compute gets a quote in front; plain numbers do not."""
    assert csv_cell(text) == cell


@given(st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_csv_cells_come_back(texts: list[str]) -> None:
    """A row of guarded cells is read back cell by cell, whatever is in it."""
    cells = [csv_cell(text) for text in texts]
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow(cells)

    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == cells


def test_the_corpus_is_large() -> None:
    """At least 120 different hostile texts."""
    assert len(set(HOSTILE)) >= 120
