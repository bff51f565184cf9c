from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from pathlib import Path

import pytest

from evalrun.records.run_comparison import CellNumbers
from evalrun.report.compare_csv import HEADER, PairsCsv
from evalrun.report.compare_page import PairsIsland, write_compare_page
from evalrun.safe_text import csv_cell
from tests.report.compared import comparison_of, rows_of
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of
from tests.report.page_data import PageData
from tests.report.test_page import GOLDEN, elements


def page(texts: tuple[str, ...], *, most_rows: int = 10_000) -> str:
    """A page whose every text is one of *texts*."""
    found, suite = comparison_of(texts), run_of(texts).plan.suite
    island = PairsIsland(found, (suite, suite), most_rows=most_rows)
    rows = list(rows_of(texts))
    for number, row in enumerate(rows):
        if island.full:
            break
        island.add(texts[number % len(texts)], row, rows[-1 - number], "expected" if number % 2 else "")
    file = io.StringIO()
    write_compare_page(file, found, island)
    return file.getvalue()


@pytest.fixture(scope="module")
def hostile() -> str:
    """A page in which every text is hostile."""
    return page(HOSTILE)


def test_hostile_texts_make_no_markup(hostile: str) -> None:
    """Whatever the texts, the page has only the elements and attributes of the template, and loads nothing."""
    found = list(elements(hostile.encode("utf-8", "replace").decode()))
    strange = {
        (tag, name) for tag, attributes, _ in found for name in attributes if name not in GOLDEN.get(tag, "").split()
    }
    links = {attributes[name] for _, attributes, _ in found for name in ("href", "src") if name in attributes}

    assert strange == set()
    assert {tag for tag, _, _ in found} <= set(GOLDEN)
    assert {link for link in links if not link.startswith("#")} == {"data:,", "comparison.csv"}
    assert [tag for tag, attributes, _ in found if tag == "script" and not attributes] == ["script"]


@pytest.mark.slow
def test_the_policy_lets_one_style_and_one_script_in(hostile: str) -> None:
    """The page's content policy names the hashes of its own style and script, and nothing else may load."""
    (policy,) = [a["content"] for tag, a, _ in elements(hostile) if tag == "meta" and "http-equiv" in a]
    (style,) = [text for tag, _, text in elements(hostile) if tag == "style"]
    (script,) = [text for tag, attributes, text in elements(hostile) if tag == "script" and not attributes]

    for text in (style, script):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'")


def test_answers_are_data(hostile: str) -> None:
    """Every answer is in the page's data, inert, under its side."""
    inert = [text for tag, attributes, text in elements(hostile) if tag == "script" and attributes]
    data = PageData.of(hostile)

    assert not re.search(r"[<>&]", "".join(inert))
    assert data.head["sides"]
    assert [column["mark"] for column in data.head["columns"]] == ["square", "disc"]
    assert len(data.lines) == data.figures["word"].shape[0] > 0
    assert data.figures["word"].min() > 0


def test_a_changed_case_says_so() -> None:
    """A case that changed has a tag, as its column has where there are several, and both expected values."""
    data = PageData.of(page(("France", "Kenya")))

    assert {"changed: expected", "France", "Kenya"} <= set(data.head["tags"])
    assert any(" (A), " in line[0] for line in data.lines)


def test_the_page_has_room_for_so_many() -> None:
    """What does not fit is left to comparison.csv, and the page says so."""
    shown = page(tuple("abcdefgh"), most_rows=3)

    assert len(PageData.of(shown).lines) == 3
    assert "This page holds 3 of 8 cells" in shown


def test_hostile_cells_of_a_table() -> None:
    """No text becomes a formula: every cell is what csv_cell makes of it."""
    rows, file = list(rows_of(HOSTILE)), io.StringIO()
    table = PairsCsv(file)
    numbers = (CellNumbers("pass", 1.0, 2.0, 0.1, 0.1), CellNumbers("error", *[float("nan")] * 4))
    for row in rows:
        table.add(row.case.id, row, row, numbers, "")
    read = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))

    assert read[0].keys() == set(HEADER)
    assert [r["case"] for r in read] == [csv_cell(row.case.id) for row in rows]
    assert [r["output.a"] for r in read] == [csv_cell(row.output) for row in rows]
    assert {(r["flip"], r["score.b"], r["tokens.b"]) for r in read} == {("pass -> error", "", "")}
    assert not any(re.match(r"[=+@＝＋＠]", cell) for r in read for cell in r.values())


def test_the_page_needs_no_file(hostile: str, tmp_path: Path) -> None:
    """It is one file: nothing in it names another, but for the table beside it."""
    (tmp_path / "comparison.html").write_text(hostile, encoding="utf-8", errors="replace")

    assert not re.search(r"<(?:link|script|img|iframe)[^>]+(?:src|href)=\"(?!data:,)", hostile)
