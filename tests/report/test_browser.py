from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.report.factory import make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of
from tests.report.pages import chromium
from tests.report.written import write_reports

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for all tests of this file."""
    with chromium() as started:
        yield started


@dataclass
class Shown:
    """A page in the browser, and everything that it should not have done."""

    page: Any
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def show(browser: Any) -> Iterator[Any]:
    """Opens a report offline; every request, console error and dialog is a complaint."""
    contexts = []

    def opened(folder: Path, *, width: int = 1280, scheme: str = "light", address: str = "") -> Shown:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        shown = Shown(context.new_page())
        url = (folder / "report.html").as_uri()
        shown.page.on("console", lambda m: shown.complaints.append(f"console: {m.text}"))
        shown.page.on("pageerror", lambda e: shown.complaints.append(f"error: {e}"))
        shown.page.on("request", lambda r: r.url.split("#")[0] == url or shown.complaints.append(f"request: {r.url}"))
        shown.page.on("dialog", lambda d: (shown.complaints.append(f"dialog: {d.message}"), d.dismiss()))
        shown.page.goto(url + address)
        shown.page.wait_for_selector("html[data-ready]", state="attached")
        return shown

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 250 cases of three models."""
    path = tmp_path_factory.mktemp("report")
    plan = make_plan(cases=250)
    rows = make_rows(plan)
    write_reports(path, plan, rows, make_comparison(plan, rows), make_facts())
    return path


def rows_shown(page: Any) -> int:
    """How many rows the filters leave."""
    return int(page.inner_text("#count").split()[0].replace(",", ""))


def wait_for_rows(page: Any, count: int) -> None:
    """Wait until the filters leave as many rows; typing is answered a moment later."""
    import re

    from playwright.sync_api import expect

    expect(page.locator("#count")).to_have_text(re.compile(f"^{count:,} (of [0-9,]+ )?[a-z]+$"), timeout=5_000)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_page_loads_nothing_and_complains_of_nothing(
    show: Any, folder: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    """Offline, in light and dark, wide and narrow: no request, no console message, no sideways scrolling."""
    shown = show(folder, width=width, scheme=scheme)
    shown.page.screenshot(path=str(tmp_path / "page.png"))

    assert rows_shown(shown.page) == 250
    assert shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.complaints == []


def test_flips_of_a_pair_lead_to_their_answers(show: Any, folder: Path) -> None:
    """A pair's flips open to the ids of the cases, first those that only the first passed; a click opens the answer."""
    shown = show(folder)
    page = shown.page
    page.click("#flips-0 > summary")
    lists = page.locator("#flips-0 .flip-list")
    first, second = lists.nth(0).inner_text(), lists.nth(1).inner_text()
    page.click("#flips-0 a >> nth=1")

    assert first.startswith("only large japan, canada")
    assert second == "only mini australia"
    assert "canada" in page.inner_text("#d-h")
    assert "fail" in page.locator("#cell .switch button").nth(1).inner_text()
    assert shown.complaints == []


def test_flips_of_columns_with_other_parameters_are_found(show: Any, tmp_path: Path) -> None:
    """Columns of one model that differ in their parameters lie in different rows, and still flip case by case."""
    plan = make_plan(samples=2, top_p=(0.5, 1))
    rows = make_rows(plan)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts())
    page = show(tmp_path).page
    texts = []
    for at in (0, 1):
        page.click(f"#flips-{at} > summary")
        texts.append(page.locator(f"#flips-{at} .flip-list").nth(0).inner_text())

    assert texts[0] == "only large · top_p=0.5 none on this page"
    assert texts[1].startswith("only large · top_p=0.5 japan (0), japan (1), ")


def test_the_drawer_shows_the_whole_answer(show: Any, folder: Path) -> None:
    """A click opens an answer with messages and reasons; arrows go to other models, j to the next case, Esc closes."""
    shown = show(folder)
    page = shown.page
    page.click(".open >> nth=4")
    drawer = page.locator("#cell")
    page.locator("#cell", has_text="What is the capital of Japan?").wait_for()
    assert "japan" in drawer.inner_text()
    assert "does not contain Tokyo" in drawer.inner_text()
    page.keyboard.press("ArrowRight")
    drawer.locator(".switch [aria-pressed=true]", has_text="sim").wait_for()
    page.keyboard.press("j")
    page.locator("#cell", has_text="australia").wait_for()
    address = page.url
    page.keyboard.press("Escape")
    assert not drawer.is_visible()
    again = show(folder, address="#" + address.split("#")[1])
    again.page.locator("#cell", has_text="australia").wait_for()
    assert shown.complaints == again.complaints == []


def test_hostile_texts_do_nothing(show: Any, tmp_path: Path) -> None:
    """With every text hostile, drawn and opened, nothing runs, nothing is fetched and no element appears."""
    run = run_of(HOSTILE)
    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts)
    shown = show(tmp_path)
    page = shown.page
    for _ in range(30):
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(20)
    for place in range(0, min(40, page.locator(".open").count()), 4):
        page.locator(".open").nth(place).click()
        page.keyboard.press("Escape")
    strange = page.evaluate(
        "document.querySelectorAll("
        "'img, iframe, object, embed, base, form, script[src], [style]:not(html, .space)').length"
    )
    handlers = page.evaluate(
        "[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))"
    )

    assert rows_shown(page) > 100
    assert strange == 0
    assert not handlers
    assert shown.complaints == []
