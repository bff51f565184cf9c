"""Reads a page as a reader does who follows it: writes the files that it shows, runs its commands, looks at the output.

What a page says to whom:

- A block of ``sh`` is typed, line by line. A line with the comment ``# exit code 75`` ends with that, others with 0.
  One that ends with ``&`` is a server that is started and left running. Words of other programs are not run.
- A block under a line such as ```capitals.csv`:`` is written to that file.
- A block of ``yaml`` that begins with ``# in a.yaml`` takes the place of the same keys there, or comes at the end.
- The steps of a workflow are typed when it has been written.
- A block of ``text`` is what the commands right before it print. A line ``…`` stands for what was left out.

``python -m tests.walkthrough docs/tutorial.md`` follows a page in an empty folder and writes what was printed into it.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

NOT_RUN = frozenset({"cd", "git", "gh", "mkdir", "pip", "python", "python3", "source"})
"""Programs of a reader's machine, which a walk leaves alone."""

_BLOCK = re.compile(r"(?:^`(?P<name>[^`\n]+)`:\n\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.M | re.S)
_EXIT = re.compile(r"#.*\bexit code (\d+)")
_PATCH = re.compile(r"# in (\S+)\n")
_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z|\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?"), "DATE"),
    (re.compile(r"(?<![\w./])/\S+/"), "/"),
    (re.compile(r":[0-9a-f]{10}\b"), ":ACCOUNT"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(?<![\w.])\d[\d.,]* (ms|s|min|h)\b( \d+ (min|s)\b)?"), "TIME"),
    (re.compile(r"TIME to TIME"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? tokens/s"), "SPEED"),
    (re.compile(r"\s+"), " "),
)
_TABLE = re.compile(r"(pass rate scored|\d\.\d{3} \[\d\.\d+, \d\.\d+\] \d+/\d+).*")
"""A line of a run's table up to what is scored. A latency that is a digit longer may cost it a column farther right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. *file*: where its text goes; *patch*: it replaces keys there; *span*: its body's place."""

    kind: str
    body: str
    file: str = ""
    patch: bool = False
    span: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a shell block. *words* of evalrun, without that one; *server*: it is left running; or a *variable*."""

    words: tuple[str, ...] = ()
    exit_code: int = 0
    server: bool = False
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command ended with and printed."""

    code: int
    text: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in its order."""
    found = []
    for match in _BLOCK.finditer(page):
        body, span = match["body"], match.span("body")
        patch = _PATCH.match(body)
        file = match["name"] or (patch[1] if patch else "")
        found.append(Block(kind=match["kind"], body=body, file=file, patch=bool(patch), span=span))
    return found


def lines(block: Block) -> list[Line]:
    """The commands of a shell block that are evalrun's. ValueError for a program that a walk does not know."""
    found = []
    for text in filter(str.strip, block.body.replace("\\\n", " ").splitlines()):
        words = shlex.split(text, comments=True)
        if not words or words[0] in NOT_RUN:
            continue
        if words[0] == "export":
            found += [Line(variable=word) for word in words[1:]]
            continue
        if words[0] != "evalrun":
            raise ValueError(f"a walk does not know {words[0]}: {text}")
        code, server = _EXIT.search(text), words[-1] == "&"
        own = tuple(words[1:-1] if server else words[1:])
        found.append(Line(words=own, exit_code=int(code[1]) if code else 0, server=server))
    return found


def patched(text: str, patch: str) -> str:
    """A suite's text in which the top keys of *patch* say what they say there."""
    for key in re.findall(r"^(\w+):", patch, re.M):
        text = re.sub(rf"^{key}:.*?(?=^\S|\Z)", "", text, flags=re.M | re.S)
    return text.rstrip("\n") + "\n" + _PATCH.sub("", patch, count=1)


def masked(line: str) -> str:
    """A line without what is another at every run: dates, runs' names, folders, ports, durations, widths."""
    for pattern, word in _MASKS:
        line = pattern.sub(word, line)
    return line.strip()


def differences(shown: str, printed: str, *, whole: bool = False) -> list[str]:
    """The shown lines that were not printed at their place, or the printed ones that are neither shown nor cut.

    Of tables only what does not hang on how wide latencies are is compared, unless the *whole* is asked for.
    """
    wanted, there = (
        [masked(line) if whole else _TABLE.sub(r"\1", masked(line)) for line in text.splitlines() if line.strip()]
        for text in (shown, printed)
    )
    gap = False
    for line in wanted:
        if line == "…":
            gap = True
            continue
        at = there.index(line) if gap and line in there else 0
        if not there or there[at] != line:
            return [f"shown:   {line}", f"printed: {there[0] if there and not gap else 'nothing like it'}"]
        there, gap = there[at + 1 :], False
    return [] if gap else [f"printed, but not shown: {line}" for line in there[:3]]


def steps(workflow: str) -> list[Block]:
    """What the steps of a GitHub workflow type, in its order."""
    jobs = yaml.safe_load(workflow)["jobs"].values()
    typed = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    return [Block(kind="sh", body=text, span=(0, 0)) for text in typed]


class Walk:
    """A walk through a page in *folder*.

    *run* carries out a command, *serve* starts a server and gives its port, *export* sets a variable.
    """

    def __init__(
        self,
        folder: Path,
        run: Callable[[Sequence[str]], Printed],
        serve: Callable[[Sequence[str]], int],
        export: Callable[[str, str], None],
    ) -> None:
        self._folder, self._run, self._serve, self._export = folder, run, serve, export
        # What changes on the way: where a shown port really is, what was printed, and what went otherwise than said.
        self._ports: dict[str, str] = {}
        self.printed = ""
        self.complaints: list[str] = []

    def take(self, block: Block) -> Literal["typed", "written", "shown", "read"]:
        """Do what a block asks for."""
        if block.kind == "sh":
            self.printed = "\n".join(self._type(line) for line in lines(block))
            return "typed"
        if block.kind == "text":
            self.complaints += differences(block.body, self.printed)
            return "shown"
        if block.file:
            self._write(block)
            return "written"
        return "read"

    def _type(self, line: Line) -> str:
        if line.variable:
            name, _, value = line.variable.partition("=")
            self._export(name, value)
            return ""
        if line.server:
            at = line.words.index("--port")
            real = self._serve([*line.words[:at], *line.words[at + 2 :]])
            self._ports[f":{line.words[at + 1]}"] = f":{real}"
            return ""
        done = self._run([self._here(word) for word in line.words])
        if done.code != line.exit_code:
            said = f"evalrun {shlex.join(line.words)}: exit code {done.code}, not {line.exit_code}"
            self.complaints += [said, *done.text.splitlines()[-12:]]
        return done.text

    def _write(self, block: Block) -> None:
        path = self._folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = patched(path.read_text("utf-8"), block.body) if block.patch else block.body
        path.write_text(self._here(text), encoding="utf-8")
        if path.parent.name == "workflows":
            self.printed = "\n".join(self._type(line) for step in steps(text) for line in lines(step))

    def _here(self, text: str) -> str:
        for shown, real in self._ports.items():
            text = text.replace(shown, real)
        return text


def _differs(shown: str, printed: str) -> bool:
    return bool(differences(shown, printed, whole=True))


def rewritten(page: str, walk: Walk) -> str:
    """A page in which each block of output that is neither shortened nor true says what was printed on *walk*."""
    parts, at = [], 0
    for block in blocks(page):
        if walk.take(block) == "shown" and "…\n" not in block.body and _differs(block.body, walk.printed):
            parts += [page[at : block.span[0]], walk.printed.strip("\n") + "\n"]
            at = block.span[1]
    return "".join([*parts, page[at:]])


def main(names: Sequence[str]) -> None:
    """Follow each page in a folder of its own, and write into it what was printed."""
    import tempfile

    from tests.cli.harness import Simulator, program

    for name in names:
        page = Path(name)
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            servers: list[Simulator] = []
            variables = {"EVALRUN_STATE": str(here / "state")}

            def run(
                words: Sequence[str], here: Path = here, folder: str = folder, variables: dict[str, str] = variables
            ) -> Printed:
                said = program(*words, cwd=here, **variables)
                return Printed(said.code, (said.err + said.out).replace(folder, "/home/ann/prompts"))

            def serve(words: Sequence[str], here: Path = here, servers: list[Simulator] = servers) -> int:
                servers.append(Simulator(here, *words[1:]))
                return servers[-1].port

            walk = Walk(here, run, serve, variables.__setitem__)
            try:
                page.write_text(rewritten(page.read_text("utf-8"), walk), encoding="utf-8")
            finally:
                for server in servers:
                    server.close()
        print(page, *walk.complaints, sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1:])
