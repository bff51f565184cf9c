from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import html5lib
import pytest

from evalrun.records.comparison import Comparison, Interval, ScorePair
from evalrun.records.message import Image, Message
from evalrun.records.plan import Plan
from evalrun.report.island import Island
from evalrun.report.side_by_side import Grouping
from evalrun.report.view import view
from tests.report.factory import PHOTO, WEATHER, Words, make_comparison, make_facts, make_plan, make_rows, talking
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import Run, run_of
from tests.report.page_data import PageData
from tests.report.written import write_reports

# All that a page may consist of, whatever its texts are.
GOLDEN = {
    "a": "class href",
    "b": "class",
    "body": "",
    "button": "aria-label class data-filter id type",
    "circle": "cx cy fill id r stroke",
    "code": "",
    "dd": "",
    "defs": "",
    "details": "class id open",
    "dialog": "aria-labelledby id",
    "div": "aria-label class hidden id role tabindex",
    "dl": "class",
    "dt": "",
    "figcaption": "",
    "figure": "id",
    "footer": "class id",
    "g": "",
    "h1": "",
    "h2": "class id",
    "h3": "",
    "head": "",
    "header": "class",
    "html": "lang",
    "li": "class",
    "link": "href rel",
    "main": "class",
    "meta": "charset content http-equiv name",
    "nav": "aria-label",
    "noscript": "",
    "p": "class id role",
    "path": "class d fill id",
    "pattern": "height id patternTransform patternUnits width",
    "pre": "dir",
    "rect": "class height id rx width x y",
    "kbd": "",
    "script": "id type",
    "section": "aria-labelledby id",
    "small": "",
    "span": "class id",
    "style": "",
    "summary": "",
    "svg": "aria-hidden aria-label class hidden preserveAspectRatio role viewBox",
    "symbol": "id viewBox",
    "table": "aria-label class hidden id role",
    "tbody": "id role",
    "td": "class colspan data-l role",
    "text": "class text-anchor x y",
    "tfoot": "role",
    "th": "class role scope",
    "thead": "id role",
    "title": "",
    "tr": "class role",
    "ul": "aria-label class",
    "use": "class href x y",
}
FILES = {f"{name}.csv" for name in ("results", "comparison", "summary")} | {
    "results.jsonl",
    "requests.jsonl",
    "run.json",
    "summary.md",
    "junit.xml",
}


def page(folder: Path, run: Run) -> str:
    """The page of a run."""
    write_reports(folder, run.plan, run.rows, run.comparison, run.facts)
    return (folder / "report.html").read_text(encoding="utf-8")


def made(words: Words | None = None, *, pending: int = 0, facts: dict[str, Any] | None = None, **plan: Any) -> Run:
    """A made run."""
    laid = make_plan(words, **plan)
    rows = make_rows(laid, words, pending=pending)
    return Run(laid, rows, make_comparison(laid, rows, words), make_facts(words, **(facts or {})))


def elements(html: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Name, attributes and own text of every element, as a browser's parser sees the page."""
    for element in html5lib.parse(html, namespaceHTMLElements=False).iter():
        if isinstance(element.tag, str):
            attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
            yield element.tag.rpartition("}")[2], attributes, element.text or ""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page in which every text is hostile."""
    return page(tmp_path_factory.mktemp("hostile"), run_of(HOSTILE))


@pytest.mark.slow
def test_hostile_texts_make_no_markup(hostile: str) -> None:
    """Whatever the texts, the page has only the elements and attributes of the template, and loads nothing."""
    found = list(elements(hostile))
    strange = {
        (tag, name) for tag, attributes, _ in found for name in attributes if name not in GOLDEN.get(tag, "").split()
    }
    links = {attributes[name] for _, attributes, _ in found for name in ("href", "src") if name in attributes}
    scripts = [attributes for tag, attributes, _ in found if tag == "script"]

    assert {tag for tag, _, _ in found} <= set(GOLDEN)
    assert strange == set()
    assert {link for link in links if not link.startswith("#")} == FILES | {"data:,"}
    assert scripts[0] == {"type": "application/json", "id": "data"}
    assert {attributes["type"] for attributes in scripts[1:-1]} == {"text/plain"}
    assert scripts[-1] == {}
    assert sum(tag == "style" for tag, _, _ in found) == 1


@pytest.mark.slow
def test_hostile_texts_are_shown(hostile: str) -> None:
    """Markup in an answer is text in the data, escapes and bidi marks are visible, and nothing is rendered twice."""
    inert = [text for tag, attributes, text in elements(hostile) if tag == "script" and attributes]
    strings = set(PageData.of(hostile).strings)

    assert "<img src=x onerror=alert(1)>" in strings
    assert "{{ 7 * 7 }}" in strings
    assert "\\x1b[31mred" in strings
    assert "\\u202ereversed" in strings
    assert not re.search(r"[<>&]", "".join(inert))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "".join(strings))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", hostile)


def test_the_policy_allows_one_style_and_one_script(tmp_path: Path) -> None:
    """The content policy denies everything but the hashes of the page's own style and script."""
    html = page(tmp_path, made())
    found = list(elements(html))
    policy = next(
        a["content"] for tag, a, _ in found if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    style = next(text for tag, _, text in found if tag == "style")
    script = next(text for tag, attributes, text in found if tag == "script" and not attributes)

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "innerHTML" not in script
    assert not re.search(
        r"\b(eval|Function|document\.write|insertAdjacentHTML|outerHTML|fetch|XMLHttpRequest)\b", script
    )
    assert "url(" not in style.replace("url(#hatch)", "")


def test_the_head_says_what_is_best_by_how_much_and_what_is_simulated(tmp_path: Path) -> None:
    """Without a script the page tells the conclusion, its margin, the state and what is simulated."""
    html = page(tmp_path, made())
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))

    assert "large beats mini on pass rate by 37.5 points [2.1, 72.9]" in text
    assert "Simulated sim: rule-based stand-ins inside evalrun, not real models" in text
    assert "87.5 % [65.5, 98.5]" in text
    assert "8 scored / 8 planned" in text
    assert "564 / 92" in text
    assert "1 error in mini" in text


