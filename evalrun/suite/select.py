"""A part of a suite: ``--only``, ``--sample`` and ``--limit``."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from evalrun.errors import NothingSelected, UsageError
from evalrun.records.suite import Case, Gate, Suite
from evalrun.suite.complaints import hint, listed, printable

KEYS = ("model", "prompt", "case", "tag")


def select(
    suite: Suite, *, only: Mapping[str, tuple[str, ...]], limit: int | None, sample: int | None, seed: int
) -> Suite:
    """The suite with only what was asked for.

    *only* has the keys model, prompt, case and tag (of a case or of a model), each with values of which any will do; a
    value may hold several, with commas. *sample* is so many cases drawn by *seed*, in the suite's order; *limit* is the
    first so many of those. Gates that are for nothing of what is left are left out.

    Raises UsageError for an unknown key or a number below 1, NothingSelected for a name that the suite does not have
    and where nothing is left.
    """
    _check(only, {"--sample": sample, "--limit": limit})
    wanted = {key: _names(suite, key, values) for key, values in only.items()}
    models = tuple(model for model in suite.models if model.label in wanted.get("model", (model.label,)))
    prompts = tuple(prompt for prompt in suite.prompts if prompt.name in wanted.get("prompt", (prompt.name,)))
    cases = tuple(case for case in suite.cases if case.id in wanted.get("case", (case.id,)))
    if "tag" in wanted:
        # A tag of models chooses among models, a tag of cases among cases; one of both does both.
        tags = wanted["tag"]
        if any(tags & set(model.tags) for model in suite.models):
            models = tuple(model for model in models if tags & set(model.tags))
        if any(tags & set(case.tags) for case in suite.cases):
            cases = tuple(case for case in cases if tags & set(case.tags))
    cases = _sampled(cases, sample, seed)[:limit]
    if not (models and prompts and cases):
        asked = " ".join(f"{key}={','.join(values)}" for key, values in only.items())
        raise NothingSelected(f"nothing selected: no cell of {printable(suite.name)} is {printable(asked)}")
    used = {model.provider for model in models}
    left = {
        "model": {model.label for model in models},
        "prompt": {prompt.name for prompt in prompts},
        "case": {case.id for case in cases},
        "tag": {tag for case in cases for tag in case.tags},
    }
    scorers = {scorer.name for scorer in (*suite.scorers, *(scorer for case in cases for scorer in case.scorers))}
    return replace(
        suite,
        models=models,
        prompts=prompts,
        cases=cases,
        providers={name: provider for name, provider in suite.providers.items() if name in used},
        left_out=_left_out(suite, left),
        gates=tuple(gate for gate in suite.gates if _is_for_something(gate, left, scorers)),
    )


def _check(only: Collection[str], numbers: Mapping[str, int | None]) -> None:
    for key in only:
        if key not in KEYS:
            raise UsageError(f"--only {printable(key)}=…: unknown key{hint(key, KEYS)}")
    for option, number in numbers.items():
        if number is not None and number < 1:
            raise UsageError(f"{option} {number}: must be at least 1")


def _names(suite: Suite, key: str, values: tuple[str, ...]) -> set[str]:
    """The names asked for, all of which there are. A name with a comma in it is found whole."""
    known = {
        "model": [model.label for model in suite.models],
        "prompt": [prompt.name for prompt in suite.prompts],
        "case": [case.id for case in suite.cases],
        "tag": [tag for tags in _tags(suite) for tag in tags],
    }[key]
    there = set(known)
    names: set[str] = set()
    for value in values:
        names.update([value] if value in there else [part.strip() for part in value.split(",") if part.strip()])
    unknown = sorted(names - there)
    if unknown:
        meant = hint(unknown[0], list(dict.fromkeys(known)))
        raise NothingSelected(f"nothing selected: the suite has no {key} {listed(unknown)}{meant}")
    return names


def _tags(suite: Suite) -> Iterator[tuple[str, ...]]:
    yield from (case.tags for case in suite.cases)
    yield from (model.tags for model in suite.models)


def _sampled(cases: tuple[Case, ...], size: int | None, seed: int) -> tuple[Case, ...]:
    """So many cases, the same for the same seed and ids whatever their order in the suite; in the suite's order."""
    if size is None or size >= len(cases):
        return cases

    def draw(index: int) -> bytes:
        return hashlib.sha256(f"{seed}\0{cases[index].id}".encode("utf-8", "surrogatepass")).digest()

    return tuple(cases[index] for index in sorted(sorted(range(len(cases)), key=draw)[:size]))


def _left_out(suite: Suite, left: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    """The models and prompts that are not asked, those among them that were left out before."""
    there = {"model": [model.label for model in suite.models], "prompt": [prompt.name for prompt in suite.prompts]}
    found = {
        kind: (*suite.left_out.get(kind, ()), *(name for name in names if name not in left[kind]))
        for kind, names in there.items()
    }
    return {kind: names for kind, names in found.items() if names}


def _is_for_something(gate: Gate, left: Mapping[str, set[str]], scorers: set[str]) -> bool:
    if gate.metric.startswith("scorer.") and gate.metric.removeprefix("scorer.") not in scorers:
        return False
    return all(left[key].intersection(names) for key, names in gate.only.items())
