from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.model_lists import list_paths, names_in, next_page
from evalrun.records.suite import Provider


@pytest.mark.parametrize(
    ("dialect", "base_url", "api_version", "paths"),
    [
        ("openai-chat", "https://a.example/v1", "", ("/models",)),
        ("anthropic-messages", "https://a.example/v1", "", ("/models?limit=1000",)),
        ("azure-openai", "https://a.example", "", ("/openai/models?api-version=2024-10-21",)),
        ("azure-openai", "https://a.example", "2025-01-01", ("/openai/models?api-version=2025-01-01",)),
        ("azure-openai", "https://a.example/openai/v1", "", ("/models",)),
        (
            "azure-ai-inference",
            "https://a.example",
            "",
            ("/models/info?api-version=2024-05-01-preview", "/info?api-version=2024-05-01-preview"),
        ),
    ],
)
def test_where_lists_are(dialect: str, base_url: str, api_version: str, paths: tuple[str, ...]) -> None:
    """Each dialect's list is where its vendor has it."""
    assert list_paths(Provider(id="x", dialect=dialect, base_url=base_url, api_version=api_version)) == paths


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),
        ([{"id": "a/b", "name": "A B"}], ["a/b"]),
        ({"models": [{"name": "n", "model": "m"}]}, ["n"]),
        (["a", "b"], ["a", "b"]),
        ({"model_name": "Phi-4", "model_type": "chat-completion"}, ["Phi-4"]),
        ({"data": []}, []),
        ({"data": {}}, None),
        ({}, None),
        ("a", None),
        (None, None),
    ],
)
def test_what_lists_say(said: Any, names: list[str] | None) -> None:
    """The names of every shape of list; what is no list is none."""
    assert names_in(said) == names


def test_pages() -> None:
    """A list in pages says after which id it goes on; the next path keeps the rest of the first."""
    path = "/models?limit=1000"

    assert next_page({"has_more": True, "last_id": "a b"}, path) == "/models?limit=1000&after_id=a%20b"
    assert next_page({"has_more": True, "last_id": "c"}, "/models?limit=1000&after_id=a") == f"{path}&after_id=c"
    assert next_page({"has_more": False, "last_id": "c"}, path) is None
    assert next_page({"has_more": True}, path) is None
    assert next_page([], path) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "id", "models", "name", "x"]), inner),
)


@pytest.mark.slow
@given(JSON)
def test_any_json_is_read(said: Any) -> None:
    """Whatever a server answers, there are names or there is no list."""
    names = names_in(said)
    next_page(said, "/models")

    assert names is None or all(isinstance(name, str) for name in names)