def test_an_incomplete_run_never_looks_like_a_result(tmp_path: Path) -> None:
    """A paused run has a band above its sentence, says so in the title, and calls no column best."""
    facts = {"state": "paused", "reason": "the day's 50 requests are used", "go_on": "evalrun resume"}
    html = page(tmp_path, made(pending=6, facts=facts))
    classes = [a.get("class", "") for _, a, _ in elements(html)]

    assert "<title>(partial) large beats mini" in html
    assert "Paused: 17 scored / 24 planned" in html
    assert "evalrun resume" in html
    assert "note-b" in classes
    assert "tag best" not in classes
    assert "Complete" not in html


@pytest.mark.parametrize(
    "what", ["one column", "nothing scored", "no gates", "twelve models", "samples and parameters"]
)
def test_every_shape_of_run_has_a_page(tmp_path: Path, what: str) -> None:
    """One column, no verdict, no gate, many models, prompts in several forms: the page is made and holds together."""
    run = {
        "one column": lambda: made(Words(labels=("only",), conclusion=("only passes 87.5 % [65.5, 98.5].",))),
        "nothing scored": lambda: made(pending=24, facts={"state": "interrupted"}),
        "no gates": _without_gates,
        "twelve models": lambda: made(Words(labels=tuple(f"model {n}" for n in range(12)))),
        "samples and parameters": lambda: made(cases=2, samples=3, top_p=(0.5, 1)),
    }[what]()
    html = page(tmp_path, run)
    tags = {tag for tag, _, _ in elements(html)}

    assert tags <= set(GOLDEN)
    assert "None" not in re.sub(r"<script.*?</script>|'none'|display: none", "", html, flags=re.DOTALL)
    assert "nan" not in re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL).lower().split()


def test_a_gate_without_enough_evidence_is_neither_passed_nor_failed() -> None:
    """It is counted in its own words, and has the colour of failure only where it fails the run."""
    run = made()
    plain = replace(run.comparison.gates[0], verdict="not enough evidence")
    strict = replace(plain, gate=replace(plain.gate, strict=True))
    shown = view(run.plan, replace(run.comparison, gates=(plain, strict)), run.facts)["gates"]

    assert "2 without enough evidence" in shown["heading"]
    assert [(gate["word"], gate["kind"]) for gate in shown["items"]] == [
        ("not enough evidence", "pending"),
        ("not enough evidence", "fail"),
    ]


def _without_gates() -> Run:
    run = made()
    return replace(run, comparison=replace(run.comparison, gates=(), pairs=(), conclusion=()))


def headline(*conclusion: str) -> tuple[str, str, str, list[str]]:
    """How the page breaks up a conclusion: claim, doubt, rest, and what goes below."""
    run = made()
    shown = view(run.plan, replace(run.comparison, conclusion=conclusion), run.facts)["headline"]
    return shown["claim"], shown["doubt"], shown["rest"], shown["more"]


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        (
            "a beats b by 9.2 points [3.1, 15.3] (paired, 8 cases).",
            ("a beats b by 9.2 points", " [3.1, 15.3]", "", ["Paired, 8 cases."]),
        ),
        (
            "a beats c by 9.2 points [3.1, 15.3] (paired, 8 cases); b and a are not distinguishable (needs 9).",
            (
                "a beats c by 9.2 points",
                " [3.1, 15.3]",
                "",
                ["Paired, 8 cases.", "b and a are not distinguishable (needs 9)."],
            ),
        ),
        ("a passes 87.5 % [65, 98] of 8 cases.", ("a passes 87.5 %", " [65, 98]", " of 8 cases", [])),
        (
            "a and b are not distinguishable (needs about 35 more cases).",
            ("a and b are not distinguishable (needs about 35 more cases)", "", "", []),
        ),
        (
            "a and b are alike (+4.2 [-8.1, 16.0], so far).",
            ("a and b are alike (+4.2 [-8.1, 16.0], so far)", "", "", []),
        ),
    ],
)
def test_the_interval_of_a_headline_is_quiet(sentence: str, parts: tuple[str, str, str, list[str]]) -> None:
    """The interval is set apart from the claim, and what stands in brackets after it moves below."""
    assert headline(sentence) == parts


