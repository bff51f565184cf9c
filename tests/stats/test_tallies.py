from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.outcome import Exchange, TokensMethod
from evalrun.stats.compare import compare
from tests.stats.build import compared, outcome, plan, rows

LETTERS = "pfnrceu."


def _column(letters, **facts):
    made = plan({"a": letters})
    return compare(made, rows(made, {"a": letters}, **facts), complete=True).columns[0]


def test_every_cell_is_counted_once_by_what_became_of_it():
    """Answered, no answer, refused, filtered, error and pending add up to what was planned."""
    figures = _column("ppfnrceu.")

    assert (figures.planned, figures.scored, figures.passed, figures.unscored) == (9, 5, 2, 1)
    assert (figures.answered, figures.no_answer, figures.refused) == (4, 1, 1)
    assert (figures.filtered, figures.errors, figures.skipped, figures.pending) == (1, 1, 0, 1)


@given(st.text(alphabet=LETTERS, min_size=1, max_size=30))
def test_nothing_leaves_a_denominator(letters):
    """Whatever becomes of the cells, the counts add up, and the pass rate is of what is scored."""
    figures = _column(letters)
    seen = figures.answered + figures.no_answer + figures.refused + figures.filtered + figures.errors

    assert seen + figures.skipped + figures.pending == figures.planned == len(letters)
    assert figures.scored + figures.unscored == figures.answered + figures.no_answer + figures.refused
    if figures.scored:
        assert figures.pass_rate.mean == figures.passed / figures.scored
    else:
        assert figures.pass_rate is None


def test_rows_that_never_come_are_pending():
    """A cell whose row is not there was not asked."""
    made = plan({"a": "pp"})

    assert compare(made, [], complete=True).columns[0].pending == 2


def test_sums_and_means_are_of_every_reply():
    """Tokens and cost are summed, scores averaged, latencies put in order."""
    figures = _column("ppf.", cost_usd=0.25, latency_s=2.0)

    assert (figures.prompt_tokens, figures.completion_tokens, figures.tokens_methods) == (30, 15, ("api",))
    assert (figures.cost_usd, figures.requests, figures.attempts) == (0.75, 3, 3)
    assert (figures.latency_p50_s, figures.latency_p95_s) == (2.0, 2.0)
    assert figures.score == pytest.approx(2 / 3)
    assert figures.scorers == {"equals": pytest.approx(2 / 3)}


def test_streams_have_medians_of_the_first_piece_and_of_speed():
    """Of answers that were streamed: the median time to the first piece, and of tokens a second."""
    streamed = _column("ppf.", latency_s=1.0, ttft_s=0.5)

    assert (streamed.ttft_p50_s, streamed.tokens_per_s) == (0.5, 10.0)
    assert (_column("pp").ttft_p50_s, _column("pp").tokens_per_s) == (None, None)


def _with(*replies):
    """The figures of one cell that got these replies, and then an error."""
    made = plan({"a": "p"})
    (row,) = rows(made, {"a": "p"})
    exchange = row.exchanges[0]
    exchanges = tuple(replace(exchange, outcome=one) for one in (*replies, outcome("e")))
    return compare(made, [replace(row, exchanges=exchanges, mark=None)], complete=True).columns[0]


def test_a_dialogue_that_failed_was_paid_for():
    """The replies before the error count in tokens and cost, and the method is the least of them; there is no latency
    of half a dialogue."""
    api = outcome("p", latency_s=1.0)
    counted = replace(api, usage=replace(api.usage, method=TokensMethod.ESTIMATE, cached_tokens=3, reasoning_tokens=2))
    figures = _with(api, counted)

    assert (figures.errors, figures.prompt_tokens, figures.completion_tokens) == (1, 20, 10)
    assert (figures.cached_tokens, figures.reasoning_tokens) == (3, 2)
    assert figures.tokens_methods == ("api", "estimate")
    assert figures.cost_usd == pytest.approx(0.002)
    assert (figures.latency_p50_s, figures.requests) == (None, 3)


