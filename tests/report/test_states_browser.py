from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalrun.records.regression import Regression, Regressions
from tests.conftest import ROOT
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of
from tests.report.pages import OVERLAPS, SIDEWAYS, Opened, chromium, faults, opening
from tests.report.states import STATES
from tests.report.written import write_reports

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for all tests of this file."""
    with chromium() as started:
        yield started


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Opens a file offline."""
    with opening(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a state, made once."""
    made: dict[str, Path] = {}

    def page(name: str) -> Path:
        if name not in made:
            folder, state = tmp_path_factory.mktemp("state"), STATES[name]()
            run = state.run
            write_reports(folder, run.plan, run.rows, run.comparison, run.facts, trend=state.trend)
            made[name] = folder / "report.html"
        return made[name]

    return page


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report that a new user sees first."""
    results = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "evalrun", "suites/basic.yaml", "--results", str(results), "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return next(results.glob("basic/*/report.html"))


@pytest.mark.parametrize("name", STATES)
def test_no_text_of_a_chart_lies_on_another(open_page: Open, page_of: Callable[[str], Path], name: str) -> None:
    """In every state, in the reader's own font: texts keep off each other, off marks, and stay inside their charts."""
    shown = open_page(page_of(name))

    assert shown.page.evaluate(OVERLAPS) == []
    assert shown.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", STATES)
def test_axe_finds_no_barrier(open_page: Open, page_of: Callable[[str], Path], name: str, scheme: str) -> None:
    """In every state, light and dark, axe-core finds no serious or critical fault."""
    assert faults(open_page(page_of(name), scheme=scheme).page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_demo_has_no_barrier(open_page: Open, demo: Path, scheme: str) -> None:
    """The report of suites/basic.yaml: axe-core finds nothing serious, no chart's texts collide, nothing complains."""
    shown = open_page(demo, scheme=scheme)

    assert faults(shown.page) == []
    assert shown.page.evaluate(OVERLAPS) == []
    assert shown.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_open_answer_and_the_keys_have_no_barrier(open_page: Open, demo: Path, scheme: str) -> None:
    """Chat, Code and Raw of an answer, and the list of keys: axe-core finds nothing serious in any of them."""
    shown = open_page(demo, scheme=scheme)
    page = shown.page
    page.locator(".cmp .open").first.click()
    page.wait_for_selector("#cell[open] .panel")
    for key, tab in (("1", "chat"), ("2", "code"), ("3", "raw")):
        page.keyboard.press(key)
        assert page.get_attribute("[role=tab][aria-selected=true]", "id") == f"tab-{tab}"
        assert faults(page) == [], tab
    page.keyboard.press("Escape")
    page.keyboard.press("?")

    assert page.locator("#keys").is_visible()
    assert faults(page) == []
    assert shown.complaints == []


def test_axe_would_find_one(open_page: Open, tmp_path: Path) -> None:
    """The check itself works: pale text and a picture without words are found."""
    page = tmp_path / "bad.html"
    page.write_text('<html lang="en"><title>t</title><main><h1>h</h1><p style="color:#ccc">pale</p><img src=""></main>')

    assert {fault.split()[0] for fault in faults(open_page(page).page)} >= {"color-contrast", "image-alt"}


@pytest.mark.parametrize(("width", "what"), [(390, "a phone"), (640, "1280 pixels at 200 %"), (1080, "cards of five")])
@pytest.mark.parametrize("name", STATES)
def test_nothing_scrolls_sideways(
    open_page: Open, page_of: Callable[[str], Path], name: str, width: int, what: str
) -> None:
    """On a phone and at 200 % zoom every state fits the width."""
    assert open_page(page_of(name), width=width).page.evaluate(SIDEWAYS) == [], what


def test_a_hostile_run_keeps_its_charts_in_order(open_page: Open, tmp_path: Path) -> None:
    """Names that are markup, escapes, bidi marks or very long make no element, fit their charts, and keep apart."""
    run = run_of(HOSTILE)
    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts)
    shown = open_page(tmp_path / "report.html", script=False)

    assert shown.page.locator("figure").count() >= 2
    assert shown.page.locator("figure script, figure img, figure foreignObject, figure a").count() == 0
    assert shown.page.evaluate(OVERLAPS) == []


def test_everything_but_the_cases_stands_without_a_script(open_page: Open, page_of: Callable[[str], Path]) -> None:
    """With scripts off: the sentence, the gates, the summary and seven charts are there to be seen."""
    page = open_page(page_of("three"), script=False).page

    assert page.inner_text("h1").startswith("claude-haiku beats gpt-4o-mini")
    assert page.locator("#summary tbody tr").count() == 4
    assert page.locator("#charts figure svg").count() == 7
    assert all(
        box["height"] > 60 for box in (one.bounding_box() for one in page.locator("#charts svg[role=img]").all())
    )
    assert page.locator(".gates li").count() == 2


def test_the_legend_of_pairs_filters_the_cases(open_page: Open, page_of: Callable[[str], Path]) -> None:
    """A part of the bar of pairs leads to just the cases that it counts."""
    shown = open_page(page_of("three"))
    page = shown.page
    part = page.locator(".pairs [data-filter]").nth(2)
    counted = part.locator("b").inner_text()
    part.click()

    assert "claude-haiku:fail,gpt-4o-mini:pass" in page.url
    assert page.inner_text("#count").startswith(f"{counted} of ")
    assert part.get_attribute("aria-pressed") == "true"
    assert shown.complaints == []


def test_the_colours_of_the_reader_are_kept(open_page: Open, page_of: Callable[[str], Path]) -> None:
    """With forced colours bars and marks take the reader's colours, and stay to be seen."""
    page = open_page(page_of("three"), forced_colors="active").page
    bar = "getComputedStyle(document.querySelector('#summary .fill')).fill"
    ground = "getComputedStyle(document.body).backgroundColor"
    whisker = "getComputedStyle(document.querySelector('#summary .whisker')).stroke"

    assert page.evaluate(bar) != page.evaluate(ground)
    assert page.evaluate(whisker) != page.evaluate(ground)


def test_a_printed_page_is_light_and_has_no_controls(open_page: Open, page_of: Callable[[str], Path]) -> None:
    """On paper: black on white whatever the theme, no button, three charts beside each other, none cut in two."""
    page = open_page(page_of("three"), scheme="dark").page
    page.emulate_media(media="print")

    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 24, 26)"
    assert not page.locator("#theme-b").is_visible()
    tops = {round(one.bounding_box()["y"]) for one in page.locator("#charts figure").all()[:3]}
    assert len(tops) == 1
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    assert page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"


def test_twelve_columns_are_one_table(open_page: Open, page_of: Callable[[str], Path]) -> None:
    """Wide screens have a plain table of twelve rows; charts grow downwards, not sideways."""
    page = open_page(page_of("twelve")).page
    heights = [one.bounding_box()["height"] for one in page.locator("#chart-pass-rate svg").all()]

    assert page.locator("#summary tbody tr").count() == 12
    assert page.evaluate("getComputedStyle(document.querySelector('#summary tbody tr')).display") == "table-row"
    assert heights[0] > 320


def test_of_twelve_columns_the_leading_ones_are_side_by_side(open_page: Open, page_of: Callable[[str], Path]) -> None:
    """Where not all fit, the cases show the leader and those that come next to it, in the suite's order."""
    page = open_page(page_of("twelve")).page
    page.wait_for_selector("html[data-ready]", state="attached")
    ranked = page.locator("#summary tbody th b").all_inner_texts()

    assert page.locator("#k-head .col b").all_inner_texts() == ranked[:3][::-1]


def test_what_got_worse_leads_to_its_case(open_page: Open, tmp_path: Path) -> None:
    """The name of a case that fails now filters the table to it and goes there."""
    run = STATES["three"]().run
    row = next(iter(run.rows()))
    one = Regression(case=row.case.id, column=row.column.label, sample=None, expected="Paris", said="Rome", reason="")
    facts = replace(run.facts, regressions=Regressions(against="run r1", compared=9, failing=1, worst=(one,)))
    write_reports(tmp_path, run.plan, run.rows, run.comparison, facts)
    page = open_page(tmp_path / "report.html").page
    page.click("#worse button")
    page.wait_for_function("scrollY > 500")

    assert page.inner_text("#count").startswith("1 of ")
    assert row.case.id in page.evaluate("location.hash")
    assert faults(page) == []
