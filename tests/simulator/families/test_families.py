"""What the models know: tables of questions and the shortest right answer."""

from __future__ import annotations

import pytest

from evalrun.simulator.families import arithmetic, countries, extraction, formats, strings
from evalrun.simulator.families.country_table import ALIASES, COUNTRIES


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is 17 * 23?", "391"),
        ("Compute (12 + 8) / 4 - 3.", "2"),
        ("What is 1,250 + 750?", "2000"),
        ("What is 7 minus 12?", "-5"),
        ("What is 6 x 7?", "42"),
        ("What is 81 ÷ 9?", "9"),
        ("12 squared plus 1", "145"),
        ("What is 2^10?", "1024"),
        ("What is -3 * -4?", "12"),
        ("What is 10 divided by 4?", "2.5"),
        ("What is 10 / 3?", "3.3333"),
        ("What is 0.1 + 0.2?", "0.3"),
        ("What is 15% of 240?", "36"),
        ("What percentage of 200 is 30?", "15"),
        ("A coat costs $80 and is 25% off. What is the price now?", "60"),
        ("A rent of 400 is increased by 10%. What is it now?", "440"),
        ("What is the average of 4, 8 and 15?", "9"),
        ("What is the sum of 3, 4 and 5?", "12"),
        ("What is the difference between 5 and 12?", "7"),
        ("Which is larger, 9.11 or 9.9?", "9.9"),
        ("Is 7 greater than 5?", "Yes"),
        ("What is the square root of 144?", "12"),
        ("What is half of 18?", "9"),
        ("What is the remainder when 17 is divided by 5?", "2"),
        ("Is 91 prime?", "No"),
    ],
)
def test_arithmetic(question: str, expected: str) -> None:
    """Expressions, percentages, lists of numbers and comparisons are worked out exactly."""
    answer = arithmetic.answer(question)

    assert answer is not None
    assert answer.text == expected
    assert expected not in answer.wrong


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Tom has 5 apples. He buys 3 more and gives 2 to Ann. How many apples does Tom have left?", "6"),
        ("A box holds 12 pencils. How many pencils are in 5 boxes?", "60"),
        ("36 cookies are shared equally among 9 children. How many cookies does each child get?", "4"),
        ("There are 30 eggs. Each box holds 6 eggs. How many boxes are needed?", "5"),
        ("Anna buys 3 packs of 8 batteries and uses 5 of them. How many are left?", "19"),
        ("A train travels 60 km per hour for 3 hours. How far does it go?", "180"),
        ("A bus has 20 passengers. 7 get off and 4 get on. How many passengers are on the bus?", "17"),
        ("Each of the four tables has six chairs. How many chairs are there?", "24"),
        ("Ben has 7 marbles. Eva has 3 times as many. How many does Eva have?", "21"),
        ("Mia had 50 euros and spent 18. How much is left?", "32"),
        ("Sue bought 4 pens at $3 each. How much did she pay?", "12"),
    ],
)
def test_word_problems(question: str, expected: str) -> None:
    """Stories of one or two steps are understood."""
    answer = arithmetic.answer(question)

    assert answer is not None
    assert answer.text == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is 1 / 0?",
        "What is 9^9^9^9?",
        "What is (2 + 3?",
        "What is " + "9" * 50 + " + 1?",
        "On 2026-03-14 we met.",
        "Hello",
    ],
)
def test_what_is_no_arithmetic_is_left_alone(question: str) -> None:
    """Division by zero, monstrous numbers and mere dates get no answer here."""
    assert arithmetic.answer(question) is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the capital of France?", "Paris"),
        ("Capital of the United States?", "Washington"),
        ("what is the capital of the uk", "London"),
        ("Which country has the capital Nairobi?", "Kenya"),
        ("Mexico City is the capital of which country?", "Mexico"),
        ("In which country is Tokyo?", "Japan"),
        ("What currency is used in Japan?", "yen"),
        ("In which country is the zloty used?", "Poland"),
        ("On which continent is Peru?", "South America"),
        ("What language is spoken in Brazil?", "Portuguese"),
        ("Which of these is in Africa: Peru, Kenya, Japan?", "Kenya"),
        ("Is Canberra the capital of Australia?", "Yes"),
        ("Is Sydney the capital of Australia?", "No"),
        ("Is Peru in Europe?", "No"),
    ],
)
def test_countries(question: str, expected: str) -> None:
    """A country's facts are known from either end."""
    answer = countries.answer(question)

    assert answer is not None
    assert answer.text == expected
    assert answer.wrong
    assert expected not in answer.wrong


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.name)
def test_every_country_is_known_both_ways(country: object) -> None:
    """From each country to its capital and back."""
    assert countries.answer(f"What is the capital of {country.name}?").text == country.capital  # type: ignore[attr-defined, union-attr]
    assert countries.answer(f"{country.capital} is the capital of which country?").text == country.name  # type: ignore[attr-defined, union-attr]


