"""`evalrun show`: one answer, and the code that asks for it again, which is run here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalrun.safe_text import safe_text
from tests.cli.harness import BASIC, Simulator, call
from tests.cli.recorder import Recorder, Sent
from tests.conftest import REAL_ENVIRONMENT, require
from tests.simulator.png import png, square

KEY = "a-key-for-the-tests"
SECRET_HEADERS = ("authorization", "api-key", "x-api-key")
COMPARED = (*SECRET_HEADERS, "accept", "content-type", "user-agent", "anthropic-version", "extra-parameters", "x-team")

NASTY = (
    "It's `whoami` and \"$HOME\" and ${KEY} $(touch pwned); '; touch pwned; '\n"
    "JSON\nEOF\n\\n \\ \\u0041 \t! !! 100% {{ not a template }} ##[error]x ##vso[task.complete]\n"
    "</script><!-- 東京 \U0001f469\u200d\U0001f4bb \U000e0041 \u202e\u2028 \x1b[31m \x7f \x85 caf\u00e9"
    " e\u0301 ''' \"\"\" end\\"
)

MODELS = {
    "openai-chat": "chat/large",
    "openai-responses": "responses/large",
    "openai-completions": "completions/large",
    "openai-embeddings": "embeddings/large",
    "anthropic-messages": "messages/large",
    "azure-openai": "azure/large",
    "azure-ai-inference": "foundry/large",
}

STOP = ["'s\n", '"#', "`$(", "\\"]
HAVE_STOP = frozenset({"openai-chat", "anthropic-messages", "azure-openai"})


def suite_of(origin: str) -> str:
    """A suite with a model of every dialect, whose requests hold what is awkward to quote."""
    bases = {
        "chat": ("openai-chat", "/v1"),
        "responses": ("openai-responses", "/v1"),
        "completions": ("openai-completions", "/v1"),
        "embeddings": ("openai-embeddings", "/v1"),
        "messages": ("anthropic-messages", "/v1"),
        "azure": ("azure-openai", ""),
        "foundry": ("azure-ai-inference", ""),
    }
    providers = {
        name: {
            "dialect": dialect,
            "base_url": origin + path,
            "api_key_env": "LAB_KEY",
            "headers": {"x-team": "it's $1"},
        }
        for name, (dialect, path) in bases.items()
    }
    return json.dumps(
        {
            "version": 1,
            "name": "wire",
            "providers": providers,
            "models": [
                *(
                    {"id": name, "label": dialect, "params": {"stop": STOP} if dialect in HAVE_STOP else {}}
                    for dialect, name in MODELS.items()
                ),
                {"id": "chat/large", "label": "streamed", "params": {"stream": True}},
                {"id": "messages/large", "label": "streamed messages", "params": {"stream": True}},
            ],
            "params": {"temperature": 0, "max_tokens": 40, "seed": 7},
            "prompts": {"nasty": {"system": 'Say it\'s "so" in $1 `word`.', "user": "{{ text }}"}},
            "cases": [{"file": "cases.jsonl", "id": "id"}],
        }
    )


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Recorder, dict[str, Sent]]]:
    """A run of all dialects through a recorder: its folder, the recorder, and what each column sent."""
    from evalrun import cli

    folder = tmp_path_factory.mktemp("wire")
    with (
        pytest.MonkeyPatch.context() as patch,
        Simulator(folder) as simulator,
        Recorder(simulator.url.removesuffix("/v1")) as recorder,
    ):
        patch.setenv("LAB_KEY", KEY)
        patch.setenv("EVALRUN_STATE", str(folder / "state"))
        (folder / "cases.jsonl").write_text(json.dumps({"id": "nasty: #1", "text": NASTY}), encoding="utf-8")
        (folder / "wire.yaml").write_text(suite_of(recorder.origin), encoding="utf-8")
        results = folder / "results"
        code = cli.execute([str(folder / "wire.yaml"), "--results", str(results), "-j", "1", "--quiet"])
        assert code in (0, 3)
        labels = [*MODELS, "streamed", "streamed messages"]
        assert len(recorder.sent) == len(labels)
        by_label = {label: sent for label in labels for sent in recorder.sent if _is_of(label, sent)}
        yield results, recorder, by_label


def _is_of(label: str, sent: Sent) -> bool:
    paths = {
        "openai-chat": "/v1/chat/completions",
        "openai-responses": "/v1/responses",
        "openai-completions": "/v1/completions",
        "openai-embeddings": "/v1/embeddings",
        "anthropic-messages": "/v1/messages",
        "azure-openai": "/openai/deployments/large/chat/completions?api-version=2024-10-21",
        "azure-ai-inference": "/models/chat/completions?api-version=2024-05-01-preview",
        "streamed": "/v1/chat/completions",
        "streamed messages": "/v1/messages",
    }
    return sent.path == paths[label] and bool(sent.body.get("stream")) is label.startswith("streamed")


def shown(results: Path, label: str, form: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `evalrun show --as` prints for a column's only cell."""
    said = call(capsys, "show", "wire", f"nasty: #1:{label}", "--as", form, "--results", results)
    assert said.code == 0, said.err
    return said.out


