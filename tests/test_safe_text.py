from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from importlib.util import find_spec
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.safe_text import (
    cells_wide,
    csv_cell,
    cut,
    json_text,
    log_json,
    markdown,
    pad,
    safe_line,
    safe_text,
    visible,
    xml_text,
)
from tests.conftest import require
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
        ("see ##teamcity[x]", "see # #teamcity[x]"),
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


@given(ANY_TEXT)
def test_log_json_is_the_same_value(text: str) -> None:
    """JSON for a log holds no command of a CI system anywhere in a line, and parses to what it was made of."""
    said = log_json(json.dumps({"a": text}, ensure_ascii=False, indent=2))

    assert json.loads(said) == {"a": text}
    assert not commands(said)


@given(ANY_TEXT)
def test_xml_text_parses(text: str) -> None:
    """An element and an attribute of any text are well-formed XML 1.0, and read as what `visible` shows."""
    said = xml_text(text)
    read = ET.fromstring(f'<a b="{said}">{said}</a>')
    shown = visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")

    assert read.get("b") == shown
    assert (read.text or "") == shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pass_rate >= 0.9", "pass\\_rate >= 0.9"),
        ("a | b", "a &#124; b"),
        ("<b>x</b>", "&#60;b>x&#60;/b>"),
        ("ask @octocat", "ask @&#8203;octocat"),
        ("see #12", "see \\#&#8203;12"),
        ("1. one", "1&#8203;. one"),
        ("- one", "\\- one"),
        ("> one", "&#62; one"),
        ("https://x.example www.x.example", "https&#58;//x.example www&#46;x.example"),
        ("::error::x", "&#58;&#58;error&#58;&#58;x"),
        ("##[error]x", "\\#\\#\\[error\\]x"),
        ("a\nb\x1b[0m", "a b\\\\x1b\\[0m"),
        ("37.5 points (paired, 8 cases): 3-4", "37.5 points (paired, 8 cases): 3-4"),
    ],
)
def test_markdown_escapes_what_is_markup(text: str, said: str) -> None:
    """What Markdown would take for more than text is escaped, and ordinary sentences stay as they are."""
    assert markdown(text) == said


MARKUP = {"p", "table", "thead", "tbody", "tr", "th", "td", "li", "ul"}
FORMS = ["{}", "- {}", "a {}", "| a |\n|---|\n| {} |", "| a |\n|---|\n| b {} |"]


@pytest.mark.parametrize("form", FORMS)
def test_markdown_is_read_as_text(form: str) -> None:
    """GitHub's own reader of Markdown finds no element in it, and the text that `visible` shows on one line."""
    require(find_spec("cmarkgfm"), "needs cmarkgfm (make test-all installs it)")
    import cmarkgfm
    import html5lib

    for text in HOSTILE:
        html = cmarkgfm.github_flavored_markdown_to_html(form.format(markdown(text)))
        tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
        tags = [node.tag for node in tree.iter() if isinstance(node.tag, str)]
        read = "".join(tree.itertext()).replace("\u200b", "")
        shown = " ".join(visible(text).split())

        assert set(tags) - {"DOCUMENT_FRAGMENT"} <= MARKUP, (text, html)
        assert tags.count("td") == form.count("| {}") + form.count("b {}"), (text, html)
        assert shown in " ".join(read.split()), (text, html)
        assert not re.search(r"@[A-Za-z0-9]|#\d", "".join(tree.itertext())), (text, html)


@given(ANY_TEXT, st.integers(5, 40))
def test_markdown_is_one_line_without_commands(text: str, most: int) -> None:
    """It is one line, of bounded length, that no CI system would obey."""
    said = markdown(text, most)

    assert "\n" not in said
    assert not commands(said)
    assert len(said) <= most * 9
