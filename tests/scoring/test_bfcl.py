"""Public function-calling questions: their possible answers match, and what differs from them does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from evalrun.records.message import ToolCall
from evalrun.scoring.marks import score_one
from tests.scoring.build import reply, row, spec

FILES = {
    "simple": 400,
    "multiple_function": 200,
    "parallel_function": 200,
    "parallel_multiple_function": 199,
    "java": 100,
    "javascript": 50,
}
BROKEN = {"parallel_multiple_function_179"}  # one of its calls has a list where its arguments should be
EXACTLY = {"options": {"arguments": "exact"}}


def items(folder, name):
    """The expected calls of every item, as a suite would say them."""
    answers = (folder / "possible_answer" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    questions = (folder / "questions" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    for answer, question in zip(map(json.loads, answers), map(json.loads, questions), strict=True):
        assert answer["id"] == question["id"]
        functions = question["function"] if isinstance(question["function"], list) else [question["function"]]
        names = {function["name"] for function in functions}
        if answer["id"] not in BROKEN:
            yield [
                {"name": called if called in names else re.sub(r"[_ ]\d+$", "", called), "arguments": arguments}
                for called, arguments in answer["ground_truth"].items()
            ]


def choose(value, pick):
    """One of the answers that a possible answer accepts: alternatives are in the lists that are members of mappings."""
    if isinstance(value, dict):
        chosen = {}
        for name, accepted in value.items():
            options = [one for one in accepted if one != ""] if isinstance(accepted, list) else [accepted]
            if options:
                chosen[name] = choose(options[pick % len(options)], pick)
        return chosen
    return [choose(item, pick) for item in value] if isinstance(value, list) else value


def calls_of(expected, pick=0):
    """The calls that a good model would make, named as they are sent."""
    return [(call["name"].replace(".", "_"), choose(call["arguments"], pick)) for call in expected]


def scored(expected, calls):
    """The score that these calls get."""
    made = tuple(ToolCall(id=str(at), name=n, arguments=json.dumps(a)) for at, (n, a) in enumerate(calls))
    scorer = spec("tool-calls", expected, **EXACTLY)
    return score_one(scorer, row(reply(None, tool_calls=made)))


def perturbed(expected, calls) -> Iterator[tuple[str, list[tuple[str, dict]]]]:
    """The calls, each time with one thing wrong."""
    (name, arguments), *others = calls
    yield "another tool", [(f"{name}_x", arguments), *others]
    yield "one call less", others
    yield "one call more", [*calls, ("other_tool", {})]
    yield "an argument more", [(name, {**arguments, "no_such_argument": 1}), *others]
    for key in arguments:
        yield f"{key} is another", [(name, {**arguments, key: "no such value"}), *others]
        if "" not in expected[0]["arguments"][key]:
            yield f"{key} is missing", [(name, {k: v for k, v in arguments.items() if k != key}), *others]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), FILES.items())
def test_possible_answers_match_and_others_do_not(shared_data, name, size):
    """Each accepted answer scores 1, in any order of its calls; with one thing wrong it scores less."""
    count = 0
    for expected in items(shared_data / "bfcl", name):
        count += 1
        for pick in range(3):
            calls = calls_of(expected, pick)
            found = scored(expected, calls[::-1])
            assert found.passed, (expected, found)
        calls = calls_of(expected)
        for what, wrong in perturbed(expected, calls):
            found = scored(expected, wrong)
            assert found.error == ""
            assert not found.passed, (what, expected, wrong)
            assert found.reason

    assert count == size


def test_they_may_come_from_a_data_set(shared_data):
    """Expected calls from a data set's column, JSON text or not, are read the same way."""
    expected = next(items(shared_data / "bfcl", "parallel_function"))
    made = tuple(ToolCall(id="1", name=n, arguments=json.dumps(a)) for n, a in calls_of(expected))
    one = row(reply(None, tool_calls=made), expected=expected)

    assert score_one(spec("tool-calls", **EXACTLY), one).passed
    assert score_one(
        spec("tool-calls", **EXACTLY), replace(one, case=replace(one.case, expected=json.dumps(expected)))
    ).passed
