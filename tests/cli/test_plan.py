"""`evalrun plan`, and the lines that a run prints before it starts."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.cli.plan_text import closing_lines, time_text
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, Limit, Quota
from evalrun.safe_text import cells_wide
from evalrun.scheduler.forecast import Forecast, LaneLoad, LimitState, ScopeState, forecast
from evalrun.scheduler.rooms import Charge
from tests.cli.harness import call

NOON = 1_795_176_000.0  # 2026-11-20T12:00:00Z

SUITE = """\
name: capitals
providers:
  lab: {dialect: openai-chat, base_url: "http://127.0.0.1:9/v1", account: team}
models:
  - {id: lab/mini, label: mini, quota: [{rpm: 15}, {rpd: 87, resets: rolling-24h}]}
  - {id: lab/large, label: large, quota: [{rpm: 10}, {rpd: 50, resets: rolling-24h}, {max_input_tokens: 20}]}
  - {id: simulator/small, label: sim}
params: {max_tokens: 8}
prompts: {terse: "What is {{ a }} + 1? {{ b }}"}
cases: [{file: sums.csv}]
scorers: []
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of 120 cases and three models, one case of which is long, in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))
    (tmp_path / "sums.csv").write_text("a,b\n" + "".join(f"{n},{'very ' * 40 * (n == 7)}\n" for n in range(120)))
    path = tmp_path / "capitals.yaml"
    path.write_text(SUITE.replace("scorers: []\n", ""))
    return path


