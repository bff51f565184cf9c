"""One cell with everything known of it: what stats count and report writes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from evalrun.records.message import Image, Message, Tool, ToolCall, arguments_json
from evalrun.records.outcome import SCORED, Exchange, Outcome, Response, Status, TokensMethod, status_of
from evalrun.records.plan import Cell, Column
from evalrun.records.score import Mark
from evalrun.records.suite import Case, Model

_METHODS = tuple(TokensMethod)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell, its case and column, what was exchanged so far (none: pending) and its mark (None: not scored yet).

    *messages* are those of the last request, where they were read: the whole conversation but for the last reply.
    *tools* are what the model could call, where that is known.
    """

    cell: Cell
    case: Case
    column: Column
    model: Model
    exchanges: tuple[Exchange, ...] = ()
    mark: Mark | None = None
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()

    # What follows from the exchanges and is asked for a dozen times or more in the life of a row.
    outcome: Outcome | None = field(init=False, repr=False, compare=False)
    """The last exchange's outcome."""

    status: Status = field(init=False, repr=False, compare=False)
    """What became of the cell; one whose dialogue goes on is pending."""

    replies: tuple[Response, ...] = field(init=False, repr=False, compare=False)
    """The replies so far, one for each request that got one."""

    def __post_init__(self) -> None:
        exchanges = self.exchanges
        last = exchanges[-1] if exchanges else None
        outcome = last.outcome if last else None
        if len(exchanges) == 1:  # nearly always; so the figures below look at this case first
            replies: tuple[Response, ...] = (outcome,) if isinstance(outcome, Response) else ()
        else:
            replies = tuple([e.outcome for e in exchanges if isinstance(e.outcome, Response)])
        put = object.__setattr__
        put(self, "outcome", outcome)
        put(self, "status", Status.PENDING if last and last.goes_on else status_of(outcome))
        put(self, "replies", replies)

    @property
    def scored(self) -> bool:
        """Whether the cell counts in a pass rate."""
        mark = self.mark
        return mark is not None and mark.verdict is not None and self.status in SCORED

    @property
    def output(self) -> str:
        """The answer's text; a refusal's words where it refused; empty where there is none.

        An answer that is nothing but tool calls is JSON: ``[{"name": …, "arguments": …}, …]``, where arguments that are
        no JSON stand as the text that they are.
        """
        if not isinstance(self.outcome, Response):
            return ""
        return self.outcome.text or self.outcome.refusal or _calls_json(self.outcome.tool_calls)

    @property
    def conversation(self) -> str:
        """All that was said, each message behind its role: those of the last request, then the last reply."""
        said = [_said(message) for message in self.messages]
        if isinstance(self.outcome, Response):
            text = self.outcome.text or self.outcome.refusal or ""
            said.append(_said(Message(role="assistant", content=text, tool_calls=self.outcome.tool_calls)))
        return "\n".join(said)

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens sent, summed over the cell's own requests; None where no reply says."""
        replies = self.replies
        return replies[0].usage.prompt_tokens if len(replies) == 1 else _sum([r.usage.prompt_tokens for r in replies])

    @property
    def completion_tokens(self) -> int | None:
        """Tokens received, summed likewise."""
        replies = self.replies
        if len(replies) == 1:
            return replies[0].usage.completion_tokens
        return _sum([reply.usage.completion_tokens for reply in replies])

    @property
    def total_tokens(self) -> int | None:
        """Tokens sent and received; None where one of them is unknown."""
        sent, received = self.prompt_tokens, self.completion_tokens
        return None if sent is None or received is None else sent + received

    @property
    def cached_tokens(self) -> int | None:
        """Of the tokens sent, those that the vendor had cached, as far as replies say."""
        replies = self.replies
        if len(replies) == 1:
            return replies[0].usage.cached_tokens
        return _known_sum([reply.usage.cached_tokens for reply in replies])

    @property
    def reasoning_tokens(self) -> int | None:
        """Of the tokens received, those of hidden reasoning, as far as replies say."""
        replies = self.replies
        if len(replies) == 1:
            return replies[0].usage.reasoning_tokens
        return _known_sum([reply.usage.reasoning_tokens for reply in replies])

    @property
    def tokens_method(self) -> TokensMethod | None:
        """How the tokens were found: the least of the ways in which those of all replies were; None without a reply."""
        replies = self.replies
        if len(replies) == 1:
            return replies[0].usage.method
        return max((reply.usage.method for reply in replies), key=_METHODS.index, default=None)

    @property
    def cost_usd(self) -> float | None:
        """What the cell cost; None where a price is unknown. Answers from the cache cost nothing now."""
        exchanges = self.exchanges
        if len(exchanges) == 1:
            return exchanges[0].cost_usd if isinstance(exchanges[0].outcome, Response) else None
        costs = [e.cost_usd for e in exchanges if isinstance(e.outcome, Response)]
        return None if not costs or any(c is None for c in costs) else sum(c for c in costs if c is not None)

    @property
    def latency_s(self) -> float | None:
        """Service time of the final attempts, without any waiting; None where nobody says."""
        replies = self.replies
        if len(replies) == 1:
            return replies[0].latency_s
        found = [reply.latency_s for reply in replies]
        return None if not found or any(s is None for s in found) else sum(s for s in found if s is not None)

    @property
    def ttft_s(self) -> float | None:
        """Time to the first piece of the last answer, where it was streamed."""
        return self.outcome.ttft_s if isinstance(self.outcome, Response) else None

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens received a second from the first piece to the end, over the replies that were streamed."""
        tokens, seconds = 0, 0.0
        for reply in self.replies:
            if reply.ttft_s is None or reply.latency_s is None or reply.usage.completion_tokens is None:
                continue
            tokens += reply.usage.completion_tokens
            seconds += reply.latency_s - reply.ttft_s
        return tokens / seconds if seconds > 0 else None

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls of the last answer, which nobody answered."""
        return self.outcome.tool_calls if isinstance(self.outcome, Response) else ()

    @property
    def all_tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls of all answers, those among them that tools answered."""
        return tuple(call for reply in self.replies for call in reply.tool_calls)

    @property
    def requests(self) -> int:
        """How many requests were sent for the cell; what came from a file or the cache was not."""
        exchanges = self.exchanges
        if len(exchanges) == 1:
            return 1 if exchanges[0].attempts else 0
        return sum(1 for exchange in exchanges if exchange.attempts)

    @property
    def attempts(self) -> int:
        """How many times they were sent, retries among them."""
        exchanges = self.exchanges
        if len(exchanges) == 1:
            return len(exchanges[0].attempts)
        return sum(len(exchange.attempts) for exchange in exchanges)

    @property
    def from_cache(self) -> bool:
        """Whether every reply came out of the response cache."""
        exchanges = self.exchanges
        if len(exchanges) == 1:
            return exchanges[0].from_cache
        return bool(exchanges) and all(e.from_cache for e in exchanges)


def _sum(figures: list[int | None]) -> int | None:
    return None if None in figures or not figures else sum(n for n in figures if n is not None)


def _known_sum(figures: list[int | None]) -> int | None:
    known = [n for n in figures if n is not None]
    return sum(known) if known else None


def _calls_json(calls: tuple[ToolCall, ...]) -> str:
    return f"[{', '.join(map(_call_json, calls))}]" if calls else ""


def _call_json(call: ToolCall) -> str:
    arguments = arguments_json(call) or json.dumps(call.arguments, ensure_ascii=False)
    return f'{{"name": {json.dumps(call.name, ensure_ascii=False)}, "arguments": {arguments}}}'


def _said(message: Message) -> str:
    """A message behind its role, pictures by their source, and a line for each call in it."""
    parts = [message.content] if isinstance(message.content, str) else message.content
    text = "\n".join(f"[image {part.source}]" if isinstance(part, Image) else part for part in parts)
    lines = [f"{message.role}: {text}"] if text or not message.tool_calls else []
    return "\n".join([*lines, *(f"{message.role} calls {call.name}({call.arguments})" for call in message.tool_calls)])
