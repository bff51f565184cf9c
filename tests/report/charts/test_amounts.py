from __future__ import annotations

import pytest

from evalrun.report.charts.amounts import latencies, seconds_tick, tokens
from tests.report.charts.drawn import check_inside, column, numbers_of, paths, texts


def test_bars_of_tokens_begin_at_nothing_and_stack() -> None:
    """Tokens out follow tokens in, and twice as many are twice as long."""
    chart = tokens(
        [
            column("a", prompt_tokens=900, completion_tokens=100, tokens_per_cell=100.0),
            column("b", prompt_tokens=1_800, completion_tokens=200, tokens_per_cell=200.0),
        ]
    )
    first, second = (numbers_of(path) for path in paths(chart, "solid"))
    light = [numbers_of(path) for path in paths(chart, "light")]

    check_inside([chart])
    assert first[0] == second[0] == 0
    assert second[2] == pytest.approx(2 * first[2], abs=0.2)
    assert light[0][0] == first[2]
    assert texts(chart, "figure") == ["90 in + 10 out", "180 in + 20 out"]


def test_unknown_tokens_have_no_bar() -> None:
    """A column whose tokens nobody knows says so; zero tokens are a figure."""
    chart = tokens([column("a", prompt_tokens=0, completion_tokens=0, tokens_per_cell=0.0), column("b")])

    assert texts(chart, "figure") == ["0 in + 0 out", "not known"]
    assert len(paths(chart, "solid")) == 1
    assert tokens([column("b")]).missing == "No column's tokens are known."


def test_latencies_of_all_columns_share_a_scale() -> None:
    """A column ten times as slow lies as far right of a quick one as a decade is wide, and each is as high."""
    quick = column("quick", latency_bins={-20: 4, -19: 8}, latency_p50_s=0.11, latency_p95_s=0.12)
    slow = column("slow", latency_bins={0: 1, 1: 2}, latency_p50_s=1.1, latency_p95_s=1.2, accent=True)
    chart = latencies([quick, slow])
    hills = [numbers_of(path) for path in paths(chart, "hill")]

    check_inside([chart])
    assert [path.kind for path in paths(chart, "hill")] == ["hill", "hill best"]
    rises = [hill[1] - min(hill[2::2]) for hill in hills]
    assert rises[0] == pytest.approx(rises[1], abs=0.2)
    assert hills[0][0] < hills[1][0]
    assert texts(chart, "figure") == ["0.11 s · 0.12 s", "1.10 s · 1.20 s"]
    assert "slow p50 1.10 s, p95 1.20 s" in chart.words
    assert len(paths(chart, "stroke")) == 2


def test_without_a_latency_there_are_no_axes() -> None:
    """Recorded answers took no time that anybody knows."""
    assert latencies([column("a")]).missing == "No latency is known of any answer."


def test_a_latency_of_nothing_is_drawn() -> None:
    """What took no time lies in the lowest bin, and its percentiles have no stroke."""
    chart = latencies([column("a", latency_bins={-80: 3}, latency_p50_s=0.0, latency_p95_s=0.0)])

    check_inside([chart])
    assert paths(chart, "stroke") == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.02, "20 ms"), (0.5, "0.5 s"), (2.0, "2 s"), (100.0, "100 s"), (0, "0")]
)
def test_ticks_of_time_are_short(seconds: float, text: str) -> None:
    """Milliseconds below a tenth of a second, seconds above."""
    assert seconds_tick(seconds) == text
