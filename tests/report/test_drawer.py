from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalrun.records.message import Image, Message, Picture
from evalrun.records.outcome import Attempt, Failure, FailureKind, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.wire import Wire, WireRequest, picture_mark, text_mark
from evalrun.report.snippets import LANGUAGES, body_json, filled, snippet
from tests.cli.harness import newest_run, program
from tests.cli.test_human import SUITE
from tests.report.factory import calling, make_comparison, make_facts, make_plan, make_rows, talking
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of
from tests.report.test_browser import Shown
from tests.report.test_browser import browser as browser
from tests.report.test_browser import show as show
from tests.report.written import write_reports
from tests.simulator.png import png, square

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Opener = Callable[..., Shown]

PHOTO = Picture(media_type="image/png", base64="", width=16, height=16, name="paris.png")


def shown_picture() -> Picture:
    """A picture that a browser can draw."""
    import base64

    return replace(PHOTO, base64=base64.b64encode(png(16, 16, square(16, 8))).decode())


def wire_of(plan: Plan) -> Callable[[Row], Wire | str]:
    """The requests of rows: one for each number of texts and pictures, as Wires would share them."""
    requests: dict[tuple[int, int], WireRequest] = {}

    def wire(row: Row) -> Wire | str:
        if row.cell.column == 2:
            return "nothing was sent: the answer comes from answers.jsonl"
        parts = [
            part
            for message in row.messages
            for part in ((message.content,) if isinstance(message.content, str) else message.content)
        ]
        texts = tuple(part for part in parts if isinstance(part, str))
        digests = tuple(dict.fromkeys(part.source for part in parts if isinstance(part, Image)))
        pictures = tuple((d, plan.suite.pictures[d].base64) for d in digests if d in plan.suite.pictures)
        body = {
            "model": "m",
            "messages": [text_mark(at) for at in range(len(texts))],
            "images": [f"data:image/png;base64,{picture_mark(at)}" for at in range(len(pictures))],
        }
        request = requests.setdefault(
            (len(texts), len(pictures)),
            WireRequest(
                url="https://lab.example/v1/chat/completions",
                headers={"content-type": "application/json"},
                body=body,
                key_variable="LAB_KEY",
                key_header="authorization",
                key_prefix="Bearer ",
                marked=True,
            ),
        )
        return Wire(request=request, texts=texts, pictures=pictures)

    return wire


def written(folder: Path, plan: Plan, rows: Callable[[], Iterator[Row]]) -> Path:
    """The report of these rows, with code."""
    write_reports(folder, plan, rows, make_comparison(plan, rows), make_facts(), wire_of=wire_of(plan))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which there is one of everything: dialogues, calls, errors, long texts, retries."""
    plan = make_plan(cases=8)
    plan = replace(plan, suite=replace(plan.suite, pictures={"sha256:paris": shown_picture()}))

    def rows() -> Iterator[Row]:
        for row in make_rows(plan)():
            if row.cell.case == 0:
                yield talking(row) if row.cell.column == 0 else calling(row)
            elif (row.cell.case, row.cell.column) == (1, 0):
                yield _long(row)
            elif (row.cell.case, row.cell.column) == (1, 1):
                yield _refused(row)
            else:
                yield row

    return written(tmp_path_factory.mktemp("drawer"), plan, rows)


def _long(row: Row) -> Row:
    """An answer of 38 kB, at the third attempt."""
    exchange = row.exchanges[0]
    text = "word " * 7_600 + "so it is Tokyo"
    attempts = (
        Attempt(sent_at=1.0, latency_s=0.2, result="rate_limit", http_status=429, message="slow down"),
        Attempt(sent_at=2.0, latency_s=0.3, result="ok", http_status=200),
    )
    body = json.dumps({"choices": [{"text": text[:20]}], "seed": 2**60, "one": 1.0})
    outcome = replace(exchange.outcome, text=text, body=body)
    return replace(row, exchanges=(replace(exchange, outcome=outcome, attempts=attempts, retry_wait_s=1.5),))


def _refused(row: Row) -> Row:
    exchange = row.exchanges[0]
    assert isinstance(exchange.outcome, Response)
    return replace(row, exchanges=(replace(exchange, outcome=replace(exchange.outcome, text=None, refusal="No.")),))


def opened(show: Opener, folder: Path, cell: str, **more: Any) -> Shown:
    """The page with that cell open."""
    shown = show(folder, address=f"#open={cell}", **more)
    shown.page.wait_for_selector("#cell[open] .panel > *")
    return shown


def panel(shown: Shown) -> str:
    """What the drawer's panel says."""
    return str(shown.page.inner_text("#cell .panel"))


