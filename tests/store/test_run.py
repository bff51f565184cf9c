from __future__ import annotations

import asyncio
import sqlite3
import stat
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.errors import RunInUse, StorageError, UsageError
from evalrun.records.message import Message
from evalrun.records.outcome import FailureKind, Status
from evalrun.records.plan import Plan
from evalrun.records.suite import Case
from evalrun.store.plan_tables import Changes
from evalrun.store.run import RunStore
from tests.store.builders import NOW, VERSION, answer, exchange, failure, key, mark, new_run, plan

MESSAGES = (Message(role="user", content="Capital of Land 0?"),)


def test_a_plan_comes_back(tmp_path: Path) -> None:
    """A run's file holds its whole plan, so that nothing else is needed to go on."""
    with new_run(tmp_path / "run") as store:
        assert store.plan() == plan()
    with RunStore.open(tmp_path / "run") as store:
        assert store.plan() == plan()


def test_cells_with_the_same_request_have_keys_of_their_own(tmp_path: Path) -> None:
    """A cell's key may differ from its request's."""
    one = plan(1)
    twin = replace(one.cells[1], key=f"{one.cells[0].key}#2", request_key=one.cells[0].key)
    one = replace(one, cells=(one.cells[0], twin))

    with RunStore.create(tmp_path / "run", one, evalrun_version=VERSION, now=NOW) as store:
        assert store.plan() == one


async def test_the_first_final_result_wins(tmp_path: Path) -> None:
    """A late second result for the same place is ignored, and the caller is told."""
    with new_run(tmp_path / "run") as store:
        assert await store.put(key(0), 0, answer("first"))
        assert not await store.put(key(0), 0, answer("second"))
        assert await store.put(key(0), 1, answer("next turn"))

        assert store.exchanges(key(0)) == (answer("first"), answer("next turn"))
        assert store.exchanges(key(1)) == ()


async def test_many_putters_at_once(tmp_path: Path) -> None:
    """Of many results for each place exactly one is stored."""
    with new_run(tmp_path / "run", 20) as store:
        told = await asyncio.gather(*[store.put(key(n % 20), 0, answer(str(n))) for n in range(200)])

        assert sum(told) == 20
        assert len(store.answered_keys()) == 20


async def test_what_is_pending_answered_and_failed(tmp_path: Path) -> None:
    """Pending cells are those without any exchange, in the seeded order; an error is final until it is forgotten."""
    with new_run(tmp_path / "run") as store:
        order = [plan().cells[n].key for n in plan().order]
        assert [cell.key for cell in store.pending()] == order

        await store.put(key(0, 0), 0, answer())
        await store.put(key(0, 1), 0, failure())
        await store.put(key(1, 0), 0, failure(FailureKind.FILTERED))
        await store.put(key(1, 1), 0, answer(""))

        assert store.answered_keys() == {key(0, 0), key(1, 0), key(1, 1)}
        assert store.failed_keys() == {key(0, 1)}
        assert {cell.key for cell in store.pending()} == {key(2, 0), key(2, 1)}
        counts = {status: number for status, number in store.counts().items() if number}
        assert counts == {
            Status.ANSWERED: 1,
            Status.NO_ANSWER: 1,
            Status.ERROR: 1,
            Status.FILTERED: 1,
            Status.PENDING: 2,
        }


async def test_the_last_exchange_decides_the_status(tmp_path: Path) -> None:
    """A cell of several exchanges is what its last one is."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer())
        await store.put(key(0), 1, failure())

        assert store.failed_keys() == {key(0)}
        assert store.counts()[Status.ERROR] == next(store.rows()).status.count("error") == 1


async def test_forgetting_keeps_what_was_spent(tmp_path: Path) -> None:
    """A forgotten cell is pending again; its attempts and cost still count, and its exchange can be seen."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, failure(cost_usd=None))
        await store.put(key(1), 0, answer())
        store.put_marks([(key(1), "d", mark())])
        await store.put(key(2), 0, answer(from_cache=True))
        before = store.spent()

        assert store.forget([key(0), key(1), key(2, 1)]) == 2

        assert store.spent() == before
        assert (before.requests, before.prompt_tokens, before.cost_usd, before.unpriced) == (2, 12, 0.001, 0)
        assert list(store.history()) == [(key(0), 0, failure(cost_usd=None)), (key(1), 0, answer())]
        assert await store.put(key(1), 0, answer("again"))
        assert [row.mark for row in store.rows()] == [None] * 6


