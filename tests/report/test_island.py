from __future__ import annotations

import os
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evalrun.records.row import Row
from evalrun.report import island as module
from evalrun.report.block_spool import BlockSpool
from evalrun.report.cell_texts import case_line
from evalrun.report.dense_text import SYMBOLS, encode, encoded_size
from evalrun.report.island import Held, Island, real_columns
from evalrun.report.page_sample import choose
from evalrun.report.side_by_side import Grouping
from evalrun.report.slugs import slugs
from tests.report.factory import Words, make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import Run
from tests.report.page_data import PageData, decoded
from tests.report.test_cases_browser import says
from tests.report.test_page import island, page


@pytest.mark.parametrize("size", [*range(40), 1_000, 65_537])
def test_dense_text_gives_its_bytes_back(size: int) -> None:
    """Any bytes come back from their text, which has only symbols that mean nothing in HTML."""
    data = os.urandom(size)
    text = encode(data)

    assert decoded(text) == data
    assert set(text.encode()) <= set(SYMBOLS)
    assert not set("<>& \n") & set(text)
    assert len(text) <= encoded_size(size) <= 1.24 * size + 5


def test_slugs_are_short_and_unique() -> None:
    """Letters and digits of any script in lower case, hyphens between; twins are numbered, nothing is empty."""
    names = ("GPT 4o (mini)", "gpt-4o-mini", "模型 1", "?!", "", "a" * 99)

    assert slugs(names) == ("gpt-4o-mini", "gpt-4o-mini-2", "模型-1", "column", "column-2", "a" * 60)
    assert all(not set(":,#") & set(slug) for slug in slugs(HOSTILE))
    assert len(set(slugs(HOSTILE))) == len(HOSTILE)


def test_figures_come_back() -> None:
    """Scores, tokens, seconds, cost, attempts, flags and each scorer's failures, cell by cell; 0 is unknown."""
    plan = make_plan(cases=6)
    rows = {(row.cell.case, row.cell.column): row for row in make_rows(plan, pending=1)()}
    _, data = island(plan, make_rows(plan, pending=1))
    figures, words = data.figures, data.head["words"]

    def at(name: str, case: int, column: int) -> Any:
        return figures[name][case, 0, column]

    for (case, column), row in rows.items():
        score = row.mark.score if row.mark else None
        assert at("sent", case, column) == (0 if row.prompt_tokens is None else row.prompt_tokens + 1)
        assert at("time", case, column) == (0 if row.latency_s is None else round(1e4 * row.latency_s) + 1)
        assert at("cost", case, column) == pytest.approx(-1 if row.cost_usd is None else row.cost_usd, rel=1e-3)
        assert at("score", case, column) == (0 if score is None else pytest.approx(1 + 65_534 * score, abs=0.5))
        assert at("attempts", case, column) == row.attempts
    assert [words[at("word", *place)] for place in ((0, 0), (1, 1), (3, 1), (5, 2))] == [
        "pass", "fail", "error", "pending",
    ]  # fmt: skip
    assert data.head["scorers"] == ["icontains", "form"]
    assert (data.failed["icontains"] == (figures["word"] == words.index("fail"))).all()
    assert not data.failed["form"].any()


def test_what_columns_lack_is_left_open() -> None:
    """A case without a cell in some column has a gap there, and the texts of the others stay in their order."""
    plan = make_plan(cases=3, samples=2)
    plan = replace(plan, cells=tuple(cell for cell in plan.cells if (cell.case, cell.column, cell.sample) != (1, 1, 0)))
    gone = {(1, 1, 0)}
    everything = make_rows(replace(plan, cells=make_plan(cases=3, samples=2).cells))
    _, data = island(plan, lambda: (r for r in everything() if (r.cell.case, r.cell.column, r.cell.sample) not in gone))

    assert np.argwhere(data.figures["word"] == 0).tolist() == [[1, 0, 1]]
    assert [len(line[3]) for line in data.lines] == [6, 5, 6]


