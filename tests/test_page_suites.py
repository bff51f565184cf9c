"""Every piece of a suite that a page shows makes a suite that loads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_pages import PAGES
from tests.test_walkthrough import FOLLOWED

OTHERWISE = {ROOT / "docs" / name for name in ("prompts.md", "suite.md")}
"""Pages whose pieces are loaded by tests of their own, which know what they need."""

PIECES = [
    pytest.param(piece, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    if page not in FOLLOWED and page not in OTHERWISE
    for number, piece in enumerate(re.findall(r"^ *```yaml\n(.*?)^ *```", page.read_text("utf-8"), re.M | re.S))
    if isinstance(yaml.safe_load(dedent(piece)), dict)  # else it is a part of a workflow
]
LABELS = {"simulator/large": "large", "simulator/small": "small", "simulator/medium": "mini", "lab/large": "lab"}
REST = {
    "models": [{"id": model, "label": label} for model, label in LABELS.items()],
    "providers": {"lab": {"base_url": "http://127.0.0.1:8000/v1"}},
    "prompts": {"ask": "Hi"},
    "cases": [{"id": "one", "expected": "x", "tags": ["europe"]}],
    "scorers": [{"icontains": {"name": "terse"}}],
}


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_of_a_suite_loads(piece: str, tmp_path: Path) -> None:
    """What it leaves out is filled in; a quota alone is one of a model."""
    from evalrun.scoring import OPTIONS
    from evalrun.suite.load import load_suite

    text = dedent(piece)
    keys = set(yaml.safe_load(text))
    if keys == {"quota"}:
        text = "models:\n  - id: simulator/large\n    " + text
        keys = {"models"}
    text += "".join(f"\n{key}: {json.dumps(value)}" for key, value in REST.items() if key not in keys)
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")

    assert load_suite(tmp_path / "suite.yaml", scorers=OPTIONS).models


def test_there_are_pieces() -> None:
    """The pages that show pieces are found."""
    assert {"README.md", "docs/quota.md", "docs/tokens.md"} <= {str(one.id).partition(":")[0] for one in PIECES}
