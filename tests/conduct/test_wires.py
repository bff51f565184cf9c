from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalrun.conduct.options import Selection
from evalrun.conduct.plan import prepare
from evalrun.conduct.wires import SIMULATOR, Wires
from evalrun.providers.dialect import Unsupported
from evalrun.providers.wire import wire_request
from evalrun.records.message import Message, ToolCall
from evalrun.records.plan import Cell, Plan
from evalrun.records.row import Row
from evalrun.records.suite import Provider
from evalrun.records.wire import MARK_START, Wire, text_mark
from evalrun.report.snippets import body_json, filled
from evalrun.suite.plan import first_request
from tests.conftest import ROOT

EXAMPLES = sorted(path.name for path in (ROOT / "suites").glob("*.yaml"))


def row_of(plan: Plan, cell: Cell, messages: tuple[Message, ...] = ()) -> Row:
    """A cell that was asked with these messages, else with those of its first request."""
    column = plan.columns[cell.column]
    model = next(model for model in plan.suite.models if model.label == column.model)
    return Row(
        cell=cell, case=plan.suite.cases[cell.case], column=column, model=model,
        messages=messages or first_request(plan, cell).messages,
    )  # fmt: skip


def body_shown(wire: Wire) -> Any:
    """The body as the page and the terminal show it."""
    return json.loads(filled(body_json(wire.request), wire))


def body_sent(plan: Plan, row: Row) -> Any:
    """The body as providers make it, without any sharing."""
    request = replace(first_request(plan, row.cell), messages=row.messages)
    provider = replace(plan.suite.providers[row.model.provider], base_url="http://127.0.0.1:1")
    return json.loads(json.dumps(wire_request(provider, request).body))


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_shared_comes_out_as_what_was_sent(name: str) -> None:
    """For every cell of every example the body put together from what its column shares is the body that is sent."""
    plan = prepare(ROOT / "suites" / name, Selection(allow_code=True))
    wires = Wires(plan)
    cells = plan.cells[:: max(1, len(plan.cells) // 60)]
    found = [(row, wires(row)) for row in (row_of(plan, cell) for cell in cells) if not row.model.recorded]

    assert all(isinstance(wire, Wire) for _, wire in found)
    assert [body_shown(wire) for _, wire in found if isinstance(wire, Wire)] == [
        body_sent(plan, row) for row, _ in found
    ]
    urls = {wire.request.url for _, wire in found if isinstance(wire, Wire)}
    assert all(url.startswith(SIMULATOR) for url in urls)


@pytest.fixture
def plan() -> Plan:
    """The suite that asks in every dialect."""
    return prepare(ROOT / "suites" / "dialects.yaml", Selection())


def test_cells_share_a_request(plan: Plan) -> None:
    """Cells of one column that differ in their texts alone have one request between them."""
    wires = Wires(plan)
    requests = {}
    for cell in plan.cells:
        wire = wires(row_of(plan, cell))
        assert isinstance(wire, Wire)
        requests.setdefault(cell.column, set()).add(id(wire.request))

    assert {len(found) for found in requests.values()} == {1}


@pytest.mark.parametrize(
    "messages",
    [
        (Message(role="user", content=" "),),
        (Message(role="system", content=""), Message(role="user", content="x")),
        (Message(role="user", content=text_mark(0)),),
        (Message(role="user", content=MARK_START),),
        (
            Message(role="system", content="a"),
            Message(role="developer", content="b"),
            Message(role="user", content="c"),
        ),
        (Message(role="user", content=("a", "b", "a")),),
        (Message(role="user", content="a", name=MARK_START),),
        (
            Message(role="user", content="a"),
            Message(role="assistant", content="", tool_calls=(ToolCall(id="1", name="f", arguments='{"x": 1'),)),
            Message(role="tool", content="b", tool_call_id="1"),
        ),
    ],
)
def test_odd_messages_are_sent_as_they_are(plan: Plan, messages: tuple[Message, ...]) -> None:
    """Blank texts, marks, several parts, names and calls come out as the dialect says them, or the lack is told."""
    wires = Wires(plan)
    for cell in {cell.column: cell for cell in plan.cells}.values():
        row = row_of(plan, cell, messages)
        wire = wires(row)
        try:
            sent = body_sent(plan, row)
        except Unsupported as lack:
            sent = f"this request cannot be written: {lack}"
        found = wire if isinstance(wire, str) else body_shown(wire)

        assert found == sent


@pytest.mark.parametrize(
    ("provider", "header", "prefix", "variable"),
    [
        (Provider(id="openai", dialect="openai-chat", api_key_env="OPENAI_API_KEY"), "authorization", "Bearer ", ""),
        (Provider(id="anthropic", dialect="anthropic-messages", api_key_env="A"), "x-api-key", "", ""),
        (Provider(id="azure", dialect="azure-openai", api_key_env="AZURE_OPENAI_API_KEY"), "api-key", "", ""),
        (Provider(id="x", dialect="openai-chat", api_key_env="X", auth="api-key"), "api-key", "", ""),
        (Provider(id="e", dialect="azure-openai", auth="entra"), "authorization", "Bearer ", "AZURE_ACCESS_TOKEN"),
        (Provider(id="ollama", dialect="openai-chat"), "", "", ""),
    ],
)
def test_the_key_is_a_variable(plan: Plan, provider: Provider, header: str, prefix: str, variable: str) -> None:
    """Each way to send a key names its header and the variable; an endpoint without a key has neither."""
    request = first_request(plan, plan.cells[0])
    wire = wire_request(replace(provider, base_url="https://lab.example/v1"), request)

    assert (wire.key_header, wire.key_prefix) == (header, prefix)
    assert wire.key_variable == (variable or provider.api_key_env or "")
    assert not {"authorization", "api-key", "x-api-key"} & set(wire.headers)


def test_a_vendors_own_names_are_kept(plan: Plan) -> None:
    """A member that a vendor calls otherwise has the vendor's name, as it was sent."""
    mistral = Provider(id="mistral", dialect="openai-chat", base_url="https://api.mistral.ai/v1")
    request = replace(first_request(plan, plan.cells[0]), params={"seed": 7})

    assert wire_request(mistral, request).body["random_seed"] == 7
    assert "seed" not in wire_request(mistral, request).body


def test_recorded_answers_have_no_request(tmp_path: Path) -> None:
    """Where nothing was sent the file of the answers is named."""
    (tmp_path / "answers.jsonl").write_text('{"id": "a", "answer": "yes"}\n')
    (tmp_path / "old.yaml").write_text(
        "version: 1\nname: old\nmodels: [{id: recorded/old, file: answers.jsonl, match: id, answer: answer}]\n"
        "prompts: {p: {user: 'Yes?'}}\ncases: [{id: a, expected: yes}]\nscorers: [icontains]\n"
    )
    plan = prepare(tmp_path / "old.yaml", Selection())

    assert "answers.jsonl" in str(Wires(plan)(row_of(plan, plan.cells[0])))
