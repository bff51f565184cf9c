"""summary.md: a run on one page of Markdown, for a CI job's summary. What matters most comes first.

Lists are cut with the number left out, and the whole fits the 1 MiB that GitHub takes. Every foreign text goes through
safe_text.markdown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import IO

from evalrun.records.comparison import ColumnFigures, Comparison, GateResult, Pair
from evalrun.records.outcome import TokensMethod
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.report import numbers
from evalrun.report.fields import expected_text, narrowed, verdict_of
from evalrun.report.regressions_text import failing_of
from evalrun.report.standings import by_place, headline_pair, rank
from evalrun.report.totals import Totals, not_scored, scored_of, words
from evalrun.safe_text import markdown, safe_line

MOST_BYTES = 2**20
"""What GitHub takes as the summary of a step."""

_ROOM = 64  # bytes kept for what joins one summary to the next
_MOST_COLUMNS, _MOST_GATES, _MOST_WORSE, _MOST_FAILS, _MOST_NAMES, _MOST_NOTES = 40, 40, 50, 20, 30, 10
_MOST_PAIRS = 3
_NAME, _TEXT, _REASON, _SENTENCE = 80, 160, 400, 600


class FirstFails:
    """The first answers that fail, as many as the page can tell of, and how many do; both change."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.count = 0

    def add(self, row: Row) -> None:
        """Look at a row."""
        if verdict_of(row) == "fail":
            self.count += 1
            if len(self.rows) < _MOST_FAILS + _MOST_WORSE:  # those worse than before stand in a list of their own
                self.rows.append(row)


class SummaryMd:
    """The page under way. What changes: the first answers that fail, and those worse than before."""

    def __init__(self, file: IO[str], plan: Plan, comparison: Comparison, facts: RunFacts) -> None:
        self._file, self._plan, self._comparison, self._facts = file, plan, comparison, facts
        worse, self._worse_in_all = _worse(comparison, facts)
        self._worse: dict[tuple[str, str, int], Row | None] = dict.fromkeys(worse[:_MOST_WORSE])
        self._fails: list[Row] = []

    def add(self, row: Row) -> None:
        """Keep a row that the page tells of."""
        if verdict_of(row) != "fail":
            return
        place = (row.column.label, row.case.id, row.cell.sample)
        if place in self._worse:
            self._worse[place] = row
        elif len(self._fails) < _MOST_FAILS:
            self._fails.append(row)

    @property
    def worse(self) -> Collection[tuple[str, str, int]]:
        """Which answers worse than before it tells of: column's label, case's id, sample."""
        return self._worse.keys()

    def finish(self, fails: int) -> None:
        """Write the page; *fails* is how many answers fail in all."""
        self._file.write(fitted("\n\n".join(filter(None, self._blocks(fails))) + "\n", MOST_BYTES - _ROOM))

    def _blocks(self, fails: int) -> Iterable[str]:
        comparison, facts = self._comparison, self._facts
        yield f"## {markdown(self._plan.suite.name, _NAME)}: {_standing(comparison, facts)}"
        first, *more = comparison.conclusion or ("Nothing was scored.",)
        yield f"**{markdown(first, _SENTENCE) or numbers.UNKNOWN}**"
        yield "\n".join(f"- {markdown(sentence, _SENTENCE)}" for sentence in more[:_MOST_NOTES])
        yield from _going_on(comparison, facts)
        yield from _table(comparison)
        yield from _gates(comparison)
        yield from self._worse_than_before()
        yield from self._failing(fails)
        yield from _flips(self._plan, comparison)
        yield from _listed("### Errors", _errors(comparison))
        yield from _listed("### Quota", facts.quota_left)
        yield from _listed("### Notes", (*facts.changes, *facts.notes))
        yield _files(comparison, facts)

    def _worse_than_before(self) -> Iterable[str]:
        """The answers that passed in the baseline, or in the run before, and fail now."""
        if not self._worse:
            return
        found = self._facts.regressions
        if found:
            yield f"### Worse than {markdown(found.against, _NAME)}"
            yield markdown(f"{failing_of(found)}.")
        else:
            yield f"### Worse than the baseline: {numbers.plural(self._worse_in_all, 'answer')}"
        lines = ["| case | column | expected | now | why |", "|---|---|---|---|---|"]
        for (column, case, sample), row in self._worse.items():
            if row is None:
                at = f" #{sample}" if self._plan.suite.samples > 1 else ""
                lines.append(f"| {markdown(case, _NAME)}{at} | {markdown(column, _NAME)} | | | |")
            else:
                lines.append(self._answer(row))
        yield "\n".join(lines)
        gates = any(gate.regressed for gate in self._comparison.gates)
        where = "run.json lists those of gates" if gates else "evalrun compare names them"
        yield _more(self._worse_in_all - len(self._worse), where)

    def _failing(self, fails: int) -> Iterable[str]:
        """The first answers that fail otherwise."""
        if not self._fails:
            return
        told = sum(row is not None for row in self._worse.values())
        others = numbers.plural(fails - told, "other answer" if told else "answer")
        yield f"### {others} {'fails' if fails - told == 1 else 'fail'}"
        head = ["| case | column | expected | answer | why |", "|---|---|---|---|---|"]
        yield "\n".join([*head, *map(self._answer, self._fails)])
        yield _more(fails - told - len(self._fails), "report.html and results.csv have them")

    def _answer(self, row: Row) -> str:
        """A line of a table: what was expected, what was said, and why it fails."""
        at = f" #{row.cell.sample}" if self._plan.suite.samples > 1 else ""
        reason = row.mark.reason if row.mark else ""
        texts = [expected_text(row.case.expected), row.output, reason]
        cells = [
            markdown(row.case.id, _NAME) + at,
            markdown(row.column.label, _NAME),
            *(markdown(text[: 4 * _TEXT], _TEXT) for text in texts),
        ]
        return f"| {' | '.join(cells)} |"


