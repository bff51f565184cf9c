"""A suite's file -> a Suite, checked as a whole: every complaint at once, each with its place."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from evalrun.collector import without_collector
from evalrun.errors import Code, SuiteInvalid
from evalrun.records.quota import Budget
from evalrun.records.suite import Case, Prompt, ScorerSpec, Suite
from evalrun.suite.border import Border, Form
from evalrun.suite.cases import CaseDraft, read_cases, with_variables
from evalrun.suite.complaints import Complaints, Spot, hint, shown
from evalrun.suite.conversations import check_answers
from evalrun.suite.datasets import Tables
from evalrun.suite.document import Document, read_yaml
from evalrun.suite.entries import BudgetEntry, SuiteEntry
from evalrun.suite.gates import read_gates
from evalrun.suite.models import Listed, override_models, read_models, with_prices
from evalrun.suite.overrides import Overrides, check_variables
from evalrun.suite.params import check_params, read_matrix, read_params
from evalrun.suite.pictures import read_pictures
from evalrun.suite.prompts import RECORDED_PROMPT, PromptDraft, check_prompts, read_prompts
from evalrun.suite.providers import Providers, refuse_literal_keys
from evalrun.suite.quotas import Groups
from evalrun.suite.recorded import check_matches, check_scores, read_recorded
from evalrun.suite.scopes import Scoped, with_quotas
from evalrun.suite.scorers import check_against, read_scorers, settle_names
from evalrun.suite.sources import MAX_SUITE_BYTES, Found, Sources, read_text
from evalrun.suite.stop_when import check_stop_when, stop_when_of

__all__ = ["Overrides", "load_suite", "suite_name"]

# Sections that are let in whole; the others go item by item, so that one bad case hides nothing in the next.
_WHOLE = (
    "version", "name", "description", "params", "matrix", "samples", "threshold", "max_error_rate", "budget",
    "stop_when",
)  # fmt: skip


def load_suite(
    path: str | Path, *, scorers: Mapping[str, type[BaseModel]], overrides: Overrides | None = None
) -> Suite:
    """Read a suite and every file that it names.

    *scorers* are the scorers there are, each with the model of its options. Raises SuiteInvalid with all complaints;
    those about the command line's overrides have the option for a file.
    """
    complaints = Complaints()
    try:
        found = Found(Path(path), str(path))
        text = read_text(found, Spot(str(path)), MAX_SUITE_BYTES, complaints)
        with without_collector():
            document = _top(read_yaml(str(path), text, complaints), complaints) if text is not None else None
        if document is None or text is None:
            raise SuiteInvalid(complaints.all())
        sources = Sources(Path(path), complaints)
        tables = Tables(sources, complaints)
        reading = _Reading(Border(document, complaints), sources, tables, scorers, overrides or Overrides())
        with without_collector():
            suite = reading.suite(text)
    except RecursionError:
        complaints.add(Spot(str(path)), Code.TOO_DEEP, "nested too deeply")
        suite = None
    if complaints or suite is None:
        raise SuiteInvalid(complaints.all())
    return suite


def suite_name(path: str | Path) -> str:
    """What a suite's file calls itself, whatever else is wrong with it. Raises SuiteInvalid where it is none."""
    complaints = Complaints()
    text = read_text(Found(Path(path), str(path)), Spot(str(path)), MAX_SUITE_BYTES, complaints)
    try:
        document = _top(read_yaml(str(path), text, complaints), complaints) if text is not None else None
    except RecursionError:
        complaints.add(Spot(str(path)), Code.TOO_DEEP, "nested too deeply")
        document = None
    if document is None:
        raise SuiteInvalid(complaints.all())
    said = document.value.get("name")
    return said if isinstance(said, str) and said else _name_of(str(path))


def _top(document: Document | None, complaints: Complaints) -> Document | None:
    """The document, where it is a mapping."""
    if document is None:
        return None
    if document.value is None:
        complaints.add(Spot(document.file), Code.FILE_EMPTY, "the suite is empty")
        return None
    if not isinstance(document.value, dict):
        words = f"a suite is a mapping (models:, prompts:, cases:), not {shown(document.value)}"
        complaints.add(document.spot(), Code.WRONG_TYPE, words)
        return None
    return document


