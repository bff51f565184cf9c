from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalrun.records.outcome import Response
from evalrun.records.row import Row
from tests.report.factory import Words, make_comparison, make_facts, make_plan, make_rows
from tests.report.test_browser import browser as browser
from tests.report.test_browser import rows_shown, wait_for_rows
from tests.report.test_browser import show as show
from tests.report.written import write_reports

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def written(
    folder: Path, change: Callable[[Row], Row] = lambda row: row, words: Words | None = None, **plan: Any
) -> Path:
    """A report of a made run, its rows changed."""
    laid = make_plan(words, **plan)
    rows = make_rows(laid, words)

    def changed() -> Iterator[Row]:
        return map(change, rows())

    write_reports(folder, laid, changed, make_comparison(laid, changed, words), make_facts(words))
    return folder


def says(row: Row, text: str, **rest: Any) -> Row:
    """The row with another answer."""
    (exchange,) = row.exchanges
    assert isinstance(exchange.outcome, Response)
    return replace(row, exchanges=(replace(exchange, outcome=replace(exchange.outcome, text=text, **rest)),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 250 cases of three models."""
    return written(tmp_path_factory.mktemp("cases"), cases=250)


@pytest.fixture(scope="module")
def long_answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which the first answer has 38,000 characters, and the others differ in a few words."""

    def change(row: Row) -> Row:
        if row.cell.case != 0:
            return row
        long = " ".join(f"word{n}" for n in range(4_400))
        return says(row, (long, "It is Paris, I am sure.", "It is Lyon, I am quite sure.")[row.cell.column])

    return written(tmp_path_factory.mktemp("long"), change)


def case_ids(page: Any) -> list[str]:
    """The ids of the rows that are drawn, from the top."""
    found = page.eval_on_selector_all("#k-body .id .mono", "all => all.map(one => one.textContent)")
    return [str(one) for one in found]


def cell(page: Any, case: str, column: int) -> Any:
    """A cell of a drawn row."""
    row = page.locator("#k-body tr").filter(has=page.get_by_text(case, exact=True)).first
    return row.locator("td").nth(column)


def test_the_search_finds_ids_answers_and_reasons(show: Any, folder: Path) -> None:
    """Typing filters by id, answer, reason and tag; it replaces the entry of the history."""
    shown = show(folder)
    page = shown.page
    before = page.evaluate("history.length")
    for text, count in (("switzerland-247", 1), ("Sydney", 166), ("does not contain Tokyo", 32), ("oceania", 31)):
        page.fill("#q", text)
        wait_for_rows(page, count)
    assert page.evaluate("history.length") == before
    assert "q=oceania" in page.url
    page.fill("#q", "")
    wait_for_rows(page, 250)

    assert shown.complaints == []


def test_the_buttons_count_and_filter(show: Any, folder: Path) -> None:
    """Flips and not-scored rows can be chosen; each button says how many it would leave; flips lose their tint then."""
    shown = show(folder)
    page = shown.page
    assert page.inner_text(".seg") == "All250\nFlips125\nNot scored1"
    assert page.locator("td.flip").count() > 0
    page.click("[data-show=flips]")
    assert rows_shown(page) == 125
    assert page.locator("td.flip").count() == 0
    page.click("[data-show=unscored]")
    assert case_ids(page) == ["kenya"]
    page.go_back()
    assert rows_shown(page) == 125

    assert shown.complaints == []


def test_the_head_counts_what_would_be_left(show: Any, folder: Path) -> None:
    """A verdict in a column's head filters; other columns count what is left; its chip takes it back."""
    shown = show(folder)
    page = shown.page
    page.click('[data-facet="large:fail"]')
    assert case_ids(page) == ["australia"]
    assert page.get_attribute('[data-facet="mini:pass"]', "aria-label") == "pass: 1"
    assert page.get_attribute('[data-facet="large:pass"]', "aria-label") == "pass: 249"
    assert "v=large:fail" in page.url
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert case_ids(page) == ["australia"]
    page.click('[data-chip="large:fail"]')
    assert rows_shown(page) == 250
    page.click('[data-facet="mini:fail"]')
    page.click('[data-facet="mini:error"]')
    assert rows_shown(page) == 125

    assert shown.complaints == []


def test_tags_and_scorers_filter(show: Any, folder: Path) -> None:
    """A tag leaves its cases; a scorer leaves the rows in which it failed an answer."""
    page = show(folder).page
    page.select_option("#tag", "oceania")
    assert rows_shown(page) == 31
    page.select_option("#tag", "")
    page.select_option("#scorer", "icontains")
    failed = rows_shown(page)
    page.select_option("#scorer", "form")

    assert failed == 166
    assert rows_shown(page) == 0
    assert page.is_visible("#k-none")
    page.click("#clear-b")
    assert rows_shown(page) == 250
    assert page.evaluate("document.activeElement.id") == "q"


def test_rows_are_sorted(show: Any, folder: Path) -> None:
    """By disagreement, lowest score, time, length and cost; equals stay in the order of the suite."""
    page = show(folder).page
    firsts = {}
    for order in ("plan", "disagreement", "lowest", "slowest", "longest", "costliest"):
        page.select_option("#sort", order)
        firsts[order] = case_ids(page)[0]
    page.select_option("#sort", "disagreement")

    assert firsts == {
        "plan": "france",
        "disagreement": "japan",
        "lowest": "japan",
        "slowest": "japan-249",
        "longest": "france",
        "costliest": "france",
    }
    assert "sort=disagreement" in page.url
    assert page.locator("#k-body tr[aria-rowindex='2'] td.flip").count() == 2


def test_columns_are_switched(show: Any, tmp_path: Path) -> None:
    """Models or parameters are the columns, as is chosen; what they do not switch is told in the first cell."""
    shown = show(written(tmp_path, samples=2, top_p=(0.5, 1)))
    page = shown.page
    by_model = (page.inner_text("#count"), page.locator("#k-head th").count())
    assert page.locator("#by option").all_inner_texts() == ["models", "parameters"]
    page.select_option("#by", "parameters")

    assert by_model == ("32 rows", 4)
    assert (page.inner_text("#count"), page.locator("#k-head th").count()) == ("48 rows", 3)
    assert "top_p=0.5" in page.inner_text("#k-head")
    assert page.locator("#k-body .id").first.inner_text().split("\n") == ["france", "europe", "large", "sample 0"]
    assert "by=parameters" in page.url
    again = show(tmp_path, address="#by=parameters&v=top-p-0-5:pass&open=japan:large-top-p-1%231").page
    assert rows_shown(again) < 48
    assert "sample 1" in again.inner_text("#cell")
    assert shown.complaints == []


def test_words_are_marked(show: Any, long_answers: Path) -> None:
    """Words that the chosen column's answer does not have are underlined in the others."""
    page = show(long_answers).page
    page.select_option("#diff", "mini")
    marked = cell(page, "france", 2).locator("ins").all_inner_texts()

    assert marked == ["Lyon,", "quite"]
    assert cell(page, "france", 1).locator("ins").count() == 0
    assert "diff=mini" in page.url


def test_more_only_where_something_is_cut(show: Any, long_answers: Path) -> None:
    """A long answer has a button for 4 kB of it, and then one that opens the whole; short ones have none."""
    shown = show(long_answers)
    page = shown.page
    first = cell(page, "france", 0)
    before = first.locator(".ans").evaluate("box => box.clientHeight")
    assert not cell(page, "france", 1).locator(".more").is_visible()
    first.locator("[data-more]").click()
    grown = first.locator(".ans").evaluate("box => box.clientHeight")
    assert grown > 4 * before
    assert len(first.locator(".ans").inner_text()) == 4096
    assert first.locator("[data-more]").inner_text() == "less"
    assert page.evaluate("document.activeElement.textContent") == "less"
    first.get_by_text("show all 38 kB").click()
    page.locator("#cell").get_by_text(re.compile("show all 38 kB")).click()
    assert "word4399" in page.inner_text("#cell")
    page.keyboard.press("Escape")
    first.locator("[data-more]").click()
    assert first.locator(".ans").evaluate("box => box.clientHeight") == before

    assert shown.complaints == []


def test_a_cell_says_what_it_cost(show: Any, tmp_path: Path) -> None:
    """Tokens, estimated ones marked, seconds, attempts, the cache and a cut answer stand below it."""

    def change(row: Row) -> Row:
        if row.cell.case != 0:
            return row
        (exchange,) = row.exchanges
        if row.cell.column == 0:
            return says(row, "Par", finish_reason="length")
        attempts = exchange.attempts * 3 if row.cell.column == 1 else ()
        return replace(row, exchanges=(replace(exchange, attempts=attempts, from_cache=not attempts),))

    page = show(written(tmp_path, change)).page
    metas = [cell(page, "france", column).locator(".meta").inner_text() for column in range(3)]

    assert metas == [
        "24 tokens · 0.31 s · cut at 3 tokens",
        "≈ 25 tokens · 0.81 s · 3 attempts",
        "26 tokens · 1.31 s · cached",
    ]


def test_every_cell_is_one_button_with_a_whole_name(show: Any, folder: Path) -> None:
    """Case, column, verdict and reason are a button's name; the table has its roles and counts its rows."""
    page = show(folder).page
    button = page.get_by_role("button", name="japan, mini: fail, does not contain Tokyo")

    assert button.count() == 1
    assert page.get_by_role("table", name="Cases side by side").get_attribute("aria-rowcount") == "251"
    assert page.get_by_role("rowheader", name=re.compile("^japan ")).count() == 1
    assert page.get_by_role("columnheader").count() >= 4
    assert page.locator("#say").inner_text() == "250 cases shown"
    small = page.eval_on_selector_all(
        "#cases button, #cases select, #cases summary",
        "all => all.filter(one => one.offsetParent && Math.min(one.offsetWidth, one.offsetHeight) < 24)"
        ".map(one => one.outerHTML)",
    )
    assert small == []


def test_keys_move_over_the_table(show: Any, folder: Path) -> None:
    """j and k go over cases, arrows over columns, / to the search, ? tells the keys; Enter opens what has the focus."""
    page = show(folder).page

    def focused() -> str:
        return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    assert focused().startswith("japan, mini: fail")
    page.keyboard.press("k")
    assert focused().startswith("france, mini: pass")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cell[open]")
    page.keyboard.press("Escape")
    assert focused().startswith("japan, mini")
    page.keyboard.press("?")
    assert "next and previous case" in page.inner_text("#keys")
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("j?")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") != "q"


def test_far_rows_are_reached_and_few_are_drawn(show: Any, folder: Path) -> None:
    """Forty presses of j, and the end of the page: what is near is drawn, and the row with the focus is in view."""
    page = show(folder).page
    for _ in range(41):
        page.keyboard.press("j")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    box = page.evaluate("(({top, bottom}) => [top, bottom])(document.activeElement.getBoundingClientRect())")
    drawn = page.locator("#k-body tr[aria-rowindex]").count()
    for _ in range(5):
        page.evaluate("scrollTo(0, document.querySelector('#k-table').getBoundingClientRect().bottom + scrollY - 500)")
        page.wait_for_timeout(60)

    assert label.startswith("france-40, ")
    assert 0 <= box[0] < box[1] <= 900
    assert drawn < 60
    assert page.locator("#k-body tr[aria-rowindex]").count() < 60
    assert case_ids(page)[-1] == "japan-249"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("k")
    assert page.evaluate("Number(document.activeElement.closest('tr').ariaRowIndex)") > 240


def test_rows_stay_where_they_are_while_others_are_measured(show: Any, folder: Path) -> None:
    """Scrolling by a hundred pixels moves the rows by a hundred pixels, also over rows never drawn before."""
    page = show(folder).page
    page.evaluate("document.getElementById('cases').scrollIntoView()")
    place = "document.querySelector('tr[aria-rowindex=\"{}\"]').getBoundingClientRect().top"
    page.evaluate("scrollTo(0, scrollY + 9000)")
    page.wait_for_timeout(100)
    index = page.locator("#k-body tr[aria-rowindex]").nth(8).get_attribute("aria-rowindex")
    before = page.evaluate(place.format(index))
    for _ in range(3):
        page.evaluate("scrollBy(0, 100)")
        page.wait_for_timeout(60)

    assert page.evaluate(place.format(index)) == pytest.approx(before - 300, abs=2)


def test_a_link_shows_the_same(show: Any, folder: Path) -> None:
    """The address keeps every part of the view, and an open cell; what it cannot mean falls back in silence."""
    shown = show(folder, address="#show=flips&tag=asia&sort=lowest&diff=mini&hide=sim&q=tokyo&open=japan:mini")
    page = shown.page
    wait_for_rows(page, 32)
    chosen = [page.input_value(f"#{key}") for key in ("q", "tag", "sort", "diff")]
    wrong = show(folder, address="#show=x&tag=nowhere&sort=7&diff=%00&hide=none&v=large:?,:,x:pass&open=japan:8&by=z")

    assert chosen == ["tokyo", "asia", "lowest", "mini"]
    assert page.locator("#k-head th").count() == 3
    assert page.inner_text("#d-h").startswith("japan")
    assert rows_shown(wrong.page) == 250
    assert not wrong.page.locator("#cell").is_visible()
    assert shown.complaints == wrong.complaints == []


def test_going_back_undoes_a_switch_and_a_clearing(show: Any, tmp_path: Path) -> None:
    """Back after a switch of columns lays them out as before; back after Clear has the words in the search again."""
    shown = show(written(tmp_path, top_p=(0.5, 1)))
    page = shown.page
    models = page.locator("#k-head .col").all_inner_texts()
    page.select_option("#by", "parameters")
    switched = page.locator("#k-head .col").all_inner_texts()
    page.go_back()
    page.wait_for_function("document.querySelector('#by').value === 'models'")

    assert switched != models == page.locator("#k-head .col").all_inner_texts()
    page.fill("#q", "no such words")
    page.click("#clear-b")
    page.go_back()
    page.wait_for_function("location.hash === '#q=no+such+words'")
    assert page.input_value("#q") == "no such words"
    assert shown.complaints == []


def test_a_filter_that_is_taken_back_leaves_the_focus_near(show: Any, folder: Path) -> None:
    """Pressing away a verdict goes on to the next one, and after the last to the buttons before it."""
    page = show(folder).page
    page.locator("#k-head .facets button").nth(0).click()
    page.locator("#k-head .facets button").nth(1).click()
    for _ in range(2):
        page.locator("#chips button").first.click()

    assert page.evaluate("document.activeElement.dataset.show") == "all"


def test_what_names_a_filter_is_one(show: Any, folder: Path) -> None:
    """Anything on the page with data-filter leaves the rows that it names, and a second press takes it back."""
    page = show(folder).page
    page.evaluate(
        "document.querySelector('.head').append("
        "h('button', {id: 'mine', 'data-filter': 'v=large:pass,mini:fail'}, 'x'))"
    )
    page.click("#mine")
    assert rows_shown(page) == 124
    assert page.get_attribute("#mine", "aria-pressed") == "true"
    page.evaluate("scrollTo(0, 0)")
    page.click("#mine")

    assert rows_shown(page) == 250


def test_twelve_columns_fit(show: Any, tmp_path: Path) -> None:
    """As many columns as fit are shown; the menu picks others; nothing scrolls sideways."""
    words = Words(labels=tuple(f"model {n}" for n in range(12)))
    shown = show(written(tmp_path, words=words))
    page = shown.page
    heads = page.locator("#k-head th").all_inner_texts()
    page.click("#columns-n")
    page.get_by_role("checkbox", name="model 11").check()
    page.get_by_role("checkbox", name="model 1", exact=True).uncheck()

    assert len(heads) == 1 + (1280 - 360) // 240
    assert page.inner_text("#columns-n") == "Columns: 3 of 12"
    assert "model 11" in page.inner_text("#k-head")
    assert "hide=model-1," in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.complaints == []


@pytest.mark.parametrize("width", [390, 700])
def test_narrow_pages_stack_the_columns(show: Any, folder: Path, width: int) -> None:
    """On a phone every answer is a box of two lines below its case, with the column's name; nothing is too wide."""
    shown = show(folder, width=width)
    page = shown.page
    page.evaluate("document.getElementById('cases').scrollIntoView()")
    lefts = {box["x"] for box in (cell(page, "france", column).bounding_box() for column in range(3))}

    assert len(lefts) == 1
    assert cell(page, "france", 1).locator(".colname").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.complaints == []


def test_paper_has_the_rows_that_are_left(show: Any, tmp_path: Path) -> None:
    """What is printed are the filtered rows with their texts, 500 at most, and then it says so."""
    page = show(written(tmp_path, cases=700)).page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    printed = (page.locator("#k-body tr[aria-rowindex]").count(), page.inner_text("#k-paper"))
    last = page.locator("#k-body tr[aria-rowindex]").last.inner_text()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.select_option("#tag", "oceania")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert printed == (500, "Printed: the first 500 of the 700 rows that the filters leave.")
    assert "What is the capital of Kenya?" in last
    assert page.locator("#k-body tr[aria-rowindex]").count() == 88
    assert page.inner_text("#k-paper") == ""


def test_without_a_script_the_head_still_stands(browser: Any, folder: Path) -> None:
    """Head and summary are there, and the cases say where they are."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    text = page.inner_text("body")
    context.close()

    assert "large beats mini" in text
    assert "drawn by the page's script, which is off here" in text
    assert not any(symbol in text for symbol in ("block-0", "undefined"))


def test_right_to_left_and_wide_scripts_keep_their_order(show: Any, tmp_path: Path) -> None:
    """Foreign text takes its direction from itself; controls of direction are visible escapes."""

    def change(row: Row) -> Row:
        return (
            says(row, "\u05e9\u05dc\u05d5\u05dd (1)" if row.cell.column == 0 else "a\u202eb \x1b[31m")
            if row.outcome
            else row
        )

    page = show(written(tmp_path, change, cases=3)).page
    answer = cell(page, "france", 0).locator(".ans")

    assert answer.evaluate("box => [box.dir, getComputedStyle(box).direction, getComputedStyle(box).unicodeBidi]") == [
        "auto",
        "rtl",
        "plaintext",
    ]
    assert cell(page, "france", 1).locator(".ans").inner_text() == "a\\u202eb \\x1b[31m"