def head(shown: Shown) -> str:
    """The case that is open."""
    return str(shown.page.inner_text("#d-h"))


def settled(shown: Shown, name: str) -> None:
    """Wait until that case and column are open."""
    shown.page.wait_for_function(
        "name => document.querySelector('#cell[open]') && location.hash.includes(name)", arg=name
    )
    shown.page.wait_for_function(
        "name => name.startsWith(document.querySelector('#d-h').firstChild.textContent)", arg=name
    )


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_dialogue_is_shown_whole(show: Opener, folder: Path, width: int, scheme: str) -> None:
    """Prompts, the picture itself, calls, a tool's answer, turns, reasoning, figures; nothing scrolls sideways."""
    shown = opened(show, folder, "france:large", width=width, scheme=scheme)
    text = panel(shown)
    for words in ["system", "Be brief.", "paris.png, 16 × 16, detail low", "tool get_weather", "And do I need a coat?"]:
        assert words in text
    assert 'calls get_weather({"city": "Paris"})' in text
    for words in ["first token after 0.25 s · 40 tokens/s", "3 requests", "30 cached by the vendor", "expected"]:
        assert words in text
    assert "18 degrees is warm." not in text
    shown.page.locator("#cell summary", has_text="characters").click()
    assert "18 degrees is warm." in panel(shown)
    assert shown.page.evaluate("document.querySelector('#cell img').naturalWidth") == 16
    assert shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shown.page.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.querySelector('#cell .panel'))")
    assert shown.complaints == []


def test_every_kind_of_answer_has_its_words(show: Opener, folder: Path) -> None:
    """Calls alone, further answers, refusals, errors and what the scorer read are told for what they are."""
    shown = opened(show, folder, "france:mini")
    assert "calls get_weather" in panel(shown)
    assert "answer 2" in panel(shown)
    assert "Another answer." in panel(shown)
    shown = opened(show, folder, "japan:mini")
    assert "refusal" in panel(shown)
    assert "No." in panel(shown)
    shown = opened(show, folder, "kenya:mini")
    assert "overload: 503 overloaded" in panel(shown)
    assert "HTTP 503" in panel(shown)
    shown = opened(show, folder, "canada:large")
    assert shown.page.inner_text("#cell mark") == "Ottawa"
    assert shown.complaints == []


def test_a_long_answer_is_folded(show: Opener, folder: Path) -> None:
    """The first 4 kB are shown, the rest behind a button that says how much there is; attempts are told one by one."""
    shown = opened(show, folder, "japan:large")
    assert len(panel(shown)) < 6_000
    assert "rate_limit · 429 · 0.20 s · slow down" in panel(shown)
    shown.page.click("text=show all 38 kB")
    assert "so it is Tokyo" in panel(shown)
    assert shown.page.locator("#cell .more").count() == 0
    assert shown.page.evaluate("document.activeElement.id") == "d-panel"


def test_keys_go_through_columns_cases_and_tabs(show: Opener, folder: Path) -> None:
    """1 2 3 and the arrows on tabs change how an answer is looked at, ← → the column, j k the case; Esc gives the
    focus back."""
    shown = show(folder)
    page = shown.page
    page.click('.open[aria-label^="japan, large"]')
    settled(shown, "japan:large")
    page.keyboard.press("2")
    assert page.get_attribute("#tab-code", "aria-selected") == "true"
    assert "tab=code" in page.url
    page.focus("#tab-code")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-raw"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-chat"
    page.keyboard.press("3")
    page.focus("#d-h")
    page.keyboard.press("ArrowRight")
    settled(shown, "japan:mini")
    assert page.get_attribute("#tab-raw", "aria-selected") == "true"
    assert page.inner_text("#cell .switch [aria-pressed=true]").startswith("mini")
    page.keyboard.press("j")
    settled(shown, "australia:mini")
    page.keyboard.press("k")
    page.keyboard.press("k")
    settled(shown, "france:mini")
    page.click('#cell [data-k="down"]')
    settled(shown, "japan:mini")
    assert page.evaluate("document.activeElement.dataset.k") == "down"
    page.keyboard.press("Escape")
    assert not page.is_visible("#cell")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("japan, mini")
    assert shown.complaints == []


