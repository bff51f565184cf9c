"""What an endpoint says to a request that it cannot take: a message, the parameter at fault, a code.  (pure)"""

from __future__ import annotations

from typing import Any


class BadBody(ValueError):
    """What the API answers with status 400, or *status*: a message, the parameter at fault and a code."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, *, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


def missing(name: str, path: str | None = None) -> BadBody:
    """A required parameter is not there."""
    full = f"{path}.{name}" if path else name
    return BadBody(f"Missing required parameter: '{full}'.", full, "missing_required_parameter")


def unknown(name: str) -> BadBody:
    """A parameter that the API does not have."""
    return BadBody(f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def wrong_type(name: str, expected: str) -> BadBody:
    """*expected* says what should be there: ``a string``."""
    return BadBody(f"Invalid type for '{name}': expected {expected}.", name, "invalid_type")


def wrong_value(name: str, value: object, allowed: tuple[str, ...]) -> BadBody:
    """A value that is none of those allowed."""
    listed = ", ".join(f"'{each}'" for each in allowed)
    return BadBody(f"Invalid value: '{value}'. Supported values are: {listed}.", name, "invalid_value")


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """An error as the API words it: all four keys, always."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
