from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from evalrun.store.run import RunStore
from tests.cli.harness import Simulator, call, newest_run
from tests.report.page_data import PageData, without_data

SUITE = """\
name: sums
providers: {{lab: {{base_url: "{url}"}}}}
models: [lab/large, {{id: lab/small, label: tiny}}]
prompts: {{plain: "What is {{{{ a }}}} + 2?"}}
cases:
  - {{id: one, vars: {{a: 1}}, expected: 3}}
  - {{id: two, vars: {{a: 40}}, expected: 42}}
scorers: [numeric]
"""
COSTS = """\
scorers: [numeric, {cost: {max_usd: 0.001, weight: 0}}]
gates: [cost_usd <= 0.01]
"""
PRICES = """\
lab/large: {input: 2, output: 10}
lab/small: {input: 200, output: 1000}
elsewhere/other: {input: 1, output: 1}
"""
PAID = """\
prices:
  lab/large: {input: 1, output: 1}
  lab/small: {input: 1, output: 1}
"""
ZERO = re.compile(r"\$0\b(?!\.\d*[1-9])|0\.000000000|<\$0")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A server that is nobody's in the catalog: what its models cost is not known."""
    with Simulator(tmp_path_factory.mktemp("simulator")) as one:
        yield one


@pytest.fixture
def suite(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models of that server, in a folder of their own, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sums.yaml"
    path.write_text(SUITE.format(url=simulator.url))
    return path


def table(folder: Path, name: str) -> pd.DataFrame:
    """A CSV of a run, every cell as text."""
    return pd.read_csv(folder / name, dtype=str, keep_default_na=False)


def test_an_unknown_price_is_nowhere_zero(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Where no price is known, plan, summary and every file say so or stay empty; none of them says 0 or free."""
    planned = call(capsys, "plan", suite)
    planned_json = json.loads(call(capsys, "plan", suite, "--json").out)
    said = call(capsys, suite)
    folder = newest_run(Path("results"))
    files = {path.name: path.read_text("utf-8", "replace") for path in folder.iterdir() if path.suffix != ".db"}
    said_json = json.loads(files["run.json"])
    page, held = without_data(files["report.html"]), "\n".join(PageData.of(files["report.html"]).strings)

    assert said.code == 0, said.err
    assert planned.out.count("price ?") >= 2
    assert all(lane["cost_usd"] is None for lane in planned_json["models"])
    assert "cost unknown" in said.out
    said_by = {
        "plan": planned.out,
        "summary": said.out,
        "progress": said.err,
        **files,
        "report.html": page,
        "held": held,
    }
    for name, text in said_by.items():
        assert not ZERO.search(text), name
    assert not re.search(r"\bfree\b", planned.out + said.out + said.err)
    assert set(table(folder, "results.csv")["cost_usd"]) == set(table(folder, "results.csv")["price_date"]) == {""}
    assert set(table(folder, "summary.csv")["cost_usd"]) == {""}
    assert set(table(folder, "comparison.csv")["tiny.cost_usd"]) == {""}
    assert said_json["totals"]["cost_usd"] is None
    assert [column["price"] for column in said_json["columns"]] == [None, None]
    assert all(one["cost_usd_at_most"] is None for one in said_json["forecast"]["said"].values())
    assert files["report.html"].count("no price known") == 3
    assert "<td>unknown</td>" in files["report.html"]
    assert all(json.loads(line)["cost_usd"] is None for line in files["results.jsonl"].splitlines())


def test_an_unknown_price_passes_no_gate_and_no_budget(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A gate on cost fails, a scorer of cost has no result, and a budget in dollars is refused with nothing sent."""
    suite.write_text(suite.read_text().replace("scorers: [numeric]\n", COSTS))
    said = call(capsys, suite)
    refused = call(capsys, suite, "--new", "--max-cost-usd", "1")

    assert said.code == 1
    assert "cost unknown" in said.out
    assert refused.code == 2
    assert "no price is known for large, tiny" in refused.err


def test_prices_given_later_reach_every_report(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """`report --prices` reckons a stored run's costs anew, in tables, page, gates and scorers, and it stays so."""
    suite.write_text(suite.read_text().replace("scorers: [numeric]\n", COSTS))
    call(capsys, suite)
    folder = newest_run(Path("results"))
    Path("prices.yaml").write_text(PRICES)
    first = call(capsys, "report", folder, "--prices", "prices.yaml")
    results = table(folder, "results.csv").set_index("model")
    call(capsys, "report", folder)
    again, said = table(folder, "results.csv").set_index("model"), json.loads((folder / "run.json").read_text())

    assert first.code == 0, first.err
    pd.testing.assert_frame_equal(results, again)
    for model, sent, received in (("large", 2, 10), ("tiny", 200, 1000)):
        rows = results.loc[model]
        tokens = rows[["prompt_tokens", "completion_tokens"]].astype(int)
        expected = (tokens["prompt_tokens"] * sent + tokens["completion_tokens"] * received) / 1e6
        assert rows["cost_usd"].astype(float).tolist() == pytest.approx(expected.tolist())
        assert set(rows["price_date"]) == {"prices.yaml"}
    assert set(results.loc["large", "scorer.cost"]) == {"1.000000"}
    assert set(results.loc["tiny", "scorer.cost"]) == {"0.000000"}
    assert said["gates"][0]["verdict"] == "fail"
    assert "tiny $0.0" in said["gates"][0]["reason"]
    assert [column["price"]["source"] for column in said["columns"]] == ["prices.yaml"] * 2
    assert said["price_dates"] == ["prices.yaml"]
    assert any("prices of prices.yaml, not as they were paid" in note for note in said["notes"])
    assert float(table(folder, "summary.csv")["cost_usd"][0]) > 0
    assert "$2.00 / $10.00" in (folder / "report.html").read_text()


def test_what_was_paid_comes_back(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A suite's edited `prices:` hold where it is named; what was spent stays as it was, and can be shown again."""
    suite.write_text(suite.read_text() + PAID)
    call(capsys, suite)
    folder = newest_run(Path("results"))
    before, spent = table(folder, "results.csv"), RunStore.open(folder).spent()
    suite.write_text(suite.read_text().replace("input: 1", "input: 3"))
    call(capsys, "report", folder, "--prices", suite)
    dearer, still_spent = table(folder, "results.csv"), RunStore.open(folder).spent()
    call(capsys, "report", folder, "--prices-as-paid")
    notes = json.loads((folder / "run.json").read_text())["notes"]

    assert (dearer["cost_usd"].astype(float) > before["cost_usd"].astype(float)).all()
    assert set(before["price_date"]) == {"suite"}
    assert set(dearer["price_date"]) == {"sums.yaml"}
    assert still_spent == spent
    assert spent.cost_usd == pytest.approx(before["cost_usd"].astype(float).sum())
    pd.testing.assert_frame_equal(table(folder, "results.csv"), before)
    assert notes == []


def test_answers_from_the_cache_stay_free(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """What cost nothing costs nothing at any price."""
    call(capsys, suite, "--cache", "use")
    call(capsys, suite, "--new", "--cache", "use")
    folder = newest_run(Path("results"))
    Path("prices.yaml").write_text(PRICES)
    call(capsys, "report", folder, "--prices", "prices.yaml")
    rows = table(folder, "results.csv")

    assert set(rows["from_cache"]) == {"true"}
    assert set(rows["cost_usd"].astype(float)) == {0.0}
    assert set(rows["price_date"]) == {"cache"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lab/large: {input: 1}", "prices.yaml:1:12: lab/large: `output` is missing"),
        ("lab/large: {input: 1, output: -1}", "prices.yaml:1:31: lab/large.output: must be at least 0, not `-1`"),
        ("lab/large: {input: 1, output: 1, chached: 1}", "unknown key (did you mean cached?)"),
        ("large: {input: 1, output: 1}", "`large` is not provider/model (as openai/gpt-4o)"),
        ("lab/huge: {input: 1, output: 1}", "no price is for a model of this run; it has lab/large, lab/small"),
        ("models: [lab/large]", "`models` is not provider/model"),
        ("prices: {lab/large: free}", "prices.yaml:1:21: prices.lab/large: must be a mapping"),
        ("- 1", "must be a mapping, not a list"),
        ("", "the file is empty"),
        ("{", "not valid YAML"),
    ],
)
def test_a_wrong_price_file_is_complained_about(
    capsys: pytest.CaptureFixture[str], suite: Path, text: str, complaint: str
) -> None:
    """Each mistake is told with its place, and the reports stay as they were."""
    call(capsys, suite, "--limit", "1")
    folder = newest_run(Path("results"))
    before = (folder / "run.json").read_bytes()
    Path("prices.yaml").write_text(text)
    said = call(capsys, "report", folder, "--prices", "prices.yaml")

    assert said.code == 2
    assert complaint in said.err
    assert (folder / "run.json").read_bytes() == before


def test_two_ways_at_once_are_refused(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A file of prices and the prices that were paid cannot both hold; a file must be there."""
    both = call(capsys, "report", "x", "--prices", "prices.yaml", "--prices-as-paid")
    missing = call(capsys, "report", "x", "--prices", "none.yaml")

    assert (both.code, missing.code) == (2, 2)
    assert "exclude each other" in both.err
    assert "there is no file `none.yaml`" in missing.err
