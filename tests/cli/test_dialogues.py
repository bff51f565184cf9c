from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalrun.store.run import RunStore
from tests.cli.harness import call, newest_run, popen, program
from tests.cli.scripted import Scripted, calls, text

TURNS = """
providers: {lab: {dialect: openai-chat, base_url: "URL"}}
models: [lab/m]
prompts:
  talk:
    system: Be brief.
    user: "My number is {{ n }}."
    turns: ["And twice that?", "Thank you, {{ name }}."]
cases: [{id: a, vars: {n: 1, name: Ann}}, {id: b, vars: {n: 2, name: Bob}}]
scorers: [{contains: Ann}]
"""
TOOLS = """
providers: {lab: {dialect: openai-chat, base_url: "URL"}}
models: [lab/m]
prompts:
  ask:
    user: "What is the weather in {{ city }}?"
    tools:
      - name: get_weather
        description: The weather of a place.
        parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    tool_results:
      - {tool: get_weather, arguments: {city: "{{ city }}"}, result: "{{ sky }}"}
      MORE
cases: [{vars: {city: Paris, sky: rain}}]
scorers: [{contains: rain}]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text_: str, url: str, more: str = "") -> Path:
    """A suite that asks the scripted endpoint."""
    suite = Path("suite.yaml")
    suite.write_text(text_.replace("URL", url).replace("MORE", more))
    return suite


def echo(body: dict[str, Any]) -> dict[str, Any]:
    """The last thing that the user said, and how much was said before."""
    return text(f"{len(body['messages'])}: {body['messages'][-1]['content']}")


def results() -> pd.DataFrame:
    """The newest run's results.csv."""
    return pd.read_csv(newest_run(Path("results")) / "results.csv", dtype=str, keep_default_na=False)


def rows() -> list[dict[str, Any]]:
    """The newest run's results.jsonl."""
    return [json.loads(line) for line in (newest_run(Path("results")) / "results.jsonl").read_text().splitlines()]


def test_turns_send_the_models_own_replies(capsys: pytest.CaptureFixture[str]) -> None:
    """Each live turn sends all that was said before it; the cell is its last reply, with the sums of all requests."""
    with Scripted(echo) as lab:
        said = call(capsys, write(TURNS, lab.url))

    assert said.code == 0, said.err
    last = [body["messages"] for body in lab.bodies if len(body["messages"]) == 6]
    assert sorted(messages[1]["content"] for messages in last) == ["My number is 1.", "My number is 2."]
    ann = next(messages for messages in last if messages[1]["content"] == "My number is 1.")
    assert [(m["role"], m["content"]) for m in ann] == [
        ("system", "Be brief."),
        ("user", "My number is 1."),
        ("assistant", "2: My number is 1."),
        ("user", "And twice that?"),
        ("assistant", "4: And twice that?"),
        ("user", "Thank you, Ann."),
    ]
    table = results()
    assert list(table["requests"]) == ["3", "3"]
    assert list(table["prompt_tokens"]) == ["30", "30"]
    assert list(table["output"]) == ["6: Thank you, Ann.", "6: Thank you, Bob."]
    assert list(table["verdict"]) == ["pass", "fail"]


def test_a_conversation_that_breaks_goes_on_where_it_broke(capsys: pytest.CaptureFixture[str]) -> None:
    """A turn that fails leaves the cell in error; asked again, only that turn is sent, for its past was paid for."""
    down = True

    def breaking(body: dict[str, Any]) -> dict[str, Any] | int:
        return 400 if down and len(body["messages"]) == 4 else echo(body)

    with Scripted(breaking) as lab:
        assert call(capsys, write(TURNS, lab.url)).code == 3
        assert [row["status"] for row in rows()] == ["error", "error"]
        down = False
        lab.bodies.clear()
        said = call(capsys, "resume", "--retry-errors")

    assert said.code == 0, said.err
    assert sorted(len(body["messages"]) for body in lab.bodies) == [4, 4, 6, 6]
    assert [row["output"] for row in rows()] == ["6: Thank you, Ann.", "6: Thank you, Bob."]


def test_a_changed_turn_is_another_question(capsys: pytest.CaptureFixture[str]) -> None:
    """A run goes on with cells whose whole script is the same; where a later turn changed, the cell is asked anew."""
    with Scripted(echo) as lab:
        assert call(capsys, write(TURNS, lab.url), "--max-requests", 3, "-j", 1).code == 75
        lab.bodies.clear()
        changed = TURNS.replace("And twice that?", "And half of that?")
        said = call(capsys, write(changed, lab.url))

    assert said.code == 0, said.err
    assert "0 cells are kept, 2 are new, 2 are gone" in said.err + said.out
    assert sorted(len(body["messages"]) for body in lab.bodies) == [2, 2, 4, 4, 6, 6]


