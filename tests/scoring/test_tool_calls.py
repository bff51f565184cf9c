from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Tool, ToolCall
from evalrun.records.outcome import Exchange
from evalrun.scoring.marks import score_one
from evalrun.scoring.options import ToolCallF1Options, ToolCallsOptions
from evalrun.scoring.tool_calls import _pairs
from tests.scoring.build import reply, row, spec

WEATHER = Tool(
    name="get_weather",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
    },
)
SEARCH = Tool(name="web.search")


def called(*calls, tools=(WEATHER, SEARCH), text=None, **case):
    """A row whose one reply makes these calls, each a name and arguments (a text, or what is written as JSON)."""
    made = tuple(
        ToolCall(id=str(at), name=name, arguments=given if isinstance(given, str) else json.dumps(given))
        for at, (name, given) in enumerate(calls)
    )
    return replace(row(reply(text, tool_calls=made), **case), tools=tools)


def then(first, text):
    """The row after another reply, which makes no call."""
    return replace(first, exchanges=(*first.exchanges, Exchange(request_key="k", outcome=reply(text))))


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([("get_weather", {"city": "Paris"})], ""),
        ([("get_weather", {"city": "Paris", "days": 2}), ("web_search", {"anything": 1})], ""),
        ([("get_weather", "{")], 'call 1, "get_weather": the arguments are no JSON: '),
        ([("get_weather", "")], 'call 1, "get_weather": the arguments are no JSON: '),
        ([("get_weather", "[]")], 'call 1, "get_weather": the arguments are no JSON object'),
        ([("get_weather", {"days": 2})], 'call 1, "get_weather": "city" is a required property'),
        (
            [("web_search", {}), ("get_weather", {"city": "x", "days": "2"})],
            'call 2, "get_weather": days: "2" is not of type "integer"',
        ),
        ([("get_wether", {"city": "Paris"})], 'call 1, "get_wether": there is no such tool'),
        ([], "no tool call"),
    ],
)
def test_valid_calls_name_a_tool_and_fit_its_schema(calls, reason):
    """Every call is looked at, and the first fault named with its call and place."""
    found = score_one(spec("is-valid-openai-tools-call"), called(*calls))

    assert found.error == ""
    assert found.passed is (not reason)
    assert found.reason.startswith(reason)


def test_where_the_tools_are_unknown_only_the_form_is_checked():
    """Without definitions, arguments must be a JSON object and no more."""
    scorer = spec("is-valid-openai-tools-call")

    assert score_one(scorer, called(("any", {"x": 1}), tools=())).passed
    assert not score_one(scorer, called(("any", "x"), tools=())).passed


def test_valid_calls_can_be_negated_but_for_none():
    """Where there is no call there is nothing to say either way."""
    scorer = spec("not-is-valid-openai-tools-call")

    assert score_one(scorer, called(("get_weather", "{"))).passed
    assert score_one(scorer, called(("get_weather", {"city": "x"}))).reason == "expected a call that is not valid"
    assert not score_one(scorer, called()).passed


def test_a_tool_whose_schema_is_none_leaves_no_result():
    """A broken definition is not the model's fault."""
    broken = Tool(name="f", parameters={"type": "dict"})
    found = score_one(spec("is-valid-openai-tools-call"), called(("f", {}), tools=(broken,)))

    assert found.passed is None
    assert found.error.startswith("not a JSON Schema")


def test_calls_that_were_answered_count():
    """After a tool's answer the last reply is text; the calls before it are looked at all the same."""
    done = then(called(("get_weather", {"city": "Paris"})), "It is warm.")

    assert score_one(spec("is-valid-openai-tools-call"), done).passed
    assert score_one(spec("tool-call-f1", ["get_weather"]), done).passed
    assert score_one(spec("tool-calls", [{"name": "get_weather"}]), done).passed
    assert score_one(spec("contains", "warm"), done).passed


@pytest.mark.parametrize(
    ("value", "names", "score", "reason"),
    [
        (["a", "b"], ["b", "a", "a"], 1.0, ""),
        ("a, b", ["a", "b"], 1.0, ""),
        (["a", "b"], ["a"], 2 / 3, '"b" not called'),
        (["a"], ["a", "c", "d"], 0.5, '"c", "d" not expected'),
        (["a", "b"], ["a", "c"], 0.5, '"b" not called; "c" not expected'),
        (["a"], [], 0.0, '"a" not called'),
        (["web.search"], ["web_search"], 1.0, ""),
    ],
)
def test_f1_is_of_sets_of_names(value, names, score, reason):
    """Twice the common ones by the sum of both; order and number of calls do not count."""
    found = score_one(spec("tool-call-f1", value), called(*((name, {}) for name in names)))

    assert found.value == pytest.approx(score)
    assert found.reason == reason