async def test_replan_keeps_answers_by_key(tmp_path: Path) -> None:
    """With another suite answers stay where the key is the same, whatever their index; the others leave the rows."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer("kept"))
        await store.put(key(2), 0, answer("dropped"))
        longer = plan(4, digest="d2")
        moved = tuple(replace(cell, position=n) for n, cell in enumerate(reversed(longer.cells[:4] + longer.cells[6:])))
        changed = replace(longer, cells=moved, order=tuple(range(6)))

        changes = store.replan(changed)

        assert changes == Changes(kept=4, kept_asked=1, new=2, dropped=2, text_changed=True)
        assert store.plan() == changed
        assert [row.output for row in store.rows() if row.exchanges] == ["kept"]
        assert store.answered_keys() == {key(0)}
        assert store.exchanges(key(2)) == (answer("dropped"),)
        assert sum(store.counts().values()) == 6
        store.replan(plan())
        assert {row.output for row in store.rows() if row.exchanges} == {"kept", "dropped"}


async def test_a_replan_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A plan that cannot be kept leaves the one before."""
    with new_run(tmp_path / "run") as store:
        bad = plan()
        bad = replace(bad, suite=replace(bad.suite, cases=(*bad.suite.cases[:2], Case(id="x", expected=b"bytes"))))

        with pytest.raises(StorageError, match="bytes cannot be kept"):
            store.replan(bad)

        assert store.plan() == plan()
        assert await store.put(key(0), 0, answer())


async def test_rows_are_whole_and_in_plan_order(tmp_path: Path) -> None:
    """A row holds its cell, case, column, model, exchanges, mark and, if wanted, messages."""
    with new_run(tmp_path / "run") as store:
        for cell in reversed(plan().cells):
            await store.put(cell.key, 0, answer(cell.key), MESSAGES)
        store.put_marks([(key(1, 1), "d", mark(0.5))])

        rows = list(store.rows())

        assert [row.cell for row in rows] == list(plan().cells)
        assert [row.output for row in rows] == [cell.key for cell in plan().cells]
        row = rows[3]
        assert (row.case.id, row.column.label, row.model.label) == ("c1", "small", "small")
        assert row.mark == mark(0.5)
        assert row.messages == ()
        assert next(store.rows(with_messages=True)).messages == MESSAGES
        assert store.row(4) == replace(row, messages=MESSAGES)


async def test_rows_of_a_plan_that_was_read_have_its_cells_and_cases(tmp_path: Path) -> None:
    """A plan that was read already is not read again: the rows are the same, and one of another plan is refused."""
    with new_run(tmp_path / "run") as store:
        for cell in plan().cells:
            await store.put(cell.key, 0, answer(cell.key), MESSAGES)
        known = store.plan()
        rows = list(store.rows(with_messages=True, plan=known))
        strange = replace(known, cells=tuple(replace(cell, key="another") for cell in known.cells))

        assert rows == list(store.rows(with_messages=True))
        assert all(row.cell is known.cells[n] for n, row in enumerate(rows))
        assert all(row.case is known.suite.cases[row.cell.case] for row in rows)
        fewer = replace(known, cells=known.cells[:4])
        elsewhere = replace(known, cells=tuple(replace(cell, column=1 - cell.column) for cell in known.cells))
        for other in (strange, fewer, elsewhere):
            with pytest.raises(StorageError, match=r"run\.db: damaged"):
                list(store.rows(plan=other))


@pytest.mark.parametrize("position", [-7, 900])
def test_a_cell_that_stands_nowhere_is_damage(tmp_path: Path, position: int) -> None:
    """A position that no plan has is refused in our words, however the rows are looked for."""
    with new_run(tmp_path / "run") as store:
        known = store.plan()
        digests = ["d"] * len(known.cells)
        asyncio.run(store.put(key(0), 0, answer()))
    with sqlite3.connect(tmp_path / "run" / "run.db") as connection:
        connection.execute("UPDATE cells SET position = ? WHERE position = 5", (position,))
    connection.close()
    store = RunStore.reader(tmp_path / "run")

    with pytest.raises(StorageError, match=r"run\.db: damaged"):
        list(store.marks_missing(lambda *_: "d", by_position=digests))
    with pytest.raises(StorageError, match=r"run\.db: damaged"):
        list(store.rows(plan=known))


