"""What every figure must be, however poor the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import numpy as np


def numbers(value: object) -> Iterator[float]:
    """Every number in a result, however deep."""
    if isinstance(value, float | int):
        yield value
    elif isinstance(value, np.ndarray):
        yield from value.ravel().tolist()
    elif is_dataclass(value):
        for each in fields(value):
            yield from numbers(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from numbers(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from numbers(each)


def finite(value: object) -> bool:
    """Whether no number in a result is nan or infinite."""
    return all(map(math.isfinite, numbers(value)))
