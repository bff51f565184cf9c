"""JSON text (RFC 8259) -> values, and why it is none. NaN and Infinity, which Python would let pass, are no JSON."""

from __future__ import annotations

import json
import math
import sys
from typing import Any, NoReturn

MOST_DIGITS = 4_000


class NotJson(ValueError):
    """The text is not one JSON value. The message says why, and where."""


def loads(text: str) -> Any:
    """The value of a JSON text. Raises NotJson.

    A number that Python cannot hold, or only as infinity, becomes the largest float of its sign.
    """
    try:
        return json.loads(text, parse_int=whole, parse_float=real, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at {error.lineno}:{error.colno}") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    except RecursionError:
        raise NotJson("nested too deeply") from None


def whole(digits: str) -> int | float:
    """A whole number; Python reads no more than some thousand digits of one."""
    return int(digits) if len(digits) <= MOST_DIGITS else real(digits)


def real(text: str) -> float:
    """A number, finite."""
    number = float(text)
    return number if math.isfinite(number) else math.copysign(sys.float_info.max, number)


def refuse(constant: str) -> NoReturn:
    """Python's json would take these for numbers."""
    raise ValueError(f"{constant} is no JSON")