def test_links_show_what_was_looked_at(show: Opener, folder: Path) -> None:
    """The address names the cell and the tab; one that nobody knows is passed over in silence."""
    shown = opened(show, folder, "canada:mini&tab=raw")
    assert shown.page.get_attribute("#tab-raw", "aria-selected") == "true"
    assert opened(show, folder, "canada:mini&tab=nonsense").page.get_attribute("#tab-chat", "aria-selected") == "true"
    assert not show(folder, address="#open=nowhere:mini").page.is_visible("#cell")


def test_code_is_what_evalrun_show_prints(show: Opener, folder: Path) -> None:
    """Each language's button shows the code, with the key's variable; what was not sent says why."""
    shown = opened(show, folder, "canada:large&tab=code")
    assert panel(shown).startswith("curl")
    assert '-H "authorization: Bearer $LAB_KEY"' in panel(shown)
    assert "What is the capital of Canada?" in panel(shown)
    shown.page.click("#cell .seg >> text=Python")
    assert 'os.environ["LAB_KEY"]' in panel(shown)
    shown.page.click("#cell .seg >> text=JavaScript")
    assert "await fetch(" in panel(shown)
    assert "The key is read from LAB_KEY; it is not in this page." in panel(shown)
    shown.page.keyboard.press("j")
    settled(shown, "turkey:large")
    assert "await fetch(" in panel(shown)
    assert "Nothing was sent: the answer comes from answers.jsonl." in panel(
        opened(show, folder, "canada:sim&tab=code")
    )
    assert shown.complaints == []


def test_raw_shows_request_and_reply(show: Opener, folder: Path) -> None:
    """Both as JSON over several lines, figures as they were written."""
    text = panel(opened(show, folder, "japan:large&tab=raw"))

    assert "POST https://lab.example/v1/chat/completions" in text
    assert '"What is the capital of Japan?"' in text
    assert f'"seed": {2**60},\n  "one": 1.0' in text
    assert "overload: 503 overloaded" in panel(opened(show, folder, "kenya:mini&tab=raw"))


def test_copy_takes_the_whole_code(show: Opener, folder: Path) -> None:
    """The button puts the code into the clipboard, or selects it where that is refused."""
    shown = opened(show, folder, "canada:large&tab=code")
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.page.click("#cell .copy")
    shown.page.wait_for_selector("text=Copied")
    assert shown.page.evaluate("navigator.clipboard.readText()").startswith("curl 'https://lab.example")
    shown.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    shown.page.wait_for_selector("#cell .copy:has-text('Copy')")
    shown.page.click("#cell .copy")
    shown.page.wait_for_selector("text=Selected")
    assert shown.page.evaluate("String(getSelection())").startswith("curl 'https://lab.example")


COMPOSED = """async () => {
  const shared = await page.shared(), found = [];
  for (let c = 0; c < page.cases.length; c++) for (let k = 0; k < page.columns.length; k++) {
    const texts = await page.texts(c, 0, k);
    if (texts) found.push([c, k, code.of(texts, shared)]);
  }
  return found;
}"""


def test_the_page_composes_the_same_code(show: Opener, tmp_path: Path) -> None:
    """For every hostile text in every place the code of the page is that of the terminal, to the character."""
    run = run_of(HOSTILE)
    wire = wire_of(run.plan)
    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts, wire_of=wire)
    found = {(c, k): made for c, k, made in show(tmp_path).page.evaluate(COMPOSED)}
    compared = 0
    for row in run.rows():
        one = wire(row)
        made = found[row.cell.case, row.cell.column]
        if isinstance(one, str):
            assert made["why"] == one
            continue
        expected = {language: filled(snippet(one.request, language), one) for language in LANGUAGES}
        expected["body"] = filled(body_json(one.request), one)
        assert {name: made[name] for name in expected} == expected
        compared += 1

    assert compared > 300


