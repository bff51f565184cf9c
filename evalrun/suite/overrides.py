"""What the command line says louder than the suite: models, parameters, variables, and where keys may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Options of the command line that change what a suite says.

    *models* take the place of the suite's: ``provider/model``, or the label or id of one of its own. *params* hold in
    every request; a text is read as YAML would read it. *variables* hold in every case, as they are. *allow_origins*
    are pairs of environment variable and origin that a key may go to. *endpoints* are the addresses that the
    environment gives, by provider id. *allow_code*: Python functions that the suite names may be run.
    """

    models: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    allow_origins: frozenset[tuple[str, str]] = frozenset()
    endpoints: Mapping[str, str] = field(default_factory=dict)
    allow_code: bool = False


def check_variables(given: Mapping[str, Any], complaints: Complaints) -> dict[str, Any]:
    """The variables of ``--var``."""
    for name in given:
        if not name.isidentifier():
            complaints.add(Spot("--var", path=name), Code.BAD_NAME, "a variable has letters, digits and _")
        if name == "expected":
            complaints.add(Spot("--var", path=name), Code.RESERVED_VARIABLE, "`expected` belongs to the case")
    return dict(given)
