from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.errors import SuiteInvalid
from evalrun.records.message import Message
from evalrun.records.quota import Budget, Limit, Quota
from evalrun.records.suite import Gate, Price, RecordedAnswer, ScorerSpec, StopWhen, Suite
from evalrun.scoring import OPTIONS
from evalrun.suite.load import Overrides, load_suite
from evalrun.suite.plan import first_request, make_plan
from evalrun.suite.starter import STARTER
from tests.suite.corpus import suite_text


def load(folder: Path, text: str | None = None, overrides: Overrides | None = None, **sections: str | None) -> Suite:
    """The suite of this text, or of the base with other sections."""
    path = folder / "suite.yaml"
    path.write_text(suite_text(**sections) if text is None else text, encoding="utf-8")
    return load_suite(path, scorers=OPTIONS, overrides=overrides)


NO_REGRESSION = Gate(text="no_regression", metric="no_regression")

FULL = """\
version: 1
name: capitals
description: Two models side by side.
models:
  - simulator/large
  - {id: openai/gpt-4o-mini, label: mini, tags: [cheap], params: {temperature: 0.0}, quota: {rpm: 15, concurrency: 5}}
  - mine/meta/llama
providers:
  mine: {base_url: "http://localhost:11434/v1/", headers: {X-Team: a}, timeout_s: 5, quota: {concurrency: 1}}
  openai: {quota: {rpm: 60}}
prices: {mine/meta/llama: {input: 1, output: 2}}
params: {temperature: 1, max_tokens: 64, seed: 7, stop: [a]}
matrix: {top_p: [0.5, 1.0]}
samples: 3
threshold: 0.5
max_error_rate: 0.01
budget: {max_requests: 500, max_cost_usd: 2, deadline: 1h30m}
prompts:
  terse: {user: "{{ country }}?", system: Be short., params: {max_tokens: 9}}
  chatty: {file: prompts/chatty.md}
  long: {messages: [{role: developer, content: a}, {role: assistant, content: b}, {role: user, content: c}]}
  listed: {file: prompts/list.json}
  bare: What?
cases:
  - {id: fr, tags: [europe], vars: {country: France}, expected: [Paris], params: {seed: 1}, threshold: 1}
  - {vars: {country: "{{ nothing }}"}, expected: x, scorers: [icontains, not-equals: [a, b]]}
  - {file: "data/*.csv", id: iso, expected: capital, tags: group, limit: 2, prefix: x-}
  - {file: rows.jsonl, vars: {country: place.name}, tags: [all], expected: answer}
scorers:
  - icontains
  - icontains: {weight: 0.5, name: terse}
  - numeric: {value: "{{ expected }}", tolerance: 1, extract: '(\\d+)', threshold: 0.5}
  - is-json:
gates:
  - pass_rate >= 0.9
  - {check: "p95(latency_s) < 2", for: {model: mini, tag: [europe, all]}}
  - mean(score) > .5
stop_when: {decided: [large, mini], alpha: 0.01, figure: score}
"""