def test_a_pause_keeps_conversations_where_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that pauses in mid-conversation sends afterwards what was left of it, and nothing twice."""
    with Scripted(echo) as lab:
        assert call(capsys, write(TURNS, lab.url), "--max-requests", 4, "-j", 1).code == 75
        said = call(capsys, "resume")

    assert said.code == 0, said.err
    assert sorted(len(body["messages"]) for body in lab.bodies) == [2, 2, 4, 4, 6, 6]
    assert list(results()["requests"]) == ["3", "3"]


def weather(body: dict[str, Any]) -> dict[str, Any]:
    """Asks for the weather once, then says what it was told."""
    last = body["messages"][-1]
    return text(f"It is {last['content']}.") if last["role"] == "tool" else calls(("get_weather", '{"city": "Paris"}'))


def test_a_call_gets_its_scripted_result(capsys: pytest.CaptureFixture[str]) -> None:
    """The model's call is answered from the suite, and the answer that follows is the cell's."""
    with Scripted(weather) as lab:
        said = call(capsys, write(TOOLS, lab.url))

    assert said.code == 0, said.err
    first, second = lab.bodies
    assert first["tools"][0]["function"]["name"] == "get_weather"
    assert second["tools"] == first["tools"]
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "call_0", "content": "rain"}
    assert second["messages"][-2]["tool_calls"][0]["id"] == "call_0"
    assert results()["output"][0] == "It is rain."
    assert results()["requests"][0] == "2"


def test_a_model_that_never_stops_is_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    """After max_tool_rounds the last reply stands, calls and all."""
    with Scripted(lambda _: calls(("get_weather", '{"city": "Rome"}'))) as lab:
        suite = write(TOOLS.replace("    tool_results", "    max_tool_rounds: 3\n    tool_results"), lab.url)
        said = call(capsys, suite)

    assert said.code == 0, said.err
    assert len(lab.bodies) == 4
    assert lab.bodies[1]["messages"][-1]["content"] == "error: no result for these arguments"
    assert json.loads(results()["output"][0]) == [{"name": "get_weather", "arguments": {"city": "Rome"}}]


FUNCTION = "- {tool: get_weather, function: 'tools.py:weather'}"


def test_a_function_needs_the_users_leave(capsys: pytest.CaptureFixture[str]) -> None:
    """A suite with Python functions is refused without --allow-code, and so is going on with its run."""
    Path("tools.py").write_text("def weather(city):\n    return f'snow in {city}'\n")
    broken = True

    def answer(body: dict[str, Any]) -> dict[str, Any] | int:
        tool = body["messages"][-1]["role"] == "tool"
        return 400 if broken and tool else weather(body)

    with Scripted(answer) as lab:
        suite = write(TOOLS.replace('city: "{{ city }}"', "city: nowhere"), lab.url, FUNCTION)
        refused = call(capsys, suite)
        assert refused.code == 2
        assert "--allow-code" in refused.err
        assert lab.bodies == []

        assert call(capsys, suite, "--allow-code").code == 3
        broken = False
        again = call(capsys, "resume", "--retry-errors")
        assert again.code == 2
        assert "--allow-code" in again.err
        said = call(capsys, "resume", "--retry-errors", "--allow-code")

    assert lab.bodies[-1]["messages"][-1]["content"] == "snow in Paris"
    assert results()["output"][0] == "It is snow in Paris."
    assert said.code == 0, said.err


def test_a_function_that_fails_is_told_to_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    """A function's exception is the tool's answer, as a tool's would be, and the run goes on."""
    Path("tools.py").write_text("def weather(city):\n    raise LookupError('no station')\n")
    with Scripted(weather) as lab:
        suite = write(TOOLS.replace('city: "{{ city }}"', "city: nowhere"), lab.url, FUNCTION)
        said = call(capsys, suite, "--allow-code")

    assert lab.bodies[-1]["messages"][-1]["content"] == "error: LookupError: no station"
    assert said.code == 0, said.err


def test_several_answers_of_one_request(capsys: pytest.CaptureFixture[str]) -> None:
    """With n each answer of a reply is a sample, and the reply is paid once."""

    def many(body: dict[str, Any]) -> dict[str, Any]:
        choices = [{"index": i, "message": text(f"answer {i}"), "finish_reason": "stop"} for i in range(body["n"])]
        return {"choices": choices, "usage": {"prompt_tokens": 10, "completion_tokens": 12, "total_tokens": 22}}

    suite = """
providers: {lab: {dialect: openai-chat, base_url: "URL"}}
models: [lab/m]
params: {n: 3, seed: 5}
samples: 2
prompts: {p: "Say {{ x }}"}
cases: [{vars: {x: 1}}, {vars: {x: 2}}]
scorers: [{contains: answer 1}]
"""
    with Scripted(many) as lab:
        said = call(capsys, write(suite, lab.url))

    table = results()
    assert said.code == 0, said.err
    assert sorted(body["seed"] for body in lab.bodies) == [5, 5, 6, 6]
    assert len(table) == 12
    assert list(table["sample"])[:6] == ["0", "1", "2", "3", "4", "5"]
    assert list(table["output"])[:4] == ["answer 0", "answer 1", "answer 2", "answer 0"]
    assert table["prompt_tokens"].astype(int).sum() == 40
    assert table["completion_tokens"].astype(int).sum() == 48
    assert table["requests"].astype(int).sum() == 4
    assert Counter(table["verdict"]) == {"pass": 4, "fail": 8}