@pytest.mark.parametrize("number", [-1, 0, 7])
def test_a_row_that_is_not_there(tmp_path: Path, number: int) -> None:
    """Rows count from 1; another number is refused with the range."""
    with new_run(tmp_path / "run") as store, pytest.raises(UsageError, match=rf"no row {number} \(1 to 6\)"):
        store.row(number)


async def test_scoring_is_done_once_for_each_digest(tmp_path: Path) -> None:
    """Only cells with an answer lack a mark, and only until they have one under the digest of their scorers."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer())
        await store.put(key(1), 0, answer(""))
        await store.put(key(2), 0, failure())

        missing = [(row.cell.key, digest) for row, digest in store.marks_missing(lambda _, case: case.id)]
        store.put_marks((cell_key, digest, mark()) for cell_key, digest in missing)

        assert missing == [(key(0), "c0"), (key(1), "c1")]
        assert list(store.marks_missing(lambda _, case: case.id)) == []
        digests = [f"c{cell.case}" for cell in plan().cells]
        assert list(store.marks_missing(lambda _, case: case.id, by_position=digests)) == []
        other = [row.cell.key for row, _ in store.marks_missing(lambda _, case: case.id.replace("1", "!"))]
        assert other == [key(1)]
        changed = [digest.replace("1", "!") for digest in digests]
        quick = store.marks_missing(lambda _, case: case.id.replace("1", "!"), by_position=changed)
        assert [row.cell.key for row, _ in quick] == other
        store.put_marks([(key(0), "new", mark(0.25))])
        assert next(store.rows()).mark == mark(0.25)


async def test_what_is_scored_has_its_messages_where_they_are_wanted(tmp_path: Path) -> None:
    """Scorers of the whole conversation get rows with the last request's messages; others do without."""
    asked = (Message(role="user", content="Capital?"),)
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer(), asked)

        def found(*, with_messages: bool) -> list[tuple[Message, ...]]:
            return [row.messages for row, _ in store.marks_missing(lambda *_: "d", with_messages=with_messages)]

        assert found(with_messages=True) == [asked]
        assert found(with_messages=False) == [()]


