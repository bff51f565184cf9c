from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.by_cell import ByCell


def test_nothing_is_kept_before_the_first_figure():
    """A column that never streams costs nothing for streams."""
    empty = ByCell(1_000_000, 10)

    assert empty.by_case() == []
    assert empty.table() is None


@given(st.dictionaries(st.tuples(st.integers(0, 9), st.integers(0, 2)), st.floats(0, 10)))
def test_figures_come_back_by_case(figures):
    """Each case has the figures of its samples, in order; what has none is left out, in a table nan."""
    by_cell = ByCell(10, 3)
    for (case, sample), figure in figures.items():
        by_cell.put(case, sample, figure)
    cases = [[figures[case, sample] for sample in range(3) if (case, sample) in figures] for case in range(10)]
    table = by_cell.table()

    assert [list(values) for values in by_cell.by_case()] == [values for values in cases if values]
    assert (table is None) == (not figures)
    if table is not None:
        assert {(int(c), int(s)): table[c, s] for c, s in np.argwhere(~np.isnan(table))} == figures


def test_one_sample_a_case():
    """With one sample a case each case is a single figure."""
    by_cell = ByCell(3, 1)
    by_cell.put(2, 0, 0.5)
    by_cell.put(0, 0, 0.0)

    assert [list(values) for values in by_cell.by_case()] == [[0.0], [0.5]]
    assert not any(math.isnan(value) for values in by_cell.by_case() for value in values)