def test_texts_are_escaped_alike_in_page_and_terminal(show: Opener, folder: Path) -> None:
    """Every character is written the same way by the page and by Python, in all three kinds of strings."""
    from evalrun.report.snippets import escaped

    page = show(folder).page
    for start in range(0, 0x110000, 0x8000):
        text = "".join(f"{chr(point)} " for point in range(start, min(start + 0x8000, 0x110000)))
        for escapes in ("json", "python", "raw"):
            made = page.evaluate(
                """([start, end, escapes]) => {
                  let text = '';
                  for (let point = start; point < end; point++) text += String.fromCodePoint(point) + ' ';
                  return code.escaped(text, escapes);
                }""",
                [start, min(start + 0x8000, 0x110000), escapes],
            )
            assert made == escaped(text, escapes)  # type: ignore[arg-type]
    for text in ["##[x] ##VSO[y] ###[z]", "${`${", "a\\"]:
        assert page.evaluate("text => code.escaped(text, 'raw')", text) == escaped(text, "raw")


def test_hostile_texts_do_nothing_in_the_drawer(show: Opener, tmp_path: Path) -> None:
    """Opened in all three ways, with thumbs and notes, hostile texts run nothing and become no element."""
    run = run_of(HOSTILE)
    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts, wire_of=wire_of(run.plan))
    shown = show(tmp_path)
    page = shown.page
    strange = page.evaluate(
        """async () => {
          const wrong = new Set(), never = 'iframe, script, object, embed, form, link, meta, base, style, a, [style]';
          const wait = () => new Promise(done => setTimeout(done));
          for (let c = 0; c < page.cases.length; c++) for (let k = 0; k < page.columns.length; k++) {
            if (!page.cell(c, 0, k) || (c + k) % 2) continue;
            await drawer.open(c, 0, k);
            for (const key of '1u2d3') {
              document.getElementById('d-h').dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
              await wait();
              for (const element of document.querySelectorAll('#cell *')) {
                if (element.matches(never)) wrong.add(element.tagName);
                for (const {name} of element.attributes) if (name.startsWith('on')) wrong.add(name);
              }
            }
          }
          drawer.close();
          return [...wrong];
        }"""
    )

    assert strange == []
    assert page.title() == show(tmp_path).page.title()
    assert shown.complaints == []


# ── thumbs ──


def pressed(page: Any) -> list[str]:
    """Which thumbs are given."""
    return list(page.eval_on_selector_all(".thumb[aria-pressed=true]", "all => all.map(one => one.textContent)"))


def exported(page: Any) -> list[dict[str, Any]]:
    """The lines that Export saves, with the name of the file."""
    with page.expect_download() as waiting:
        page.click("#d-export")
    assert waiting.value.suggested_filename == "2026-11-20T10-31-07Z-3f9c.human.jsonl"
    return [json.loads(line) for line in Path(waiting.value.path()).read_text("utf-8").splitlines()]


def test_thumbs_are_kept_and_exported(show: Opener, folder: Path) -> None:
    """u and d give a thumb, a second press takes it back, a note goes along; all is there when the page is opened
    again."""
    shown = opened(show, folder, "japan:large")
    page = shown.page
    assert page.is_disabled("#d-export")
    assert page.is_disabled("#d-note")
    page.keyboard.press("u")
    assert pressed(page) == ["Right"]
    page.fill("#d-note", 'it\'s "right" – 東京 ud')
    page.focus("#d-h")
    page.keyboard.press("j")
    settled(shown, "australia:large")
    assert pressed(page) == []
    page.keyboard.press("d")
    assert pressed(page) == ["Wrong"]
    page.keyboard.press("d")
    assert pressed(page) == []
    page.keyboard.press("d")
    assert page.inner_text("#d-export") == "Export 2"
    assert "evalrun score 2026-11-20T10-31-07Z-3f9c --human FILE" in page.inner_text(".human")
    page.reload()
    settled(shown, "australia:large")
    assert pressed(page) == ["Wrong"]
    lines = exported(page)

    assert [(line["case"], line["column"], line["sample"], line["verdict"], line["note"]) for line in lines] == [
        ("japan", "large", 0, "pass", 'it\'s "right" – 東京 ud'),
        ("australia", "large", 0, "fail", ""),
    ]
    assert all(line["run"] == "2026-11-20T10-31-07Z-3f9c" and len(line["key"]) == 8 for line in lines)
    assert shown.complaints == []


