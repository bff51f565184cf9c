from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.wire import Wire, WireRequest, text_mark
from evalrun.report.answer_text import chat_text, json_lines, raw_text
from evalrun.report.lines import folded
from evalrun.safe_text import cells_wide, safe_text
from tests.report.factory import PHOTO, WEATHER, calling, make_plan, make_rows, talking
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of


@pytest.fixture
def plan() -> Plan:
    """Eight cases, three columns, a picture."""
    plan = make_plan()
    return replace(plan, suite=replace(plan.suite, pictures={"sha256:paris": PHOTO}))


def row_at(plan: Plan, case: int, column: int) -> Row:
    """One row of the made run."""
    return next(row for row in make_rows(plan)() if (row.cell.case, row.cell.column) == (case, column))


def test_a_dialogue_is_told_whole(plan: Plan) -> None:
    """Tools, prompts, pictures by name, calls, a tool's answer, reasoning, figures and scores with their weights."""
    row = replace(talking(row_at(plan, 1, 1)), tools=(WEATHER,))
    text = chat_text(plan, row, width=80, color=False)

    for words in [
        "japan · mini",
        "row 5 of results.csv · asia",
        "fail · score",
        "icontains: fail 0.000, weight 1; does not contain Tokyo; compared",
        "form: pass 1.000, weight 0.5",
        "tools\n  get_weather(city: string): Look up the weather.",
        "system\n  Be brief.",
        "[image paris.png, 640 × 480, detail low]",
        'assistant\n  get_weather({"city": "Paris"})',
        "tool get_weather\n  18",
        "reasoning\n  18 degrees is warm.",
        "answer\n  Take no coat.",
        "first token after 0.25 s",
        "3 requests",
        "expected\n  Tokyo",
    ]:
        assert words in text


def test_calls_further_answers_and_errors_are_told(plan: Plan) -> None:
    """An answer of nothing but calls, a second answer, an error and a cell that was not asked have their words."""
    assert "answer 2\n  Another answer." in chat_text(plan, calling(row_at(plan, 0, 0)), width=80, color=False)
    assert "no answer\n  overload: 503 overloaded" in chat_text(plan, row_at(plan, 3, 1), width=80, color=False)
    pending = replace(row_at(plan, 0, 0), exchanges=(), mark=None)
    assert "no answer\n  not asked yet" in chat_text(plan, pending, width=80, color=False)


def test_colour_only_repeats_what_words_say(plan: Plan) -> None:
    """Without its escape sequences the coloured text is the plain one."""
    colored = chat_text(plan, row_at(plan, 1, 1), width=80, color=True)
    plain = chat_text(plan, row_at(plan, 1, 1), width=80, color=False)

    assert "\x1b[1mjapan · mini\x1b[0m" in colored
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"):
        colored = colored.replace(code, "")
    assert colored == plain


@pytest.mark.parametrize("width", [40, 80])
def test_hostile_texts_are_inert_and_fit(width: int) -> None:
    """Nothing that is said can act in a terminal or in CI, and no line is wider than the terminal."""
    run = run_of(HOSTILE)
    for row in run.rows():
        text = chat_text(run.plan, row, width=width, color=False)
        assert safe_text(text) == text
        assert max(map(cells_wide, text.split("\n"))) <= width


def wires(run_rows: Iterator[Row]) -> Iterator[tuple[Row, Wire]]:
    """A request for each row, made of the row's own text."""
    for row in run_rows:
        request = WireRequest(url="https://lab.example", headers={}, body={"text": text_mark(0)}, marked=True)
        yield row, Wire(request=request, texts=(row.case.id,))


def test_raw_json_is_inert_and_whole() -> None:
    """Request and reply are JSON with every hostile text in them, to the character, and nothing that acts."""
    run = run_of(HOSTILE)
    for row, wire in wires(run.rows()):
        text = raw_text(row, wire)
        assert safe_text(text) == text
        request = text.partition("\n")[2].partition("\n# reply")[0]
        assert json.loads(request) == {"text": row.case.id}


def test_raw_says_why_there_is_nothing(plan: Plan) -> None:
    """Where nothing was sent or nothing came back a heading says so."""
    row = row_at(plan, 3, 1)

    assert raw_text(row, "nothing was sent").startswith(
        "# request: nothing was sent\n# reply: overload: 503 overloaded"
    )
    assert "# reply: nothing came back" in raw_text(replace(row, exchanges=()), "nothing was sent")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('{"a":1.0,"b":[1,2],"c":{},"d":[],"e":null,"f":true}', 11),
        ('{"a":123456789012345678901234567890,"b":1e400,"c":0.1e-7}', 5),
        ('"x"', 1),
        ("not json \x1b[31m", 1),
        ("[" * 5_000, 1),
    ],
)
def test_json_keeps_every_figure_as_it_was_written(text: str, lines: int) -> None:
    """A reply over several lines is the same reply; what is no JSON is shown as a string."""
    shown = json_lines(text)

    assert len(shown.split("\n")) == lines
    assert safe_text(shown) == shown
    if text.startswith("{"):
        assert shown.replace("\n", "").replace(" ", "") == text


def test_folding_keeps_what_stands_at_the_beginning() -> None:
    """Indented code stays indented, long lines break at spaces, and words that are too long anywhere."""
    assert folded("def f():\n    return 1", 40) == ["def f():", "    return 1"]
    assert folded("one two three four five", 14) == ["one two", "three four", "five"]
    assert folded("x" * 25, 12) == ["x" * 10, "x" * 10, "x" * 5]
    assert folded(" " * 50 + "far", 12) == ["far"]
    assert all(cells_wide(line) <= 12 for line in folded("東京" * 30, 12))
