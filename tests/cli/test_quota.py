from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalrun.clock import SystemClock
from evalrun.records.quota import DAY_S, Limit, LimitFact, Quota, RateFacts, Refusal, Scope
from evalrun.safe_text import cells_wide
from evalrun.scheduler.ledger import SqliteLedger
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import Booking, Charge
from tests.cli.harness import call, program

MINE = "lab:3f9c1a2b77"
QUOTA = Quota(
    concurrency=5,
    limits=(
        Limit(axis="requests", amount=15, per_s=60.0),
        Limit(axis="requests", amount=150, per_s=DAY_S, window="fixed", resets="utc"),
        Limit(axis="tokens", amount=1_000_000, per_s=60.0),
    ),
)


def scopes(name: str = "large") -> dict[str, Scope]:
    """An account without a limit, and a model with several."""
    found = (Scope(id=MINE, name="lab"), Scope(id=f"{MINE}/large", name=name, quota=QUOTA))
    return {scope.id: scope for scope in found}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of this test."""
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def spend(
    state: Path, times: int, *, suite: str = "nightly", name: str = "large", rate: RateFacts | None = None
) -> None:
    """Book and settle so many requests, now."""
    known, now = scopes(name), SystemClock().time()
    ledger = SqliteLedger(state / "quota.db", Book(known), known, suite=suite, now=now)
    for _ in range(times):
        booking = ledger.try_book(tuple(known), Charge(100, 50), now)
        assert isinstance(booking, Booking)
        if rate is not None:
            ledger.observe(tuple(known), rate, sent_at=now, received_at=now, refused=True)
        ledger.settle(booking, Charge(100, 20), now)
    ledger.close()


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `evalrun quota --json` says of each scope, by name."""
    said = call(capsys, "quota", "--json")
    assert said.code == 0
    return {scope["name"]: scope for scope in json.loads(said.out)["scopes"]}