def execute(form: str, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code as its first line or its language says, with the key in the environment."""
    file = folder / {"curl": "ask.sh", "python": "ask.py", "javascript": "ask.mjs"}[form]
    file.write_text(code, encoding="utf-8")
    program = {"curl": "sh", "python": sys.executable, "javascript": "node"}[form]
    path = REAL_ENVIRONMENT["PATH"]
    require(shutil.which("curl" if form == "curl" else program, path=path), f"needs {form} (Debian: curl, nodejs)")
    return subprocess.run(
        [program, str(file)],
        cwd=folder, env={"PATH": path, "LAB_KEY": KEY, "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("label", [*MODELS, "streamed", "streamed messages"])
@pytest.mark.parametrize("form", ["curl", "python", "javascript"])
def test_the_code_sends_what_was_sent(
    form: str,
    label: str,
    asked: tuple[Path, Recorder, dict[str, Sent]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run as it stands, the code sends the same body to the same address with the same headers, and nothing else runs.

    The simulator answers it as it answered evalrun.
    """
    results, recorder, by_label = asked
    before = len(recorder.sent)
    done = execute(form, shown(results, label, form, capsys), tmp_path)
    (again,) = recorder.sent[before:]
    first = by_label[label]

    assert again.body == first.body
    assert again.path == first.path
    assert {n: again.headers.get(n) for n in COMPARED} == {n: first.headers.get(n) for n in COMPARED}
    assert any(KEY in again.headers.get(name, "") for name in SECRET_HEADERS)
    assert again.status == first.status == 200
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("pwned")) == []


@pytest.mark.parametrize("form", ["chat", "raw", "curl", "python", "javascript"])
def test_the_key_is_nowhere(
    form: str, asked: tuple[Path, Recorder, dict[str, Sent]], capsys: pytest.CaptureFixture[str]
) -> None:
    """No form holds the key's value, code names its variable, and all of it is inert in a terminal."""
    results, _, by_label = asked
    for label in by_label:
        text = shown(results, label, form, capsys)

        assert KEY not in text
        assert ("LAB_KEY" in text) is (form in ("curl", "python", "javascript"))
        assert safe_text(text) == text