async def test_a_fault_of_the_digest_is_not_the_disks(tmp_path: Path) -> None:
    """What the caller's function raises comes through as it is."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer())

        with pytest.raises(ZeroDivisionError):
            list(store.marks_missing(lambda *_: str(1 // 0)))
        with pytest.raises(ValueError, match="invalid literal"):
            list(store.marks_missing(lambda *_: str(int("x"))))


def test_notes_and_sittings(tmp_path: Path) -> None:
    """A run keeps notes of any JSON value, and who worked on it; a crash leaves a sitting open."""
    with new_run(tmp_path / "run") as store:
        store.set_meta(state="paused", resume_after=None, limits={"rpm": 15})
        store.set_meta(state="complete")
        store.begin_sitting(now=NOW, how="run", argv=("evalrun", "s.yaml"))
        store.end_sitting(now=NOW + 5, ended="paused")
        store.begin_sitting(now=NOW + 9, how="resume", argv=())

    with RunStore.open(tmp_path / "run") as store:
        assert store.meta() == {
            "created_at": NOW,
            "evalrun_version": VERSION,
            "limits": {"rpm": 15},
            "resume_after": None,
            "state": "complete",
        }
        first, second = store.sittings()
        assert (first.started_at, first.ended_at, first.how, first.argv, first.ended) == (
            NOW,
            NOW + 5,
            "run",
            ("evalrun", "s.yaml"),
            "paused",
        )
        assert (second.ended_at, second.ended) == (None, "")


def test_files_are_for_the_user_alone(tmp_path: Path) -> None:
    """Folders are 0700 and files 0600, the write-ahead log among them."""
    with new_run(tmp_path / "results" / "capitals" / "run") as store:
        store.set_meta(state="paused")
        made = list((tmp_path / "results").rglob("*"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}

    assert modes.pop("capitals") == modes.pop("run") == 0o700
    assert set(modes) == {"run.db", "run.db-wal", "run.db-shm", "lock"}
    assert set(modes.values()) == {0o600}


def test_a_closed_run_is_one_file(tmp_path: Path) -> None:
    """After close() everything is in run.db itself, which can be copied alone."""
    new_run(tmp_path / "run").close()
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "run.db").write_bytes((tmp_path / "run" / "run.db").read_bytes())

    assert {path.name for path in (tmp_path / "run").iterdir()} == {"run.db", "lock"}
    with RunStore.open(tmp_path / "copy") as store:
        assert store.plan() == plan()


async def test_a_run_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    """A reader sees what is committed, sees rows of one moment, and cannot write."""
    with new_run(tmp_path / "run") as store, RunStore.open(tmp_path / "run") as reader:
        await store.put(key(0), 0, answer())
        rows = reader.rows()
        assert next(rows).status is Status.ANSWERED
        await store.put(key(2, 1), 0, answer())

        assert [row.status for row in rows] == [Status.PENDING] * 5
        assert len(reader.answered_keys()) == 2
        with pytest.raises(StorageError, match="opened for reading only"):
            reader.set_meta(state="complete")


async def test_reading_goes_on_when_the_writer_closes(tmp_path: Path) -> None:
    """Closing does not wait for a reader, and does not disturb it."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer())
        rows = RunStore.open(tmp_path / "run").rows()
        next(rows)

    assert len(list(rows)) == 5
    with RunStore.open(tmp_path / "run", write=True, now=NOW) as store:
        assert store.answered_keys() == {key(0)}


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """A reader leaves the folder as it was."""
    new_run(tmp_path / "run").close()
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    with RunStore.open(tmp_path / "run") as store:
        list(store.rows())

    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_run_is_begun_once_and_held_by_one(tmp_path: Path) -> None:
    """A folder holds one run, and one writer at a time."""
    store = new_run(tmp_path / "run")
    with pytest.raises(RunInUse, match="in use by pid"):
        RunStore.open(tmp_path / "run", write=True, now=NOW)
    store.close()
    store.close()
    with pytest.raises(UsageError, match="holds a run already"):
        new_run(tmp_path / "run")
    RunStore.open(tmp_path / "run", write=True, now=NOW).close()


def test_a_closed_store_refuses(tmp_path: Path) -> None:
    """After close() nothing more is taken."""
    store = new_run(tmp_path / "run")
    store.close()

    with pytest.raises(StorageError, match="closed"):
        store.set_meta(state="paused")


