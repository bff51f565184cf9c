from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.scoring.options import ListOptions, TextOptions
from tests.scoring.build import one

TABLES = {
    "equals": [
        ("Paris", "Paris", True),
        ("  Paris\n", "Paris", True),
        ("Paris", " Paris ", True),
        ("paris", "Paris", False),
        ("Paris.", "Paris", False),
        ("Lyon", ["Paris", "Lyon"], True),
        ("42", 42, True),
        ("true", True, True),
        ("2.5", 2.5, True),
        ("東京", "東京", True),
        ("", "Paris", False),
        (None, "Paris", False),
    ],
    "iequals": [
        ("PARIS", "paris", True),
        ("straße", "STRASSE", True),
        ("ÉCOLE", "e\u0301cole", True),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ", True),
        (" paris\t", "Paris", True),
        ("Paris, France", "paris", False),
        ("ecole", "école", False),
        ("b", ["A", "B"], True),
        ("", "x", False),
        (None, "x", False),
    ],
    "contains": [
        ("It is Paris.", "Paris", True),
        ("It is paris.", "Paris", False),
        ("It is Lyon", ["Paris", "Lyon"], True),
        ("It is Rome", ["Paris", "Lyon"], False),
        ("a, b", "a, b", True),
        ("a b", "a, b", False),
        ("room 101", 101, True),
        ("naïve", "ï", True),
        ("🎉 done", "🎉", True),
        ("", "a", False),
        (None, "a", False),
    ],
    "icontains": [
        ("it is PARIS.", "paris", True),
        ("It is paris", "PARIS", True),
        ("ÎLE-DE-FRANCE", "île", True),
        ("café", "cafe", False),
        ("cafe\u0301", "CAFÉ", True),
        ("GROẞ", "gross", True),
        ("Rome", ["paris", "rome"], True),
        ("Rome", ["paris", "lyon"], False),
        ("", "a", False),
        (None, "a", False),
    ],
    "contains-any": [
        ("red and blue", ["green", "blue"], True),
        ("red", ["green", "blue"], False),
        ("red and blue", "green, blue", True),
        ("red", "green, blue", False),
        ("Blue", ["blue"], False),
        ("3", [1, 2, 3], True),
        ("赤", "青, 赤", True),
        ("", "a, b", False),
        (None, "a, b", False),
    ],
    "contains-all": [
        ("red and blue", ["red", "blue"], True),
        ("red", ["red", "blue"], False),
        ("red and blue", "red, blue", True),
        ("red", "red, blue", False),
        ("Red blue", ["red", "blue"], False),
        ("1 2 3", [1, 3], True),
        ("赤と青", "青, 赤", True),
        ("red", "red", True),
        ("", "a", False),
        (None, "a", False),
    ],
    "icontains-any": [
        ("Red", ["red", "blue"], True),
        ("GREEN", ["red", "blue"], False),
        ("BLUE", "red, blue", True),
        ("red", "RED", True),
        ("Ärger", "ärger, freude", True),
        ("x", ["y"], False),
        ("", "a", False),
        (None, "a", False),
    ],
    "icontains-all": [
        ("Red and BLUE", ["red", "blue"], True),
        ("Red", ["red", "blue"], False),
        ("BLUE, RED", "red, blue", True),
        ("BLUE", "red, blue", False),
        ("ÄÖ", ["ä", "ö"], True),
        ("x y", ["Y", "X"], True),
        ("", "a", False),
        (None, "a", False),
    ],
    "starts-with": [
        ("Yes, it is", "Yes", True),
        ("yes, it is", "Yes", False),
        ("It is: Yes", "Yes", False),
        ("No way", ["Yes", "No"], True),
        ("Maybe", ["Yes", "No"], False),
        ("7 of 9", 7, True),
        ("¿Qué?", "¿", True),
        (" Yes", "Yes", False),
        ("", "Yes", False),
        (None, "Yes", False),
    ],
    "ends-with": [
        ("It is so.", ".", True),
        ("It is so", ".", False),
        ("so: YES", "yes", False),
        ("a b", ["a", "b"], True),
        ("a c", ["a", "b"], False),
        ("room 9", 9, True),
        ("終わり。", "。", True),
        ("so.\n", ".", False),
        ("", ".", False),
        (None, ".", False),
    ],
}
ROWS = [(name, *line) for name, lines in TABLES.items() for line in lines]


