from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from evalrun.errors import StorageError
from tests.cli.harness import Said, Simulator, call, newest_run

SUITE = """\
name: sums
models: [simulator/large, {id: simulator/small, label: tiny, tags: [cheap]}]
params: {temperature: 0}
prompts:
  plain: "What is {{ a }} + {{ b }}?"
  terse: {system: Answer with the number only., user: "What is {{ a }} + {{ b }}?"}
cases:
  - {id: one, tags: [easy], vars: {a: 1, b: 2}, expected: 3}
  - {id: two, tags: [easy], vars: {a: 20, b: 22}, expected: 42}
  - {id: three, tags: [hard], vars: {a: 123, b: 456}, expected: 579}
scorers: [numeric]
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small suite in a folder of its own, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sums.yaml"
    path.write_text(SUITE)
    return path


def rows(folder: Path) -> pd.DataFrame:
    """A run's results.csv, every cell as text."""
    return pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[Said, pd.DataFrame]:
    """Run quietly; what was said, and the rows of the newest run."""
    said = call(capsys, *words, "--quiet")
    return said, rows(newest_run(Path("results")))


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        ((), 12),
        (("--only", "model=tiny"), 6),
        (("--only", "model=tiny", "prompt=terse"), 3),
        (("--only", "model=tiny", "--only", "case=one,two"), 4),
        (("--only", "tag=hard"), 4),
        (("--limit", "2"), 8),
        (("--sample", "1"), 4),
        (("--model", "simulator/medium"), 6),
        (("--model", "simulator/medium", "--model", "tiny"), 12),
    ],
)
def test_selection(capsys: pytest.CaptureFixture[str], suite: Path, words: tuple[str, ...], cells: int) -> None:
    """--only, --limit, --sample and --model choose which cells there are."""
    said, table = run(capsys, suite, *words)

    assert said.code == 0, said.err
    assert len(table) == cells


