"""The dialects by name, with the version of each one's wire form, and the door for other packages' dialects.

Another package adds a dialect through the entry point group ``evalrun.dialects``: the entry point's name is the
dialect's, its object what `evalrun.providers.dialect.Dialect` describes, with a whole number ``VERSION``. It is looked
for, and its code run, only when a suite names a dialect that is not built in. A built-in name cannot be taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from evalrun.errors import UsageError

GROUP = "evalrun.dialects"

_VERSIONS: Mapping[str, int] = {
    "openai-chat": 1,
    "openai-responses": 1,
    "openai-completions": 1,
    "openai-embeddings": 1,
    "azure-openai": 1,
    "azure-ai-inference": 1,
    "anthropic-messages": 1,
    "recorded": 1,
}
_MEMBERS = ("path", "headers", "build", "parse")


class _Dialects(Mapping[str, int]):
    """Names to versions. Going through it lists what is built in; asking by name finds foreign ones too."""

    def __getitem__(self, name: str) -> int:
        return _VERSIONS[name] if name in _VERSIONS else int(foreign_dialect(name).VERSION)

    def __iter__(self) -> Iterator[str]:
        return iter(_VERSIONS)

    def __len__(self) -> int:
        return len(_VERSIONS)


DIALECTS: Mapping[str, int] = _Dialects()
"""Dialect -> version of its wire form, a part of every request key: raising it makes every answer be asked again."""


@lru_cache(maxsize=64)
def foreign_dialect(name: str) -> Any:
    """Another package's dialect called *name*. Raises KeyError for none, UsageError for a broken one."""
    for point in entry_points(group=GROUP, name=name):
        try:
            found = point.load()
        except Exception as error:  # foreign code may raise anything while it is imported
            raise UsageError(f"dialect {name} ({point.value}) cannot be loaded: {error}") from error
        whole = all(callable(getattr(found, member, None)) for member in _MEMBERS)
        if not whole or not isinstance(getattr(found, "VERSION", None), int) or not hasattr(found, "AUTH"):
            needed = ", ".join(("AUTH", "VERSION", *_MEMBERS))
            raise UsageError(f"dialect {name} ({point.value}) lacks what a dialect has: {needed}")
        return found
    raise KeyError(name)