@pytest.mark.parametrize(("name", "answer", "value", "passes"), ROWS)
def test_a_text_scorer_passes_as_its_table_says(name, answer, value, passes):
    """Each text scorer compares as promptfoo's assertion of its name, with its own value or the expected one."""
    own, expected = one(name, answer, value), one(name, answer, expected=value)

    assert (own.passed, own.value, own.error) == (passes, float(passes), "")
    assert expected == own


@pytest.mark.parametrize(("name", "answer", "value", "passes"), ROWS)
def test_a_negated_text_scorer_passes_where_the_plain_one_fails(name, answer, value, passes):
    """not- turns a verdict round, but an empty answer fails either way."""
    score = one(f"not-{name}", answer, value)

    assert score.passed is (not passes if answer else False)


@pytest.mark.parametrize(
    ("name", "answer", "value", "reason"),
    [
        ("icontains", "Lyon", "Paris", 'expected "Paris", got "Lyon"'),
        ("equals", "Lyon", ["Paris", "Rome"], 'expected any of "Paris", "Rome", got "Lyon"'),
        ("contains-all", "red", "red, blue, green", 'missing "blue", "green" in "red"'),
        ("starts-with", "No", "Yes", 'expected to start with "Yes", got "No"'),
        ("ends-with", "x" * 90, "Yes", f'expected to end with "Yes", got "…{"x" * 78}"'),
        ("not-contains", "Paris it is", ["Rome", "Paris"], 'expected not to say "Paris", got "Paris it is"'),
        ("contains", "a\n b\x00\tc", "z", 'expected "z", got "a b\x00 c"'),
        ("contains", "a" * 100, "z", f'expected "z", got "{"a" * 79}…"'),
        ("contains-any", "x", list("abcde"), 'expected any of "a", "b", "c" and 2 more, got "x"'),
        ("contains", "", "z", "no answer"),
        ("not-contains", None, "z", "no answer"),
    ],
)
def test_a_failing_text_scorer_says_why_in_few_words(name, answer, value, reason):
    """A reason names what was expected and quotes at most 80 characters of the answer, on one line."""
    assert one(name, answer, value).reason == reason


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("equals", None, "there is no expected value"),
        ("equals", [], "the list of expected values is empty"),
        ("contains", "", "an expected value is empty, which every answer contains"),
        ("contains-any", " , ", "the list of expected values is empty"),
        ("starts-with", ["a", ""], "an expected value is empty, which every answer contains"),
        ("equals", {"a": 1}, "the expected value is no text but dict"),
    ],
)
def test_nothing_to_compare_with_is_an_error_of_the_scorer(name, value, error):
    """An expected value that cannot be compared leaves the result missing, with the reason."""
    score = one(name, "Paris", expected=value)

    assert (score.value, score.passed, score.error) == (None, None, error)


@pytest.mark.parametrize("model", [TextOptions, ListOptions])
@pytest.mark.parametrize("value", [{"a": 1}, [["a"]], [None], object()])
def test_text_options_refuse_what_is_no_text(model, value):
    """A value is a scalar or a list of scalars."""
    with pytest.raises(ValueError):
        model.model_validate({"value": value})


@given(answer=st.text(), value=st.text(min_size=1))
@pytest.mark.parametrize("name", sorted(TABLES))
def test_any_text_gets_a_verdict_or_an_error(name, answer, value):
    """No text of an answer or a value makes a text scorer raise, and not- is its opposite on an answer with words."""
    plain, negated = one(name, answer, value), one(f"not-{name}", answer, value)

    if plain.error:
        assert negated.error == plain.error
    elif answer.strip():
        assert plain.passed is not negated.passed
    else:
        assert (plain.passed, negated.passed) == (False, False)