def test_a_plan_says_what_is_sent_spent_and_waited_for(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A line says what there is, one a model what it takes and its limits, a sentence how long; nothing is sent."""
    said = call(capsys, "plan", suite)
    lines = said.out.splitlines()

    assert said.code == 0, said.err
    assert lines[0] == "capitals: 3 columns × 120 cases = 360 cells"
    assert " ".join(lines[1].split()) == "mini 120 requests ~2.0k in ≤960 out price ?"
    assert " ".join(lines[2].split()) == "large 119 requests ~1.9k in ≤952 out price ?"
    assert lines[3].strip().startswith("1 can never fit: large: at most 20 input tokens a request (largest: ")
    assert lines[4].split()[-1] == "free"
    assert lines[5].split()[:4] == ["in", "all", "359", "requests"]
    assert lines[6:9] == [
        "  limits  mini: 15/min, 87 left today ← 2 days",
        "  limits  large: 10/min, 50 left today ← 3 days",
        "  limits  sim: simulated",
    ]
    assert "today, then 2 more days (large: 50 requests a day)." in lines[9]
    assert lines[10].startswith("done about 20")
    assert max(map(len, lines)) <= 80
    assert not Path("results").exists()
    assert not Path("state").exists()


def test_limits_stand_beside_where_there_is_room(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Where the lines are short enough, each model's limits and days stand in its own line."""
    said = call(capsys, "plan", suite, "--limit", "9", "--only", "model=mini", "--set", "max_tokens=4")

    assert said.out.splitlines()[1].endswith("price ?   15/min, 87 left today")
    assert "limits" not in said.out


def test_a_plan_as_json_has_every_figure(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """The JSON object has per model and in all: requests, tokens, cost, what binds, when, days, what cannot fit."""
    told = json.loads(call(capsys, "plan", suite, "--json").out)
    mini, large, sim = told["models"]

    assert [one["requests"] for one in told["models"]] == [120, 119, 120]
    assert large["never_fit"] == 1
    assert large["never_fit_because"][0]["why"] == "large: at most 20 input tokens a request"
    assert large["binding"] == {"model": "large", "scope": "large", "limit": "50 requests a day"}
    assert (mini["days"], large["days"], sim["days"]) == (2, 3, 1)
    assert [(one["axis"], one["left"]) for one in mini["limits"]] == [("requests", 15), ("requests", 87)]
    assert sim["cost_usd_at_most"] == 0
    assert told["in_all"]["requests"] == 359
    assert told["in_all"]["finishes_at"] == large["finishes_at"]
    assert told["in_all"]["cost_usd_at_most"] is None
    assert [one["requests"] for one in told["sittings"]] == [87 + 50 + 120, 33 + 50, 19]
    assert told["run"] is None


def test_a_plan_counts_what_is_answered(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """What the unfinished run has is not sent again, the plan says so, and names the run that would be gone on with."""
    suite.write_text(
        SUITE.replace("scorers: []\n", "").replace("lab/mini", "simulator/medium").replace("lab/", "simulator/")
    )
    assert call(capsys, suite, "--max-requests", "30", "--quiet").code == 75
    said = call(capsys, "plan", suite)
    told = json.loads(call(capsys, "plan", suite, "--json").out)

    assert told["in_all"]["answered"] == 30
    assert told["in_all"]["requests"] == 329
    assert told["in_all"]["output_tokens"] <= told["in_all"]["output_tokens_at_most"]
    assert "10 answered already" in said.out
    assert "capitals.yaml goes on with" in said.out.replace("\n", " ")
    assert max(map(len, said.out.splitlines())) <= 80
    assert "goes on" not in call(capsys, "plan", suite, "--new").out


def test_a_run_says_beforehand_what_will_happen(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Before anything is sent a run says in two lines, and one a model between them, what it will do."""
    suite.write_text(
        SUITE.replace("scorers: []\n", "").replace("lab/mini", "simulator/medium").replace("lab/", "simulator/")
    )
    said = call(capsys, suite, "--max-requests", "6")
    lines = said.err.splitlines()

    assert lines[0] == "capitals: 3 columns × 120 cases = 360 cells"
    assert [line.split()[0] for line in lines[1:3]] == ["mini", "large"]
    assert "2 more days (large: 50 requests a day)." in said.err
    assert "budget: max_requests 6 ends it after 6 of 359 requests" in lines
    assert "^C keeps what is done." in said.err


@pytest.mark.parametrize(
    "label", ["語" * 60, "a-word-without-an-end" * 9, "::error::now", "one of many words " * 7 + "::error::now"]
)
def test_labels_of_any_kind_stay_in_their_lines(capsys: pytest.CaptureFixture[str], suite: Path, label: str) -> None:
    """A label that is long, wide or a command to a CI system neither breaks the width of 80 nor acts."""
    suite.write_text(suite.read_text().replace("label: mini", f'label: "{label}"'))
    said = call(capsys, "plan", suite)

    assert said.code == 0, said.err
    assert max(map(cells_wide, said.out.splitlines())) <= 80
    assert not any(line.lstrip().startswith("::") for line in said.out.splitlines())


# ── sentences ──────────────────────────────────────────────────────────────────────────────────────────────────────


def foretold(
    *limits: Limit, count: int = 100, used: float = 0.0, max_wait_s: float = 900.0, latencies_s: tuple[float, ...] = ()
) -> Forecast:
    """A forecast of one model at noon."""
    states = tuple(LimitState(limit=limit, used=used) for limit in limits)
    scopes = {"run": ScopeState(id="run", name="run", quota=Quota(concurrency=10), own=True)}
    scopes["large"] = ScopeState(id="large", name="large", quota=Quota(limits=limits), limits=states)
    load = LaneLoad(lane="large", charges=[Charge(10, 10)] * count, scopes=("run", "large"), latencies_s=latencies_s)
    return forecast([load], scopes, NOON, max_wait_s=max_wait_s)


def requests(amount: float, per_s: float, **more: str) -> Limit:
    """So many requests in a time."""
    return Limit(axis="requests", amount=amount, per_s=per_s, **more)  # type: ignore[arg-type]


FEW_A_DAY = requests(40, DAY_S, window="fixed", resets="utc")
SENTENCES = [
    (foretold(requests(10, MINUTE_S)), "about 10 min (large: 10 requests a minute)."),
    (foretold(latencies_s=(1.0, 1.0, 1.0)), "about 10 s."),
    (foretold(latencies_s=(1.0, 2.0, 9.0)), "about 10 s to 90 s."),
    (foretold(), "how long it takes is unknown: no earlier answers were timed."),
    (foretold(count=0), "nothing is left to send: 0 answered already."),
    (foretold(FEW_A_DAY), "about 4 s today, then 2 more days (large: 40 requests a day)."),
    (
        foretold(FEW_A_DAY, used=40),
        "nothing can go before 2026-11-21 00:00 UTC (large: 40 requests a day), over 3 days.",
    ),
    (
        foretold(requests(40, HOUR_S, window="fixed")),
        "about 4 s, then 2 pauses until about 2026-11-20 14:00 UTC (large: 40 requests an hour).",
    ),
    (foretold(FEW_A_DAY, max_wait_s=math.inf), "about 36 h, on 3 days (large: 40 requests a day)."),
]


@pytest.mark.parametrize(("found", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_each_kind_of_time_has_its_sentence(found: Forecast, sentence: str) -> None:
    """The sentence says how long, or that nobody knows, and which limit makes it so."""
    assert time_text(found) == sentence


def test_what_stands_behind_the_sentence_keeps_to_the_width() -> None:
    """What is said behind the sentence stands in its line where there is room, and else in one of its own."""
    short, long = foretold(latencies_s=(1.0,)), foretold(FEW_A_DAY)

    assert list(closing_lines(short, "^C keeps what is done.")) == ["about 10 s. ^C keeps what is done."]
    assert list(closing_lines(long, "^C keeps what is done."))[-1] == "^C keeps what is done."
    assert list(closing_lines(replace(short, budget=("budget: too small",)))) == ["about 10 s.", "budget: too small"]
