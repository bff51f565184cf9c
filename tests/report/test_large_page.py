"""A run of 100,000 cases × 4 columns: its report is written within bounds, and its page stays quick."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from evalrun.report.island import PAGE_LIMIT
from tests.report.large_run import store_large
from tests.report.measured import Measured, write_measured
from tests.report.test_browser import browser as browser

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]

CASES = 100_000
ANEW = 5
SLOWER_CPU_S = 110.0
"""Processor seconds of the slower process, at most, on a machine that others share. Whether the report is written
within 60 s on the clock is for `make bench-report` to say, of a machine that has nothing else to do."""


@dataclass(frozen=True)
class Written:
    """A report that processes of its own wrote: its folder, and what that took."""

    folder: Path
    took: Measured


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The report of the large run, as `evalrun report` writes it."""
    run = store_large(tmp_path_factory.mktemp("large"), CASES)
    return Written(run, write_measured(run))


@pytest.fixture(scope="module")
def opened(browser: Any, written: Written) -> Iterator[tuple[Any, list[str], list[float]]]:
    """The page in a browser that is offline, what it should not have done, and how long it took to open, each time."""
    url, complaints, seconds = (written.folder / "report.html").as_uri(), [], []
    for _ in range(ANEW):
        context = browser.new_context(viewport={"width": 1600, "height": 900}, offline=True)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(f"console: {m.text}"))
        page.on("pageerror", lambda e: complaints.append(f"error: {e}"))
        page.on("request", lambda r: r.url == url or complaints.append(f"request: {r.url}"))
        begun = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_selector("html[data-ready]", state="attached")
        seconds.append(time.perf_counter() - begun)
        if len(seconds) < ANEW:
            context.close()
    yield page, complaints, seconds
    context.close()


def until(page: Any, expression: str, seconds: float = 60) -> float:
    """Seconds until the page says yes. Its content policy forbids wait_for_function."""
    begun = time.perf_counter()
    while not page.evaluate(expression):
        assert time.perf_counter() - begun < seconds, expression
    return time.perf_counter() - begun


def is_written_within_bounds(written: Written) -> None:
    """The page has at most 64 MB; 500 MB were enough for all processes together, and none worked for long."""
    assert 0.9 * PAGE_LIMIT < (written.folder / "report.html").stat().st_size <= 64_000_000
    assert written.took.peak_bytes < 500_000_000
    assert written.took.slower_cpu_s < SLOWER_CPU_S


def opens_at_once(opened: Any) -> None:
    """It opens in under 3 s, says what it holds, and asks for nothing."""
    page, complaints, seconds = opened

    assert median(seconds) < 3
    assert f"of {CASES:,} cases: all " in page.inner_text("#cases p.sub >> nth=0")
    assert complaints == []


def answers_filters_at_once(opened: Any) -> None:
    """Every filter and order answers in under 300 ms, the median of five; a search shows its first finds meanwhile."""
    page, complaints, _ = opened
    timed = (
        "async change => { const begun = performance.now(); controls.filter(change);"
        " await new Promise(done => requestAnimationFrame(() => setTimeout(done))); return performance.now() - begun; }"
    )
    changes: list[dict[str, str]] = [
        {"show": "flips"}, {"show": "all", "v": "birch:fail,cedar:pass"}, {"v": "", "tag": "coast"},
        {"tag": "", "scorer": "form"}, {"scorer": "", "sort": "disagreement"}, {"sort": "slowest"}, {"sort": "plan"},
    ]  # fmt: skip
    took: dict[str, list[float]] = {json.dumps(change): [] for change in changes}
    for _ in range(5):
        for change in changes:
            took[json.dumps(change)].append(page.evaluate(timed, change))
    page.fill("#q", "place-0500")
    until(page, "/searched/.test(document.getElementById('count').textContent)", 3)
    until(page, "search.done")
    found = page.inner_text("#count")
    page.fill("#q", "")
    until(page, "!search.active")

    assert {change: times for change, times in took.items() if median(times) >= 300} == {}
    assert 0 < int(found.split()[0]) <= 100
    assert complaints == []


def needs_little_memory(opened: Any) -> None:
    """After a look at many places, and a forced collection, the heap is under 400 MB; the last row can be reached."""
    page, complaints, _ = opened
    below = "document.querySelector('#k-table').getBoundingClientRect()"
    for share in (0.2, 0.5, 0.8, 1, 1):
        page.evaluate(f"share => scrollTo(0, scrollY + {below}.top + share * {below}.height - 500)", share)
        page.wait_for_timeout(100)
        until(page, "!document.querySelector('#k-body [data-waits]')")
    last = page.evaluate("Math.max(...[...document.querySelectorAll('[aria-rowindex]')].map(one => one.ariaRowIndex))")
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")

    assert sum(heap[name] for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize")) < 400_000_000
    assert last == int(page.get_attribute("#k-table", "aria-rowcount"))
    assert complaints == []


def test_a_large_report_is_quick_to_write_and_to_read(written: Written, opened: Any) -> None:
    """Written, opened, filtered and looked through: one test, so that the run is made once, whoever carries it out."""
    is_written_within_bounds(written)
    opens_at_once(opened)
    answers_filters_at_once(opened)
    needs_little_memory(opened)
