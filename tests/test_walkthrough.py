"""Pages that a reader follows step by step: their files are written, their commands run, their outputs compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from evalrun import cli
from tests import walkthrough
from tests.cli.harness import Simulator
from tests.conftest import ROOT
from tests.walkthrough import Printed, Walk, blocks, differences, lines, masked, patched

FOLLOWED = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]


@pytest.fixture
def servers() -> Iterator[list[Simulator]]:
    """The simulators that a page started; they end with the test."""
    started: list[Simulator] = []
    yield started
    for one in started:
        one.close()


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_page_can_be_followed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    servers: list[Simulator],
) -> None:  # fmt: skip
    """In an empty folder, every command ends as the page says and prints what it shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))

    def run(words: Sequence[str]) -> Printed:
        capfd.readouterr()
        code = cli.execute(list(words))
        said = capfd.readouterr()
        return Printed(code, said.err + said.out)

    def serve(words: Sequence[str]) -> int:
        servers.append(Simulator(tmp_path, *words[1:]))
        return servers[-1].port

    walk = Walk(tmp_path, run, serve, monkeypatch.setenv)
    taken = [walk.take(block) for block in blocks(page.read_text("utf-8"))]

    assert walk.complaints == [], "\n".join(walk.complaints)
    assert {"typed", "written", "shown"} <= set(taken)


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_nothing_on_such_a_page_is_left_out(page: Path) -> None:
    """Each of its blocks is a command, an output or a named file: there is none that a walk passes by."""
    passed = [block.body for block in blocks(page.read_text("utf-8")) if block.kind not in ("sh", "text", "python")]
    named = [block.body for block in blocks(page.read_text("utf-8")) if block.file]

    assert [body for body in passed if body not in named] == []


def _page(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"


def test_a_page_is_read_as_it_is_meant() -> None:
    """Files by the line above them, patches by their first line, commands with what they end with."""
    page = _page(
        "`a.csv`:",
        "```csv\nx\n```",
        "```yaml\n# in s.yaml\nkey: 1\n```",
        "```sh\npip install x\nevalrun a # exit code 75\n```",
    )
    first, second, third = blocks(page)

    assert (first.file, first.patch, second.file, second.patch) == ("a.csv", False, "s.yaml", True)
    assert [(line.words, line.exit_code, line.server) for line in lines(third)] == [(("a",), 75, False)]


def test_a_variable_is_exported(tmp_path: Path) -> None:
    """What a page exports is there for the commands after it."""
    (block,) = blocks("```sh\nexport A_KEY=x B=…\n```\n")
    variables: dict[str, str] = {}
    Walk(tmp_path, lambda _: Printed(0, ""), lambda _: 0, variables.__setitem__).take(block)

    assert variables == {"A_KEY": "x", "B": "…"}


def test_a_program_that_a_walk_does_not_know_is_refused() -> None:
    """A page cannot slip in a command that is neither run nor known to be left alone."""
    (block,) = blocks("```sh\nrm -r results\n```\n")

    with pytest.raises(ValueError, match="rm"):
        lines(block)


def test_a_patch_takes_the_place_of_its_keys() -> None:
    """The key's old value goes with all its lines; others stay; a new key comes at the end."""
    assert patched("a: 1\nb:\n  - x\n  - y\nc: 3\n", "# in s.yaml\nb: [z]\nd: 4\n") == "a: 1\nc: 3\nb: [z]\nd: 4\n"


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n…\n", "a\nb\n", True),
        ("…\nb\n", "a\nb\n", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nx\n", "a\nb\n", False),
        ("b\n", "a\nb\n", False),
        ("p50 0.10 s   x\n", "p50 49 ms x\n", True),
        ("pass 0.9\n", "pass 0.8\n", False),
    ],
)
def test_outputs_are_compared(shown: str, printed: str, same: bool) -> None:
    """What is shown is what is printed, line by line, but for what is cut and said to be."""
    assert (differences(shown, printed) == []) is same


def test_a_table_may_lose_a_column_to_a_longer_latency() -> None:
    """What stands right of the cells scored is compared only where it is asked for."""
    shown = "a  1  0.964 [0.82, 0.99]   28/28  free  88 ms  simulated\n"
    printed = "a  1  0.964 [0.82, 0.99]   28/28  0.10 s  simulated\n"

    assert differences(shown, printed) == []
    assert differences(shown, printed, whole=True) != []
    assert differences(shown, printed.replace("0.964", "0.929")) != []


def test_what_changes_at_every_run_is_masked() -> None:
    """Run names, dates and durations are no difference; figures are."""
    line = (
        "report  results/x/2026-11-24T17-55-56Z-d026/report.html after 2026-11-25 00:00 UTC, 1.2 s, 0.950 [0.76, 0.99]"
    )

    assert masked(line) == "report results/x/RUN/report.html after DATE, TIME, 0.950 [0.76, 0.99]"


def test_a_page_is_rewritten_with_what_was_printed(tmp_path: Path) -> None:
    """Whole outputs are renewed, shortened ones stay as they are."""
    page = _page("```sh\nevalrun x\n```", "```text\nold\n```", "```text\nne\n…\n```")
    walk = Walk(tmp_path, lambda _: Printed(0, "new\n"), lambda _: 0, {}.__setitem__)

    assert walkthrough.rewritten(page, walk) == page.replace("old", "new")
