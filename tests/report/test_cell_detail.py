from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from evalrun.records.human import HUMAN, NO_NOTE
from evalrun.records.message import Message
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.score import Score
from evalrun.records.wire import Wire, WireRequest, text_mark
from evalrun.report import cell_detail
from evalrun.report.cell_detail import CellDetails
from tests.report.factory import PHOTO, WEATHER, calling, make_plan, make_rows, talking

REQUEST = WireRequest(url="https://lab.example", headers={}, body={"text": text_mark(0)}, marked=True)
LIMIT = 1_000


@pytest.fixture
def plan() -> Plan:
    """Eight cases, three columns, a picture."""
    plan = make_plan()
    return replace(plan, suite=replace(plan.suite, pictures={"sha256:paris": PHOTO}))


def details(plan: Plan, wire_of: Callable[[Row], Wire | str] | None = None) -> CellDetails:
    """The details of a page that keeps texts of up to LIMIT characters."""
    return CellDetails(plan, wire_of, text_limit=LIMIT)


def saying(row: Row, text: str) -> Row:
    """The row as if this had been asked."""
    return replace(row, messages=(Message(role="user", content=text),))


def asked(row: Row) -> Wire:
    """Its request, which it shares with all others."""
    return Wire(request=REQUEST, texts=(row.messages[0].text,))


def test_cells_share_code_and_tools(plan: Plan) -> None:
    """What differs in texts alone has one entry of codes, and the same tools are told once."""
    found = details(plan, asked)
    rows = [replace(saying(row, f"text {at}"), tools=(WEATHER,)) for at, row in enumerate(make_rows(plan)())]
    said = [found.of(row) for row in rows]

    assert {one["code"] for one in said} == {one["tools"] for one in said} == {0}
    shared = found.shared()
    assert [len(shared[name]) for name in ("codes", "tools", "pictures")] == [1, 1, 0]
    assert text_mark(0) in shared["codes"][0][0]


def test_what_cannot_be_shared_stands_with_its_cell(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests without marks, of other texts than the page shows, and those beyond the bound come whole."""
    row = saying(next(make_rows(plan)()), "text")
    whole = WireRequest(url="https://lab.example", headers={}, body={"text": "whole"})

    assert "whole" in details(plan, lambda _: Wire(request=whole)).of(row)["code"][0]
    assert "other" in details(plan, lambda _: Wire(request=REQUEST, texts=("other",))).of(row)["code"][0]
    monkeypatch.setattr(cell_detail, "SHARED_AT_MOST", 0)
    assert '"text": "text"' in details(plan, asked).of(row)["code"][0]


def test_what_is_too_long_for_the_page_says_so(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a text that the page cuts, and of code that is too long, there is none here."""
    row = next(make_rows(plan)())

    assert details(plan, asked).of(saying(row, "x" * (LIMIT + 1)))["code"] == {"long": True}
    monkeypatch.setattr(cell_detail, "CODE_LIMIT", 10)
    whole = WireRequest(url="https://lab.example", headers={}, body={"text": "whole"})
    assert details(plan, lambda _: Wire(request=whole)).of(row)["code"] == {"long": True}


def test_why_there_is_no_code(plan: Plan) -> None:
    """The reason comes along; where nobody knows requests nothing is said."""
    row = next(make_rows(plan)())

    assert details(plan, lambda _: "nothing was sent").of(row)["code"] == {"why": "nothing was sent"}
    assert "code" not in details(plan).of(row)


def test_texts_come_back_to_the_character(plan: Plan) -> None:
    """Where a page cannot show a text as it is, the conversation ends with all of its texts as JSON."""
    found = details(plan)

    assert found.conversation((Message(role="user", content="plain\ntext – 東京"),)) == [
        ["user", ["plain\ntext – 東京"]]
    ]
    odd = ("a\r\nb", "\x1b[31m", "\ud800\u202e")
    turns = found.conversation(tuple(Message(role="user", content=text) for text in odd))
    assert [parts for _, parts in turns[:-1]] == [[text] for text in odd]
    assert json.loads(turns[-1]) == list(odd)
    assert turns[-1].isascii()


def test_pictures_are_on_the_page_once_while_there_is_room(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place that shows a picture points to the same one; beyond the bound it is told by name."""
    row = talking(next(make_rows(plan)()))
    found = details(plan)
    talks = [found.conversation(row.messages) for _ in range(3)]
    assert [talk[1][1][1]["picture"] for talk in talks] == [0, 0, 0]
    assert found.shared()["pictures"] == [["image/png", "AAAA", "paris.png", 640, 480]]
    monkeypatch.setattr(cell_detail, "PICTURES_LIMIT", 3)
    found = details(plan)
    assert found.conversation(row.messages)[1][1][1] == {"name": "paris.png", "size": "640 × 480", "detail": "low"}
    assert found.shared()["pictures"] == []


def test_what_a_person_said_is_told_apart(plan: Plan) -> None:
    """A verdict that the run has already comes with its note, and without the words that stand for none."""
    row = next(make_rows(plan)())
    assert row.mark is not None
    for reason, note in {"curt": "curt", NO_NOTE: ""}.items():
        person = Score(name=HUMAN, value=0.0, passed=False, reason=reason)
        judged = replace(row, mark=replace(row.mark, scores=(*row.mark.scores, person)))
        assert details(plan).of(judged)["human"] == [False, note]
    assert "human" not in details(plan).of(row)


def test_figures_and_further_answers(plan: Plan) -> None:
    """Calls, further answers, reasoning and the stream's figures are there where they are known, and only there."""
    row = next(make_rows(plan)())
    said = details(plan).of(talking(row))
    assert (said["reasoning"], said["ttft"], said["speed"]) == ("18 degrees is warm.", 0.25, pytest.approx(40, abs=0.1))
    assert (said["cached"], said["thought"]) == (30, 15)
    said = details(plan).of(calling(row))
    assert said["choices"] == [["Another answer.", [], ""]]
    assert said["calls"][0] == ["get_weather", '{"city": "Paris"}']
    assert {"ttft", "speed", "tries", "queued", "refusal"}.isdisjoint(details(plan).of(row))
