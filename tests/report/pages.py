"""Reports in a browser: opened offline, looked over for overlapping texts and for what axe-core finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from tests.conftest import find_chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OVERLAPS = """
() => {
  const found = [];
  const meet = (a, b, air) => a.x + 1 < b.x + b.width && b.x + 1 < a.x + a.width
    && a.y + air < b.y + b.height && b.y + air < a.y + a.height;
  for (const svg of document.querySelectorAll('figure svg')) {
    const name = svg.closest('figure').id, room = svg.viewBox.baseVal;
    const boxes = [...svg.querySelectorAll('text:not(.in-mark)')].map(text => [text.textContent, text.getBBox()]);
    const marks = [...svg.querySelectorAll('use.mark')].map(mark => ['a mark', mark.getBBox()]);
    boxes.forEach(([text, box], i) => {
      if (box.x < -2 || box.x + box.width > room.width + 2 || box.y < -4 || box.y + box.height > room.height + 4)
        found.push(`${name}: ${text} reaches outside`);
      for (const [other, its] of [...boxes.slice(i + 1), ...marks])
        if (meet(box, its, 3)) found.push(`${name}: ${text} lies on ${other}`);
    });
  }
  return found;
}
"""
"""Texts of charts that lie on one another or on a mark, or reach outside."""

SIDEWAYS = """
() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll('main *, footer *')]
    .filter(e => e.getBoundingClientRect().right > wide + 1 && !e.closest('.xs, .flip-list')).slice(0, 5)
    .map(e => `${e.tagName}.${e.getAttribute('class')}: ${e.textContent.trim().slice(0, 60)}`)
    .concat('scrolls sideways');
}
"""
"""What makes the page scroll sideways, if it does."""


@dataclass
class Opened:
    """A page, and everything that it should not have done."""

    page: Any
    complaints: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opening(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Opens files offline; every request, console message and error is a complaint."""
    contexts = []

    def opened(file: Path, *, width: int = 1280, scheme: str = "light", script: bool = True, **more: Any) -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            offline=True,
            java_script_enabled=script,
            **more,
        )
        contexts.append(context)
        shown = Opened(context.new_page())
        url = file.as_uri()
        shown.page.on("console", lambda m: shown.complaints.append(f"console: {m.text}"))
        shown.page.on("pageerror", lambda e: shown.complaints.append(f"error: {e}"))
        shown.page.on("request", lambda r: r.url.split("#")[0] == url or shown.complaints.append(f"request: {r.url}"))
        shown.page.goto(url)
        return shown

    yield opened
    for context in contexts:
        context.close()


def faults(page: Any) -> list[str]:
    """What axe-core finds that is serious or critical: rule, place, and what is wrong."""
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]}: {node['failureSummary'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