def test_a_simulated_column_is_no_rival_of_a_real_one() -> None:
    """A simulated column has no rank and is held against nothing; without pairs there is no bar of them."""
    run = made()
    shown = view(run.plan, run.comparison, run.facts)
    alone = view(run.plan, replace(run.comparison, pairs=()), run.facts)

    assert [(row["about"], row["against"]["word"]) for row in shown["summary"]] == [
        ("rank 1 · openai/model-0", "best"),
        ("rank 2 · openai/model-1", "worse"),
        ("simulator/model-2", "not compared"),
    ]
    assert (alone["strip"], alone["pairs"], alone["summary"][0]["against"]) == (None, None, None)


def island(plan: Plan, rows: Any, **limits: int) -> tuple[Island, PageData]:
    """The data of a run's case table."""
    collected, grouping = Island(plan, **limits), Grouping.of(plan)
    for row in rows():
        for group in grouping.add(row):
            collected.add(group)
    head = {"columns": [column.label for column in plan.columns]}
    parts = (f'<script type="{kind}" id="{name}">{text}</script>' for name, kind, text in collected.elements(head))
    return collected, PageData.of("\n".join(parts))


def test_the_summary_tells_of_streams(tmp_path: Path) -> None:
    """A column that streamed says when its answers began and how fast they came; others say nothing."""
    run = made()
    first, *others = run.comparison.columns
    streamed = replace(first, ttft_p50_s=0.25, tokens_per_s=41.27)
    html = page(tmp_path, replace(run, comparison=replace(run.comparison, columns=(streamed, *others))))

    assert html.count('<span class="sub2">first token 0.25 s</span><span class="sub2">41 tokens/s</span>') == 1
    assert html.count(">first token ") == 1


def test_changed_parameters_tools_and_turns_are_told(tmp_path: Path) -> None:
    """What was run names changed parameters among its notes, and a prompt's tools, turns and pictures."""
    run = made(facts={"notes": ("max_tokens is sent as max_completion_tokens",)})
    photo = Image(source="photo.png", detail="low")
    prompt = replace(
        run.plan.suite.prompts[0],
        messages=(Message(role="user", content=("Look:", photo)),),
        turns=("And then?", ("More:", photo)),
        tools=(WEATHER,),
        tools_from="{{ functions }}",
    )
    plan = replace(run.plan, suite=replace(run.plan.suite, prompts=(prompt,)))
    texts = {text for tag, _, text in elements(page(tmp_path, replace(run, plan=plan))) if tag in ("pre", "li", "p")}

    assert "max_tokens is sent as max_completion_tokens" in texts
    assert {"Look:\n[image photo.png, detail low]", "And then?", "More:\n[image photo.png, detail low]"} <= texts
    assert "user, after the reply" in texts
    assert "get_weather(city: string): Look up the weather.\n{{ functions }}" in texts


def test_the_island_holds_a_dialogue() -> None:
    """Turns with their calls, the tool by its name, the picture by its name and size; the first question stands."""
    plan = make_plan(cases=1)
    plan = replace(plan, suite=replace(plan.suite, pictures={"sha256:paris": PHOTO}))
    _, data = island(plan, lambda: (talking(row) for row in make_rows(plan)()))
    _, _, questions, cells, talks, shared = data.lines[0]
    output, _, _, question, calls, talk, own = cells[0]
    detail = shared | own
    photo = {"picture": 0, "name": "paris.png", "size": "640 × 480", "detail": "low"}

    assert talks[talk] == [
        ["system", ["Be brief."]],
        ["user", ["How warm is it here?", photo]],
        ["assistant", [""], [["get_weather", '{"city": "Paris"}']]],
        ["tool get_weather", ["18"]],
        ["assistant", ["It is 18 degrees in Paris."]],
        ["user", ["And do I need a coat?"]],
    ]
    assert questions[question].startswith("How warm is it here?")
    assert (output, calls, detail["ttft"], detail["speed"]) == ("Take no coat.", "", 0.25, pytest.approx(40, abs=0.1))
    assert (detail["reasoning"], data.figures["requests"][0, 0, 0]) == ("18 degrees is warm.", 3)
    assert "AAAA" not in json.dumps(data.lines)


