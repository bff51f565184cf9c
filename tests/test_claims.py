"""README claims nothing of evalrun that no test proves."""

from __future__ import annotations

import ast
import re

import pytest

from tests.conftest import ROOT

TABLE = (ROOT / "README.md").read_text("utf-8").partition("## Beside other tools")[2].partition("\n## ")[0]
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| (\S.*?) \| (.) \| (.*) \|$", TABLE, re.M)}

DISPATCH, LEDGER = "scheduler/test_promises.py", "scheduler/test_ledger_processes.py"

PROOFS = {
    "a suite is a file, without code": "test_pages.py::test_the_suite_in_readme_is_valid",
    "a matrix of parameters": "cli/test_run.py::test_a_matrix_multiplies_and_identical_cells_are_merged",
    "limits of requests and tokens, of a minute and a day": f"{DISPATCH}::test_never_over_and_always_finishing",
    "several runs of a machine under one quota": f"{LEDGER}::test_processes_never_exceed_long_windows_together",
    "goes on where yesterday's quota ended": "scheduler/test_days.py::test_a_run_over_three_days_asks_each_cell_once",
    "requests and tokens told before spending": "cli/test_plan.py::test_a_plan_says_what_is_sent_spent_and_waited_for",
    "a budget for the whole run": "cli/test_run.py::test_a_budget_pauses_and_the_same_command_goes_on",
    "every answer kept as it arrives, and gone on with": "cli/test_kill.py::test_kill_9_at_ten_moments_loses_nothing",
    "intervals on what is reported": "report/test_csv_files.py::test_summary_csv_tells_ranks_fronts_and_bounds",
    "a paired test between models": "stats/test_pairs.py::test_mcnemar_is_exact",
    "a gate against an earlier run, by such a test": "cli/test_bless.py::test_a_run_is_blessed_and_the_next_compared",
    "answers side by side, case by case": "report/test_csv_files.py::test_comparison_csv_sets_models_side_by_side",
    "JUnit files": "report/test_junit.py::test_cells_are_test_cases",
    "report as one HTML file": "report/test_browser.py::test_the_page_loads_nothing_and_complains_of_nothing",
    "turns that depend on replies, tools with scripted results": "cli/test_examples.py::test_turns_take_a_request_each",
    "pages or a viewer to click through all runs": "conduct/test_index.py::test_every_run_is_on_the_page",
    "images": "cli/test_examples.py::test_pictures_are_seen",
    "no telemetry unless you ask for it": "test_house.py::test_the_network_is_out_of_reach",
}


def test_every_claim_has_a_proof() -> None:
    """What the table says is there is what the tests below prove; what is lacking is in it too."""
    assert {claim for claim, (mark, _) in ROWS.items() if mark != "○"} == set(PROOFS)
    assert {mark for mark, _ in ROWS.values()} == {"●", "○"}


@pytest.mark.parametrize(("claim", "proof"), PROOFS.items(), ids=PROOFS)
def test_a_proof_exists(claim: str, proof: str) -> None:
    """Each claim names a test that there is."""
    file, _, name = proof.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))

    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("claim", ROWS)
def test_every_tool_is_told(claim: str) -> None:
    """Each row has a mark for each tool."""
    assert len(re.findall(r"[●◐○–]", " ".join(ROWS[claim]))) == 5
