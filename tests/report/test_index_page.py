from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalrun.records.comparison import Interval
from evalrun.records.results_index import ResultsIndex, SuiteRuns
from evalrun.records.run_summary import ColumnSummary, RunSummary
from evalrun.report.index_page import write_index_page
from tests.conftest import find_chromium
from tests.report.hostile import HOSTILE
from tests.report.test_page import GOLDEN, elements

SVG = {
    "path": "class d",
    "circle": "cx cy r",
    "svg": "aria-label class hidden role viewbox",
    "table": "aria-label class role",
}
MORE = {
    "details": "",
    "summary": "",
    "ul": "class",
    "footer": "class",
    "td": "class data-l dir role",
    "th": "class dir role scope",
}
MORE |= {
    "h2": "dir id",
    "body": "class",
    "a": "aria-label href",
    "title": "",
    "meta": "charset content http-equiv name",
}


def column(label: str = "large", mean: float = 0.9, **more: Any) -> ColumnSummary:
    """A column of a run."""
    rate = Interval(mean=mean, low=max(0.0, mean - 0.05), high=min(1.0, mean + 0.05))
    said = {"id": label, "scored": 40, "planned": 40, "pass_rate": rate, "cost_usd": 0.01, "latency_p50_s": 0.5}
    return ColumnSummary(**{"label": label, "digest": "a", **said, **more})


def run(day: int, *columns: ColumnSummary, **more: Any) -> RunSummary:
    """A run of that day."""
    said = {
        "suite": "capitals", "state": "complete", "started_at": 1_795_000_000.0 + 86_400 * day, "columns": columns,
        "conclusion": ("large beats mini.",), "files": ("report.html", "results.csv"), "gates": 2,
    }  # fmt: skip
    return RunSummary(**{"place": "capitals", "run": f"2026-11-{day:02d}", **said, **more})


def page(*suites: SuiteRuns, **more: Any) -> str:
    """The page of these suites."""
    file = io.StringIO()
    write_index_page(file, ResultsIndex(suites=suites, **more))
    return file.getvalue()


def nights(*means: float, **more: Any) -> SuiteRuns:
    """A run a night, the newest first."""
    runs = [run(day, column(mean=mean), column("mini", 0.7)) for day, mean in enumerate(means, 1)]
    return SuiteRuns(suite="capitals", place="capitals", runs=tuple(reversed(runs)), **more)


def test_a_suite_has_its_columns_and_runs() -> None:
    """The newest complete run's figures with a drawing each, then the runs with state, date, conclusion and links."""
    text = page(nights(0.8, 0.9))
    words = " ".join(said.strip() for _, _, said in elements(text) if said.strip())
    hrefs = [a["href"] for tag, a, _ in elements(text) if tag == "a"]

    assert "90.0 %" in words
    assert "[85.0, 95.0]" in words
    assert text.count('class="spark"') == 2
    assert "large: pass rate in 2 runs, 2026-11-19 11:06 to 2026-11-20 11:06: 80.0 % then, 90.0 % now" in text
    assert text.count("2 gates passed") == 2
    assert hrefs == [
        f"./capitals/2026-11-0{day}/{name}" for day in (2, 1) for name in ("report.html", "report.html", "results.csv")
    ]


def test_how_a_run_ended_is_a_word() -> None:
    """Complete, a gate that failed, paused, and one of which nothing is known: each is said in words."""
    odd = replace(run(9), state="", problem="its run.json cannot be read", started_at=None, files=())
    runs = (run(4, gates=0), run(3, gates_failed=1), run(2, state="paused"), odd)
    text = page(SuiteRuns(suite="capitals", place="capitals", runs=runs))

    assert all(word in text for word in (">complete<", "1 gate failed", ">paused<", ">unknown<", "cannot be read"))
    assert "No run has ended here yet." in page()


def test_what_was_asked_otherwise_breaks_the_line() -> None:
    """A column that changed its requests has two stretches, and the page says so."""
    runs = [run(day, column(digest="a" if day < 3 else "b")) for day in (5, 4, 3, 2, 1)]
    text = page(SuiteRuns(suite="capitals", place="capitals", runs=tuple(runs)))
    (line,) = [a["d"] for tag, a, _ in elements(text) if tag == "path" and a.get("class") == "mean"]

    assert line.count("M") == 2
    assert "asked otherwise once" in text


def test_a_run_that_is_no_result_is_no_point() -> None:
    """Paused runs are listed and not drawn."""
    runs = (run(3, column(mean=0.1), state="paused"), run(2, column()), run(1, column()))
    text = page(SuiteRuns(suite="capitals", place="capitals", runs=runs))

    assert "pass rate in 2 runs" in text
    assert "10.0 %" not in text


