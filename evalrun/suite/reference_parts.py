"""The parts of the suite reference, in the order of a reader: headings, a word on each, and examples. Data only."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD = """\
# Every key of a suite

A suite is one YAML file. This page is made from the schema that evalrun checks suites with, and
`evalrun schema --format markdown` prints it. `evalrun schema` prints the JSON Schema itself, for an editor that
completes and checks while you write: put `# yaml-language-server: $schema=suite.schema.json` on the first line.

A key that is not here is an error, told with its place and the nearest name that is. Where two places set the same
parameter, the nearest wins: case, then prompt, model, `matrix`, and last the suite's `params`. A name has at most 200
characters. A *template* holds variables of the case as `{{ name }}`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section.

    *definitions* are names in the schema (empty: the suite itself), *called* is how other sections refer to them;
    without *tables* their keys are not listed one by one.
    """

    title: str
    called: str = ""
    depth: int = 2
    about: str = ""
    definitions: tuple[str, ...] = ()
    tables: bool = True
    example: str = ""

    @property
    def anchor(self) -> str:
        """The heading's address in the page, as GitHub makes it."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


PARTS = (
    Part(
        title="The suite",
        definitions=("",),
        example="""
version: 1
name: capitals
description: Which model knows its capitals?
models: [simulator/large, simulator/small]
params: {temperature: 0, max_tokens: 64}
prompts: {ask: "What is the capital of {{ country }}?"}
cases:
  - {id: fr, vars: {country: France}, expected: Paris}
  - {id: jp, vars: {country: Japan}, expected: [Tokyo, Tōkyō]}
scorers: [icontains]
gates: [pass_rate >= 0.5]
""",
    ),
    Part(
        title="models",
        called="a model with settings",
        definitions=("ModelEntry",),
        about="A list. An entry is `provider/model`, or a mapping. Which providers there are: "
        "[endpoints](endpoints.md).",
        example="""
models:
  - simulator/large
  - {id: simulator/small, label: small, tags: [cheap], params: {temperature: 0.7}, quota: {rpm: 600}}
""",
    ),
    Part(
        title="models: answers that exist already",
        called="recorded answers",
        depth=3,
        definitions=("RecordedEntry",),
        example="""
models:
  - {id: recorded/mine, file: answers.jsonl, match: id, answer: text}
""",
    ),
    Part(
        title="providers",
        called="a provider",
        definitions=("ProviderEntry",),
        about="Names with endpoints of your own, or with what is different about one that evalrun knows. More: "
        "[endpoints](endpoints.md).",
        example="""
providers:
  lab: {base_url: "http://127.0.0.1:8000/v1", api_key_env: LAB_KEY, quota: {rpm: 60, concurrency: 4}}
models: [lab/my-model]
""",
    ),
    Part(
        title="quotas",
        called="limits",
        definitions=("QuotaEntry",),
        about="Names with limits, for `quota` of models and providers to share. More: [staying within a "
        "quota](quota.md).",
        example="""
quotas:
  team: {rpd: 500, resets: utc}
  burst: {requests: 10, per: 10s, window: fixed}
models:
  - {id: simulator/large, quota: [team, burst, {rpm: 15, tpm: 40000}]}
""",
    ),
    Part(
        title="params",
        called="parameters",
        definitions=("ParamsEntry",),
        about="What a dialect or a model has no word for is left out where it only tunes, and that is said. More:"
        " [every parameter](prompts.md#every-parameter).",
        example="""
params: {temperature: 0, max_tokens: 200, seed: 7, stop: ["\\n\\n"]}
""",
    ),
    Part(
        title="response_format",
        called="a format",
        depth=3,
        about="`text`, `json_object`, or one of these:",
        definitions=("SchemaFormat", "JsonSchemaFormat", "NamedSchema", "PlainFormat"),
        example="""
params:
  response_format:
    schema: {type: object, properties: {city: {type: string}}, required: [city], additionalProperties: false}
    name: city
    strict: true
""",
    ),
    Part(
        title="tool_choice",
        called="a tool by its name",
        depth=3,
        about="`auto`, `none`, `required`, a tool's name, or the OpenAI API's form of that:",
        definitions=("NamedTool", "NamedFunction"),
    ),
    Part(
        title="matrix",
        called="lists of parameters",
        definitions=("MatrixEntry",),
        tables=False,
        about="The keys are those of [params](#params), each with a list of values. Every combination is a "
        "column. It is the only key that multiplies; a list anywhere else is just a list.",
        example="""
matrix: {temperature: [0, 1], max_tokens: [64, 256]}
""",
    ),
    Part(
        title="budget",
        called="a budget",
        definitions=("BudgetEntry",),
        about="What is reached ends the run with exit code 75; the same command goes on once it is raised.",
        example="""
budget: {max_requests: 500, max_cost_usd: 2, deadline: 2h}
""",
    ),
    Part(
        title="prices",
        called="a price",
        definitions=("PriceEntry",),
        about="Names as `provider/model`. More: [tokens and prices](tokens.md#what-it-costs).",
        example="""
prices:
  lab/my-model: {input: 0.5, output: 1.5, cached: 0.05}
providers: {lab: {base_url: "http://127.0.0.1:8000/v1"}}
models: [lab/my-model]
""",
    ),
    Part(
        title="prompts",
        called="a prompt",
        about="Names with prompts: a text, which is one message of the user, or one of the three mappings below. "
        "More, with examples of each: [prompts](prompts.md).",
        definitions=("TersePrompt", "FilePrompt", "MessagesPrompt"),
        example="""
prompts:
  plain: "{{ question }}"
  terse: {system: Answer with one word., user: "{{ question }}"}
  chat:
    messages:
      - {role: user, content: Two people at eight.}
      - {role: assistant, content: Which day?}
      - {role: user, content: "{{ question }}"}
    turns: [Why?]
""",
    ),
    Part(
        title="messages",
        called="a message",
        depth=3,
        definitions=("MessageEntry", "ImagePart"),
        example="""
prompts:
  sees:
    messages:
      - {role: system, content: You describe pictures.}
      - {role: user, content: ["{{ question }}", {image: cat.png, detail: low}]}
""",
    ),
    Part(
        title="tool_calls",
        called="a call",
        depth=3,
        about="In either form:",
        definitions=("CallEntry", "FunctionCall", "CalledFunction"),
        example="""
prompts:
  went_before:
    tools: [{name: weather}]
    messages:
      - {role: user, content: "How warm is it in Rome?"}
      - {role: assistant, tool_calls: [{id: call-1, name: weather, arguments: {city: Rome}}]}
      - {role: tool, tool_call_id: call-1, content: 21 degrees}
""",
    ),
    Part(
        title="tools",
        called="a tool",
        depth=3,
        about="A list of these, or one file with such a list:",
        definitions=("ToolEntry", "FunctionTool", "ToolsFile"),
    ),
    Part(
        title="tool_results",
        called="a tool's answer",
        depth=3,
        definitions=("ToolResultEntry",),
        example="""
prompts:
  asks:
    user: "{{ question }}"
    tools:
      - name: weather
        description: The weather now.
        parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    tool_results:
      - {tool: weather, arguments: {city: Oslo}, result: {celsius: -3}}
      - {tool: weather, result: {celsius: 20}}
    max_tool_rounds: 4
""",
    ),
    Part(
        title="cases",
        called="a case",
        definitions=("InlineCase", "FileCases"),
        about="A list. An entry is one case, or a file with many.",
        example="""
cases:
  - {id: sum, tags: [numbers], vars: {question: What is 17 + 25?}, expected: "42", scorers: [numeric]}
  - {file: questions.csv, id: id, expected: answer, tags: topic, limit: 100}
""",
    ),
    Part(
        title="scorers",
        called="a scorer",
        definitions=("Scorer",),
        tables=False,
        about="A list, of the suite or of one case. An entry is a name (`icontains`), a name with its value "
        "(`icontains: Paris`), or a name with options. `not-` in front of any turns it round. A value is a "
        "template, and what `expected` says where it is left out; a list means any of its items, but for "
        "`contains-all` and `icontains-all`. An empty answer fails what reads its text, turned round or "
        "not.",
        example="""
scorers:
  - icontains
  - not-icontains: sorry
  - numeric: {tolerance: 0.01, extract: 'A: (-?[0-9.,]+)', weight: 2}
  - regex: {value: '^\\w+$', name: one-word, weight: 0}
  - latency: {max_s: 5}
""",
    ),
    Part(
        title="gates",
        called="a gate",
        definitions=("GateEntry",),
        about="A list. An entry is a condition on a figure, `no_regression`, or a mapping. Which figures there "
        "are: [gates](gates.md#figures).",
        example="""
gates:
  - pass_rate >= 0.9
  - {check: pass_rate >= 0.8, for: {model: large}, confidence: 0.95}
  - {check: no_regression, min_effect: 0.02}
""",
    ),
    Part(
        title="stop_when",
        called="when to stop",
        definitions=("StopWhenEntry",),
        about="More: [spending less](spending-less.md#stop-when-it-is-decided).",
        example="""
models: [simulator/large, simulator/small]
stop_when: {decided: [large, small], alpha: 0.05, min_effect: 0.02}
""",
    ),
)