def test_a_block_holds_cases_that_follow_one_another() -> None:
    """Blocks hold whole cases in the order of the plan, each of a bounded size."""
    plan = make_plan(cases=1_500)
    _, data = island(plan, make_rows(plan))

    assert len(data.head["blocks"]) > 3
    assert sum(data.head["blocks"]) == len(data.lines) == 1_500
    assert [line[1][1][1] for line in data.lines] == [str(n) for n in range(1_500)]


def test_a_text_is_cut_and_says_so() -> None:
    """What is longer than the limit ends with a word on where the rest is."""
    plan = make_plan(cases=2)
    _, data = island(plan, lambda: (says(row, "x" * 500) for row in make_rows(plan)()), text_limit=100)

    assert data.lines[0][3][0][0] == "x" * 100 + "\n… cut after 100 of 500 characters; all of it is in results.jsonl"


def _various(row: Row) -> Row:
    return says(row, os.urandom(400).hex()) if row.exchanges and row.mark else row


def test_a_page_without_room_holds_flips_first(tmp_path: Any) -> None:
    """Beyond the limit the page holds the flips and a seeded sample of the rest, in the order of the plan."""
    plan = make_plan(cases=400)
    collected, data = island(plan, lambda: map(_various, make_rows(plan)()), page_limit=600_000)
    kept = [int(dict(line[1])["n"]) for line in data.lines]
    held = collected.held
    size = sum(len(text) for _, _, text in collected.elements({"columns": []}))

    assert 0.85 * 540_000 < size <= 540_000
    assert held.cases == len(kept) == data.figures["word"].shape[0] < held.of == 400
    assert kept == sorted(kept)
    assert held.flips == held.of_flips == sum((n % 2 == 1 and n != 3) or n == 2 for n in kept)
    assert held.words == "all 200 flips and a seeded sample of the rest"
    assert len({n // 40 for n in kept if n % 2 == 0}) == 10


@pytest.mark.slow
def test_texts_that_will_have_no_room_are_not_even_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large run is cut while it goes by: few more texts are made than the page holds, early and late cases alike."""
    made = []
    monkeypatch.setattr(module, "case_line", lambda *said, **more: made.append(1) or case_line(*said, **more))
    plan = make_plan(cases=2_400)
    collected, data = island(plan, lambda: map(_various, make_rows(plan)()), page_limit=3_000_000)
    kept = [int(dict(line[1])["n"]) for line in data.lines]
    held, size = collected.held, sum(len(text) for _, _, text in collected.elements({"columns": []}))
    others = [n for n in kept if n % 2 == 0 and n != 2]

    assert 0.85 * 2_700_000 < size <= 2_700_000
    assert held.flips == held.of_flips
    assert held.cases == len(kept) <= len(made) < 0.5 * (len(kept) + 2_400)
    assert 0.8 < 2 * sum(n < 1_200 for n in others) / len(others) < 1.2


def test_a_page_without_room_for_all_flips_says_so() -> None:
    """Where not even the flips have room, they are sampled, and nothing else is there."""
    plan = make_plan(cases=400)
    collected, data = island(plan, lambda: map(_various, make_rows(plan)()), page_limit=400_000)

    assert collected.held.words == "a seeded sample of the 200 flips"
    assert 50 < len(data.lines) == collected.held.flips < 200


def test_a_page_of_flips_alone_says_so() -> None:
    """Where the flips take all the room, the page does not speak of a sample of the rest."""
    assert Held(cases=200, of=400, flips=200, of_flips=200).words == "all 200 flips and none of the rest"


def _shorter_later(row: Row) -> Row:
    length = 2_000 if row.cell.case < 300 else 10
    return says(row, os.urandom(length).hex()) if row.exchanges and row.mark else row


@pytest.mark.parametrize(("limit", "least"), [(2_700_000, 0.85), (4_000_000, 1.0)])
def test_a_page_with_room_left_is_filled_again(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, limit: int, least: float
) -> None:
    """Where texts become shorter later, what was let go for want of room is brought back: the page is full, or whole,
    and another writing of it has the same bytes."""
    monkeypatch.setattr(Island.__init__, "__kwdefaults__", {**Island.__init__.__kwdefaults__, "page_limit": limit})
    plan = make_plan(cases=3_000)
    told = [_shorter_later(row) for row in make_rows(plan)()]
    run = Run(plan, lambda: iter(told), make_comparison(plan, lambda: iter(told)), make_facts())
    sifted, _ = island(plan, run.rows)
    html = page(tmp_path, run)
    data = PageData.of(html)
    room = limit - limit // 10

    assert sifted.has_room
    assert data.head["cases"] >= sifted.held.cases + 200
    assert data.head["cases"] == 3_000 or len(html) > least * room
    assert (data.head["cases"] == 3_000) == (least == 1.0)
    assert page(tmp_path, run) == html


def test_the_sentence_over_the_table(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says how many of how many cases it holds, which, and where the others are."""
    monkeypatch.setattr(Island.__init__, "__kwdefaults__", {**Island.__init__.__kwdefaults__, "page_limit": 300_000})
    plan = make_plan(cases=200)

    def rows() -> Any:
        return map(_various, make_rows(plan)())

    html = page(tmp_path, Run(plan, rows, make_comparison(plan, rows), make_facts()))

    assert "of 200 cases: all 100 flips and a seeded sample of the rest; all are in <a href" in html


def test_the_same_sample_is_drawn_again() -> None:
    """A seed gives the same order whatever the room; more only adds. What is larger than all of it is passed over."""
    weights = [1.0] * 99 + [1_000.0]
    drawn = np.random.default_rng(3).random(100)
    small, large = (set(choose(weights, {5, 6, 7}, room, drawn)) for room in (20, 40))

    assert {5, 6, 7} < small < large
    assert (len(small), len(large)) == (20, 40)
    assert choose(weights, {5, 6, 7}, 20, drawn[::-1]) != sorted(small)
    assert len(choose(weights, (), 99, drawn)) == 99
    assert choose(weights, {5}, 99, drawn, below=0.5) == [n for n in range(99) if n == 5 or drawn[n] < 0.5]


def test_simulated_columns_do_not_flip() -> None:
    """Where there are two real columns, only these take part in flips; else all do."""
    plan = make_plan()
    alone = make_plan(Words(labels=("large", "mini")))
    simulated = replace(
        alone.suite, providers={name: replace(one, simulated=True) for name, one in alone.suite.providers.items()}
    )

    assert real_columns(plan) == (True, True, False)
    assert real_columns(replace(alone, suite=simulated)) == (True, True)


def test_a_spool_gives_its_lines_back() -> None:
    """Lines come back block by block, and chosen ones in a spool of their own; nothing is left open."""
    spool = BlockSpool(characters=50)
    for number in range(40):
        spool.add(f"line {number} " + "ä" * 10)
    spool.seal()
    chosen = spool.only({3, 17, 39})
    most = spool.only(set(range(40)) - {4, 5, 20})
    found, nearly_all = (
        [zlib.decompress(data, -15).decode().split("\n") for _, data in one.read()] for one in (chosen, most)
    )
    counts = [block.lines for block in spool.blocks]
    copied = {data for _, data in most.read()} & {data for _, data in spool.read()}
    for one in (spool, chosen, most):
        one.close()

    assert [line.split()[1] for lines in found for line in lines] == ["3", "17", "39"]
    assert [line.split()[1] for lines in nearly_all for line in lines] == [
        str(number) for number in range(40) if number not in {4, 5, 20}
    ]
    assert len(copied) == len(counts) - 2
    assert sum(counts) == 40
    assert max(counts) == 3


@pytest.mark.slow
def test_memory_does_not_grow_with_the_texts() -> None:
    """Of a case only its numbers stay: 24 MB of answers pass through a few."""
    plan = make_plan(cases=1_000)
    collected, grouping = Island(plan), Grouping.of(plan)
    text = "".join(map(chr, range(0x100, 0x2100)))
    tracemalloc.start()
    for row in make_rows(plan)():
        for group in grouping.add(says(row, text) if row.mark else row):
            collected.add(group)
    collected.held  # noqa: B018  # everything is compressed by now
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    collected.close()

    assert most < 12_000_000
