from __future__ import annotations

from dataclasses import replace

import pytest

from evalrun.errors import NothingSelected, UsageError
from evalrun.records.message import Message
from evalrun.records.suite import Case, Gate, Model, Prompt, Provider, ScorerSpec, Suite
from evalrun.suite.select import select

SUITE = Suite(
    name="s",
    file="s.yaml",
    text="",
    digest="",
    models=(
        Model(provider="p", name="a", label="a", tags=("cheap",)),
        Model(provider="q", name="b", label="b"),
    ),
    providers={name: Provider(id=name, dialect="openai-chat") for name in "pq"},
    prompts=tuple(Prompt(name=name, messages=(Message(role="user", content="x"),)) for name in ("one", "two")),
    cases=tuple(Case(id=f"c{n}", tags=("even",) if n % 2 == 0 else ()) for n in range(10)),
    gates=(
        Gate(text="score > 0", metric="score", operator=">", value=0),
        Gate(text="score > 0", metric="score", operator=">", value=0, only={"model": ("b",)}),
    ),
)


def pick(limit: int | None = None, sample: int | None = None, seed: int = 0, **only: str) -> Suite:
    """The suite's part, with one value a key."""
    return select(SUITE, only={k: (v,) for k, v in only.items()}, limit=limit, sample=sample, seed=seed)


def ids(suite: Suite) -> list[str]:
    """The ids of its cases."""
    return [case.id for case in suite.cases]


def test_nothing_asked_is_the_whole_suite() -> None:
    """Without options a selection changes nothing."""
    assert pick() == SUITE


def test_names_narrow_each_kind() -> None:
    """Models, prompts and cases are chosen by name, several with commas, in the suite's order."""
    chosen = pick(model="b", prompt="two", case="c3, c1")

    assert [model.label for model in chosen.models] == ["b"]
    assert list(chosen.providers) == ["q"]
    assert [prompt.name for prompt in chosen.prompts] == ["two"]
    assert ids(chosen) == ["c1", "c3"]


def test_tags_choose_among_what_has_them() -> None:
    """A tag of cases chooses cases, a tag of models chooses models."""
    assert ids(pick(tag="even")) == ["c0", "c2", "c4", "c6", "c8"]
    assert [model.label for model in pick(tag="cheap").models] == ["a"]
    assert len(pick(tag="cheap").cases) == 10


def test_a_name_with_a_comma_is_found_whole() -> None:
    """A comma parts values only where no such name exists."""
    odd = Suite(
        **{**{k: getattr(SUITE, k) for k in SUITE.__dataclass_fields__}, "cases": (Case(id="a,b"), Case(id="a"))}
    )

    assert ids(select(odd, only={"case": ("a,b",)}, limit=None, sample=None, seed=0)) == ["a,b"]


def test_limit_takes_the_first_and_sample_draws() -> None:
    """--limit is a prefix; --sample the same for the same seed, in the suite's order; both together too."""
    assert ids(pick(limit=2)) == ["c0", "c1"]
    assert ids(pick(sample=4)) == ids(pick(sample=4)) == sorted(ids(pick(sample=4)))
    assert len({tuple(ids(pick(sample=4, seed=seed))) for seed in range(20)}) > 10
    assert ids(pick(sample=4, limit=2)) == ids(pick(sample=4))[:2]
    assert len(ids(pick(sample=50, limit=50))) == 10


def test_gates_for_nothing_that_is_left_are_left_out() -> None:
    """A gate for a model that was not chosen cannot be met, nor missed."""
    assert pick(model="a").gates == SUITE.gates[:1]


def test_gates_on_a_scorer_of_no_case_that_is_left_are_left_out() -> None:
    """A scorer of one case alone has no mean without it."""
    gate = Gate(text="mean(scorer.own) > 0", metric="scorer.own", operator=">")
    own = ScorerSpec(type="equals", name="own")
    cases = (replace(SUITE.cases[0], scorers=(own,)), *SUITE.cases[1:])
    suite = replace(SUITE, cases=cases, gates=(gate,))

    def left(case: str) -> tuple[Gate, ...]:
        return select(suite, only={"case": (case,)}, limit=None, sample=None, seed=0).gates

    assert (left("c0"), left("c1")) == ((gate,), ())


@pytest.mark.parametrize(("only", "says"), [({"model": "aa"}, "model aa"), ({"case": "c33"}, r"did you mean c3\?")])
def test_an_unknown_name_selects_nothing(only: dict[str, str], says: str) -> None:
    """A name that the suite does not have is told, even beside one that it has."""
    with pytest.raises(NothingSelected, match=says):
        pick(**only)


def test_what_has_no_case_left_is_nothing() -> None:
    """Conditions that no case meets together select nothing."""
    with pytest.raises(NothingSelected, match="no cell"):
        pick(tag="even", case="c1")


def test_a_wrong_key_or_number_is_wrong_usage() -> None:
    """--only modle=…, --limit 0 and --sample -1 are refused."""
    with pytest.raises(UsageError, match=r"did you mean model\?"):
        pick(modle="a")
    with pytest.raises(UsageError, match="--limit 0"):
        pick(limit=0)
    with pytest.raises(UsageError, match="--sample -1"):
        pick(sample=-1)


def test_what_was_left_out_is_kept() -> None:
    """Models and prompts that are not asked are named, and what the suite was narrowed by before stays so."""
    once = pick(model="a")
    twice = select(once, only={"prompt": ("two",)}, limit=3, sample=None, seed=0)

    assert (pick(limit=2).left_out, once.left_out) == ({}, {"model": ("b",)})
    assert twice.left_out == {"model": ("b",), "prompt": ("one",)}