@given(st.sets(st.sampled_from("abcdef"), min_size=1), st.sets(st.sampled_from("abcdef")))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(wanted, names):
    """As it is defined, whatever was called."""
    found = score_one(spec("tool-call-f1", sorted(wanted)), called(*((name, {}) for name in names)))
    common = len(wanted & names)
    precision, recall = common / len(names) if names else 0, common / len(wanted)
    mean = 2 * precision * recall / (precision + recall) if common else 0

    assert found.value == pytest.approx(mean)


@pytest.mark.parametrize(
    ("arguments", "given", "mode", "reason"),
    [
        ({"city": "Paris"}, {"city": "Paris"}, "exact", ""),
        ({"city": "Paris"}, {"city": "Paris", "days": 2}, "subset", ""),
        ({"city": "Paris"}, {"city": "Paris", "days": 2}, "exact", "days is not expected"),
        (None, {"city": "Paris"}, "exact", ""),
        ({}, {"city": "Paris"}, "exact", "city is not expected"),
        ({"city": ["Paris", "Rome"]}, {"city": "Rome"}, "exact", ""),
        ({"city": ["Paris", "Rome"]}, {"city": "Bern"}, "exact", 'city: expected any of "Paris", "Rome", got "Bern"'),
        ({"city": "Paris"}, {}, "subset", "city is missing"),
        ({"days": ["", 2]}, {}, "subset", ""),
        ({"days": ["", 2]}, {"days": 3}, "subset", 'days: expected any of "", 2, got 3'),
        ({"days": 2}, {"days": 2.0}, "exact", ""),
        ({"days": 1}, {"days": True}, "exact", "days: expected 1, got true"),
        ({"days": 0}, {"days": False}, "exact", "days: expected 0, got false"),
        ({"days": "2"}, {"days": 2}, "exact", 'days: expected "2", got 2'),
        ({"flag": None}, {"flag": None}, "exact", ""),
        ({"list": [[3, 5]]}, {"list": [3, 5]}, "exact", ""),
        ({"list": [3, 5]}, {"list": [3, 5]}, "exact", "list: expected any of 3, 5, got [3, 5]"),
        ({"list": [[3, 5]]}, {"list": [5, 3]}, "exact", "list.0: expected 3, got 5"),
        ({"who": {"name": ["Ann", "Anna"]}}, {"who": {"name": "Anna"}}, "exact", ""),
        ({"who": [{"name": ["Ann"], "age": ["", 3]}]}, {"who": {"name": "Ann"}}, "exact", ""),
        ({"who": {"name": "Ann"}}, {"who": {"name": "Bob"}}, "exact", 'who.name: expected "Ann", got "Bob"'),
        ({"who": {"name": "Ann"}}, {"who": "Ann"}, "exact", 'who: expected {"name": "Ann"}, got "Ann"'),
        ({"all": [[{"f": ["age"]}]]}, {"all": [{"f": "age"}]}, "exact", ""),
        ({"none": []}, {"none": 1}, "exact", "none: no value is accepted"),
    ],
)
def test_arguments_are_accepted_as_the_suite_says(arguments, given, mode, reason):
    """A list is of alternatives, an empty text among them means optional, and true is not 1."""
    scorer = spec("tool-calls", [{"name": "f", "arguments": arguments}], options={"arguments": mode})
    found = score_one(scorer, called(("f", given)))

    assert found.passed is (not reason)
    assert found.reason == (reason and f'"f": {reason}')


@pytest.mark.parametrize(
    ("wanted", "calls", "score", "reason"),
    [
        (["a", "b"], ["b", "a"], 1.0, ""),
        (["a", "a"], ["a"], 0.5, '"a" is not called'),
        (["a"], ["a", "b"], 0.5, 'more calls than expected: "b"'),
        (["a", "b"], ["a", "c"], 0.5, '"b" is not called'),
        (["a"], [], 0.0, '"a" is not called'),
        ([], [], 1.0, ""),
        ([], ["a"], 0.0, 'more calls than expected: "a"'),
        (["x.y"], ["x_y"], 1.0, ""),
        (["a"] * 5, [], 0.0, '"a" is not called; "a" is not called; "a" is not called; 2 more are not called'),
    ],
)
def test_calls_match_in_any_order(wanted, calls, score, reason):
    """The score is what matches by the larger number of calls; an empty list expects none."""
    scorer = spec("tool-calls", [{"name": name} for name in wanted])
    found = score_one(scorer, called(*((name, {}) for name in calls)))

    assert found.value == pytest.approx(score)
    assert found.reason == reason


