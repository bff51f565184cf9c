from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalrun.conduct.compare import compare_runs
from tests.conduct.stored import Made, Said, cases, stored
from tests.report.hostile import HOSTILE
from tests.report.pages import SIDEWAYS, faults, opening
from tests.report.test_browser import browser as browser
from tests.report.test_compare_page import page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two runs of thirty cases."""
    results = tmp_path_factory.mktemp("compared")
    stored(results, "run-a", Made(cases(30), lambda c, k, s: Said(passed=c != "land9")))
    stored(results, "run-b", Made(cases(30), lambda c, k, s: Said(passed=c not in {"land20", "land21"}, text=c)))
    return Path(compare_runs(results, "run-a", "run-b", write=True).folder) / "comparison.html"


@pytest.fixture(scope="module")
def chromium(compared: Path, browser: Any) -> Any:
    """The browser, started after the runs are written: its event loop allows no other."""
    assert compared.exists()
    return browser


def opened(browser: Any, path: Path) -> tuple[Any, list[str]]:
    """The page in a browser that is offline, and everything that it should not have done."""
    complaints: list[str] = []
    shown = browser.new_context(offline=True).new_page()
    shown.on("console", lambda m: complaints.append(f"console: {m.text}"))
    shown.on("pageerror", lambda e: complaints.append(f"error: {e}"))
    shown.on("request", lambda r: r.url.split("#")[0] == path.as_uri() or complaints.append(f"request: {r.url}"))
    shown.on("dialog", lambda d: (complaints.append(f"dialog: {d.message}"), d.dismiss()))
    shown.goto(path.as_uri())
    shown.wait_for_selector("html[data-ready]", state="attached")
    return shown, complaints


def test_flips_come_first_and_can_be_chosen(chromium: Any, compared: Path) -> None:
    """pass → fail comes first, then fail → pass; a button shows either alone, and an answer opens in the drawer."""
    shown, complaints = opened(chromium, compared)
    ids = shown.eval_on_selector_all("#k-body tr .id .mono", "all => all.map(one => one.textContent)")

    assert ids[:6] == ["land20", "land20", "land21", "land21", "land9", "land9"]
    assert shown.inner_text("#count") == "60 cells"
    for kind, count in (("lost", "4 of 60 cells"), ("won", "2 of 60 cells"), ("flips", "6 of 60 cells")):
        shown.click(f"[data-show={kind}]")
        assert shown.inner_text("#count") == count
    shown.click("#k-body tr[aria-rowindex='2'] td:last-child .open")
    assert "land20" in shown.inner_text("#cell")
    assert complaints == []


def test_a_hostile_page_does_nothing(chromium: Any, tmp_path: Path) -> None:
    """Whatever the texts, nothing runs, nothing is fetched, and no dialog opens."""
    path = tmp_path / "comparison.html"
    path.write_text(page(HOSTILE), encoding="utf-8", errors="replace")
    shown, complaints = opened(chromium, path)
    shown.click("#k-body tr[aria-rowindex='2'] td:last-child .open")

    assert shown.eval_on_selector_all("#k-body tr", "all => all.length") > 5
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(chromium: Any, compared: Path, scheme: str) -> None:
    """Light and dark, axe-core finds no serious or critical fault, and a phone is wide enough."""
    with opening(chromium) as open_page:
        assert faults(open_page(compared, scheme=scheme).page) == []
        assert open_page(compared, scheme=scheme, width=390).page.evaluate(SIDEWAYS) == []
