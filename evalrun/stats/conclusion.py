"""What follows from the figures, in at most three sentences."""

from __future__ import annotations

from collections.abc import Sequence

from evalrun.records.comparison import ColumnFigures, Interval, Pair, ScorePair
from evalrun.stats.pairing import PairOf, base

SENTENCES = 3


def conclusion(
    columns: Sequence[ColumnFigures],
    ranked: Sequence[ColumnFigures],
    pair_of: PairOf,
    *,
    samples: int,
    complete: bool,
) -> tuple[str, ...]:
    """The sentences: who is ahead of whom, then the rest, then what has no score or does not compete.

    *ranked* are the competing columns, the best first, *pair_of* finds their pairs by label; *samples* is the most
    cells that a case has in a column. A difference is called one only where the pair is decided, so that the sentence
    says what the table of pairs says.
    """
    if not ranked:
        return (_nothing(columns),)
    opening = ("" if complete else "So far, ") + ("among simulated models, " if ranked[0].simulated else "")
    if len(ranked) == 1:
        sentences = [_alone(ranked[0], "case" if samples == 1 else "answer", complete=complete)]
    else:
        first, *more = _leading(ranked, pair_of, complete=complete)
        sentences = [_capital(opening + first), *more, *_rest(ranked, pair_of, complete=complete)]
    sentences += [_unscored(one) for one in columns if not one.scored and not one.simulated and one.top_error][:1]
    simulated = [one.column.label for one in columns if one.simulated]
    if simulated and not ranked[0].simulated:
        verb = "is simulated and stays" if len(simulated) == 1 else "are simulated and stay"
        sentences.append(f"{_names(simulated)} {verb} out of the comparison.")
    return tuple(sentences[:SENTENCES])


def _leading(ranked: Sequence[ColumnFigures], pair_of: PairOf, *, complete: bool) -> list[str]:
    """The leader against the runner-up; where they tie, whom the leader does beat comes first.

    Where scores say something else of the two than verdicts do, that is a sentence of its own.
    """
    leader, second = ranked[0].column.label, ranked[1].column.label
    pair = pair_of(leader, second)
    said = _versus(leader, second, pair, complete=complete)
    if pair is not None and not pair.decided:
        others = [(one.column.label, pair_of(leader, one.column.label)) for one in ranked[2:]]
        beaten = next(((label, one) for label, one in others if one is not None and one.call == "better"), None)
        if beaten is not None:
            said = f"{_versus(leader, *beaten, complete=complete)}; {_tie(second, leader, pair)}"
            pair = beaten[1]
    by_score = [] if pair is None or pair.score is None else _by_score(pair, pair.score, complete=complete)
    return [f"{said}.", *by_score]


def _alone(figures: ColumnFigures, noun: str, *, complete: bool) -> str:
    rate = figures.pass_rate or Interval(mean=0.0, low=0.0, high=0.0)
    name = figures.column.label + (" (simulated)" if figures.simulated else "")
    low, high = (f"{100 * bound:.{0 if figures.scored < 1000 else 1}f}" for bound in (rate.low, rate.high))
    so_far = "" if complete else "So far, "
    return f"{so_far}{name} passes {100 * rate.mean:.1f} % [{low}, {high}] of {_count(figures.scored, noun)}."


def _versus(first: str, second: str, pair: Pair | None, *, complete: bool) -> str:
    """Two columns against each other; the better one on the paired cells is named first where that is decided."""
    if pair is None:
        return f"{first} and {second} have no scored case in common"
    if not pair.decided:
        return _tie(first, second, pair)
    difference = _size(pair.difference)
    points = f"{100 * difference.mean:.1f} points [{_points(difference.low)}, {_points(difference.high)}]"
    return f"{_order(pair, pair.call, complete=complete)} on pass rate by {points} (paired, {base(pair)})"


def _tie(first: str, second: str, pair: Pair) -> str:
    return f"{first} and {second} are not distinguishable ({pair.needs})"


def _order(pair: Pair, call: str, *, complete: bool) -> str:
    winner, loser = (pair.first, pair.second) if call == "better" else (pair.second, pair.first)
    return f"{winner} {'beats' if complete else 'is ahead of'} {loser}"


def _by_score(pair: Pair, score: ScorePair, *, complete: bool) -> list[str]:
    """What scores say of a pair, where that is something else than what verdicts say."""
    if score.call == pair.call:
        return []
    if not score.decided:
        return [f"On mean score {pair.first} and {pair.second} are not distinguishable ({score.needs})."]
    difference = _size(score.difference)
    by = f"{difference.mean:.3f} [{_signed(difference.low)}, {_signed(difference.high)}]"
    when = score.watched or ("stopped early" if pair.stopped_early else "")
    by += f" ({when})" if when else ""
    return [f"On mean score {_order(pair, score.call, complete=complete)} by {by}."]


def _size(difference: Interval) -> Interval:
    """The difference as the better side sees it."""
    if difference.mean >= 0:
        return difference
    return Interval(mean=-difference.mean, low=-difference.high, high=-difference.low)


def _rest(ranked: Sequence[ColumnFigures], pair_of: PairOf, *, complete: bool) -> list[str]:
    """What is said of the third and later columns: of three the last two held together, of more a count."""
    labels = [figures.column.label for figures in ranked]
    if len(labels) < 3:
        return []
    if len(labels) == 3:
        return [_capital(f"{_versus(labels[1], labels[2], pair_of(labels[1], labels[2]), complete=complete)}.")]
    others = [pair_of(labels[0], other) for other in labels[1:]]
    beaten = sum(one is not None and one.call == "better" for one in others)
    verb = "beats" if complete else "is ahead of"
    many = "all" if beaten == len(others) else f"{beaten} of the" if beaten else "none of the"
    return [f"{labels[0]} {verb} {many} {len(others)} other columns (paired)."]


def _unscored(figures: ColumnFigures) -> str:
    return f"{figures.column.label} has nothing scored: {figures.top_error.rstrip('.')}."


def _nothing(columns: Sequence[ColumnFigures]) -> str:
    """Why there is nothing to conclude: the most frequent error, where there is one."""
    columns = [figures for figures in columns if not figures.simulated] or columns
    replies = sum(figures.answered + figures.no_answer + figures.refused for figures in columns)
    failed = [figures for figures in columns if figures.top_error]
    by_whom = " by the simulated models" if all(figures.simulated for figures in columns) else ""
    if failed:
        worst = max(failed, key=lambda figures: figures.errors + figures.filtered + figures.unscored)
        what = "Nothing was scored" if replies else f"Nothing was answered{by_whom}"
        return f"{what}: {worst.top_error.rstrip('.')}."
    return f"Nothing was {'scored' if replies else 'answered'} yet."


def _names(labels: Sequence[str]) -> str:
    if len(labels) > 3:
        return f"{', '.join(labels[:2])} and {len(labels) - 2} others"
    return " and ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "−").replace("−0.0", "0.0")


def _signed(score: float) -> str:
    return f"{score:.3f}".replace("-", "−").replace("−0.000", "0.000")


def _capital(sentence: str) -> str:
    """A sentence that begins with one of our words begins large; a column's label stays as it is."""
    return sentence[:1].upper() + sentence[1:] if sentence.startswith(("so far", "among")) else sentence