def text_of(html: str) -> str:
    """What the page says without its script, on one line."""
    bare = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))


def test_pairs_are_told_with_everything_that_decides_them(tmp_path: Path) -> None:
    """Each pair: what it stands on, call or what it needs, difference, both p-values, effect sizes, flips counted."""
    text = text_of(page(tmp_path, made(Words(labels=("large", "mini", "sim", "tiny")))))

    assert "large and mini 8 cases better +37.5 [2.1, 72.9] p = 0.031 alone p = 0.031 h = 0.90 odds 7.0" in text
    assert "3 only large, 0 only mini" in text
    assert "large and tiny 8 cases not distinguishable needs about 210 more cases +37.5 [−10.0, 72.9] p = 0.820" in text
    assert "rank 1" in text
    assert "rank 2–3" in text
    assert "2 of 3 pairs: the first with each, and neighbours." in text


def test_scores_of_a_pair_are_told_where_they_say_more(tmp_path: Path) -> None:
    """The difference of mean scores with interval, call, p and effect size stands beside that of pass rates."""
    run = made()
    (pair,) = run.comparison.pairs
    score = ScorePair(
        difference=Interval(mean=0.0111, low=-0.006, high=0.028),
        standard_error=0.0087,
        p_value=0.2,
        p_permutation=0.2,
        p_adjusted=0.2,
        decided=False,
        effect_size=0.05,
        needs="needs about 3,100 more cases",
    )
    comparison = replace(run.comparison, pairs=(replace(pair, score=score),))
    text = text_of(page(tmp_path, replace(run, comparison=comparison)))

    said = "+0.011 [−0.006, +0.028] not distinguishable needs about 3,100 more cases p = 0.200, d = 0.05"
    assert said in text


def test_every_figure_has_its_interval(tmp_path: Path) -> None:
    """Score, tokens, cost, latency and each scorer: the mean with its bounds, and the fronts marked."""
    run = made()
    first, *others = run.comparison.columns
    intervals = {
        "score": Interval(mean=0.917, low=0.8, high=0.99),
        "tokens_per_cell": Interval(mean=27.5, low=25.0, high=30.0),
        "cost_per_cell_usd": Interval(mean=0.000036, low=0.00003, high=0.00004),
        "latency_p50_s": Interval(mean=0.6, low=0.45, high=0.7),
        "latency_p95_s": Interval(mean=0.8, low=0.75, high=1.2),
        "scorer.form": Interval(mean=1.0, low=0.676, high=1.0),
    }
    first = replace(
        first,
        intervals=intervals,
        scorers={"icontains": 0.875, "form": 1.0},
        tokens_per_cell=27.5,
        cost_per_cell_usd=0.000036,
        on_cost_front=True,
        on_latency_front=True,
    )
    comparison = replace(run.comparison, columns=(first, *others))
    html = page(tmp_path, replace(run, comparison=comparison))
    text = text_of(html)

    assert "0.917 [0.800, 0.990]" in text
    assert "28 an answer [25, 30]" in text
    assert "0.0036 ¢ an answer [0.0030, 0.0040] ¢" in text
    assert "p50 [0.45 s, 0.70 s] p95 [0.75 s, 1.20 s]" in text
    assert "form 1.000 [0.676, 1.000]" in text
    assert html.count('<span class="tag">front</span>') == 2


def test_samples_have_a_table(tmp_path: Path) -> None:
    """pass@k and pass^k from k = 2 on, and the share of cases whose verdict differs, with their intervals."""
    run = made()
    first, *others = run.comparison.columns
    share = Interval(mean=0.25, low=0.071, high=0.591)
    bounds = {"pass@2": Interval(mean=0.95, low=0.9, high=0.99)}
    first = replace(first, pass_at={1: 0.9, 2: 0.95}, pass_all={1: 0.9, 2: 0.8}, unsteady=share, intervals=bounds)
    comparison = replace(run.comparison, columns=(first, *others))
    text = text_of(page(tmp_path, replace(run, comparison=comparison)))

    assert "Cases whose verdict differs pass@2 pass^2 large 25.0 % [7.1, 59.1] 95.0 % [90.0, 99.0] 80.0 %" in text


def test_page_and_comparison_agree(tmp_path: Path) -> None:
    """The summary shows the comparison's own figures, rounded once."""
    run = made()
    html = page(tmp_path, run)
    comparison: Comparison = run.comparison
    for figures in comparison.columns:
        assert figures.pass_rate is not None
        assert f"{100 * figures.pass_rate.mean:.1f} %" in html
        assert f"{figures.score:.3f}" in html
