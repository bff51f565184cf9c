"""Placeholder until the net branch lands."""

from collections.abc import Mapping
from typing import Any


def adapt(
    provider_id: str, dialect: str, model: str, params: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """x"""
    return dict(params), ()