def test_what_is_left_out_is_said() -> None:
    """Older runs unfold; those beyond the limit are counted, so are suites, columns and comparisons."""
    many = [run(1, *(column(f"m{at}") for at in range(20)))]
    text = page(
        nights(*[0.5] * 12, older=7), SuiteRuns(suite="s", place="s", runs=tuple(many)), suites_left_out=3,
        comparisons=("a--b",), comparisons_left_out=2,
    )  # fmt: skip

    assert "<summary>4 older runs</summary>" in text
    assert "7 more runs not listed" in text
    assert "8 more columns in the report" in text
    assert "3 older suites not listed" in text
    assert './compare/a--b/comparison.html"' in text
    assert "2 more not listed" in text


def hostile_index() -> str:
    """A page in which every text and every name is hostile."""
    suites = [
        SuiteRuns(
            suite=text,
            place=text,
            runs=(
                run(2, column(text), place=text, run=text, conclusion=(text,), files=("report.html", "summary.md")),
                run(1, column(text, digest=text), place=text, run=text, problem=text, state=text),
                run(0, column(text, digest="b"), place=text, run=text),
            ),
        )
        for text in (*HOSTILE, "javascript:alert(1)", "//evil.example", "a/b", "\udcff")
    ]
    return page(
        *suites, comparisons=tuple(text for text in HOSTILE if text.encode("utf-8", "replace").decode() == text)
    )


@pytest.fixture(scope="module")
def hostile() -> str:
    """The page in which everything is hostile."""
    return hostile_index()


@pytest.mark.slow
def test_hostile_names_make_no_markup(hostile: str) -> None:
    """The page has the elements and attributes of its template, no script, and loads nothing."""
    allowed: dict[str, set[str]] = {}
    for table in (GOLDEN, SVG, MORE):
        for tag, names in table.items():
            allowed.setdefault(tag, set()).update(names.split())
    found = list(elements(hostile.encode("utf-8", "replace").decode()))
    strange = {(tag, name) for tag, attributes, _ in found for name in attributes if name not in allowed.get(tag, ())}

    assert strange <= {("svg", "viewBox")}
    assert {tag for tag, _, _ in found} <= set(allowed)
    assert "script" not in {tag for tag, _, _ in found}


@pytest.mark.slow
def test_a_link_stays_in_the_results(hostile: str) -> None:
    """Every link is three steps down from the page, whatever a folder is called."""
    links = {a["href"] for tag, a, _ in elements(hostile) if tag == "a"}
    steps = [link.split("/") for link in links]

    assert all(len(one) == 4 and one[0] == "." and ":" not in link for one, link in zip(steps, links, strict=True))
    assert all(one[3] in {"report.html", "summary.md", "results.csv", "comparison.html"} for one in steps)


@pytest.mark.slow
def test_the_policy_lets_one_style_in(hostile: str) -> None:
    """No script, no image but the empty icon, and the hash of the style that is there."""
    (policy,) = [a["content"] for tag, a, _ in elements(hostile) if tag == "meta" and "http-equiv" in a]
    (style,) = [text for tag, _, text in elements(hostile) if tag == "style"]

    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_stands_in_a_browser(hostile: str, browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
    """Offline, from a file: no request, no console message, no dialog, no sideways scrolling; older runs unfold."""
    complaints: list[str] = []
    (tmp_path / "index.html").write_bytes(hostile.encode("utf-8", "replace"))
    (tmp_path / "plain.html").write_text(page(nights(*[0.8, 0.9] * 6)), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    shown = context.new_page()
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
    shown.on("request", lambda request: complaints.append(request.url) if not request.url.startswith("file:") else None)
    for name in ("index.html", "plain.html"):
        shown.goto((tmp_path / name).as_uri())
        assert shown.title() == "Results · evalrun"
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    rows = "[...document.querySelectorAll('.runs tbody tr')].filter(row => row.checkVisibility()).length"
    before = shown.evaluate(rows)
    shown.click("summary")
    after = shown.evaluate(rows)
    inside = shown.evaluate(
        "[...document.querySelectorAll('.spark')].every(s => { const b = s.getBBox();"
        " return b.x >= 0 && b.y >= 0 && b.x + b.width <= 160 && b.y + b.height <= 32 })"
    )
    context.close()

    assert complaints == []
    assert (before, after) == (8, 12)
    assert inside
