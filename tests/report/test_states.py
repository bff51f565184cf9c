from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.report.states import STATES
from tests.report.written import write_reports


def told(folder: Path, name: str) -> str:
    """What the page of a state says without its script, on one line."""
    state = STATES[name]()
    run = state.run
    write_reports(folder, run.plan, run.rows, run.comparison, run.facts, trend=state.trend)
    html = (folder / "report.html").read_text("utf-8")
    bare = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))


SAID = {
    "three": (
        "claude-haiku beats gpt-4o-mini on pass rate by",
        "4.5 times as much",
        "1.7 times as long per answer",
        "Simulated sim/large",
        "rank 1 · lab/claude-haiku",
        "0.092 ¢ an answer",
        "first token",
        "Tokens estimated in llama-3.1-8b",
        "Difference from claude-haiku",
    ),
    "trend": ("Trend of the pass rate", "9 runs"),
    "tie": ("are not distinguishable (needs about", "ahead, not decided", "rank 1–2"),
    "partial": (
        "Paused: 237 scored / 600 planned",
        "21 Nov 2026, 00:00 UTC",
        "evalrun resume",
        "not decided",
        "ahead so far",
    ),
    "errors in a column": (
        "broken has nothing scored: 401 from lab",
        "most often 401 from lab: the key is not valid",
        "nothing scored",
    ),
    "errors everywhere": (
        "Nothing was answered: 401 from lab",
        "Nothing is scored, so there is no pass rate.",
        "--retry-errors",
    ),
    "one column": ("only passes 30.0 %", "200 scored / 200 planned"),
    "nothing asked": ("Interrupted: 0 scored / 600 planned", "Nothing was answered yet"),
    "simulated": (
        "Among simulated models, sim/large beats sim/small",
        "every model here",
        "Every column that has a price is free.",
    ),
    "recorded": (
        "Recorded rec finetuning, rec verification",
        "No latency is known of any answer.",
        "No two columns have a known price.",
    ),
    "twelve": ("rank 1–3", "the first 6 of 12 columns", "21 pairs"),
    "stopped early": ("Paired, 120 cases, stopped early", "120 scored / 200 planned (80 not needed)", "not compared"),
    "samples": ("pass@2", "sign flips of whole cases"),
    "all pass": ("(the same pass rate on 12 cases)", "100.0 % [75.8, 100.0]"),
}
UNSAID = {
    "one column": ("rank 1", "Difference from", "Score against", "Pair by pair"),
    "partial": ("Complete", " best +"),
    "tie": (" best +",),
    "recorded": ("no price known",),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STATES)
def test_every_state_is_told_without_a_script(tmp_path: Path, name: str) -> None:
    """What a reader must know of a run stands in the page itself; nothing is called None, nan or inf."""
    text = told(tmp_path, name)

    assert [said for said in SAID[name] if said not in text] == []
    assert [said for said in UNSAID.get(name, ()) if said in text] == []
    assert not re.search(r"\b(None|nan|inf|NaN)\b", text)
