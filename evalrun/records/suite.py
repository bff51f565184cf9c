"""What a suite says, checked and complete: every default is resolved, every file read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalrun.records.message import Content, Message, Picture, Tool, ToolResult
from evalrun.records.quota import Budget, Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A named list of message templates, with parameters of its own.

    *turns* are what the user says next, after each reply, as templates. *tools* may be called, and so may those of the
    list that the template *tools_from* stands for (``{{ functions }}``); *tool_results* answer calls, the first that
    fits; after *max_tool_rounds* rounds of calls in one turn the model's last reply stands.
    """

    name: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    turns: tuple[Content, ...] = ()
    tools: tuple[Tool, ...] = ()
    tools_from: str = ""
    tool_results: tuple[ToolResult, ...] = ()
    max_tool_rounds: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens, where the figures come from and of what date."""

    input_usd: float
    output_usd: float
    cached_usd: float | None = None
    date: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswer:
    """An answer that exists already, with what its file says about it. None: the file does not say.

    *score* is the number that somebody gave it, on whatever scale.
    """

    text: str | None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float | None = None
    finish_reason: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Where a recorded model's answers come from.

    *file* is shown to people; *match* is the field of the file and the variable of the case (or ``id``)
    that join them; *answers* maps the joining value, as text, to the answer.
    """

    file: str
    match: str
    answers: Mapping[str, RecordedAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An endpoint: how to speak to it, where it is, which variable holds its key, and its account's limits.

    *account* names the account in the ledger where the key should not (two keys of one account); *profile* names the
    catalog's profile that says which headers to believe. *api_version* goes into the address where a dialect has it
    there. *auth* is how the key is sent (``bearer``, ``api-key``, ``x-api-key``, ``entra``; empty: the dialect's way).
    *ca_file* (a path) holds authorities to trust; *insecure* trusts anyone.
    """

    id: str
    dialect: str
    base_url: str = ""
    api_key_env: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 120.0
    quota: Quota = Quota()
    simulated: bool = False
    account: str = ""
    profile: str = ""
    api_version: str = ""
    auth: str = ""
    ca_file: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of a provider: *name* goes over the wire, *label* names it in every column.

    *quota* is its own, *groups* are the suite's named scopes that it shares, *profile* names the catalog's profile that
    says which headers to believe (empty: none).
    """

    provider: str
    name: str
    label: str
    tags: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    quota: Quota = Quota()
    groups: tuple[str, ...] = ()
    profile: str = ""
    price: Price | None = None
    recorded: Recorded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSpec:
    """A scorer as the suite asks for it.

    *type* is its plain name, without ``not-``; *name* is what its column is called. *value* is compared with the answer
    (None: the case's expected value); it may hold templates. *extract* is a regular expression: its first group,
    or the whole match, is what is scored instead of the answer. *threshold* is the scorer's own pass mark. *scope* is
    what is read: the ``last`` reply, or the whole ``conversation``.
    """

    type: str
    name: str
    negate: bool = False
    weight: float = 1.0
    threshold: float | None = None
    extract: str | None = None
    value: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    scope: Literal["last", "conversation"] = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One set of variables and what is expected of the answer. *scorers* are its own, besides the suite's."""

    id: str
    vars: Mapping[str, Any] = field(default_factory=dict)
    expected: Any = None
    tags: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    threshold: float | None = None
    scorers: tuple[ScorerSpec, ...] = ()


NO_REGRESSION = "no_regression"
"""The metric of a gate that compares with the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition on every column that it is for: *metric* *operator* *value*, as *text* says.

    *only* narrows it: keys model (label), prompt, tag (of a case) and case (its id), each to one value or several.
    With a *confidence* the whole interval of the figure must meet it; without, the figure. *strict*: that there is not
    enough evidence fails. The metric ``no_regression`` has no operator: it compares with the baseline at *alpha*, and a
    drop below *min_effect* does not count. *line* and *column* are where it stands in the suite's file, from 1; 0 for a
    gate of the command line. Two gates that ask the same are equal wherever they stand.
    """

    text: str
    metric: str
    operator: str = ""
    value: float = 0.0
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    confidence: float | None = None
    strict: bool = False
    alpha: float = 0.05
    min_effect: float = 0.0
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWhen:
    """When a run has seen enough: once it is known of every two of *decided* which is better, or that neither is.

    *decided* are labels of models, whose columns of one prompt and the same parameters are compared, or labels of
    columns. *alpha* is the chance of any wrong decision in the run, *min_effect* the least difference that matters (0:
    it is never decided that there is none), *figure* what is compared: verdicts or scores.
    """

    decided: tuple[str, ...]
    alpha: float = 0.05
    min_effect: float = 0.02
    figure: Literal["pass_rate", "score"] = "pass_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A whole suite. *file* is its path as the user typed it, *text* and *digest* (sha256) are the file's own.

    *wide* are the groups of `quotas` that models of several providers name, whichever models a run is narrowed to.
    *left_out* is what the command line left out of this run: labels of models and names of prompts, by kind (model,
    prompt).
    *pictures* are the files that prompts show, by digest (``sha256:…``); *picture_files* leads from the name that a
    prompt gives, rendered, to the digest. *folder* is where files are found, for tools in Python.
    """

    name: str
    file: str
    text: str
    digest: str
    models: tuple[Model, ...]
    providers: Mapping[str, Provider]
    prompts: tuple[Prompt, ...]
    cases: tuple[Case, ...]
    scorers: tuple[ScorerSpec, ...] = ()
    description: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    matrix: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    samples: int = 1
    threshold: float | None = None
    max_error_rate: float = 0.0
    budget: Budget = Budget()
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    wide: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    picture_files: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    def is_simulated(self, model: Model) -> bool:
        """Whether a model is one of the simulator's."""
        provider = self.providers.get(model.provider)
        return provider is not None and provider.simulated

    gates: tuple[Gate, ...] = ()
    stop_when: StopWhen | None = None