@pytest.mark.parametrize("write", [False, True])
def test_a_folder_without_a_run(tmp_path: Path, *, write: bool) -> None:
    """A missing run is a matter of usage, and nothing is made."""
    with pytest.raises(UsageError, match="no run here"):
        RunStore.open(tmp_path, write=write, now=NOW)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A results path that is a file is refused in one sentence."""
    (tmp_path / "results").write_text("")

    with pytest.raises(UsageError, match="results/run: "):
        new_run(tmp_path / "results" / "run")


def test_a_run_that_cannot_begin(tmp_path: Path) -> None:
    """A plan that cannot be kept leaves no run, whole or half, and the folder free."""
    bad = plan()
    bad = replace(bad, suite=replace(bad.suite, cases=(*bad.suite.cases[:2], Case(id="x", expected=b"bytes"))))

    with pytest.raises(StorageError, match="bytes cannot be kept"):
        RunStore.create(tmp_path / "run", bad, evalrun_version=VERSION, now=NOW)

    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]
    new_run(tmp_path / "run").close()


@pytest.mark.parametrize(
    "bad",
    [
        replace(plan(), order=(0,)),
        replace(plan(), order=(0, 1, 2, 3, 4, 4)),
        replace(plan(), cells=plan().cells[::-1]),
        replace(plan(), cells=(*plan().cells[:5], replace(plan().cells[5], key=key(0)))),
    ],
)
def test_a_plan_that_contradicts_itself(tmp_path: Path, bad: Plan) -> None:
    """A plan that could not be a plan is a bug, said before anything is written."""
    with pytest.raises(ValueError, match="a plan's"):
        RunStore.create(tmp_path / "run", bad, evalrun_version=VERSION, now=NOW)

    assert not (tmp_path / "run").exists()


def test_a_run_whose_file_was_deleted_by_hand(tmp_path: Path) -> None:
    """A folder left over from a deleted run may hold a new one."""
    with new_run(tmp_path / "run") as store:
        store.set_meta(state="paused")
    (tmp_path / "run" / "run.db").unlink()

    with new_run(tmp_path / "run") as store:
        assert store.plan() == plan()


async def test_rows_do_not_gather_in_memory(tmp_path: Path) -> None:
    """What streaming holds at a time does not grow with the run."""
    with new_run(tmp_path / "run", 1500) as store:
        text = "x" * 2000
        await asyncio.gather(*[store.put(cell.key, 0, answer(text)) for cell in plan(1500).cells])
        tracemalloc.start()
        try:
            assert sum(1 for _ in store.rows()) == 3000
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak < 3_000_000


async def test_a_cancelled_putter_leaves_no_harm(tmp_path: Path) -> None:
    """A putter that is cancelled while it waits disturbs no other; what it gave is stored."""
    with new_run(tmp_path / "run") as store:
        task = asyncio.create_task(store.put(key(0), 0, answer()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert await store.put(key(1), 0, answer())
        assert store.answered_keys() == {key(0), key(1)}


async def test_odd_outcomes_are_put_and_read(tmp_path: Path) -> None:
    """NaN costs and halves of surrogate pairs do not stop the store."""
    with new_run(tmp_path / "run") as store:
        odd = answer("\ud800\udc00 \x00 \ud83d", cost_usd=float("nan"), request_key="k")
        await store.put(key(0), 0, odd)
        await store.put(key(1), 0, exchange(odd.outcome, cost_usd=0))

        first, _, second, *_ = store.rows()
        assert first.output == second.output == "\ud800\udc00 \x00 \ud83d"
        assert store.spent().unpriced == 1


async def test_a_dialogue_under_way_is_pending_where_it_stands(tmp_path: Path) -> None:
    """A cell whose dialogue goes on is pending, is scored by nobody, and says what was asked and answered last."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer("one", goes_on=True), MESSAGES)
        await store.put(key(0), 1, answer("two", goes_on=True), MESSAGES * 2)

        assert key(0) in {cell.key for cell in store.pending()}
        assert store.answered_keys() == set()
        assert store.counts()[Status.PENDING] == 6
        assert list(store.marks_missing(lambda *_: "d")) == []
        stands = store.begun()
        assert set(stands) == {key(0)}
        assert (stands[key(0)].ordinal, stands[key(0)].messages) == (1, MESSAGES * 2)
        assert stands[key(0)].outcome == answer("two").outcome

        await store.put(key(0), 2, answer("three"))

        assert store.begun() == {}
        assert store.answered_keys() == {key(0)}
        assert store.messages(key(0)) == (MESSAGES, MESSAGES * 2, ())


async def test_forgetting_a_dialogue_keeps_its_paid_replies(tmp_path: Path) -> None:
    """Of a dialogue that ended in an error only the last request is asked again."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0), 0, answer("paid", goes_on=True), MESSAGES)
        await store.put(key(0), 1, failure(), MESSAGES)

        assert store.failed_keys() == {key(0)}
        assert store.forget([key(0)]) == 1

        assert store.begun()[key(0)].ordinal == 0
        assert list(store.history()) == [(key(0), 1, failure())]
        assert await store.put(key(0), 1, answer("again"), MESSAGES)
        assert [row.output for row in store.rows() if row.exchanges] == ["again"]


async def test_cells_that_share_a_reply_are_stored_together(tmp_path: Path) -> None:
    """Several exchanges are stored in one commit; a place that is taken keeps what it has."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(1), 0, answer("first"))
        await store.put_together((key(n), 0, answer(str(n)), MESSAGES) for n in range(3))

        assert [row.output for row in store.rows() if row.exchanges] == ["0", "first", "2"]
