from __future__ import annotations

import pytest

from evalrun.simulator import faults


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500=0.05", ("500", 0.05)), ("reset=1", ("reset", 1.0)), ("302=0", ("302", 0.0)), (" cut =.5", ("cut", 0.5))],
)
def test_a_fault_in_words(text: str, expected: tuple[str, float]) -> None:
    """A name or a status, and a probability."""
    assert faults.fault(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("boom=0.1", "unknown fault 'boom'"),
        ("200=0.1", "unknown fault '200'"),
        ("²=0.1", "unknown fault"),
        ("500", "a probability from 0 to 1"),
        ("500=2", "a probability from 0 to 1"),
        ("500=nan", "a probability from 0 to 1"),
        ("500=much", "a probability from 0 to 1"),
    ],
)
def test_what_is_no_fault_is_explained(text: str, words: str) -> None:
    """The complaint says what is allowed."""
    with pytest.raises(ValueError, match=words):
        faults.fault(text)


def test_probabilities_stay_within_one() -> None:
    """All faults together have at most probability 1."""
    faults.check({"500": 0.5, "cut": 0.5})

    with pytest.raises(ValueError, match="over 1"):
        faults.check({"500": 0.6, "cut": 0.5})


def test_faults_befall_as_often_as_said() -> None:
    """Over many requests each fault has its share, and the rest are spared."""
    drawn = [faults.drawn({"500": 0.2, "cut": 0.1}, seed=1, key=f"{n}", attempt=1) for n in range(4000)]

    assert drawn.count("500") / 4000 == pytest.approx(0.2, abs=0.03)
    assert drawn.count("cut") / 4000 == pytest.approx(0.1, abs=0.03)


def test_another_attempt_or_seed_is_another_draw() -> None:
    """The same sending has the same fault; the next sending of the same body, or another seed, may be spared."""
    shares = {"500": 0.5}
    first = [faults.drawn(shares, seed=1, key=f"{n}", attempt=1) for n in range(50)]

    assert first == [faults.drawn(shares, seed=1, key=f"{n}", attempt=1) for n in range(50)]
    assert first != [faults.drawn(shares, seed=1, key=f"{n}", attempt=2) for n in range(50)]
    assert first != [faults.drawn(shares, seed=2, key=f"{n}", attempt=1) for n in range(50)]


@pytest.mark.parametrize(
    "name", [name for name in faults.FAULTS if name not in faults.ON_THE_WIRE] + ["302", "418", "599"]
)
def test_every_ordinary_fault_has_a_reply(name: str) -> None:
    """A status and an error with all four keys."""
    status, _, body = faults.reply_to(name)

    assert 300 <= status < 600
    assert set(body["error"]) == {"message", "type", "param", "code"}