def test_the_table_is_whole() -> None:
    """About sixty countries, none twice, and every other name leads to one of them."""
    names = [country.name for country in COUNTRIES]

    assert len(set(names)) == len(names) >= 60
    assert set(ALIASES.values()) <= set(names)
    assert len({country.capital for country in COUNTRIES}) == len(COUNTRIES)


def test_what_is_asked_may_stand_elsewhere() -> None:
    """A bare country is answered with what the instructions are about; a country alone asks nothing."""
    answer = countries.answer("Norway", "You are told a country and name its currency.")

    assert answer is not None
    assert answer.text == "krone"
    assert countries.answer("Norway") is None
    assert countries.answer("My uncle lives in Norway and likes fish.") is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ('Reverse the word "quota".', "atouq"),
        ("Reverse this word: hello", "olleh"),
        ("Spell the word garden backwards.", "nedrag"),
        ('How many letters are in the word "banana"?', "6"),
        ("How many letters does the word window have?", "6"),
        ('How many times does the letter r appear in "strawberry"?', "3"),
        ("How many r's are in the word strawberry?", "3"),
        ('How many words are in the sentence "The quick brown fox jumps"?', "5"),
        ('How many vowels are in "education"?', "5"),
        ('How many characters are in "a b c"?', "5"),
        ('Write "hello world" in upper case.', "HELLO WORLD"),
        ('Put "HELLO" into lower case.', "hello"),
        ('Write "hello world" in title case.', "Hello World"),
        ("Sort these words alphabetically: pear, apple, fig", "apple, fig, pear"),
        ("Sort these numbers in descending order: 9, 2, 14", "14, 9, 2"),
        ('Sort the letters of "cab".', "abc"),
        ('What is the first letter of "window"?', "w"),
        ('What is the last word of "one red apple"?', "apple"),
        ('What is the third letter of "window"?', "n"),
        ('What is the longest word in "a tiny elephant"?', "elephant"),
        ('Is "level" a palindrome?', "Yes"),
        ("Is banana a palindrome?", "No"),
        ('Remove the vowels from the word "paper".', "ppr"),
        ('Remove all spaces from "a b c".', "abc"),
        ('Replace every "a" with "o" in "banana".', "bonono"),
        ('Repeat "ha" three times.', "ha ha ha"),
        ('What are the initials of "Ada Byron"?', "AB"),
        ('Reverse the order of the words in "one two three".', "three two one"),
    ],
)
def test_strings(question: str, expected: str) -> None:
    """Words are turned, changed, counted, sorted and picked from."""
    answer = strings.answer(question)

    assert answer is not None
    assert answer.text == expected
    assert answer.wrong
    assert expected not in answer.wrong