@pytest.mark.slow
@pytest.mark.parametrize("form", ["curl", "python", "javascript"])
def test_tools_pictures_and_dialogues_are_sent_again(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a dialogue the code sends the last request, whole: history, calls, a tool's answer and the picture's bytes."""
    (tmp_path / "dot.png").write_bytes(png(8, 8, square(8, 4)))
    suite = {
        "version": 1,
        "name": "talk",
        "models": [{"id": "lab/large", "label": "chat"}, {"id": "other/large", "label": "messages"}],
        "prompts": {
            "weather": {
                "messages": [
                    {"role": "system", "content": 'It\'s "brief".'},
                    {"role": "user", "content": ["What is the weather in Paris?", {"image": "dot.png"}]},
                ],
                "tools": [
                    {
                        "name": "get_weather",
                        "description": "It's for `weather` in $CITY",
                        "parameters": {
                            "type": "object",
                            "properties": {
                                "city": {"type": "string"},
                                "__proto__": {"type": "number", "maximum": 2**63},
                            },
                            "required": ["city"],
                        },
                    }
                ],
                "tool_results": [{"tool": "get_weather", "result": {"celsius": 18, "note": "it's '$(fine)'"}}],
                "turns": ["It's $5: what is 2 + 3?"],
            }
        },
        "cases": [{"id": "paris", "vars": {}}],
    }
    with Simulator(tmp_path) as simulator, Recorder(simulator.url.removesuffix("/v1")) as recorder:
        places = {"lab": "openai-chat", "other": "anthropic-messages"}
        suite["providers"] = {n: {"dialect": d, "base_url": recorder.origin + "/v1"} for n, d in places.items()}
        (tmp_path / "talk.yaml").write_text(json.dumps(suite), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        said = call(capsys, "talk.yaml", "--quiet", "-j", "1")
        assert said.code in (0, 3), said.err
        for label, path in {"chat": "/v1/chat/completions", "messages": "/v1/messages"}.items():
            last = [sent for sent in recorder.sent if sent.path == path][-1]
            code = call(capsys, "show", "talk", f"paris:{label}", "--as", form).out
            done = execute(form, code, tmp_path)

            assert done.returncode == 0, done.stderr
            assert recorder.sent[-1].body == last.body
            assert len(last.body["messages"]) > 2
            assert recorder.sent[-1].path == path


@pytest.fixture
def basic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A run of the basic suite's first cases in this folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert call(capsys, BASIC, "--limit", "3", "--quiet").code in (0, 1)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("sum", "sum: 3 answers; say which: sum:large, sum:medium, sum:small"),
        ("sums", "sums: no such case (did you mean sum?)"),
        ("sum:lage", "sum:lage: case sum has no column lage (did you mean sum:large?)"),
        ("sum:elsewhere", "(the columns are large, medium, small)"),
        ("sum:large#3", "sum:large#3: sum has no sample 3 (samples count from 0; there are 1)"),
        ("99", "99: no such row (1 to 9), and no case is called so"),
        ("0", "0: no such row (1 to 9)"),
        ("zzz", "zzz: no such case (the cases are sum, product, brackets)"),
    ],
)
@pytest.mark.usefixtures("basic")
def test_a_name_that_means_no_cell(row: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What names none or several is answered with the nearest name or with those that there are, and exit code 2."""
    said = call(capsys, "show", "basic", row)

    assert said.code == 2
    assert words in said.err
    assert said.out == ""


@pytest.mark.usefixtures("basic")
def test_a_conversation_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Every name of a cell shows it: prompts, answer, scorers and what was expected, within the width."""
    texts = {call(capsys, "show", "basic", row).out for row in ("sum:large", "sum:large#0", "1", "sum:LARGE")}

    (text,) = texts
    for words in ["sum · large", "row 1 of results.csv", "What is 47 + 58?", "icontains: pass", "answer\n  105"]:
        assert words in text
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


@pytest.mark.usefixtures("basic")
def test_code_for_a_simulated_model_says_how_to_start_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A model that lived as long as the run has the address of `evalrun simulate`, and the code says to start it."""
    text = call(capsys, "show", "basic", "sum:large", "--as", "curl").out

    assert text.startswith("# first start the simulated models in another terminal: evalrun simulate\n")
    assert "http://127.0.0.1:8080/v1/chat/completions" in text


def test_a_recorded_answer_has_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing was sent there is nothing to send again, and that is said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers.jsonl").write_text('{"id": "a", "answer": "yes"}\n')
    (tmp_path / "old.yaml").write_text(
        "version: 1\nname: old\nmodels: [{id: recorded/old, file: answers.jsonl, match: id, answer: answer}]\n"
        "prompts: {p: {user: 'Yes?'}}\ncases: [{id: a, expected: yes}]\nscorers: [icontains]\n"
    )
    assert call(capsys, "old.yaml", "--quiet").code == 0
    said = call(capsys, "show", "old", "a", "--as", "python")

    assert said.code == 2
    assert "nothing was sent: the answer comes from answers.jsonl" in said.err
    assert "yes" in call(capsys, "show", "old", "a").out