def test_set_and_var_reach_the_request(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """--set overrides a parameter and --var a variable, and plan --show shows both as they would be sent."""
    said = call(capsys, "plan", suite, "--set", "temperature=0.5", "--var", "a=900", "--show", "1")

    assert said.code == 0, said.err
    assert "temperature=0.5" in said.out
    assert "What is 900 + " in said.out
    assert not Path("results").exists()


def test_a_scorer_reads_the_whole_conversation(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """With ``on: conversation`` the question counts as said; changing that scores the stored answers again."""
    suite.write_text(SUITE.replace("scorers: [numeric]", 'scorers: [contains: {value: "What is", on: conversation}]'))
    said, table = run(capsys, suite)

    assert said.code == 0, said.err
    assert set(table["verdict"]) == {"pass"}


def test_nothing_selected_is_five(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A selection that leaves nothing ends with its own code, and nothing is written."""
    assert call(capsys, suite, "--only", "tag=easy", "--only", "case=three").code == 5
    assert not Path("results/sums").exists()


def test_too_many_cells_are_refused(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A plan over --max-planned says its size and how to raise the limit."""
    said = call(capsys, suite, "--max-planned", "11")

    assert said.code == 2
    assert "12 cells" in said.err
    assert "--max-planned 12" in said.err


def test_a_budget_pauses_and_the_same_command_goes_on(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A spent budget is 75 with the command that goes on; a larger one finishes the same run."""
    said, _ = run(capsys, suite, "--max-requests", "5")

    assert said.code == 75
    assert "evalrun resume" in said.out
    said, table = run(capsys, suite)
    assert said.code == 0
    assert len(list(Path("results/sums").iterdir())) == 1
    assert (table["status"] == "answered").all()


def test_a_deadline_pauses(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A deadline that has passed starts nothing more, and is resumable."""
    assert call(capsys, suite, "--deadline", "0.001s", "-j", "1", "--quiet").code == 75


def test_a_finished_run_is_followed_by_a_new_one(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Running a finished suite again starts a new run; so does --new for an unfinished one."""
    run(capsys, suite)
    run(capsys, suite, "--max-requests", "5")
    run(capsys, suite, "--new", "--max-requests", "5")

    assert len(list(Path("results/sums").iterdir())) == 3


def test_a_changed_prompt_asks_only_its_own_cells(
    capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path
) -> None:
    """Going on after a change keeps every answer whose request is the same, says what changed, and asks the rest."""
    with Simulator(tmp_path) as lab:
        text = SUITE.replace("simulator/large,", "lab/large,").replace("id: simulator/small", "id: lab/small")
        suite.write_text(f"providers: {{lab: {{dialect: openai-chat, base_url: '{lab.url}'}}}}\n{text}")
        assert call(capsys, suite, "--max-requests", "8").code == 75
        suite.write_text(suite.read_text().replace("terse: {system: Answer", "terse: {system: Please answer"))
        said = call(capsys, suite)

        assert said.code == 0, said.err
        assert "changed since then" in said.err
        plain = [line for line in lab.requests() if "Answer with" not in json.dumps(line)]
        assert len(lab.requests()) <= 8 + 12
        assert len({line["key"] for line in plain}) == len(plain)


def test_errors_are_kept_and_asked_again_on_request(
    capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path
) -> None:
    """Cells in error make the run incomplete (3); --retry-errors asks them again and finishes the same run."""
    with Simulator(tmp_path, "--fault", "400=1") as lab:
        text = f"providers: {{lab: {{dialect: openai-chat, base_url: '{lab.url}'}}}}\n{SUITE}"
        suite.write_text(text.replace("simulator/large,", "lab/large,").replace("id: simulator/small", "id: lab/small"))
        said, table = run(capsys, suite, "--limit", "1")
        assert said.code == 3
        assert (table["status"] == "error").all()
        assert "--retry-errors" in said.out
    suite.write_text(SUITE)
    said, table = run(capsys, suite, "--limit", "1", "--retry-errors")
    assert said.code == 0
    assert len(list(Path("results/sums").iterdir())) == 1


def test_fail_fast_stops_at_the_first_failure(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """--fail-fast leaves the rest unasked and names the case; the run counts as incomplete."""
    suite.write_text(SUITE.replace("expected: 3}", "expected: 4}"))
    said, table = run(capsys, suite, "--fail-fast", "-j", "1")

    assert said.code == 3
    assert (table["status"] == "pending").any()
    assert "one" in said.out + said.err


def test_fail_under_is_a_gate(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """--fail-under adds a gate on every column's pass rate: complete but failed is 1."""
    suite.write_text(SUITE.replace("expected: 3}", "expected: 4}"))

    assert call(capsys, suite, "--fail-under", "0.9", "--quiet").code == 1
    assert call(capsys, suite, "--fail-under", "0.1", "--quiet").code == 0


def test_the_cache_answers_without_a_request(capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path) -> None:
    """A second run with --cache use sends nothing and flags its cells; --cache only needs no endpoint."""
    with Simulator(tmp_path) as lab:
        text = f"providers: {{lab: {{dialect: openai-chat, base_url: '{lab.url}'}}}}\n{SUITE}"
        suite.write_text(text.replace("simulator/large,", "lab/large,").replace("id: simulator/small", "id: lab/small"))
        _, first = run(capsys, suite, "--cache", "use")
        sent = len(lab.requests())
        _, second = run(capsys, suite, "--cache", "use")
        assert len(lab.requests()) == sent == 12
    said, third = run(capsys, suite, "--cache", "only")
    assert said.code == 0
    assert (first["from_cache"] != second["from_cache"]).all()
    assert list(first["output"]) == list(second["output"]) == list(third["output"])
    assert set(second["attempts"]) == {"0"}


def test_cache_only_leaves_the_rest_unasked(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """--cache only never sends: what it lacks stays pending and the run is incomplete."""
    said, table = run(capsys, suite, "--cache", "only")

    assert said.code == 3
    assert (table["status"] == "pending").all()


def test_score_again_sends_nothing(capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path) -> None:
    """`evalrun score` with another suite's scorers marks the stored answers anew, with 0 requests."""
    with Simulator(tmp_path) as lab:
        text = f"providers: {{lab: {{dialect: openai-chat, base_url: '{lab.url}'}}}}\n{SUITE}"
        suite.write_text(text.replace("simulator/large,", "lab/large,").replace("id: simulator/small", "id: lab/small"))
        run(capsys, suite)
        sent = len(lab.requests())
        other = tmp_path / "other.yaml"
        other.write_text(suite.read_text().replace("[numeric]", "[numeric, {equals: nonsense}]"))
        said = call(capsys, "score", newest_run(Path("results")).name, "--suite", other)
        assert len(lab.requests()) == sent

    assert said.code == 0, said.err
    table = rows(newest_run(Path("results")))
    assert (table["verdict"] == "fail").all()
    assert "scorer.equals" in table.columns


def test_scoring_again_counts_the_answers_that_there_are(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """An answer that a smaller suite left out is kept, and counted when a suite wants it again."""
    run(capsys, suite)
    name = newest_run(Path("results")).name
    less = call(capsys, "score", name, "--suite", suite, "--limit", "1")
    more = call(capsys, "score", name, "--suite", suite)

    assert "4 answers kept, 0 cells have none, 8 left out" in less.err
    assert "12 answers kept, 0 cells have none, 0 left out" in more.err
    assert "12/12 scored" in more.out


def test_report_rebuilds_the_files(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """`evalrun report` writes every file again from run.db alone, the same as before."""
    run(capsys, suite)
    folder = newest_run(Path("results"))
    before = {name: (folder / name).read_bytes() for name in ("results.csv", "comparison.csv", "summary.csv")}
    for name in before:
        (folder / name).unlink()
    suite.unlink()
    said = call(capsys, "report", folder)

    assert said.code == 0, said.err
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_runs_lists_and_prunes(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """`evalrun runs` shows a line a run; `runs prune --keep 1` leaves the newest."""
    run(capsys, suite)
    run(capsys, suite)
    newest = newest_run(Path("results"))
    assert call(capsys, "runs").out.count("sums") == 2
    assert call(capsys, "runs", "prune", "--keep", "1").code == 0
    assert [path.name for path in Path("results/sums").iterdir()] == [newest.name]


def test_json_is_one_object_on_standard_output(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """With --json standard output holds one JSON object and nothing else."""
    said = call(capsys, suite, "--json")
    told = json.loads(said.out)

    assert told["exit_code"] == said.code == 0
    assert [column["planned"] for column in told["columns"]] == [3, 3, 3, 3]


def test_samples_send_seed_plus_i(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Sample i is a cell of its own and sends seed + i."""
    suite.write_text(SUITE + "samples: 3\n")
    said = call(capsys, "plan", suite, "--set", "seed=7", "--json", "--show", "36")
    told = json.loads(said.out)

    assert told["cells"] == 36
    assert {request["params"]["seed"] for request in told["requests"]} == {7, 8, 9}


def test_a_matrix_multiplies_and_identical_cells_are_merged(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A matrix value that a case fixes is not multiplied: the cells are merged, and that is said."""
    suite.write_text(
        SUITE.replace("expected: 42}", "expected: 42, params: {top_p: 1}}") + "matrix: {top_p: [0.5, 1]}\n"
    )
    said = call(capsys, "plan", suite, "--json")
    told = json.loads(said.out)

    assert len(told["columns"]) == 8
    assert (told["cells"], told["merged"]) == (20, 4)


def test_several_suites_are_planned_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path
) -> None:
    """One bad suite among several: exit 2, nothing of the good one was started."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("models: [simulator/large]\nprompts: {p: hi}\ncases: [{vars: {}}]\nscorrers: []\n")
    said = call(capsys, suite, bad)

    assert said.code == 2
    assert "did you mean scorers?" in said.err
    assert not Path("results/sums").exists()


def test_init_writes_a_suite_that_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`evalrun init` then `evalrun suite.yaml` works, and init never overwrites."""
    monkeypatch.chdir(tmp_path)

    assert call(capsys, "init").code == 0
    assert call(capsys, "suite.yaml", "--quiet").code == 0
    assert call(capsys, "init").code == 2


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """`evalrun schema` prints the JSON Schema of suites."""
    assert json.loads(call(capsys, "schema").out)["properties"]["models"]


def test_a_suite_without_scorers_says_so(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Where nothing scores, every answer passes, and the summary says that this is why."""
    suite.write_text(SUITE.replace("scorers: [numeric]\n", ""))
    said = call(capsys, suite)

    assert said.code == 0
    assert "no scorer decides a verdict: every answer counts as passed" in " ".join(said.out.split())


def test_a_rebuilt_report_tells_of_the_run_and_not_of_the_rebuilding(
    capsys: pytest.CaptureFixture[str], suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written again later, under other options, run.json is as the run's last sitting left it."""
    commits = iter(("1" * 40, "2" * 40))
    monkeypatch.setattr("evalrun.conduct.finish.git_commit", lambda _: next(commits))
    run(capsys, suite, "--max-requests", "5", "-j", "3", "--paused-exit-code", "9")
    folder = newest_run(Path("results"))
    before = (folder / "run.json").read_text()

    assert call(capsys, "report", folder).code == 0
    assert (folder / "run.json").read_text() == before


def test_the_command_that_goes_on_names_its_own_run(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Of several paused suites each says how to go on with itself."""
    other = suite.with_name("other.yaml")
    other.write_text(SUITE.replace("name: sums", "name: other"))
    call(capsys, suite, other, "--max-requests", "5", "--results", "elsewhere")

    for folder in Path("elsewhere").glob("*/*"):
        go_on = json.loads((folder / "run.json").read_text())["go_on"]
        assert go_on == f"evalrun resume {folder.name} --results elsewhere"
        assert call(capsys, *go_on.split()[1:], "--quiet").code == 0
        assert json.loads((folder / "run.json").read_text())["complete"]


def test_a_plan_fits_eighty_columns_and_says_each_limit_once(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """However long labels are, a plan's lines fit a terminal, and what paces the run is said once."""
    text = SUITE.replace("label: tiny,", "label: a-very-long-label-that-would-not-leave-any-room-for-figures,")
    lab = "providers: {lab: {base_url: 'http://127.0.0.1:9/v1', quota: {rpm: 120, concurrency: 3}}}\n"
    suite.write_text(lab + text.replace("simulator/", "lab/"))
    said = call(capsys, "plan", suite)

    assert said.code == 0, said.err
    assert max(map(len, said.out.splitlines())) <= 80
    assert said.out.count("  limits  120/min, 3 at once") == 1


def test_an_empty_selector_is_refused(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """--only with nothing behind it, as an unset variable leaves it, does not mean everything."""
    said = call(capsys, suite, "--only", "tag=")

    assert said.code == 2
    assert "no value is given" in said.err
    assert not Path("results").exists()


@pytest.mark.parametrize("option", ["--max-cost-usd", "--fail-under"])
def test_nan_is_no_figure(capsys: pytest.CaptureFixture[str], suite: Path, option: str) -> None:
    """A limit that no comparison could keep is refused before anything is sent."""
    assert call(capsys, suite, option, "nan").code == 2
    assert not Path("results").exists()


def test_a_pause_outranks_a_failed_gate_whatever_its_code(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """With --paused-exit-code the precedence among several suites is what it was."""
    failing = suite.with_name("failing.yaml")
    failing.write_text(SUITE.replace("name: sums", "name: failing").replace("expected: 3}", "expected: 4}"))
    big = suite.with_name("big.yaml")
    big.write_text(SUITE.replace("name: sums", "name: big") + "budget: {max_requests: 3}\n")
    words = ("--quiet", "--fail-under", "1", "--paused-exit-code", "9")

    assert call(capsys, failing, *words).code == 1
    assert call(capsys, failing, big, *words).code == 9


def test_what_has_ended_is_told_though_the_next_suite_fails(
    capsys: pytest.CaptureFixture[str], suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each suite's summary is printed when it ends, so that a full disk under the second hides nothing of the first."""
    from evalrun.conduct import run as conduct

    def full(plan: object, *_: object) -> object:
        if getattr(plan, "suite").name == "other":  # noqa: B009
            raise StorageError("disk full")
        return opened(plan, *_)  # type: ignore[arg-type]

    opened = conduct.open_or_create
    monkeypatch.setattr(conduct, "open_or_create", full)
    other = suite.with_name("other.yaml")
    other.write_text(SUITE.replace("name: sums", "name: other"))
    said = call(capsys, suite, other)
    assert said.code == 4
    assert "12/12 scored" in said.out
    said = call(capsys, suite, other, "--json")
    assert said.code == 4
    assert json.loads(said.out)["state"] == "complete"


def test_prune_takes_the_results_folder_too(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """--results is understood on either side of `prune`."""
    for _ in range(3):
        call(capsys, suite, "--results", "elsewhere")
    assert call(capsys, "runs", "prune", "--keep", "2", "--results", "elsewhere").out.endswith("1 run removed\n")
    assert call(capsys, "runs", "--results", "elsewhere", "prune", "--keep", "1").out.endswith("1 run removed\n")
    assert len(list(Path("elsewhere/sums").iterdir())) == 1
