"""The dict of names to scorers, and the door for other packages' scorers.

Another package adds a scorer through the entry point group ``evalrun.scorers``: the entry point's name is the scorer's,
its object an ``evalrun.scoring.Scorer``. It is looked for, and its code run, only when a suite names a scorer that is
not built in. A built-in name cannot be taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import entry_points

from pydantic import BaseModel

from evalrun.errors import UsageError
from evalrun.scoring import json_texts, measures, numbers, options, patterns, recorded, texts, tool_calls
from evalrun.scoring.scorer import Scorer

GROUP = "evalrun.scorers"

SCORERS: Mapping[str, Scorer] = {
    "equals": Scorer(
        function=texts.equals(texts.as_is),
        options=options.TextOptions,
        says="The answer is the value, white space around both aside.",
    ),
    "iequals": Scorer(
        function=texts.equals(texts.caseless),
        options=options.TextOptions,
        says="The same, in upper or lower case.",
    ),
    "contains": Scorer(
        function=texts.contains(texts.as_is),
        options=options.TextOptions,
        says="The value is somewhere in the answer.",
    ),
    "icontains": Scorer(
        function=texts.contains(texts.caseless),
        options=options.TextOptions,
        says="The same, in upper or lower case.",
    ),
    "contains-any": Scorer(
        function=texts.contains(texts.as_is, split=True),
        options=options.ListOptions,
        says="One of the values is in the answer.",
    ),
    "contains-all": Scorer(
        function=texts.contains_all(texts.as_is),
        options=options.ListOptions,
        says="All of the values are in the answer.",
    ),
    "icontains-any": Scorer(
        function=texts.contains(texts.caseless, split=True),
        options=options.ListOptions,
        says="One of the values is in the answer, in upper or lower case.",
    ),
    "icontains-all": Scorer(
        function=texts.contains_all(texts.caseless),
        options=options.ListOptions,
        says="All of the values are in the answer, in upper or lower case.",
    ),
    "starts-with": Scorer(
        function=texts.starts_with,
        options=options.TextOptions,
        says="The answer begins with the value.",
    ),
    "ends-with": Scorer(
        function=texts.ends_with,
        options=options.TextOptions,
        says="The answer ends with the value.",
    ),
    "regex": Scorer(
        function=patterns.matches,
        options=options.RegexOptions,
        says="The pattern is found somewhere in the answer.",
    ),
    "is-json": Scorer(
        function=json_texts.is_json,
        options=options.JsonOptions,
        says="The whole answer is one JSON value, of the schema where there is one; a fenced block is none.",
    ),
    "contains-json": Scorer(
        function=json_texts.contains_json,
        options=options.JsonOptions,
        says="A JSON object is somewhere in the answer, of the schema where there is one.",
    ),
    "numeric": Scorer(
        function=numbers.numeric,
        options=options.NumericOptions,
        says="The last number of the answer is the value, within the tolerance.",
    ),
    "latency": Scorer(
        function=measures.latency,
        options=options.LatencyOptions,
        reads_text=False,
        says="It took at most so long, waiting not counted.",
    ),
    "cost": Scorer(
        function=measures.cost,
        options=options.CostOptions,
        reads_text=False,
        says="It cost at most so much.",
    ),
    "tokens": Scorer(
        function=measures.tokens,
        options=options.TokensOptions,
        reads_text=False,
        says="It used at most so many tokens.",
    ),
    "finish-reason": Scorer(
        function=measures.finish_reason,
        options=options.FinishReasonOptions,
        reads_text=False,
        says="The reply ended for that reason.",
    ),
    "recorded-score": Scorer(
        function=recorded.recorded_score,
        options=options.RecordedScoreOptions,
        reads_text=False,
        variables=recorded.score_of,
        says="The number that was recorded with the answer is the score; it passes from its threshold on, else at 1.",
    ),
    "is-valid-openai-tools-call": Scorer(
        function=tool_calls.valid_calls,
        options=options.NoOptions,
        reads_text=False,
        says="Every call names a tool that there is, with arguments that fit its schema; no call fails.",
    ),
    "tool-call-f1": Scorer(
        function=tool_calls.tool_call_f1,
        options=options.ToolCallF1Options,
        reads_text=False,
        says="All tools named were called and no others; the score is the F1 of both lists.",
    ),
    "tool-calls": Scorer(
        function=tool_calls.tool_calls,
        options=options.ToolCallsOptions,
        reads_text=False,
        says="The calls are those expected, in any order; the score is the share that matches.",
    ),
}


def find(name: str) -> Scorer:
    """The scorer called *name*, without ``not-``. Raises KeyError for none, UsageError for a broken one."""
    return SCORERS[name] if name in SCORERS else _foreign(name)


class _Options(Mapping[str, type[BaseModel]]):
    """Names to models of options. Going through it lists what is built in; asking by name finds foreign ones too."""

    def __getitem__(self, name: str) -> type[BaseModel]:
        return find(name).options

    def __iter__(self) -> Iterator[str]:
        return iter(SCORERS)

    def __len__(self) -> int:
        return len(SCORERS)


OPTIONS: Mapping[str, type[BaseModel]] = _Options()

SAYS: Mapping[str, str] = {name: scorer.says for name, scorer in SCORERS.items()}
"""When each built-in scorer passes, in a sentence."""


@lru_cache(maxsize=256)
def _foreign(name: str) -> Scorer:
    for point in entry_points(group=GROUP, name=name):
        try:
            found = point.load()
        except Exception as error:  # foreign code may raise anything while it is imported
            raise UsageError(f"scorer {name} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(found, Scorer):
            raise UsageError(f"scorer {name} ({point.value}) is not an evalrun.scoring.Scorer")
        return found
    raise KeyError(name)