def test_as_many_pairs_are_made_as_can_be():
    """A call that fits two expected ones does not take the place of the only one that fits the first."""
    wanted = [{"name": "f", "arguments": {"x": [1, 2]}}, {"name": "f", "arguments": {"x": 1}}]
    found = score_one(spec("tool-calls", wanted), called(("f", {"x": 1}), ("f", {"x": 2})))

    assert found.passed


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), max_size=4))
def test_pairs_are_as_many_as_the_best_assignment_has(fits):
    """Against every assignment tried out."""
    told = [["" if fit else "differs" for fit in line] for line in fits]
    best = max(
        (sum(fits[at][call] for at, call in enumerate(order)) for order in itertools.permutations(range(4), len(fits))),
        default=0,
    )

    assert len(_pairs(told, 4)) == best


def test_broken_arguments_match_nothing():
    """A call whose arguments are no JSON is a call, of the right name, and wrong."""
    found = score_one(spec("tool-calls", [{"name": "f", "arguments": {"x": 1}}]), called(("f", '{"x": 1')))

    assert (found.value, found.error) == (0.0, "")
    assert found.reason == '"f": the arguments are no JSON: "{"x": 1"'


@pytest.mark.parametrize(
    ("expected", "passed", "error"),
    [
        ({"name": "f", "arguments": {"x": 1}}, True, ""),
        ([{"name": "f"}], True, ""),
        ('[{"name": "f", "arguments": {"x": 1}}]', True, ""),
        ("f", None, "the expected calls are no JSON: Expecting value at 1:1"),
        (["f"], None, "an expected call is {name: …, arguments: {…}}"),
        ([{"name": "f", "args": {}}], None, 'an expected call has a name and arguments, and no "args"'),
        ([{"name": "f", "arguments": []}], None, "the arguments of an expected call are a mapping, not list"),
        (None, None, "there is no expected value"),
    ],
)
def test_expected_calls_come_from_the_case(expected, passed, error):
    """One call, a list, or either as JSON text; anything else is no expected value."""
    found = score_one(spec("tool-calls"), called(("f", {"x": 1}), expected=expected))

    assert (found.passed, found.error) == (passed, error)


def test_expected_calls_may_hold_templates():
    """Names and values are rendered for each case, and a whole list may be a variable."""
    one_call = called(("f", {"x": 5}), vars={"n": 5, "all": [{"name": "f", "arguments": {"x": 5}}]})

    assert score_one(spec("tool-calls", [{"name": "f", "arguments": {"x": "{{ n }}"}}]), one_call).passed
    assert score_one(spec("tool-calls", "{{ all }}"), one_call).passed


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (ToolCallsOptions, {"value": [{"arguments": {}}]}),
        (ToolCallsOptions, {"value": "f"}),
        (ToolCallsOptions, {"arguments": "some"}),
        (ToolCallF1Options, {"value": []}),
        (ToolCallF1Options, {"value": ""}),
    ],
)
def test_nonsense_is_refused_with_the_suite(model, options):
    """What no call could be held against is a mistake before anything is sent."""
    with pytest.raises(ValueError, match=r"value|arguments"):
        model.model_validate(options)


def test_very_many_calls_cost_little():
    """A reply of twenty thousand calls is scored in moderate time, and none of them is lost in the count."""
    many = called(*[("f", "{}")] * 20_000)
    started = time.process_time()
    found = score_one(spec("tool-calls", [{"name": "f"}] * 20), many)

    assert found.value == pytest.approx(20 / 20_000)
    assert time.process_time() - started < 1


@given(st.text(), st.text())
def test_any_call_is_scored(name, arguments):
    """Whatever a model writes, every scorer of calls has a result."""
    made = called((name, arguments))
    for scorer in (
        spec("is-valid-openai-tools-call"),
        spec("tool-call-f1", ["f"]),
        spec("tool-calls", [{"name": "f"}]),
    ):
        assert score_one(scorer, made).error == ""


@pytest.mark.parametrize("deep", ["[" * 300 + "]" * 300, "[" * 900 + "]" * 900, "[" * 100_000])
def test_deep_arguments_are_a_verdict(deep):
    """Arguments nested beyond measure are wrong, and no error."""
    made = called(("get_weather", f'{{"city": {deep}}}'))
    found = score_one(spec("tool-calls", [{"name": "get_weather", "arguments": {"city": "x"}}]), made)

    assert (found.value, found.error) == (0.0, "")
    assert not score_one(spec("is-valid-openai-tools-call"), made).passed
    assert not score_one(spec("is-valid-openai-tools-call"), made).error


def test_text_scorers_read_an_answer_of_calls_as_json():
    """Where there is no text, the calls are what is compared."""
    made = called(("get_weather", '{"city":"Paris"}'))

    assert score_one(spec("contains", '"city": "Paris"'), made).passed
    assert score_one(spec("is-json"), made).passed
    assert not score_one(spec("contains", "Paris"), called(("f", {"city": "Paris"}), text="ok")).passed
