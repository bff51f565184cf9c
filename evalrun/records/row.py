"""One cell with everything known of it: what stats count and report writes."""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.message import Message, Tool, ToolCall
from evalrun.records.outcome import SCORED, Exchange, Outcome, Response, Status, TokensMethod, status_of
from evalrun.records.plan import Cell, Column
from evalrun.records.score import Mark
from evalrun.records.suite import Case, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell, its case and column, what was exchanged so far (none: pending) and its mark (None: not scored yet).

    *messages* are those of the last request, where they were read: the whole conversation but for the last reply.
    *tools* are those that the model could call, where they were looked up.
    """

    cell: Cell
    case: Case
    column: Column
    model: Model
    exchanges: tuple[Exchange, ...] = ()
    mark: Mark | None = None
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """The last exchange's outcome."""
        return self.exchanges[-1].outcome if self.exchanges else None

    @property
    def status(self) -> Status:
        """What became of the cell; one whose dialogue goes on is pending."""
        return Status.PENDING if self.exchanges and self.exchanges[-1].goes_on else status_of(self.outcome)

    @property
    def scored(self) -> bool:
        """Whether the cell counts in a pass rate."""
        return self.status in SCORED and self.mark is not None and self.mark.verdict is not None

    @property
    def output(self) -> str:
        """The answer's text; a refusal's words where it refused; empty where there is none."""
        if isinstance(self.outcome, Response):
            return self.outcome.text or self.outcome.refusal or ""
        return ""

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens sent, summed over the cell's own requests; None where no reply says."""
        return _sum([e.outcome.usage.prompt_tokens for e in self.exchanges if isinstance(e.outcome, Response)])

    @property
    def completion_tokens(self) -> int | None:
        """Tokens received, summed likewise."""
        return _sum([e.outcome.usage.completion_tokens for e in self.exchanges if isinstance(e.outcome, Response)])

    @property
    def tokens_method(self) -> TokensMethod | None:
        """How the last reply's tokens were found."""
        return self.outcome.usage.method if isinstance(self.outcome, Response) else None

    @property
    def cost_usd(self) -> float | None:
        """What the cell cost; None where a price is unknown. Answers from the cache cost nothing now."""
        costs = [e.cost_usd for e in self.exchanges if isinstance(e.outcome, Response)]
        return None if not costs or any(c is None for c in costs) else sum(c for c in costs if c is not None)

    @property
    def latency_s(self) -> float | None:
        """Service time of the final attempts, without any waiting; None where nobody says."""
        found = [e.outcome.latency_s for e in self.exchanges if isinstance(e.outcome, Response)]
        return None if not found or any(s is None for s in found) else sum(s for s in found if s is not None)

    @property
    def ttft_s(self) -> float | None:
        """Time to the first piece of the last answer, where it was streamed."""
        return self.outcome.ttft_s if isinstance(self.outcome, Response) else None

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls of the last answer, which nobody answered."""
        return self.outcome.tool_calls if isinstance(self.outcome, Response) else ()

    @property
    def requests(self) -> int:
        """How many requests were sent for the cell; what came from a file or the cache was not."""
        return sum(1 for exchange in self.exchanges if exchange.attempts)

    @property
    def attempts(self) -> int:
        """How many times they were sent, retries among them."""
        return sum(len(exchange.attempts) for exchange in self.exchanges)

    @property
    def from_cache(self) -> bool:
        """Whether every reply came out of the response cache."""
        return bool(self.exchanges) and all(e.from_cache for e in self.exchanges)


def _sum(figures: list[int | None]) -> int | None:
    known = [n for n in figures if n is not None]
    return sum(known) if known and len(known) == len(figures) else None