@pytest.fixture
def full(tmp_path: Path) -> Suite:
    """A suite that says everything."""
    for name, content in {
        "prompts/chatty.md": "Hello.\r\n{{ country }}\n",
        "prompts/list.json": '[{"role": "user", "content": "\\ud83d\\ude00"}]',
        "data/b.csv": "iso,country,capital,group\nit,Italy,Rome,\n",
        "data/a.csv": '\ufeffiso,country,capital,group\n01,Ger\tmany,Berlin,"eu, big"\n\n',
        "rows.jsonl": '{"place": {"name": "Kenya"}, "answer": 3.50}\n\n',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    return load(tmp_path, FULL)


def test_models_have_labels_settings_and_prices(full: Suite) -> None:
    """Short and long forms become records; prices come from the suite, the snapshot or the simulator."""
    large, mini, llama = full.models

    assert [model.label for model in full.models] == ["large", "mini", "meta/llama"]
    assert (mini.tags, mini.params) == (("cheap",), {"temperature": 0})
    assert mini.quota == Quota(concurrency=5, limits=(Limit(axis="requests", amount=15, per_s=60, sure=False),))
    assert large.price is not None
    assert large.price.input_usd == 0
    assert mini.price is not None
    assert mini.price.date
    assert llama.price == Price(input_usd=1, output_usd=2, source="suite")


def test_providers_are_the_catalogs_and_the_suites(full: Suite) -> None:
    """A known provider keeps what the suite does not say; one of the suite's own is complete."""
    openai, mine, simulator = (full.providers[name] for name in ("openai", "mine", "simulator"))

    assert (openai.base_url, openai.api_key_env) == ("https://api.openai.com/v1", "OPENAI_API_KEY")
    assert openai.quota.limits == (Limit(axis="requests", amount=60, per_s=60, sure=False),)
    assert (mine.base_url, mine.dialect, mine.api_key_env) == ("http://localhost:11434/v1", "openai-chat", None)
    assert (mine.timeout_s, mine.headers, mine.quota) == (5, {"X-Team": "a"}, Quota(concurrency=1))
    assert simulator.simulated


def test_prompts_come_in_every_form(full: Suite) -> None:
    """Terse, file, list and bare prompts are lists of messages."""
    prompts = {prompt.name: prompt for prompt in full.prompts}

    assert [m.role for m in prompts["terse"].messages] == ["system", "user"]
    assert prompts["terse"].params == {"max_tokens": 9}
    assert prompts["chatty"].messages == (Message(role="user", content="Hello.\n{{ country }}\n"),)
    assert [m.role for m in prompts["long"].messages] == ["developer", "assistant", "user"]
    assert prompts["listed"].messages == (Message(role="user", content="\U0001f600"),)
    assert prompts["bare"].messages == (Message(role="user", content="What?"),)


def test_cases_come_from_the_suite_and_from_files(full: Suite) -> None:
    """Rows follow their files' names; ids, tags, expected and variables come from the columns said."""
    cases = {case.id: case for case in full.cases}

    assert list(cases) == ["fr", "case-2", "x-01", "x-it", "rows-0001"]
    assert cases["fr"].params == {"seed": 1}
    assert cases["fr"].threshold == 1
    assert cases["case-2"].vars == {"country": "{{ nothing }}"}
    assert cases["x-01"].vars == {"iso": "01", "country": "Ger\tmany", "group": "eu, big"}
    assert (cases["x-01"].expected, cases["x-01"].tags) == ("Berlin", ("eu", "big"))
    assert cases["x-it"].tags == ()
    assert (cases["rows-0001"].vars, cases["rows-0001"].expected) == ({"country": "Kenya"}, 3.5)


def test_scorers_have_names_of_their_own(full: Suite) -> None:
    """Names are as said, else the type's; a case's go on where the suite's end."""
    icontains, terse, numeric, is_json = full.scorers

    assert icontains == ScorerSpec(type="icontains", name="icontains")
    assert (terse.name, terse.weight) == ("terse", 0.5)
    assert numeric == ScorerSpec(
        type="numeric",
        name="numeric",
        extract=r"(\d+)",
        threshold=0.5,
        value="{{ expected }}",
        options={"tolerance": 1},
    )
    assert is_json.name == "is-json"
    assert [spec.name for spec in full.cases[1].scorers] == ["icontains-2", "not-equals"]
    assert full.cases[1].scorers[1].negate
    assert full.cases[1].scorers[1].value == ["a", "b"]


def test_scorers_of_conversations_schemas_and_calls(tmp_path: Path) -> None:
    """What is read, schemas and expected calls come through as they were said; ``on`` is a text, no truth value."""
    suite = load(
        tmp_path,
        """\
version: 1
name: calls
models: [simulator/large]
prompts: {a: "{{ q }}"}
cases: [{vars: {q: x, shape: {type: string}}, expected: [{name: f}]}]
scorers:
  - contains: {value: b, on: conversation}
  - is-json: {schema: {type: object, required: [a]}}
  - contains-json: "{{ shape }}"
  - is-valid-openai-tools-call
  - tool-call-f1: [f, g]
  - tool-calls: {arguments: exact}
  - not-tool-calls: [{name: g, arguments: {x: [1, ""]}}]
""",
    )
    contains, is_json, contains_json, valid, f1, calls, other = suite.scorers

    assert (contains.scope, is_json.scope) == ("conversation", "last")
    assert (is_json.value, is_json.options) == (None, {"schema": {"type": "object", "required": ["a"]}})
    assert contains_json.value == "{{ shape }}"
    assert (valid.value, f1.value) == (None, ["f", "g"])
    assert (calls.value, calls.options) == (None, {"arguments": "exact"})
    assert (other.negate, other.value) == (True, [{"name": "g", "arguments": {"x": [1, ""]}}])


def test_the_rest_is_complete(full: Suite, tmp_path: Path) -> None:
    """Parameters, matrix, budget, gates and stopping are resolved; numbers without a fraction are whole."""
    assert full.params == {"temperature": 1, "max_tokens": 64, "seed": 7, "stop": ["a"]}
    assert full.matrix == {"top_p": (0.5, 1)}
    assert json.dumps(full.matrix["top_p"]) == "[0.5, 1]"
    assert full.budget == Budget(max_requests=500, max_cost_usd=2, deadline_s=5400)
    assert (full.samples, full.threshold, full.max_error_rate) == (3, 0.5, 0.01)
    assert full.gates == (
        Gate(text="pass_rate >= 0.9", metric="pass_rate", operator=">=", value=0.9),
        Gate(
            text="p95(latency_s) < 2",
            metric="latency_p95_s",
            operator="<",
            value=2,
            only={"model": ("mini",), "tag": ("europe", "all")},
        ),
        Gate(text="mean(score) > .5", metric="score", operator=">", value=0.5),
    )
    assert full.stop_when == StopWhen(decided=("large", "mini"), alpha=0.01, min_effect=0.02, figure="score")
    assert full.text == FULL
    assert full.digest == hashlib.sha256(FULL.encode()).hexdigest()
    assert full.file == str(tmp_path / "suite.yaml")


def test_gates_know_their_place(tmp_path: Path) -> None:
    """A gate carries the line and column of its check, in the list or in a mapping; nobody compares gates by it."""
    text = (
        "models: [simulator/large]\nprompts: {p: Hi}\ncases: [{expected: x}]\nscorers: [icontains]\n"
        "gates:\n  - pass_rate >= 0.9\n  - for: {model: large}\n    check: score >= 0.5\n"
    )
    (tmp_path / "suite.yaml").write_text(text)
    gates = load_suite(tmp_path / "suite.yaml", scorers=OPTIONS).gates

    assert [(gate.line, gate.column) for gate in gates] == [(6, 5), (8, 12)]
    assert gates[0] == Gate(text="pass_rate >= 0.9", metric="pass_rate", operator=">=", value=0.9)


def test_a_section_without_content_is_not_there(tmp_path: Path) -> None:
    """A key whose lines are all commented out says nothing."""
    suite = load(tmp_path, params="", budget="", gates="", providers="# later", matrix="~")

    assert (suite.params, suite.budget, suite.gates, suite.matrix) == ({}, Budget(), (), {})


def test_a_small_suite_has_defaults(tmp_path: Path) -> None:
    """What is not said has its default, the name the file's."""
    suite = load(tmp_path)

    assert (suite.name, suite.samples, suite.params, suite.matrix) == ("suite", 1, {}, {})
    assert (suite.budget, suite.gates, suite.max_error_rate) == (Budget(), (), 0)


def test_nothing_stops_early_unless_asked_for(tmp_path: Path) -> None:
    """Without ``stop_when`` there is none; with names alone it has defaults."""
    named = load(tmp_path, models="[simulator/large, simulator/small]", stop_when="{decided: [small, large]}")

    assert load(tmp_path).stop_when is None
    assert named.stop_when == StopWhen(decided=("small", "large"), alpha=0.05, min_effect=0.02, figure="pass_rate")


def test_a_stop_may_name_models_that_are_not_asked(tmp_path: Path) -> None:
    """Where the command line takes other models, the suite's own are known all the same."""
    models, stop_when = "[simulator/large, simulator/small]", "{decided: [large, small]}"
    suite = load(tmp_path, models=models, stop_when=stop_when, overrides=Overrides(models=("simulator/medium",)))

    assert suite.stop_when is not None
    assert [model.label for model in suite.models] == ["medium"]


def test_one_name_of_two_providers_is_told_apart(tmp_path: Path) -> None:
    """Where two models end alike, each is labelled by its whole id."""
    suite = load(
        tmp_path, models="[openai/a, mine/a, openai/b]", providers="{mine: {base_url: 'http://127.0.0.1:1/v1'}}"
    )

    assert [model.label for model in suite.models] == ["openai/a", "mine/a", "b"]


OLD = '{id: recorded/old, file: old.jsonl, match: q, answer: a.text, latency_s: ms}'  # fmt: skip


def test_recorded_answers_are_joined_by_text(tmp_path: Path) -> None:
    """Numbers join texts, a literal key wins over a path, figures are taken where the file has them."""
    rows = [
        {"q": 1, "a": {"text": "one"}, "ms": 0.5, "prompt_tokens": 3, "finish_reason": "stop"},
        {"q": "x", "a.text": "two", "a": {"text": "not this"}, "completion_tokens": "many"},
        {"q": "y", "a": {"text": None}},
        {"q": "z", "a": {}},
    ]
    (tmp_path / "old.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    suite = load(tmp_path, models=f"[{OLD}]", prompts=None, cases="[{vars: {q: '1'}, expected: one}]")

    (model,) = suite.models
    assert (model.label, model.price, suite.prompts[0].name) == ("old", None, "recorded")
    assert suite.prompts[0].messages == ()
    assert model.recorded is not None
    assert (model.recorded.match, model.recorded.file) == ("q", str(tmp_path / "old.jsonl"))
    assert model.recorded.answers == {
        "1": RecordedAnswer(text="one", prompt_tokens=3, latency_s=0.5, finish_reason="stop"),
        "x": RecordedAnswer(text="two"),
        "y": RecordedAnswer(text=None),
    }


@pytest.mark.parametrize(
    ("given", "score"),
    [(1.5, 1.5), (-2, -2.0), ("0.25", 0.25), (True, 1.0), ("False", 0.0), (None, None), ("", None)],
)
def test_a_recorded_answer_may_have_a_score(tmp_path: Path, given: object, score: float | None) -> None:
    """Any number, or true and false; another score is another request, whose answer is not taken for the old one."""
    rows = [{"q": "x", "text": "one", "by": {"judge": given}}, {"q": "y", "text": "two", "by": {"judge": 9}}]
    (tmp_path / "old.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    models = "[{id: recorded/o, file: old.jsonl, match: q, answer: text, score: by.judge}]"
    suite = load(tmp_path, models=models, prompts=None, cases="[{vars: {q: x}}]", scorers="[recorded-score]")
    (model,) = suite.models
    plan = make_plan(suite)

    assert model.recorded is not None
    assert [one.score for one in model.recorded.answers.values()] == [score, 9.0]
    params = dict(first_request(plan, plan.cells[0]).params)
    assert params.get("score") == score


def test_answers_may_be_joined_by_case_id(tmp_path: Path) -> None:
    """`match: id` needs no variable."""
    (tmp_path / "old.csv").write_text("id,text\na,yes\n", encoding="utf-8")

    suite = load(tmp_path, models="[{id: recorded/o, file: old.csv, match: id, answer: text}]")

    assert suite.models[0].recorded is not None
    assert list(suite.models[0].recorded.answers) == ["a"]


def test_files_may_lie_anywhere_in_the_repository(tmp_path: Path) -> None:
    """`..` and links are followed up to the folder with .git, and shown from where the user is."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "suites").mkdir()
    (tmp_path / "ask.md").write_text("{{ q }}", encoding="utf-8")
    (tmp_path / "suites" / "link.md").symlink_to("../ask.md")

    suite = load(tmp_path / "suites", prompts="{a: {file: ../ask.md}, b: {file: link.md}}")

    assert [prompt.messages[0].content for prompt in suite.prompts] == ["{{ q }}", "{{ q }}"]


def test_complaints_name_files_as_the_user_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a suite names is called by its path from where the user stands."""
    (tmp_path / "suites" / "data").mkdir(parents=True)
    (tmp_path / "suites" / "data" / "rows.csv").write_text("q,answer\nx\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = suite_text(cases="[{file: data/rows.csv, expected: answer}]")
    Path("suites/s.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(SuiteInvalid) as raised:
        load_suite("suites/s.yaml", scorers=OPTIONS)

    assert str(raised.value) == "suites/data/rows.csv:2: 1 fields where the header has 2"


def test_models_of_the_command_line_replace_the_suites(tmp_path: Path) -> None:
    """A label or an id selects one of the suite's with its settings; anything else is provider/model."""
    models = "[{id: simulator/small, label: s, params: {seed: 1}}, simulator/large]"
    overrides = Overrides(models=("s", "openai/gpt-4o", "simulator/small"))

    suite = load(tmp_path, models=models, overrides=overrides)

    assert [(model.label, dict(model.params)) for model in suite.models] == [("s", {"seed": 1}), ("gpt-4o", {})]
    assert sorted(suite.providers) == ["openai", "simulator"]
    assert suite.left_out == {"model": ("large",)}


def test_parameters_of_the_command_line_win_everywhere(tmp_path: Path) -> None:
    """--set takes a parameter out of the matrix, models, prompts and cases."""
    suite = load(
        tmp_path,
        models="[{id: simulator/large, params: {temperature: 1, seed: 1}}]",
        prompts="{a: {user: '{{ q }}', params: {temperature: 1}}}",
        cases="[{vars: {q: x}, expected: y, params: {temperature: 1}}]",
        matrix="{temperature: [0, 1], top_p: [1]}",
        overrides=Overrides(params={"temperature": "0.0", "stop": "7", "max_tokens": 5}),
    )

    assert suite.params == {"temperature": 0, "stop": "7", "max_tokens": 5}
    assert suite.matrix == {"top_p": (1,)}
    assert suite.models[0].params == {"seed": 1}
    assert (suite.prompts[0].params, suite.cases[0].params) == ({}, {})


def test_variables_of_the_command_line_win_in_every_case(tmp_path: Path) -> None:
    """--var replaces and adds, as text, and counts when templates are checked."""
    suite = load(tmp_path, prompts="{a: '{{ q }}{{ r }}'}", overrides=Overrides(variables={"q": "1", "r": "2"}))

    assert suite.cases[0].vars == {"q": "1", "r": "2"}


def test_an_allowed_origin_is_allowed(tmp_path: Path) -> None:
    """A key may go where the command line says, and nowhere else."""
    providers = "{mine: {base_url: 'https://a.example/v1', api_key_env: MY_KEY}}"
    allowed = Overrides(allow_origins=frozenset({("MY_KEY", "https://a.example")}))

    assert load(tmp_path, models="[mine/a]", providers=providers, overrides=allowed).providers["mine"].api_key_env
    with pytest.raises(SuiteInvalid, match=r"--allow-origin MY_KEY=https://a\.example"):
        load(tmp_path, models="[mine/a]", providers=providers)


def test_an_unused_provider_may_point_anywhere(tmp_path: Path) -> None:
    """A provider that no model names sends no key."""
    providers = "{mine: {base_url: 'https://a.example/v1', api_key_env: MY_KEY}}"

    assert list(load(tmp_path, providers=providers).providers) == ["simulator"]


def test_an_optional_variable_may_be_missing(tmp_path: Path) -> None:
    """A template that asks `is defined`, or has a default, loads without the variable."""
    load(tmp_path, prompts="{a: \"{{ q }}{{ r|default('') }}{% if s is defined %}{{ s }}{% endif %}\"}")


def test_the_starter_suite_loads(tmp_path: Path) -> None:
    """What `evalrun init` writes has no complaint, also with its examples uncommented."""
    suite = load(tmp_path, STARTER)
    uncommented = STARTER.replace("# gates:", "gates:").replace("#   - ", "  - ").replace("# matrix", "matrix")

    assert [model.label for model in suite.models] == ["large", "small"]
    assert len(load(tmp_path, uncommented).gates) == 3


@pytest.mark.slow
def test_large_suites_load_fast(tmp_path: Path) -> None:
    """5,000 cases in the suite, or 100,000 in a file, take seconds at most."""
    cases = "\n" + "".join(f"  - {{id: c{n}, vars: {{q: 'is {n}?'}}, expected: [a, b]}}\n" for n in range(5000))
    rows = "".join(f'c{n},"Is it {n}, or not?",{n}\n' for n in range(100_000))
    (tmp_path / "rows.csv").write_text("id,q,answer\n" + rows, encoding="utf-8")
    started = time.process_time()
    assert len(load(tmp_path, cases=cases).cases) == 5000
    between = time.process_time()
    assert len(load(tmp_path, cases="[{file: rows.csv, id: id, expected: answer}]").cases) == 100_000

    assert between - started < 3
    assert time.process_time() - between < 15


@pytest.mark.shared
def test_real_answers_are_joined(tmp_path: Path, shared_data: Path) -> None:
    """GSM8K: 1,319 problems with two set-ups' answers each, out of one file."""
    (tmp_path / "copy.jsonl").write_bytes((shared_data / "gsm8k" / "model_solutions_6b.jsonl").read_bytes())
    models = ", ".join(
        f"{{id: recorded/{name}, file: copy.jsonl, match: question, answer: {name}.solution}}"
        for name in ("6b_finetuning", "6b_verification")
    )
    suite = load(tmp_path, models=f"[{models}]", prompts=None, cases="[{file: copy.jsonl, expected: ground_truth}]")

    assert len(suite.cases) == 1319
    assert [len(m.recorded.answers) for m in suite.models if m.recorded] == [1319, 1319]


@pytest.mark.parametrize(
    ("written", "gate"),
    [
        ("cost_usd <= .5", Gate(text="cost_usd <= .5", metric="cost_usd", operator="<=", value=0.5)),
        ("p50( ttft_s )<1", Gate(text="p50( ttft_s )<1", metric="ttft_p50_s", operator="<", value=1)),
        (
            "mean( scorer.a b > c ) >= 1",
            Gate(text="mean( scorer.a b > c ) >= 1", metric="scorer.a b > c", operator=">=", value=1),
        ),
        ("mean(scorer.own) > 0", Gate(text="mean(scorer.own) > 0", metric="scorer.own", operator=">")),
        ("no_regression", NO_REGRESSION),
        ("{check: no_regression}", NO_REGRESSION),
        (
            "{check: no_regression, alpha: 0.01, min_effect: 0.02, strict: true, for: {case: c}}",
            replace(NO_REGRESSION, only={"case": ("c",)}, alpha=0.01, min_effect=0.02, strict=True),
        ),
        ("{check: no_regression, min_effect: 0}", NO_REGRESSION),
        (
            "{check: pass_rate >= 0.9, strict: true}",
            Gate(text="pass_rate >= 0.9", metric="pass_rate", operator=">=", value=0.9, strict=True, confidence=0.95),
        ),
        (
            "{check: score < 0.9, confidence: 0.8, strict: false}",
            Gate(text="score < 0.9", metric="score", operator="<", value=0.9, confidence=0.8),
        ),
        (
            "{check: total_tokens < 100, strict: true}",
            Gate(text="total_tokens < 100", metric="total_tokens", operator="<", value=100, strict=True),
        ),
    ],
)  # fmt: skip
def test_a_gate_is_read_whole(tmp_path: Path, written: str, gate: Gate) -> None:
    """Figures under every name, scorers of the suite and of a case, and what counts as evidence; strict is sure."""
    case = "{id: c, vars: {q: x}, expected: y, scorers: [equals: {name: own}]}"
    gates = written if written.startswith("{") else f"'{written}'"
    suite = load(tmp_path, cases=f"[{case}]", scorers="[equals: {name: a b > c}]", gates=f"[{gates}]")

    assert suite.gates == (gate,)