@pytest.mark.parametrize(
    ("facts", "unknown"),
    [
        ({"cost_usd": None}, "cost_usd"),
        ({"latency_s": None}, "latency_p50_s"),
        ({"prompt_tokens": None}, "prompt_tokens"),
        ({"completion_tokens": None}, "completion_tokens"),
    ],
)
def test_an_unknown_figure_is_none_and_never_zero(facts, unknown):
    """What nobody said is not there."""
    assert getattr(_column("pp", **facts), unknown) is None


def test_a_column_without_a_reply_has_no_figures():
    """Nothing answered: no tokens, no cost, no latency, no score; the requests still count."""
    figures = _column("ee")

    assert (figures.prompt_tokens, figures.cost_usd, figures.latency_p50_s, figures.score) == (None, None, None, None)
    assert (figures.requests, figures.top_error) == (2, "401 from lab")


def test_a_sum_that_lacks_one_price_is_unknown():
    """A column's cost is not told when one of its answers has no price."""
    made = plan({"a": "pp"})
    known, unknown = rows(made, {"a": "pp"})[0], rows(made, {"a": "pp"}, cost_usd=None)[1]

    assert compare(made, [known, unknown], complete=True).columns[0].cost_usd is None


def test_a_reply_that_came_too_late_is_paid_for_and_in_no_figure_a_cell():
    """Which replies were in flight at a decision is luck: they add to the sums, and move neither mean nor interval."""
    made = plan({"a": "p" * 10})
    counted = [rows(made, {"a": "p" * 10}, cost_usd=0.01 * at, prompt_tokens=10 + at % 3)[at] for at in range(8)]
    dear, unpriced = rows(made, {"a": "p" * 10}, cost_usd=9.0)[8], rows(made, {"a": "p" * 10}, cost_usd=None)[9]
    spared = Exchange(request_key="", outcome=outcome("s"))
    late = [replace(row, exchanges=(*row.exchanges, spared)) for row in (dear, unpriced)]
    alone, one, both = (compare(made, [*counted, *more], complete=True).columns[0] for more in ((), late[:1], late))

    assert (alone.cost_usd, one.cost_usd, both.cost_usd) == (pytest.approx(0.28), pytest.approx(9.28), None)
    assert one.prompt_tokens == alone.prompt_tokens + 10
    for figures in (one, both):
        assert (figures.tokens_per_cell, figures.cost_per_cell_usd) == (alone.tokens_per_cell, alone.cost_per_cell_usd)
        assert figures.intervals == alone.intervals
    assert {"tokens_per_cell", "cost_per_cell_usd"} <= set(alone.intervals)


def test_the_most_frequent_fault_is_named():
    """Of errors and scorers that broke, the most frequent is the column's top error."""
    assert _column("euup").top_error == "numeric: broken"
    assert _column("eeup").top_error == "401 from lab"


def test_a_truncated_answer_is_scored_and_counted():
    """An answer cut by the length limit counts as truncated and as scored."""
    figures = _column("pf", finish_reason="length")

    assert (figures.truncated, figures.scored) == (2, 2)


def test_samples_widen_the_interval_of_a_pass_rate():
    """Ten answers to one question each count for less than answers to ten questions."""
    repeated = compared({"a": "p" * 50 + "f" * 50}, samples=10).columns[0].pass_rate
    alone = compared({"a": "p" * 50 + "f" * 50}).columns[0].pass_rate

    assert repeated.mean == alone.mean == 0.5
    assert repeated.high - repeated.low > 2 * (alone.high - alone.low)


def test_models_say_what_they_are():
    """Simulated and recorded models are marked as such."""
    columns = compared({"sim": "p", "rec": "p", "real": "p"}).columns

    assert [(one.simulated, one.recorded) for one in columns] == [(True, False), (False, True), (False, False)]