def _worse(comparison: Comparison, facts: RunFacts) -> tuple[list[tuple[str, str, int]], int]:
    """Answers that got worse, by column, case and sample, and how many there are: all that gates name, and the worst
    that the run found by itself."""
    named = [(one.column, one.case, one.sample) for gate in comparison.gates for one in gate.regressed]
    found = facts.regressions
    worst = [(one.column, one.case, one.sample or 0) for one in found.worst] if found else []
    every = list(dict.fromkeys([*named, *worst]))
    return every, max(len(every), found.failing if found else 0)


def fitted(text: str, most_bytes: int) -> str:
    """*text* within so many bytes of UTF-8: what is over goes, block by block from the end, and that is said.

    Blocks are what empty lines part, so that no table or command is cut in two. Empty where not even one fits.
    """
    if len(text.encode("utf-8", "replace")) <= most_bytes:
        return text
    note = "(cut here, to fit: the run's summary.md and report.html have the rest)\n"
    left, kept = most_bytes - len(note), []
    for block in text.rstrip("\n").split("\n\n"):
        left -= len(block.encode("utf-8", "replace")) + 2
        if left < 0:
            break
        kept.append(block)
    while kept and kept[-1].startswith("###"):
        kept.pop()
    return "\n\n".join([*kept, note]) if kept else ""


def _standing(comparison: Comparison, facts: RunFacts) -> str:
    """How the run stands, in a few words."""
    if facts.state != "complete" or not comparison.complete:
        return "incomplete" if facts.state == "complete" else facts.state
    gates = comparison.gates
    failed = sum(gate.failed for gate in gates)
    if failed:
        return f"{failed} of {len(gates)} gates failed" if len(gates) > 1 else "the gate failed"
    passed = sum(gate.verdict == "pass" for gate in gates)
    if not gates:
        return "complete"
    if passed == len(gates):
        return "the gate passed" if passed == 1 else f"all {passed} gates passed"
    return f"{passed} of {numbers.plural(len(gates), 'gate')} passed, {len(gates) - passed} without enough evidence"


def _going_on(comparison: Comparison, facts: RunFacts) -> Iterable[str]:
    """Why the run is not complete, when it goes on, and with which command."""
    if facts.state == "complete" and comparison.complete:
        return
    totals = Totals.of(comparison)
    reason = f": {markdown(facts.reason, _SENTENCE)}" if facts.reason else ""
    left = f"{numbers.count(totals.not_scored)} of {numbers.count(totals.planned)} cells have no verdict"
    after = f"; it goes on after **{markdown(facts.resume_after, _NAME)}**" if facts.resume_after else ""
    state = "incomplete" if facts.state == "complete" else facts.state
    yield f"**{state}**{reason}. {left}{after}. Figures are of what is there; no gate passes on it."
    if facts.go_on:
        command = safe_line(facts.go_on[: 4 * _REASON])
        fence = "`" * max(3, 1 + max(map(len, "".join(c if c == "`" else " " for c in command).split()), default=0))
        yield f"{fence}sh\n{command}\n{fence}"


def _table(comparison: Comparison) -> Iterable[str]:
    """The columns from the best on, with their intervals."""
    shown = by_place(comparison)[:_MOST_COLUMNS]
    if not shown:
        return
    ranked = sum(bool(rank(figures)) for figures in shown) > 1
    heads = ["column", *(["rank"] if ranked else []), "pass rate", "scored", "score", "tokens in / out"]
    heads += ["cost", "p50", "p95", "not scored"]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 2)}---|"]
    lines += [f"| {' | '.join(_figures(figures, ranked=ranked))} |" for figures in shown]
    yield "\n".join(lines)
    yield _more(len(comparison.columns) - len(shown), "summary.csv has them")