def used(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """How much of each limit of the model is used."""
    return [limit["used"] for limit in shown(capsys)["large"]["limits"]]


def test_an_empty_ledger_says_so_and_stays_unmade(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    """Before the first run there is nothing to show, and looking makes no file."""
    said = call(capsys, "quota")

    assert (said.code, said.err) == (0, "")
    assert said.out == f"no limits are known yet: the ledger in {state} is empty\n"
    assert not state.exists()
    assert shown(capsys) == {}


def test_it_shows_what_is_used_left_by_whom_and_when_it_is_back(
    capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    """Every scope with its limits, its suites, and what was learned of it."""
    spend(state, 9)
    spend(state, 3, suite="smoke")
    named = LimitFact(axis="requests", amount=40, per_s=3600.0)
    spend(state, 1, rate=RateFacts(refusal=Refusal.MINUTE, named=named, retry_after_s=30.0))

    lines = call(capsys, "quota").out.splitlines()

    assert lines[0] == f"lab  ({MINE})"
    assert f"large  ({MINE}/large)" in lines
    assert "  15 requests a minute: 13 used, 2 left, all back in 60 s" in lines
    assert any(line.startswith("  150 requests a day: 13 used, 137 left, all back in ") for line in lines)
    assert any(line.startswith("  1000000 tokens a minute: 1,300 used, 998,700 left") for line in lines)
    assert any(line.startswith("  40 requests an hour: 13 used, 27 left") and "(learned)" in line for line in lines)
    assert "  0 of 5 at once now" in lines
    assert "  used by   nightly 10, smoke 3" in lines
    assert any(line.startswith("  learned   20") and "40 requests an hour" in line for line in lines)
    assert any(line.startswith("  closed    in ") for line in lines)


def test_json_has_every_figure(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    """The same for programs: one object, figures as numbers, times as Unix seconds."""
    now = SystemClock().time()
    spend(state, 2)
    model = shown(capsys)["large"]

    assert model["id"] == f"{MINE}/large"
    assert model["suites"] == {"nightly": 2}
    assert (model["concurrency"], model["in_flight"], model["closed_until"], model["learned"]) == (5, 0, None, [])
    minute, day, tokens = model["limits"]
    assert (minute["axis"], minute["amount"], minute["per_s"], minute["used"], minute["left"]) == (
        "requests", 15, 60, 2, 13,
    )  # fmt: skip
    assert (day["window"], day["resets"], day["learned"]) == ("fixed", "utc", False)
    assert now < minute["resets_at"] < now + 90
    assert tokens["used"] == 200


def test_lines_fit_eighty_columns_and_foreign_text_is_inert(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    """Names of models and suites, and what servers say, cannot reach the terminal's controls, and are cut to it."""
    evil = "\x1b[31mred\x1b]0;x\x07\u202e ::error::\r\n" + "日本語" * 40
    spend(state, 1, name=evil, suite=evil)

    out = call(capsys, "quota").out

    assert all(cells_wide(line) <= 80 for line in out.splitlines())
    assert not set(out) & {"\x1b", "\x07", "\u202e", "\r"}
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert "\\x1b[31mred" in out


def test_set_puts_a_limit_in_place_and_what_is_used_of_it(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    """`quota set` is obeyed from then on, by name or identity; a lower figure that was stated still holds."""
    spend(state, 4)

    by_name = call(capsys, "quota", "set", "large", "rpd=100", "--used", "90")
    assert (by_name.code, by_name.err) == (0, "")
    assert by_name.out == "large: 100 requests a day, 90 used\n"
    assert used(capsys) == [90, 90, 400, 90]  # tokens stay as they were
    by_id = call(capsys, "quota", "set", f"{MINE}/large", "rpm=20")
    assert by_id.out == "large: 20 requests a minute; but 15 is stated, and the lower figure holds\n"
    call(capsys, "quota", "set", "lab", "tpd=5000")
    limit = shown(capsys)["lab"]["limits"][0]
    assert (limit["axis"], limit["amount"], limit["per_s"], limit["learned"]) == ("tokens", 5000, DAY_S, True)


def test_set_twice_is_the_last_word(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    """A second correction takes the place of the first, upwards too."""
    spend(state, 4)
    for figures in (("rpd=50", "--used", "40"), ("rpd=60", "--used", "7")):
        assert call(capsys, "quota", "set", "large", *figures).code == 0

    model = shown(capsys)["large"]
    assert [limit["amount"] for limit in model["limits"]] == [15, 150, 1_000_000, 60]
    assert model["limits"][1]["used"] == 7
    assert len(model["learned"]) == 1


def test_forget_one_scope_or_all(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    """What is forgotten is no longer counted or listed; the rest stays."""
    spend(state, 4)
    call(capsys, "quota", "set", "lab", "rpd=50", "--used", "8")

    said = call(capsys, "quota", "forget", "large")
    assert (said.code, said.out) == (0, f"forgotten: large ({MINE}/large)\n")
    assert list(shown(capsys)) == ["lab"]
    assert call(capsys, "quota", "forget").out == "forgotten: everything\n"
    assert shown(capsys) == {}


BAD = {
    "an unknown scope": (("forget", "larg"), "larg: no such scope (did you mean large?)"),
    "an unknown scope, far off": (("set", "xyz", "rpd=1"), "xyz: no such scope (evalrun quota lists them)"),
    "an ambiguous one": (("forget", "la"), ""),
    "an unknown limit": (
        ("set", "large", "rps=1"),
        "rps: no such limit (there are rpm, rph, rpd, tpm, tph, tpd, itpm, otpm)",
    ),
    "no figure": (("set", "large", "rpd"), "rpd: say a limit as rpd=100"),
    "a word": (("set", "large", "rpd=many"), "rpd=many: say a limit as rpd=100"),
    "infinity": (("set", "large", "rpd=inf"), "rpd=inf: say a limit as rpd=100"),
    "nothing": (("set", "large", "rpd=0"), "rpd=0: a limit is more than 0"),
    "twice": (("set", "large", "rpd=1", "rpd=2"), "rpd=2: rpd is there twice"),
    "used of two": (("set", "large", "rpd=1", "rpm=2", "--used", "1"), "--used needs exactly one limit"),
    "no limit": (("set", "large"), "Missing argument"),
}


@pytest.mark.parametrize(("words", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], state: Path, words: tuple[str, ...], message: str
) -> None:
    """A mistake is told in one line with exit code 2."""
    spend(state, 3)
    before = used(capsys)
    said = call(capsys, "quota", *words)

    assert said.code == 2
    assert message in said.err
    assert used(capsys) == before


def test_a_damaged_ledger_is_told_with_its_cure(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    """Exit code 4 and the command that helps; after it everything works again."""
    spend(state, 3)
    (state / "quota.db").write_bytes(b"no database" * 999)

    said = call(capsys, "quota")
    assert said.code == 4
    assert "evalrun quota forget" in said.err
    assert call(capsys, "quota", "forget").code == 0
    spend(state, 2)
    assert used(capsys)[0] == 2


def test_a_running_program_shows_it_too(tmp_path: Path, state: Path) -> None:
    """The verb works as a program of its own, and `EVALRUN_STATE` says where the ledger is."""
    spend(state, 1)
    said = program("quota", cwd=tmp_path, EVALRUN_STATE=str(state))

    assert (said.code, said.err) == (0, "")
    assert "1 used, 14 left" in said.out
    help_text = program("quota", "--help", cwd=tmp_path).out
    assert "forget" in help_text
    assert "set" in help_text
