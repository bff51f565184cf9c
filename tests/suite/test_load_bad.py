from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.errors import Code, Complaint, SuiteInvalid
from evalrun.scoring import OPTIONS
from evalrun.suite.entries import SuiteEntry
from evalrun.suite.load import Overrides, load_suite
from tests.suite.corpus import BAD, Bad, suite_text, write


def overrides_of(bad: Bad) -> Overrides:
    """The overrides that the command line's arguments stand for."""
    words = list(zip(bad.arguments[::2], bad.arguments[1::2], strict=True))
    return Overrides(
        models=tuple(value for option, value in words if option == "--model"),
        params=dict(value.split("=", 1) for option, value in words if option == "--set"),
        variables=dict(value.split("=", 1) for option, value in words if option == "--var"),
    )


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name.replace(" ", "-"))
def test_a_bad_suite_is_refused_with_its_place(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bad suite has a complaint of its kind at its place, in under two seconds."""
    write(bad, tmp_path)
    monkeypatch.chdir(tmp_path)
    started = time.monotonic()

    with pytest.raises(SuiteInvalid) as raised:
        load_suite("suite.yaml", scorers=OPTIONS, overrides=overrides_of(bad))

    assert time.monotonic() - started < 2
    found = [c for c in raised.value.complaints if c.code is bad.code]
    assert found, str(raised.value)
    assert any(str(c).startswith(bad.place + ":") for c in found), f"{bad.place} not in\n{raised.value}"
    assert any(bad.says in c.message for c in found), str(raised.value)
    assert all(c.file for c in raised.value.complaints)
    assert "\n" not in "".join(map(str, raised.value.complaints))
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name.replace(" ", "-"))
def test_one_mistake_makes_few_complaints(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single mistake does not drown in complaints about what follows from it."""
    write(bad, tmp_path)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SuiteInvalid) as raised:
        load_suite("suite.yaml", scorers=OPTIONS, overrides=overrides_of(bad))

    assert len(raised.value.complaints) <= 4, str(raised.value)


def test_every_kind_of_complaint_has_a_bad_suite() -> None:
    """The corpus covers every code, and each of its names is used once."""
    assert set(Code) - {bad.code for bad in BAD} == set()
    assert [name for name, count in Counter(bad.name for bad in BAD).items() if count > 1] == []
    assert len(BAD) >= 70


def test_all_complaints_come_at_once(tmp_path: Path) -> None:
    """Mistakes in every section, and in every file, are told together and in the order of their places."""
    (tmp_path / "rows.csv").write_text("id,q\na,x\nb\n", encoding="utf-8")
    text = suite_text(
        version="2",
        models="[simulator/lrage, {id: simulator/small, labl: s}]",
        prompts='{ask: "{{ qq }}", tell: {usr: x}}',
        cases="[{vars: {q: x}, expcted: y}, {vars: {q: x}}, {file: rows.csv, id: ids}]",
        scorers="[icontain, numeric: {tolerance: wide}, equals]",
        gates="[pass_rate >= 2]",
        nme="x",
    )
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(SuiteInvalid) as raised:
        load_suite(tmp_path / "suite.yaml", scorers=OPTIONS)

    complaints = raised.value.complaints
    assert [c.code for c in complaints] == [
        Code.CSV_FIELDS, Code.UNKNOWN_MODEL, Code.UNKNOWN_KEY, Code.UNKNOWN_VARIABLE,
        Code.UNKNOWN_KEY, Code.UNKNOWN_KEY, Code.MISSING_EXPECTED, Code.UNKNOWN_COLUMN, Code.UNKNOWN_SCORER,
        Code.WRONG_TYPE, Code.NOT_ALLOWED, Code.BAD_GATE, Code.UNKNOWN_KEY,
    ]  # fmt: skip


def test_many_complaints_alike_are_counted(tmp_path: Path) -> None:
    """A thousand cases with the same mistake are twenty complaints and a number."""
    cases = "\n" + "".join("  - {vars: {q: x}}\n" for _ in range(1000))
    (tmp_path / "suite.yaml").write_text(suite_text(cases=cases), encoding="utf-8")

    with pytest.raises(SuiteInvalid) as raised:
        load_suite(tmp_path / "suite.yaml", scorers=OPTIONS)

    assert len(raised.value.complaints) == 20
    assert "(and 980 more like this)" in str(raised.value)


def test_no_complaint_repeats_a_key(tmp_path: Path) -> None:
    """A key that stands where something else belongs is not printed."""
    key = "sk-abcdefghijklmnopqrstuvwxyz123456"
    text = suite_text(
        params=f"{{temperature: {key}}}",
        providers=f"{{mine: {{base_url: 'https://{key}@a.example/v1', timeout_s: {key}, dialect: {key}}}}}",
        models=f"[{key}, simulator/large]",
    )
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(SuiteInvalid) as raised:
        load_suite(tmp_path / "suite.yaml", scorers=OPTIONS)

    assert key not in str(raised.value)


@settings(max_examples=150)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_is_a_suite_or_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No text makes loading raise anything but SuiteInvalid."""
    path = tmp_path_factory.mktemp("any") / "suite.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SuiteInvalid):
        load_suite(path, scorers=OPTIONS)


VALUES = st.recursive(
    st.sampled_from(
        ["", "x", "~", "1", "-3", "0.5", "true", "'a'", "[]", "{}", "010", ".nan", "*a", "&a x", "!t x", "{{ q }}"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(
                ["id", "file", "vars", "value", "user", "messages", "check", "for", "icontains", "<<", "role", "image",
                 "content", "turns", "tools", "tool_results", "tool", "result", "function", "name", "tool_calls",
                 "parameters", "params", "response_format", "schema", "logit_bias", "extra_body", "tool_choice"]
            ),
            inner,
            max_size=3,
        ).map(lambda entries: "{" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}"),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300)
@given(key=st.sampled_from(sorted(SuiteEntry.model_fields)), value=VALUES)
def test_any_value_of_any_section_is_good_or_refused(
    key: str, value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever stands in a section, the suite loads or has complaints with a line."""
    path = tmp_path_factory.mktemp("any") / "suite.yaml"
    path.write_text(suite_text(**{key: value}), encoding="utf-8")

    complaints: tuple[Complaint, ...] = ()
    try:
        load_suite(path, scorers=OPTIONS)
    except SuiteInvalid as error:
        complaints = error.complaints

    assert all(complaint.line for complaint in complaints), complaints