def _figures(figures: ColumnFigures, *, ranked: bool) -> list[str]:
    about = "~" if TokensMethod.ESTIMATE in figures.tokens_methods else ""
    rate = numbers.UNKNOWN
    if figures.pass_rate is not None:
        rate = f"{numbers.rate(figures.pass_rate.mean)} {numbers.bounds(figures.pass_rate)}"
    score = numbers.rate(figures.score)
    if "score" in figures.intervals and figures.pass_rate and figures.score != figures.pass_rate.mean:
        score += f" {numbers.bounds(figures.intervals['score'])}"
    cells = [
        rate,
        numbers.of(figures.scored, figures.planned),
        score,
        f"{about}{numbers.tokens(figures.prompt_tokens)} / {numbers.tokens(figures.completion_tokens)}",
        (about if figures.cost_usd else "") + numbers.money(figures.cost_usd),
        numbers.seconds(figures.latency_p50_s),
        numbers.seconds(figures.latency_p95_s),
    ]
    own = [*([rank(figures)] if ranked else []), *cells]
    unbroken = [markdown(cell).replace(" ", "\u00a0") for cell in own]
    return [markdown(figures.column.label, _NAME), *unbroken, markdown(_note(figures))]


def _note(figures: ColumnFigures) -> str:
    """Why cells have no verdict, and what a reader must know of the column."""
    said = [words(not_scored(figures)) if not_scored(figures) else ""]
    said += [f"{numbers.count(figures.spared)} not needed" if figures.spared else ""]
    said += [f"{numbers.count(figures.truncated)} truncated" if figures.truncated else ""]
    said += [f"{numbers.count(figures.from_cache)} from cache" if figures.from_cache else ""]
    said += ["simulated" if figures.simulated else "", "recorded" if figures.recorded else ""]
    return ", ".join(filter(None, said))


def _gates(comparison: Comparison) -> Iterable[str]:
    """Every gate with its answer, those that fail first."""
    gates = sorted(comparison.gates, key=lambda gate: not gate.failed)
    if not gates:
        return
    yield "### Gates"
    lines = ["| | gate | why |", "|---|---|---|"]
    lines += [_gate(gate) for gate in gates[:_MOST_GATES]]
    yield "\n".join(lines)
    yield _more(len(gates) - _MOST_GATES, "run.json has them")


def _gate(result: GateResult) -> str:
    only = narrowed(result.gate)
    text = markdown(result.gate.text + (f" for {only}" if only else ""), _TEXT)
    word = f"**{result.verdict.upper()}**" if result.failed else result.verdict
    return f"| {word} | {text} | {markdown(result.reason, _REASON)} |"


def _flips(plan: Plan, comparison: Comparison) -> Iterable[str]:
    """The cases on which two columns differ, by who passes them: the pair of the conclusion, then the others."""
    first = headline_pair(comparison)
    pairs = [pair for pair in comparison.pairs if pair.flips]
    pairs.sort(key=lambda pair: pair is not first)
    if not pairs:
        return
    yield "### Flips"
    yield "\n".join(line for pair in pairs[:_MOST_PAIRS] for line in _pair(plan, pair))
    yield _more(len(pairs) - _MOST_PAIRS, "run.json has them", "pair")


def _pair(plan: Plan, pair: Pair) -> Iterable[str]:
    for label, count in ((pair.first, pair.only_first), (pair.second, pair.only_second)):
        other = pair.second if label == pair.first else pair.first
        names = [
            markdown(flip.case, _NAME) + (f" #{flip.sample}" if plan.suite.samples > 1 else "")
            for flip in pair.flips
            if flip.passed == label
        ][:_MOST_NAMES]
        if names:
            more = f" and {numbers.count(count - len(names))} more" if count > len(names) else ""
            who = f"{markdown(label, _NAME)} passes, {markdown(other, _NAME)} fails"
            yield f"- {who} ({numbers.count(max(count, len(names)))}): {', '.join(names)}{more}"


def _errors(comparison: Comparison) -> list[str]:
    return [f"{c.column.label}: {c.top_error}" for c in comparison.columns if c.top_error]


def _listed(heading: str, texts: Sequence[str]) -> Iterable[str]:
    """Texts as a list under a heading, where there are any."""
    if texts:
        yield heading
        yield "\n".join(f"- {markdown(text, _REASON)}" for text in texts[:_MOST_NOTES])
        yield _more(len(texts) - _MOST_NOTES, "report.html has them")


def _more(number: int, where: str, what: str = "") -> str:
    """How many are left out of a list, and where they are; empty where none is."""
    if number <= 0:
        return ""
    return f"… and {numbers.plural(number, what) if what else numbers.count(number)} more: {where}."


def _files(comparison: Comparison, facts: RunFacts) -> str:
    """What was asked in all, by what, and where the files are."""
    totals = Totals.of(comparison)
    money = "" if totals.cost_usd is None else f", {numbers.money(totals.cost_usd)}"
    said = f"{scored_of(totals)}, {numbers.plural(totals.requests, 'request')}{money}"
    commit = f", commit {markdown(facts.git_commit[:12])}" if facts.git_commit else ""
    where = f"report.html, junit.xml and the tables are in {markdown(facts.folder, _REASON)}"
    return f"{markdown(said)}. evalrun {markdown(facts.evalrun_version, _NAME)}{commit}. {where}."
