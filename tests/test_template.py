from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.template import (
    MAX_RENDERED,
    MAX_TEMPLATE,
    TemplateFault,
    is_plain,
    optional_variables,
    render,
    render_value,
    variables,
)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("plain { text } %", {}, "plain { text } %"),
        ("a {{ x }} b\n", {"x": 1}, "a 1 b\n"),
        ("one\r\ntwo", {}, "one\ntwo"),
        ("one\r\n{{ x }}", {"x": 2}, "one\n2"),
        ("{{ x }}", {"x": "<b>&'"}, "<b>&'"),
        ("{{ x }} {{ y }}", {"x": True, "y": None}, "true null"),
        ("{{ x }}", {"x": ["é", 1]}, '["é", 1]'),
        ("{{ x.a.b }}", {"x": {"a": {"b": 3}}}, "3"),
        ("{{ x ~ '-' ~ y }}", {"x": 1, "y": False}, "1-false"),
        ("{% for x in xs %}{{ loop.index }}{{ x }}{% endfor %}", {"xs": ["a", "b"]}, "1a2b"),
        ("{{ xs|join(', ') }}", {"xs": [1, 2]}, "1, 2"),
        ("{{ xs|map(attribute='a')|join }}", {"xs": [{"a": 1}, {"a": 2}]}, "12"),
        ("{{ x|replace('a', 'b')|upper }}", {"x": "aa"}, "BB"),
        ("{{ x|tojson }}", {"x": {"a": "<é>"}}, '{"a": "<é>"}'),
        ("{{ x|e }}", {"x": "<"}, "&lt;"),
        ("{{ x|default('none') }}", {}, "none"),
        ("{% if x is defined %}{{ x }}{% endif %}", {}, ""),
        ("{% set n = namespace(i=0) %}{% for a in range(3) %}{% set n.i = n.i + a %}{% endfor %}{{ n.i }}", {}, "3"),
        ("{% raw %}{{ x }}{% endraw %}{# gone #}", {}, "{{ x }}"),
    ],
)
def test_a_template_is_filled_in(text: str, values: dict[str, object], expected: str) -> None:
    """Values are written as they are, truth values, null and collections as JSON."""
    assert render(text, values) == expected


def test_a_value_is_never_a_template() -> None:
    """Braces in a value stay braces."""
    assert render("{{ x }}", {"x": "{{ y }}"}) == "{{ y }}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ nobody }}", "`nobody` is not there"),
        ("{{ x.name }}", "no `name`"),
        ("{{ x[9] }}", "9"),
        ("{{ x / 0 }}", "zero"),
        ("{{ x", "end of template"),
        ("{% if %}", "expression"),
        ("{% include 'a' %}", "`include` may not"),
        ("{% import 'a' as b %}", "`import` may not"),
        ("{% extends 'a' %}", "`extends` may not"),
        ("{% macro a() %}{% endmacro %}", "`macro` may not"),
        ("{% for a in xs recursive %}{% endfor %}", "`recursive` may not"),
        ("{{ self }}", "`self` may not"),
        ("{{ x.__class__ }}", "may not be used"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "may not be used"),
        ("{{ xs.append(1) }}", "may not be used"),
        ("{{ 'a'.center(10 ** 9) }}", "may not be used"),
        ("{{ '{:9999999}'.format(1) }}", "may not be used"),
        ("{{ x|indent(10 ** 9) }}", "larger than"),
        ("{{ '%9999999s' % 'a' }}", "does not format"),
        ("{{ x|attr('real') }}", "attr"),
        ("{{ x|random }}", "random"),
        ("{{ lipsum() }}", "lipsum"),
        ("{{ " + "(" * 5000, "nested"),
        ("{% for a in xs %}" * 30 + "{% endfor %}" * 30, "nested"),
        ("{{ x }}" + " " * MAX_TEMPLATE, "longer"),
    ],
)
def test_what_cannot_be_rendered_is_a_fault_in_words(text: str, says: str) -> None:
    """A template that is wrong, dangerous or lacks a value raises TemplateFault, and says why."""
    with pytest.raises(TemplateFault, match=says.replace("(", r"\(")):
        render(text, {"x": 1, "xs": [1]})


