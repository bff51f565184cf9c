from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.store.summaries import changed_at, files_in, places, read_summary, run_names

RUN = "2026-11-20T10-31-07Z-3f9c"


def manifest(**more: Any) -> dict[str, Any]:
    """A run.json as evalrun writes it, as far as it is read here."""
    return {
        "state": "complete",
        "started_at": "2026-11-20T10:31:07Z",
        "suite": {"name": "capitals"},
        "conclusion": ["large beats mini.", "And so on."],
        "figures": [
            {
                "column": "large",
                "scored": 9,
                "planned": 10,
                "simulated": True,
                "score": 0.9,
                "cost_usd": 0.01,
                "latency_p50_s": 0.5,
                "pass_rate": {"mean": 0.9, "low": 0.6, "high": 0.98},
            }
        ],
        "columns": [{"label": "large", "id": "c1", "sha256": "ab"}],
        "gates": [{"failed": True}, {"failed": False}],
        **more,
    }


def put(results: Path, said: Any, run: str = RUN) -> Path:
    """Write a run.json of that content; the run's folder."""
    folder = results / "capitals" / run
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    return folder


def test_a_run_is_told_by_its_run_json(tmp_path: Path) -> None:
    """State, time, conclusion, gates, and each column with its interval and what tells whether it asked the same."""
    folder = put(tmp_path, manifest())
    (folder / "report.html").touch()
    found = read_summary(folder, ("report.html", "summary.md"))
    (column,) = found.columns

    assert (found.place, found.run, found.suite, found.state) == ("capitals", RUN, "capitals", "complete")
    assert (found.started_at, found.gates, found.gates_failed) == (1795170667.0, 2, 1)
    assert (found.conclusion, found.files, found.problem) == (("large beats mini.", "And so on."), ("report.html",), "")
    assert (column.id, column.label, column.digest, column.scored, column.planned) == ("c1", "large", "ab", 9, 10)
    assert column.pass_rate is not None
    assert (column.pass_rate.low, column.simulated) == (0.6, True)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"x"',
        "[" * 100_000,
        "1" * 5_000,
        '{"state": "complete"',
        "{}",
        '{"state": 7}',
        "\x00",
    ],
)
def test_what_is_no_run_json_is_said_to_be_none(tmp_path: Path, said: str) -> None:
    """A damaged, foreign or hostile file is a run of which nothing is known; nothing is raised."""
    found = read_summary(put(tmp_path, said))

    assert found.problem.startswith("its run.json")
    assert (found.state, found.columns) == ("", ())


@pytest.mark.parametrize(
    "rate",
    [
        None,
        7,
        {"mean": 2, "low": 0, "high": 3},
        {"mean": 0.5, "low": 0.6, "high": 0.7},
        {"mean": "x"},
        {"mean": 1e999, "low": 0, "high": 1},
    ],
)
def test_a_figure_that_is_none_counts_as_missing(tmp_path: Path, rate: Any) -> None:
    """Rates are in order and in 0..1, counts are whole, and what is neither is left out."""
    figures = {"column": "large", "scored": -1, "planned": True, "pass_rate": rate, "cost_usd": -3}
    figures["latency_p50_s"] = "high"
    (column,) = read_summary(put(tmp_path, manifest(figures=[figures, 3]))).columns

    assert (column.pass_rate, column.latency_p50_s, column.cost_usd) == (None, None, None)
    assert (column.scored, column.planned) == (0, 0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(manifest())), json_values))
@settings(max_examples=40)
def test_whatever_stands_in_a_run_json_nothing_is_raised(tmp_path_factory: pytest.TempPathFactory, said: Any) -> None:
    """Every key may hold any value at all."""
    found = read_summary(put(tmp_path_factory.mktemp("r"), {**manifest(), **said}))

    assert isinstance(found.suite, str)
    assert all(isinstance(column.label, str) for column in found.columns)
    assert all(isinstance(sentence, str) for sentence in found.conclusion)


def test_links_and_special_files_are_not_followed(tmp_path: Path) -> None:
    """A run.json that is a link, a pipe or a folder is not read, and a linked folder is no run."""
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(manifest()))
    for name, make in {
        "a": lambda path: path.symlink_to(secret),
        "b": lambda path: os.mkfifo(path),
        "c": lambda path: path.mkdir(),
    }.items():
        folder = tmp_path / "results" / "s" / name
        folder.mkdir(parents=True)
        make(folder / "run.json")
        assert read_summary(folder).problem == "no report yet"
    real = put(tmp_path / "real", manifest())
    (tmp_path / "results" / "s" / "linked").symlink_to(real)
    (tmp_path / "results" / "t").symlink_to(real.parent)

    assert run_names(tmp_path / "results" / "s") == []
    assert places(tmp_path / "results") == ["s"]
    assert files_in(tmp_path / "results" / "s" / "a", ("run.json",)) == ()


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """No more than so many bytes are read of a run.json."""
    folder = put(tmp_path, manifest())

    assert read_summary(folder, most_bytes=100).problem == "its run.json cannot be read"
    assert read_summary(folder, most_bytes=changed_at(folder)[1]).problem == ""


def test_the_newest_run_comes_first(tmp_path: Path) -> None:
    """Names begin with the time; what holds neither a run.json nor a run.db is no run, nor is what is hidden."""
    for name in ("2026-11-20T10-31-07Z-3f9c", "2026-11-21T10-31-07Z-aaaa", "2025-11-21T10-31-07Z-bbbb"):
        put(tmp_path, manifest(), name)
    put(tmp_path, manifest(), ".removed-2026-11-22T10-31-07Z-cccc")
    (tmp_path / "capitals" / "notes").mkdir()
    (tmp_path / "capitals" / "2026-11-23T10-31-07Z-dddd").mkdir()
    (tmp_path / "capitals" / "2026-11-23T10-31-07Z-dddd" / "run.db").touch()

    assert [name[:10] for name in run_names(tmp_path / "capitals")] == [
        "2026-11-23",
        "2026-11-21",
        "2026-11-20",
        "2025-11-21",
    ]
    assert run_names(tmp_path / "gone") == []
    assert changed_at(tmp_path / "gone") == (0, 0)
