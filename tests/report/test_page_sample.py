from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from evalrun.report.page_sample import Seen, Sieve, choose

CASES, FLIPS, EACH, ROOM = 20_000, 0.2, 1_000.0, 8_000_000.0


def gone_by(sieve: Sieve, bytes_of: Callable[[int], float], *, flips: float = FLIPS) -> list[int]:
    """Cases go by, each of some bytes, a part of them flips; those that the sieve takes."""
    chance, taken, is_flip = Random(1), [], []
    flips_bytes = others_bytes = 0.0
    for case in range(CASES):
        flip = chance.random() < flips
        is_flip.append(flip)
        if sieve.takes(flip=flip):
            taken.append(case)
            flips_bytes += flip * bytes_of(case)
            others_bytes += (not flip) * bytes_of(case)
        share = (case + 1) / CASES
        if sieve.is_due(share):
            seen = Seen(
                share=share,
                flips_bytes=flips_bytes,
                others=is_flip.count(False),
                taken=sum(not is_flip[one] for one in taken),
                taken_bytes=others_bytes,
            )
            sieve.look(seen, ROOM)
    return taken


@pytest.mark.parametrize("flips", [0.0, 0.2, 0.38])
def test_what_there_will_be_no_room_for_is_let_go(flips: float) -> None:
    """Of a run that is alike from end to end little more is looked at than the page holds, and the page is nearly
    full."""
    chance = Random(2)
    sizes = [EACH * chance.lognormvariate(-0.5, 1) for _ in range(CASES)]
    sieve = Sieve("seed")
    taken = gone_by(sieve, sizes.__getitem__, flips=flips)
    chance = Random(1)
    first = {case for case in range(CASES) if chance.random() < flips}
    held = choose(sizes, first, ROOM, sieve.drawn, sieve.below)

    assert first <= set(held) <= set(taken)
    assert 0.94 * ROOM < sum(sizes[case] for case in held) <= ROOM
    assert len(taken) < 1.12 * len(held)
    assert all(case in first or sieve.drawn[case] < sieve.below for case in held)


def test_where_there_is_room_for_all_nothing_is_let_go() -> None:
    """As long as everything has room, everything is taken."""
    assert gone_by(Sieve("seed"), lambda case: 0.9 * ROOM / CASES) == list(range(CASES))


def test_what_comes_larger_later_is_cut_in_the_end() -> None:
    """Texts that grow: more was taken than has room, and the least draws are held, of early and late cases alike."""
    sieve = Sieve("seed")
    sizes = [200.0 + 0.1 * case for case in range(CASES)]
    taken = gone_by(sieve, sizes.__getitem__, flips=0.0)
    held = choose(sizes, (), ROOM, sieve.drawn, sieve.below)
    most = max(sieve.drawn[case] for case in held)

    assert len(held) < len(taken)
    assert held == [case for case in range(CASES) if sieve.drawn[case] <= most]
    assert sum(sizes[case] for case in held) > 0.95 * ROOM


def test_flips_that_fill_the_page_leave_no_other() -> None:
    """Where flips alone take all the room, of the others none is looked at any more."""
    sieve = Sieve("seed")
    taken = gone_by(sieve, lambda case: EACH, flips=0.9)

    assert sieve.below == 0
    assert len(taken) < 0.92 * CASES


def test_the_same_seed_draws_the_same() -> None:
    """What is drawn hangs on the seed alone, not on what is a flip."""
    one, two, other = Sieve("seed"), Sieve("seed"), Sieve("another")
    for case in range(50):
        one.takes(flip=True)
        two.takes(flip=case % 2 == 0)
        other.takes(flip=False)

    assert one.drawn == two.drawn != other.drawn
