from __future__ import annotations

import pytest

from evalrun.stats.by_tag import largest_tags, tag_figures
from evalrun.stats.intervals import wilson
from evalrun.stats.tallies import latency_bins
from tests.stats.build import compared


def test_the_tag_with_most_cases_comes_first() -> None:
    """Tags stand by their number of cases, then as they came; one that all cases have says nothing new."""
    tags = largest_tags([("all", "b"), ("all", "a", "a"), ("all", "c"), ("all", "c")])

    assert tags == [("c", [2, 3]), ("b", [0]), ("a", [1])]


def test_a_tag_has_the_pass_rate_of_its_cases() -> None:
    """Only the cells of a tag's cases count, and of those only what has a verdict."""
    found = compared({"a": "pfpfp.", "b": "ffffff"}).tags

    assert [(tag.tag, tag.cases, tag.scored) for tag in found] == [("even", 3, (3, 3)), ("odd", 3, (2, 3))]
    assert found[0].pass_rates == (wilson(3, 3), wilson(0, 3))
    assert found[1].pass_rates[0] == wilson(0, 2)


def test_a_column_without_a_verdict_has_no_pass_rate_in_a_tag() -> None:
    """Nothing scored is None, never zero."""
    (even, _) = compared({"a": "eeee", "b": "pppp"}).tags

    assert (even.pass_rates[0], even.scored) == (None, (0, 2))


def test_samples_of_a_case_count_by_their_design_effect() -> None:
    """Answers that repeat one another widen the interval of a tag as they do that of a column."""
    steady = bytes([2, 2, 1, 1] * 4)
    (tag,) = tag_figures([("t", range(8))], [steady], samples=2)

    assert tag.pass_rates[0] is not None
    assert tag.pass_rates[0].low < wilson(8, 16).low


def test_a_comparison_holds_the_largest_tags_and_counts_all() -> None:
    """Whatever the number of tags, figures are those of six; how many there are is said."""
    comparison = compared({"a": "pf" * 5})

    assert comparison.tags_possible == len(comparison.tags) == 2


@pytest.mark.parametrize(
    ("latencies_s", "bins"),
    [([], {}), ([1.0, 1.05, 1.2, 9.99], {0: 2, 1: 1, 19: 1}), ([0.0, 0.1], {-80: 1, -20: 1})],
)
def test_latencies_fall_into_bins_of_a_log_scale(latencies_s: list[float], bins: dict[int, int]) -> None:
    """Twenty bins a decade; what took no time at all lies in the lowest."""
    assert latency_bins(latencies_s) == bins
