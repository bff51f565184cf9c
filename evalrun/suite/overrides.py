"""What the command line says louder than the suite: models, parameters, variables, and where keys may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalrun.errors import Code
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints, Spot
from evalrun.suite.document import Document, read_yaml
from evalrun.suite.entries import ParamsEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Options of the command line that change what a suite says.

    *models* take the place of the suite's: ``provider/model``, or the label or id of one of its own. *params* hold in
    every request; a text is read as YAML would read it. *variables* hold in every case, as they are. *allow_origins*
    are pairs of environment variable and origin that a key may go to. *endpoints* are the addresses that the
    environment gives, by provider id.
    """

    models: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    allow_origins: frozenset[tuple[str, str]] = frozenset()
    endpoints: Mapping[str, str] = field(default_factory=dict)


_PARAMS: Form[ParamsEntry] = Form(ParamsEntry)


def params_of(entry: ParamsEntry | None) -> dict[str, Any]:
    """The parameters that were said; a number without a fraction is a whole number, so that 0 and 0.0 are one."""
    if entry is None:
        return {}
    return {key: plain_number(value) for key, value in entry.model_dump(exclude_unset=True).items()}


def plain_number(value: Any) -> Any:
    """0.0 as 0; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def check_params(given: Mapping[str, Any], complaints: Complaints) -> dict[str, Any]:
    """The parameters of ``--set``, read and checked."""
    read: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, str) and name in ParamsEntry.model_fields:
            document = read_yaml("--set", value, complaints)
            if document is None:
                continue
            # What --stop is given stays text, though it may look like a number.
            value = value if name == "stop" and not isinstance(document.value, list) else document.value
        read[name] = value
    return params_of(Border(Document("--set", read), complaints).take(_PARAMS, read, ()))


def check_variables(given: Mapping[str, Any], complaints: Complaints) -> dict[str, Any]:
    """The variables of ``--var``."""
    for name in given:
        if not name.isidentifier():
            complaints.add(Spot("--var", path=name), Code.BAD_NAME, "a variable has letters, digits and _")
        if name == "expected":
            complaints.add(Spot("--var", path=name), Code.RESERVED_VARIABLE, "`expected` belongs to the case")
    return dict(given)
