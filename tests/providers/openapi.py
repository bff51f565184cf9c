"""Checks bodies against OpenAI's own description of its API, which lies beside the repository."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, NoReturn

import jsonschema_rs

from tests.conftest import SHARED, require

DOCUMENT = SHARED / "data" / "openapi" / "openai_openapi.json"


def valid(schema_name: str, body: Mapping[str, Any]) -> None:
    """Fail the running test where *body* breaks the named schema (``CreateChatCompletionRequest``); say every breach.

    Skips the test where the document is absent, so call it last.
    """
    require(DOCUMENT.is_file(), "needs OpenAI's API description in ../shared/data/openapi")
    breaches = [
        f"{'.'.join(map(str, e.instance_path))}: {e.message}" for e in _validator(schema_name).iter_errors(body)
    ]

    assert not breaches, "; ".join(breaches)


@functools.cache
def _components() -> Any:
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))["components"]


@functools.cache
def _validator(schema_name: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{schema_name}", "components": _components()}
    return jsonschema_rs.Draft202012Validator(schema, retriever=_refuse)


def _refuse(uri: str) -> NoReturn:
    raise AssertionError(f"the document refers to {uri}")