@dataclass(frozen=True, slots=True)
class _Reading:
    """One suite being read: where it is let in, and what else it may lean on."""

    border: Border
    sources: Sources
    tables: Tables
    scorers: Mapping[str, type[BaseModel]]
    overrides: Overrides

    def suite(self, text: str) -> Suite | None:
        """The suite; None where a part is missing, which is complained about."""
        border, overrides, said = self.border, self.overrides, self.border.document.value
        self._check_keys()
        refuse_literal_keys(border)
        whole = {name: self._whole(name) for name in _WHOLE}
        groups = Groups(border, said.get("quotas"))
        providers = Providers(border, said.get("providers"), groups, self.sources, overrides.endpoints)
        counts = [len(border.complaints)]
        own, models = self._models(providers, groups)
        counts.append(len(border.complaints))
        prompts = self._prompts(models)
        counts.append(len(border.complaints))
        cases = with_variables(self._cases(), check_variables(overrides.variables, border.complaints))
        counts.append(len(border.complaints))
        cases, scorers = self._scorers(cases, models)
        names = _scorer_names(scorers, cases) if len(border.complaints) == counts[-1] else None
        placed = [(draft.case, draft.spot) for draft in cases]
        check_prompts(prompts, placed, border.complaints)
        images = [written for draft in prompts for written in draft.images]
        album = read_pictures(images, [case for case, _ in placed], self.sources, border.complaints)
        check_matches(models, [case for case, _ in placed], border)
        gates = read_gates(border, said.get("gates"), self._targets(own, models, prompts, placed, counts), names)
        providers.refuse_origins({listed.model.provider for listed in models}, overrides.allow_origins)
        fixed = check_params(overrides.params, border.complaints, self.sources)
        params = {**read_params(whole["params"], ("params",), border, self.sources), **fixed}
        matrix = read_matrix(whole["matrix"], ("matrix",), border, self.sources)
        if border.complaints:
            return None
        scoped = _scoped(models, providers, groups)
        suite = Suite(
            name=whole["name"] or _name_of(border.document.file),
            file=border.document.file,
            text=text,
            digest=hashlib.sha256(text.encode("utf-8")).hexdigest(),
            models=tuple(replace(model, params=_without(model.params, fixed)) for model in scoped.models),
            providers=scoped.providers,
            prompts=tuple(_free_prompt(p.prompt, fixed) for p in prompts) or (RECORDED_PROMPT,),
            cases=tuple(_free_case(case, fixed) for case, _ in placed),
            scorers=scorers,
            description=whole["description"] or "",
            params=params,
            matrix=_without(matrix, fixed),
            samples=whole["samples"] or 1,
            threshold=whole["threshold"],
            max_error_rate=whole["max_error_rate"] or 0.0,
            budget=_budget(whole["budget"]),
            quotas=scoped.groups,
            wide=_wide([*own, *models], providers),
            left_out=_left_out(own, models),
            pictures=album.pictures,
            picture_files=album.files,
            folder=str(self.sources.folder),
            gates=gates,
            stop_when=stop_when_of(whole["stop_when"]),
        )
        check_answers(suite, border)
        check_stop_when(suite, [listed.model.label for listed in own], border)
        return suite

    def _check_keys(self) -> None:
        border = self.border
        for key in border.document.value:
            if key not in SuiteEntry.model_fields:
                words = f"unknown key{hint(key, SuiteEntry.model_fields)}"
                border.add((key,), Code.UNKNOWN_KEY, words, of_key=True)
        needed = ["cases"] if self.overrides.models else ["models", "cases"]
        for key in needed:
            if key not in border.document.value:
                border.add((), Code.MISSING_KEY, f"`{key}` is missing")

    def _whole(self, name: str) -> Any:
        said = self.border.document.value
        if said.get(name) is None:
            return None
        return self.border.take(_WHOLE_FORMS[name], said[name], (name,))

    def _models(self, providers: Providers, groups: Groups) -> tuple[list[Listed], list[Listed]]:
        """The suite's own models, and those that are asked."""
        border, said = self.border, self.border.document.value
        own = read_models(border, said["models"], providers, groups, self.sources) if "models" in said else []
        models = own
        if self.overrides.models:
            models = override_models(own, self.overrides.models, border, providers)
        known = {listed.id for listed in (*own, *models)}
        models = with_prices(border, said.get("prices"), models, known)
        return own, read_recorded(models, border, self.tables, self.sources)

    def _prompts(self, models: list[Listed]) -> list[PromptDraft]:
        said = self.border.document.value
        if "prompts" in said:
            return read_prompts(self.border, said["prompts"], self.sources, allow_code=self.overrides.allow_code)
        if any(listed.recorded is None for listed in models):
            self.border.add((), Code.MISSING_KEY, "`prompts` is missing (only recorded models can do without)")
        return []

    def _cases(self) -> list[CaseDraft]:
        said = self.border.document.value
        if "cases" not in said:
            return []
        return read_cases(self.border, said["cases"], self.tables, self.sources, self.scorers)

    def _scorers(self, drafts: list[CaseDraft], models: list[Listed]) -> tuple[list[CaseDraft], Any]:
        """The cases with their scorers named, and the suite's own scorers."""
        border = self.border
        section = border.document.value.get("scorers")
        shared = read_scorers(section, ("scorers",), border, self.scorers)
        settled = settle_names(shared, border)
        taken = [spec.name for spec in settled]
        named = [
            replace(d, case=replace(d.case, scorers=settle_names(d.scorers, border, taken=taken))) if d.scorers else d
            for d in drafts
        ]
        some_are_scored = any(draft.scorers is not None for draft in named)
        check_against(shared, [(draft.case, draft.spot) for draft in named], border)
        check_scores(models, [*shared, *(scorer for draft in named for scorer in draft.scorers or ())], border)
        for draft in named:
            check_against(draft.scorers or (), [(draft.case, draft.spot)], border)
            if section is None and draft.scorers is None and some_are_scored:
                words = "nothing scores this case, and other cases have scorers: add `scorers:` to the suite or here"
                border.complaints.add(draft.spot, Code.NO_SCORERS, words)
        return named, settled

    def _targets(
        self,
        own: list[Listed],
        models: list[Listed],
        prompts: list[PromptDraft],
        cases: list[tuple[Case, Spot]],
        counts: list[int],
    ) -> dict[str, Any]:
        """What gates may be for. Of a kind that has complaints (*counts* went up) nothing is said to be unknown."""
        models_are_whole, prompts_are_whole, cases_are_whole = (a == b for a, b in pairwise(counts))
        labels = dict.fromkeys(listed.model.label for listed in (*models, *own))
        names = [draft.prompt.name for draft in prompts] or [RECORDED_PROMPT.name]
        tags = dict.fromkeys(tag for case, _ in cases for tag in case.tags)
        return {
            "model": labels if models_are_whole else None,
            "prompt": names if prompts_are_whole else None,
            "tag": tags if cases_are_whole else None,
            "case": {case.id: None for case, _ in cases} if cases_are_whole else None,
        }