def test_thumbs_work_where_nothing_may_be_kept(show: Opener, folder: Path) -> None:
    """Where the browser keeps nothing, thumbs hold until the page closes, and that is said."""
    shown = show(folder)
    page = shown.page
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})")
    page.goto(page.url + "#open=japan:large")
    page.reload()
    settled(shown, "japan:large")
    page.keyboard.press("u")

    assert pressed(page) == ["Right"]
    assert "Kept until this page closes." in page.inner_text(".human")
    assert exported(page)[0]["case"] == "japan"


def test_what_somebody_else_left_in_the_browser_is_passed_over(show: Opener, folder: Path) -> None:
    """Nonsense under the run's name does not keep the drawer from opening."""
    for text in ["[1]", "null", "{bad", '"x"']:
        shown = show(folder)
        shown.page.evaluate("text => localStorage.setItem('evalrun:' + page.run + ':human', text)", text)
        shown.page.goto(shown.page.url + "#open=japan:large")
        shown.page.reload()
        settled(shown, "japan:large")
        shown.page.keyboard.press("u")
        assert pressed(shown.page) == ["Right"]
        assert shown.complaints == []


def test_an_error_has_no_body_to_show(show: Opener, tmp_path: Path) -> None:
    """Raw says of an error what is known; the body that came with it is shown where it was kept."""
    plan = make_plan(cases=1)

    def rows() -> Iterator[Row]:
        for row in make_rows(plan)():
            failure = Failure(kind=FailureKind.SERVER, message="boom", http_status=500, body='{"error": "boom"}')
            yield replace(row, exchanges=(replace(row.exchanges[0], outcome=failure),), mark=None)

    text = panel(opened(show, written(tmp_path, plan, rows), "france:large&tab=raw"))

    assert '"error": "boom"' in text


def test_blank_and_odd_messages_are_shown(show: Opener, tmp_path: Path) -> None:
    """Empty messages, messages of right-to-left text and control characters are shown as what they are."""
    plan = make_plan(cases=1)
    messages = (Message(role="system", content=""), Message(role="user", content="\u202eabc\x1b[31m"))

    def rows() -> Iterator[Row]:
        return (replace(row, messages=messages) for row in make_rows(plan)())

    shown = opened(show, written(tmp_path, plan, rows), "france:large")

    assert "(empty)" in panel(shown)
    assert "\\u202eabc\\x1b[31m" in panel(shown)
    shown.page.keyboard.press("2")
    assert '"\\u202eabc\\u001b[31m"' in panel(shown)


def test_thumbs_come_back_from_the_browser(tmp_path: Path, show: Opener) -> None:
    """Thumbs given in the report, exported and read back, are a scorer in every file, and the new report shows them."""
    (tmp_path / "sums.yaml").write_text(SUITE)
    assert program("sums.yaml", "--quiet", cwd=tmp_path).code in (0, 1)
    folder = newest_run(tmp_path / "results")
    page = show(folder, address="#open=one:large").page
    page.wait_for_selector("#cell[open] .thumb")
    page.keyboard.press("d")
    page.fill("#d-note", "curt")
    page.focus("#d-h")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.hash.includes('one:small')")
    page.wait_for_selector("#cell[open] .switch [aria-pressed=true]:has-text('small')")
    page.keyboard.press("u")
    with page.expect_download() as waiting:
        page.click("#d-export")
    waiting.value.save_as(tmp_path / "human.jsonl")
    said = program("score", "sums", "--human", "human.jsonl", cwd=tmp_path)
    assert said.code == 0, said.err
    assert "2 verdicts read" in said.err
    read = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False).set_index(["case", "model"])
    assert list(read["scorer.human"]) == ["0.000000", "1.000000", "", ""]
    assert read.loc[("one", "large")]["reason"] == "human: curt"
    shown = show(folder, address="#open=one:large")
    page = shown.page
    page.wait_for_selector("#cell[open] .thumb[aria-pressed=true]")

    assert "human" in page.inner_text("#cell .scores")
    assert page.inner_text("#cell .thumb[aria-pressed=true]") == "Wrong"
    assert page.input_value("#d-note") == "curt"
    assert page.is_disabled("#d-export")
    page.keyboard.press("d")
    with page.expect_download() as waiting:
        page.click("#d-export")
    assert json.loads(Path(waiting.value.path()).read_text())["verdict"] is None
    assert shown.complaints == []