def test_a_reply_short_of_answers_is_asked_again_and_paid_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer that a reply lacks is asked for again, not taken from the cache, and planned and paid as a request."""

    def two(body: dict[str, Any]) -> dict[str, Any]:
        count = body["n"] if len(lab.bodies) > 1 else 2
        choices = [{"index": i, "message": text(f"answer {i}"), "finish_reason": "stop"} for i in range(count)]
        return {"choices": choices, "usage": {"prompt_tokens": 10, "completion_tokens": 6 * count}}

    suite = """
providers: {lab: {dialect: openai-chat, base_url: "URL"}}
models: [lab/m]
params: {n: 3}
prompts: {p: "Say {{ x }}"}
cases: [{vars: {x: 1}}]
scorers: [{contains: answer}]
"""
    with Scripted(two) as lab:
        path = write(suite, lab.url)
        assert call(capsys, path, "--cache", "use").code == 3
        said = call(capsys, path, "--cache", "use", "--retry-errors")

    table = results()
    assert said.code == 0, said.err
    assert len(lab.bodies) == 2
    assert "  m       1 request " in said.err
    assert list(table["output"]) == ["answer 0", "answer 1", "answer 2"]
    assert table["prompt_tokens"].astype(int).sum() == 20
    assert table["completion_tokens"].astype(int).sum() == 12 + 18


def test_a_cache_answers_whole_conversations(capsys: pytest.CaptureFixture[str]) -> None:
    """With --cache use a second run of the same conversations sends nothing."""
    with Scripted(echo) as lab:
        suite = write(TURNS, lab.url)
        assert call(capsys, suite, "--cache", "use").code == 0
        lab.bodies.clear()
        said = call(capsys, suite, "--cache", "use", "--new")

    assert said.code == 0, said.err
    assert lab.bodies == []
    assert list(results()["from_cache"]) == ["true", "true"]
    assert list(results()["output"]) == ["6: Thank you, Ann.", "6: Thank you, Bob."]


def test_the_plan_counts_later_requests(capsys: pytest.CaptureFixture[str]) -> None:
    """`evalrun plan` reckons with every turn, and with a round of tools."""
    said = call(capsys, "plan", write(TURNS, "http://127.0.0.1:9/v1"), "--json")

    assert json.loads(said.out)["columns"][0]["requests"] == 6


@pytest.mark.slow
def test_kill_9_in_mid_conversation_loses_no_reply(here: Path) -> None:
    """Killed while conversations are under way, a run goes on with each where it stood: nothing answered is sent again,
    but for what was in flight."""
    cases = ", ".join(f"{{id: c{n}, vars: {{n: {n}, name: N{n}}}}}" for n in range(60))

    def slow(body: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.02)
        return echo(body)

    with Scripted(slow) as lab:
        suite = write(TURNS.split("cases:")[0] + f"cases: [{cases}]\n", lab.url)
        for moment in (20, 61, 100, 140):
            process = popen(suite, "-j", 6, cwd=here)
            deadline = time.monotonic() + 30
            while len(lab.bodies) < moment and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        done = program(suite, "-j", 6, cwd=here)

    assert done.code == 0, done.err
    again = Counter(json.dumps(body["messages"]) for body in lab.bodies)
    assert len(again) == 180
    assert sum(again.values()) - 180 <= 4 * 6
    with RunStore.open(newest_run(here / "results")) as store:
        assert all(len(store.exchanges(cell.key)) == 3 for cell in store.plan().cells)


def test_what_a_dialect_cannot_say_waits_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Cells that the dialect has no words for are skipped with the reason, also when the day is spent."""
    with Scripted(echo) as lab:
        quota = "quota: {rpd: 1, resets: rolling-24h}"
        spent = TURNS.replace("openai-chat,", f"openai-chat, {quota},")
        assert call(capsys, write(spent, lab.url)).code == 75
        lab.bodies.clear()
        said = call(capsys, write(TOOLS.replace("openai-chat,", f"openai-completions, {quota},"), lab.url))

    assert said.code == 3, said.err
    assert lab.bodies == []
    assert "openai-completions has no tools" in said.out
