from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from evalrun.errors import Code, SuiteInvalid
from evalrun.records.message import Image, Message, Picture
from evalrun.records.suite import Suite
from evalrun.suite import pictures
from evalrun.suite.rendering import render_messages, render_turns
from tests.suite.corpus import PNG
from tests.suite.test_image_headers import GIF
from tests.suite.test_load import load

DIGEST = f"sha256:{hashlib.sha256(PNG).hexdigest()}"


def suite_of(folder: Path, content: Any, *cases: dict[str, Any], **more: Any) -> Suite:
    """A suite with one prompt, and a case for each set of variables."""
    said = json.dumps({"user": content, **more})
    return load(
        folder,
        prompts=f"{{ask: {said}}}",
        cases=json.dumps([{"vars": variables, "expected": "y"} for variables in cases or [{}]]),
    )


def test_a_picture_is_read_and_known_by_its_bytes(tmp_path: Path) -> None:
    """A file is what its bytes are, whatever its name says, and goes into a message by its digest, with its size."""
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "cat.jpg").write_bytes(PNG)
    suite = suite_of(tmp_path, ["See:", {"image": "img/cat.jpg", "detail": "high"}])

    assert suite.picture_files == {"img/cat.jpg": DIGEST}
    assert suite.pictures == {
        DIGEST: Picture(
            media_type="image/png",
            base64=base64.b64encode(PNG).decode(),
            width=20,
            height=10,
            name=str(tmp_path / "img" / "cat.jpg"),
        )
    }
    assert render_messages(suite.prompts[0], suite.cases[0], suite) == (
        Message(role="user", content=("See:", Image(source=DIGEST, detail="high", width=20, height=10))),
    )


def test_every_case_has_its_picture(tmp_path: Path) -> None:
    """Names are templates: files of all cases are read, in messages and in turns, and the same bytes are kept once."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "c.png").write_bytes(GIF)
    content = [{"image": "{{ f }}.png"}]
    suite = suite_of(tmp_path, "Hi", {"f": "a"}, {"f": "b"}, {"f": "c"}, {"f": "https://x.example/d"}, turns=[content])

    turns = [render_turns(suite.prompts[0], case, suite)[0].images[0] for case in suite.cases]
    assert [image.source == DIGEST for image in turns] == [True, True, False, False]
    assert [(image.width, image.height) for image in turns] == [(20, 10), (20, 10), (640, 480), (None, None)]
    assert turns[3].source == "https://x.example/d.png"
    assert len(suite.pictures) == 2
    assert sorted(suite.picture_files) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize(
    "url",
    ["https://a.example/a.png?sig=x#y", "http://a.example/a.png", "http://127.0.0.1:8000/a", "HTTPS://A.example/@x"],
)
def test_urls_are_the_vendors_to_fetch(url: str, tmp_path: Path) -> None:
    """An http or https URL is let be, with its query; nothing is read."""
    suite = suite_of(tmp_path, [{"image": url}])

    assert (suite.pictures, suite.picture_files) == ({}, {})
    assert render_messages(suite.prompts[0], suite.cases[0], suite)[0].images == (Image(source=url),)


def test_each_place_is_told_with_its_cases(tmp_path: Path) -> None:
    """A file that is missing is told once a place, with the cases that want it."""
    with pytest.raises(SuiteInvalid) as raised:
        suite_of(
            tmp_path, [{"image": "{{ f }}"}, {"image": "x.png"}], *[{"f": "x.png"}] * 5, turns=[[{"image": "x.png"}]]
        )

    found = [(complaint.path, complaint.message.partition(")")[2]) for complaint in raised.value.complaints]
    assert found == [
        ("prompts.ask.user.0.image", " (case case-1, case-2, case-3 and 2 more)"),
        ("prompts.ask.user.1.image", ""),
        ("prompts.ask.turns.0.0.image", ""),
    ]


def test_all_pictures_together_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a suite's pictures may have together is refused with both figures, before it is read."""
    monkeypatch.setattr(pictures, "MAX_PICTURES_BYTES", 3 << 20)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(PNG + name.encode() + b"-" * (2 << 20))

    with pytest.raises(SuiteInvalid) as raised:
        suite_of(tmp_path, [{"image": "{{ f }}"}], {"f": "a.png"}, {"f": "b.png"})

    (complaint,) = raised.value.complaints
    assert complaint.code is Code.FILE_TOO_LARGE
    assert "the pictures have 4.0 MiB, and those of a suite together at most 3.0 MiB (case case-2)" in str(complaint)
