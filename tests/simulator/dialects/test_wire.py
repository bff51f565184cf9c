from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.simulator.dialects.chat import CHAT
from evalrun.simulator.dialects.messages import MESSAGES
from evalrun.simulator.dialects.wire import Event, pauses, spoiled

EVENTS = [
    Event(data={"n": 0}),
    Event(data={"n": 1}, beat=True),
    Event(data={"n": 2}, beat=True),
    Event(data="[DONE]", ends=True),
]
BROKEN = Event(data={"error": {}}, name="error")


def test_an_event_is_written_as_lines() -> None:
    """A name where there is one, the data as one line of ASCII, and an empty line."""
    assert EVENTS[0].encoded() == b'data: {"n":0}\n\n'
    assert EVENTS[3].encoded() == b"data: [DONE]\n\n"
    assert Event(data={"t": "ä\n"}, name="x").encoded() == b'event: x\ndata: {"t":"\\u00e4\\n"}\n\n'


@given(st.lists(st.builds(lambda beat: Event(data={}, beat=beat), st.booleans()), min_size=1), st.floats(0, 100))
def test_pauses_add_up_to_the_latency(events: list[Event], total_s: float) -> None:
    """All of the time passes before the last event, and only before pieces of the answer."""
    found = pauses(events, total_s)

    assert sum(found) == pytest.approx(total_s)
    if any(event.beat for event in events):
        assert all(pause_s == 0 for event, pause_s in zip(events, found, strict=True) if not event.beat)


def test_the_first_piece_takes_longest() -> None:
    """The time to the first piece is longer than that between pieces."""
    assert pauses(EVENTS, 4.0) == [0, 3.0, 1.0, 0]
    assert pauses([], 1.0) == []


def test_faults_spoil_a_stream() -> None:
    """A cut ends in the middle of an event, an error takes the place of the rest, and an end is left out."""
    left, torn = spoiled(EVENTS, "stream-cut", BROKEN)

    assert left == EVENTS[:2]
    assert torn == EVENTS[2].encoded()[: len(EVENTS[2].encoded()) // 2]
    assert spoiled(EVENTS, "stream-error", BROKEN) == ([*EVENTS[:2], BROKEN], None)
    assert spoiled(EVENTS, "stream-no-end", BROKEN) == (EVENTS[:3], None)
    assert spoiled(EVENTS, None, BROKEN) == (EVENTS, None)


def test_each_dialect_has_a_way_of_telling_limits() -> None:
    """The rules' style where the dialect knows it, else the dialect's own; openai, which is the default, means that."""
    assert (CHAT.style("github"), CHAT.style("openai")) == ("github", "openai")
    assert (MESSAGES.style("openai"), MESSAGES.style("github"), MESSAGES.style("silent")) == (
        "anthropic",
        "anthropic",
        "silent",
    )