def _scorer_names(scorers: Iterable[ScorerSpec], cases: Sequence[CaseDraft]) -> dict[str, None]:
    """What the suite's scorers and those of its cases are called."""
    own = (scorer for draft in cases for scorer in draft.case.scorers)
    return dict.fromkeys(scorer.name for scorer in (*scorers, *own))


def _scoped(models: list[Listed], providers: Providers, groups: Groups) -> Scoped:
    """The providers in use, the models and the groups, with their limits."""
    used = sorted({listed.model.provider for listed in models})
    stated = {name: (provider, providers.quota(name)) for name in used if (provider := providers.get(name))}
    return with_quotas(stated, [(listed.model, listed.quota) for listed in models], groups.found)


def _wide(models: list[Listed], providers: Providers) -> tuple[str, ...]:
    """The groups that models of several providers name, asked or not."""
    named: dict[str, set[str]] = {}
    for listed in models:
        provider = listed.model.provider
        for name in (*providers.quota(provider).groups, *listed.quota.groups):
            named.setdefault(name, set()).add(provider)
    return tuple(sorted(name for name, found in named.items() if len(found) > 1))


def _left_out(own: list[Listed], models: list[Listed]) -> dict[str, tuple[str, ...]]:
    """The suite's own models that are not asked, for the command line names others."""
    asked = {listed.model.label for listed in models}
    labels = tuple(listed.model.label for listed in own if listed.model.label not in asked)
    return {"model": labels} if labels else {}


def _form_of(field: FieldInfo) -> Form[Any]:
    return Form(Annotated[field.annotation, field])


_WHOLE_FORMS = {name: _form_of(SuiteEntry.model_fields[name]) for name in _WHOLE}


def _name_of(file: str) -> str:
    """A name for the runs' folder out of the file's."""
    stem = PurePath(file).stem
    name = "".join(c if c.isalnum() or c in " ._+-" else "-" for c in stem)[:100].strip(" .-")
    return name or "suite"


def _budget(entry: BudgetEntry | None) -> Budget:
    if entry is None:
        return Budget()
    deadline_s = None if entry.deadline is None else float(entry.deadline)
    return Budget(
        max_requests=entry.max_requests,
        max_tokens=entry.max_tokens,
        max_cost_usd=entry.max_cost_usd,
        deadline_s=deadline_s,
    )


def _without(params: Mapping[str, Any], fixed: Collection[str]) -> dict[str, Any]:
    """Parameters but for those that the command line fixes."""
    return {key: value for key, value in params.items() if key not in fixed}


def _free_prompt(prompt: Prompt, fixed: Collection[str]) -> Prompt:
    return replace(prompt, params=_without(prompt.params, fixed)) if prompt.params else prompt


def _free_case(case: Case, fixed: Collection[str]) -> Case:
    return replace(case, params=_without(case.params, fixed)) if case.params else case
