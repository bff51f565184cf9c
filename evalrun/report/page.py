"""report.html: one file that loads nothing, runs one script and trusts no text.

The head, the summary and the colophon are plain HTML from a template with autoescape; every string passes through
safe_text.visible on its way. The case table is built by the script from data that is inert, as text nodes. The content
policy names the hashes of the one style and the one script, so that nothing else can run or be fetched.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import IO, TYPE_CHECKING, Any

from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.run import RunFacts
from evalrun.records.trend import TrendPoint
from evalrun.report.island import Island
from evalrun.report.table_columns import table_columns
from evalrun.report.view import view
from evalrun.safe_text import visible

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

_STYLES = ("page.css", "cases.css", "drawer.css")
_SCRIPTS = (
    "core.js", "inflate.js", "data.js", "address.js", "filters.js", "words.js", "cases.js", "code.js", "thumbs.js",
    "drawer.js", "flips.js", "start.js",
)  # fmt: skip


def write_page(
    file: IO[str],
    plan: Plan,
    comparison: Comparison,
    facts: RunFacts,
    island: Island,
    trend: Sequence[TrendPoint] = (),
) -> None:
    """Write the page: *island* holds the rows of the case table, *trend* the runs of the suite so far."""
    from markupsafe import Markup

    style, script = style_and_script()
    for chunk in template("page.html").generate(
        **view(plan, comparison, facts, trend),
        cases=island.held,
        policy=policy(style, script),
        style=Markup(style),  # noqa: S704  # our own file
        script=Markup(script),  # noqa: S704  # our own files
        data=data_elements(island, {"run": visible(facts.run), **table_columns(plan, comparison)}),
    ):
        file.write(chunk)


def data_elements(island: Island, head: Mapping[str, Any]) -> Iterator[tuple[str, str, Markup]]:
    """The elements that hold the page's data: id, type and text. None of the texts has a ``<``."""
    from markupsafe import Markup

    for name, kind, text in island.elements(head):
        yield name, kind, Markup(text)  # noqa: S704  # JSON with < > & escaped, or dense text, which has none


def style_and_script() -> tuple[str, str]:
    """The one style and the one script that every page has."""
    return "".join(map(asset, _STYLES)), "'use strict';\n" + "".join(map(asset, _SCRIPTS))


def policy(style: str, script: str = "") -> str:
    """The content policy that lets just these in: a style, and a script where there is one."""
    scripts = f"script-src 'sha256-{_sha256(script)}'; " if script else ""
    return (
        f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; {scripts}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def asset(name: str) -> str:
    """The text of one of the package's own styles or scripts."""
    return resources.files("evalrun.report").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Template:
    """A page's template: autoescape, and every string passes through safe_text.visible."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)

    def source(name: str) -> str:
        return resources.files("evalrun.report").joinpath("templates", name).read_text(encoding="utf-8")

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=shown,
        loader=FunctionLoader(source),
    )  # fmt: skip
    return environment.get_template(name)