@pytest.mark.parametrize(
    ("fields", "text", "expected"),
    [
        (("name", "email"), "I am Ada Byron, ada@example.com.", {"name": "Ada Byron", "email": "ada@example.com"}),
        (("date", "total"), "Of 2026-03-14. The total is $1,129.50.", {"date": "2026-03-14", "total": 1129.5}),
        (("customer", "quantity"), "Customer: Jane Doe\nQuantity: 3", {"customer": "Jane Doe", "quantity": 3}),
        (("age", "city"), "Otto, 41 years old, lives in Graz.", {"age": 41, "city": "Graz"}),
        (("phone", "url"), "Call +49 30 123456, see http://x.org/a.", {"phone": "+49 30 123456", "url": "http://x.org/a"}),
        (("company", "when"), "Acme Tools GmbH opens on 5 May.", {"company": "Acme Tools GmbH", "when": "5 May"}),
        (("order_number", "price"), "Order #A-77 costs 12 euros.", {"order_number": "A-77", "price": 12}),
        (("time", "colour"), "We meet at 14:30.", {"time": "14:30", "colour": None}),
    ],
)  # fmt: skip
def test_extraction_to_json(fields: tuple[str, ...], text: str, expected: dict[str, object]) -> None:
    """Each field is found in the text by its name's kind, or is null."""
    answer = extraction.answer(f"Extract {', '.join(fields)} as JSON.\nText: {text}", "", fields)

    assert answer is not None
    assert answer.facts == expected
    assert all(wrong != expected for wrong in answer.wrong_facts)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ('Extract the email address from this text: "Write to anna@example.org before Friday."', "anna@example.org"),
        ("Extract the price from: The lamp costs 45 euros.", "45"),
        ("Extract the date from the following note: hand it in by June 3, 2026, please", "June 3, 2026"),
        ("Extract the time.\nText: The train leaves at 9:05 from here.", "9:05"),
    ],
)
def test_extraction_of_one_thing(question: str, expected: str) -> None:
    """Without JSON the thing itself is the answer."""
    answer = extraction.answer(question)

    assert answer is not None
    assert answer.text == expected


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ("Answer with one word.", {"brevity": "word"}),
        ("Answer yes or no.", {"brevity": "word"}),
        ("Give only the number.", {"brevity": "number"}),
        ("Reply with a single number", {"brevity": "number"}),
        ("Answer with only the name.", {"brevity": "short"}),
        ("Be brief.", {"brevity": "short"}),
        ("Answer in a full sentence.", {"sentence": True}),
        ("Answer in upper case.", {"case": "upper"}),
        ("Use all capital letters", {"case": "upper"}),
        ("Answer in lower case", {"case": "lower"}),
        ("as a bulleted list", {"listing": "bullets"}),
        ("as a numbered list", {"listing": "numbers"}),
        ("separated by commas", {"listing": "commas"}),
        ("one per line", {"listing": "lines"}),
        ("as JSON with keys a and b", {"json_keys": ("a", "b")}),
        ('as JSON with the keys "x", "y", and "z".', {"json_keys": ("x", "y", "z")}),
        ('Return JSON like {"city": "", "year": 0}', {"json_keys": ("city", "year")}),
        ("Extract the name and the order number from the text as JSON", {"json_keys": ("name", "order_number")}),
        ("Reply in JSON.", {"json_keys": ()}),
        ("Do not use JSON, no JSON please", {}),
        ('End your answer with "over and out".', {"ending": "over and out"}),
        ("Finish with the word done.", {"ending": "done"}),
        ("Start your reply with 'Well'", {"beginning": "Well"}),
        ("What is the capital of France?", {}),
    ],
)
def test_the_form_that_is_asked_for(instructions: str, expected: dict[str, object]) -> None:
    """Each way of asking for a form is read, and nothing else with it."""
    assert formats.read(instructions) == formats.Format(**expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Reply with exactly: READY", "READY"),
        ('Say "good morning".', "good morning"),
        ("Print the word yes and nothing else", "yes"),
        ("List the primary colours.", "red, yellow, blue"),
        ("Name three fruits.", "apple, banana, cherry"),
        ("What is the first of the planets?", "Mercury"),
        ("List the first five prime numbers.", "2, 3, 5, 7, 11"),
        ("How many days of the week are there?", "7"),
    ],
)
def test_tasks_of_form(question: str, expected: str) -> None:
    """Well-known lists are listed and words that shall be said are said."""
    answer = formats.answer(question)

    assert answer is not None
    assert answer.text == expected
    assert expected not in answer.wrong


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("What is 2 + 2? Answer with only the number.", "What is 2 + 2?"),
        ("Answer with one word: what is the capital of Norway?", "what is the capital of Norway?"),
        ("Reply with exactly: READY", "Reply with exactly: READY"),
        ("Answer in upper case.", "Answer in upper case."),
        ("", ""),
    ],
)
def test_the_question_without_its_form(text: str, question: str) -> None:
    """Sentences about the form alone are no part of the question, unless nothing else is there."""
    assert formats.question_of(text) == question