DOUBLINGS = {
    "~": "{% set x = x ~ x %}",
    "+": "{% set x = x + x %}",
    "lists": "{% set x = [x, x] %}",
    "mappings": "{% set x = {'a': x, 'b': x} %}",
    "replace": "{% set x = x|string|replace('a', 'aaaaaaaa') %}",
    "join": "{% set x = [x, x]|join(x) %}",
}


@pytest.mark.parametrize("doubling", DOUBLINGS.values(), ids=DOUBLINGS)
def test_nothing_grows_without_an_end(doubling: str) -> None:
    """A text or collection that doubles in every step is stopped long before it fills the memory."""
    started = time.monotonic()

    with pytest.raises(TemplateFault, match=r"steps|large|longer"):
        render("{% set x = 'aaaaaaaa' %}" + doubling * 60 + "{{ x }}", {})

    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 50000000 }}",
        "{{ 2 ** 99999999 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ big|upper|length }}{% endfor %}",
        "{{ big }}{{ big }}",
        "{{ range(999999999) }}",
    ],
)
def test_nothing_takes_without_an_end(text: str) -> None:
    """Work and output have a budget."""
    started = time.monotonic()

    with pytest.raises(TemplateFault):
        render(text, {"big": "x" * (MAX_RENDERED - 1)})

    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("text", "needed", "optional"),
    [
        ("no braces", set(), set()),
        ("{{ a }} {{ b.c }}", {"a", "b"}, set()),
        ("{% for x in xs %}{{ x }}{% endfor %}", {"xs"}, set()),
        ("{{ range(3) }}", set(), set()),
        ("{{ a|default('') }}{% if b is defined %}{{ b }}{% endif %}{{ c }}", {"a", "b", "c"}, {"a", "b"}),
    ],
)
def test_a_template_tells_what_it_needs(text: str, needed: set[str], optional: set[str]) -> None:
    """Variables are those that it does not set itself; optional are those that it asks for first."""
    assert variables(text) == needed
    assert optional_variables(text) == optional


def test_the_line_of_a_syntax_error_is_told() -> None:
    """TemplateFault.line counts from 1."""
    with pytest.raises(TemplateFault) as raised:
        variables("one\ntwo {{ a b }}")

    assert raised.value.line == 2


@pytest.mark.parametrize(
    ("text", "plain"), [("a {{ b }}", True), ("a", True), ("{{ b.c }}", False), ("{{ b|upper }}", False)]
)
def test_plain_templates_only_name_variables(text: str, plain: bool) -> None:
    """A plain template cannot fail when its variables are there."""
    assert is_plain(text) is plain


def test_a_value_that_is_a_variable_keeps_its_type() -> None:
    """``{{ x }}`` alone is x itself; within a text it is text; collections are gone through."""
    rendered = render_value({"a": ["{{ x }}", "n={{ x }}", 3, None], "b": " {{ y }} "}, {"x": 1.5, "y": [1]})

    assert rendered == {"a": [1.5, "n=1.5", 3, None], "b": [1]}


@settings(max_examples=200)
@given(text=st.text("{}%# x|.()[]'\"+-*~\n\\_01", max_size=40))
def test_any_text_renders_or_is_a_fault(text: str) -> None:
    """No text makes anything but TemplateFault."""
    with suppress(TemplateFault):
        assert isinstance(render(text, {"x": "v"}), str)


@given(value=st.text(max_size=50))
def test_every_value_comes_through_unchanged(value: str) -> None:
    """A text put into a template is the same text in the result."""
    assert render("<{{ x }}>", {"x": value}) == f"<{value}>"
