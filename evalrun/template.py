"""Templates of prompts and scorers: Jinja2, strict, in a sandbox, and with an end.

A suite may come from anywhere, so a template can neither reach Python's inside nor eat the machine: what has no bound
is forbidden (macros, includes, `recursive` loops, methods that pad), and everything else is paid for out of a budget
per rendering. Values are data: a text with braces in it is never rendered again.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, nodes, pass_context
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_TEMPLATE = 1 << 20
MAX_RENDERED = 1 << 20
"""Characters."""

# Steps of one rendering. What an operator, a filter or a method handles costs a step a character or item.
_BUDGET = 1 << 22
_STEPS_PER_TURN = 16  # of a loop
_MAX_INTEGER_BITS = 4096
_MAX_ARGUMENT = 10_000
_PURSE = "the steps left"  # no identifier, so no template can name it

_FAULTS = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
)

_ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.NSRef, nodes.Tuple, nodes.List,
    nodes.Dict, nodes.Pair, nodes.Keyword, nodes.For, nodes.If, nodes.Assign, nodes.AssignBlock, nodes.With,
    nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat,
    nodes.Compare, nodes.Operand, nodes.BinExpr, nodes.UnaryExpr, nodes.FilterBlock, nodes.Scope,
)  # fmt: skip
_PLAIN_NODES = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)

_FILTERS = frozenset(
    (
        "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "groupby",
        "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject",
        "rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort", "string", "sum", "title",
        "tojson", "trim", "truncate", "unique", "upper", "urlencode", "wordcount", "wordwrap",
    )
)  # fmt: skip
_TEXT_METHODS = frozenset(
    (
        "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdigit", "islower",
        "isnumeric", "isspace", "istitle", "isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
        "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase",
        "title", "upper",
    )
)  # fmt: skip
_METHODS: dict[type, frozenset[str]] = {
    str: _TEXT_METHODS,
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
    int: frozenset(("bit_length",)),
    float: frozenset(("is_integer",)),
}
_FORBIDDEN_NAMES = frozenset(("self", "super", "caller", "varargs", "kwargs"))


class TemplateFault(ValueError):
    """A template cannot be read, or not be rendered with these values. *line* counts from 1; 0 is not known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def variables(text: str) -> frozenset[str]:
    """The variables that a template needs and does not set itself. Raises TemplateFault where it cannot be read."""
    return frozenset() if _is_text(text) else _compiled(text).needed


def optional_variables(text: str) -> frozenset[str]:
    """Those of `variables` that the template can do without: it asks ``is defined``, or has a ``default``."""
    return frozenset() if _is_text(text) else _compiled(text).optional


def is_plain(text: str) -> bool:
    """Whether a template is only text and bare variables: with these present, nothing but its size can go wrong."""
    return _is_text(text) or _compiled(text).plain


def render(text: str, values: Mapping[str, Any]) -> str:
    """The text with *values* put in. Raises TemplateFault where one is missing, and where the text grows too large.

    Truth values, null, lists and mappings are written as JSON; ``\\r\\n`` in the template becomes ``\\n``.
    """
    if _is_text(text):
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    template = _compiled(text).template
    pieces, size = [], 0
    try:
        for piece in template.generate({**values, _PURSE: [_BUDGET]}):
            size += len(piece)
            if size > MAX_RENDERED:
                raise TemplateFault(f"the rendered text is longer than {MAX_RENDERED:,} characters")
            pieces.append(piece)
    except TemplateFault:
        raise
    except _FAULTS as fault:
        raise TemplateFault(_in_words(fault)) from None
    return "".join(pieces)


def render_value(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with its texts rendered, through lists and mappings; exactly ``{{ x }}`` keeps x's type."""
    if isinstance(value, str):
        name = _only_name(value)
        if name is None:
            return render(value, values)
        if name not in values:
            raise TemplateFault(f"`{name}` is not there")
        return values[name]
    if isinstance(value, list | tuple):
        return [render_value(item, values) for item in value]
    if isinstance(value, Mapping):
        return {key: render_value(item, values) for key, item in value.items()}
    return value


def _is_text(text: str) -> bool:
    return "{{" not in text and "{%" not in text and "{#" not in text


def _only_name(text: str) -> str | None:
    text = text.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    name = text[2:-2].strip("-+ \t\n\r")
    return name if name.isidentifier() else None


def _as_text(value: Any) -> Any:
    """How a value is written into a text."""
    if value is None or isinstance(value, bool | list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _refuse(message: str) -> NoReturn:
    raise TemplateFault(message)


def _pay(context: Context, steps: int) -> None:
    purse = context.resolve(_PURSE)
    if isinstance(purse, Undefined):
        return
    purse[0] -= steps
    if purse[0] < 0:
        _refuse("the template takes too many steps")


@pass_context
def _paid_loop(context: Context, items: Any) -> Iterator[Any]:
    for item in items:
        _pay(context, _STEPS_PER_TURN)
        yield item


@pass_context
def _paid_literal(context: Context, made: Any) -> Any:
    """A list, tuple or mapping written in the template: paid for by all that is in it, so that none can hide 2**60."""
    _weigh(context, made)
    return made


def _weigh(context: Context, value: Any) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            _pay(context, len(item))
        else:
            _pay(context, 1)
            if isinstance(item, list | tuple):
                waiting.extend(item)
            elif isinstance(item, dict):
                waiting.extend(item.values())


@pass_context
def _paid_join(context: Context, items: Any) -> str:
    parts = [str(_as_text(item)) for item in items]
    _pay(context, sum(map(len, parts)))
    return "".join(parts)


def _paid_replace(context: Context, value: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, old, new = str(value), str(old), str(new)
    times = text.count(old) if count is None else min(text.count(old), max(int(count), 0))
    _pay(context, len(text) + times * len(new))
    return text.replace(old, new, times)


def _paid_text_join(context: Context, value: Any, d: str = "", attribute: str | None = None) -> str:
    items = context.environment.filters["map"](context, value, attribute=attribute) if attribute else value
    parts = [str(_as_text(item)) for item in items]
    separator = str(d)
    _pay(context, sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def _escape(value: Any) -> str:
    return html.escape(str(_as_text(value)))


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("*", "**", "+", "%"))

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_as_text, cache_size=0
        )
        self.globals = {"range": self.globals["range"], "namespace": self.globals["namespace"]}
        ours = {"tojson": _to_json, "e": _escape, "escape": _escape}
        self.filters = {name: _bounded(ours.get(name) or self.filters[name]) for name in _FILTERS}
        self.filters["replace"] = pass_context(_paid_replace)
        self.filters["join"] = pass_context(_paid_text_join)
        # Names that no template can write: they are put in by _compiled.
        self.filters[" loop"] = _paid_loop
        self.filters[" literal"] = _paid_literal
        self.filters[" join"] = _paid_join

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        many = (str, list, tuple)
        if operator == "%" and isinstance(left, str):
            _refuse("`%` does not format texts here")
        if operator == "*" and (isinstance(left, list | tuple) or isinstance(right, list | tuple)):
            _refuse("`*` does not repeat lists here")
        if operator == "*" and (isinstance(left, str) or isinstance(right, str)):
            text, times = (left, right) if isinstance(left, str) else (right, left)
            _pay(context, len(text) * max(times, 0) if isinstance(times, int) else 0)
        if operator == "+" and isinstance(left, many) and isinstance(right, many):
            _weigh(context, left)
            _weigh(context, right)
        if isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * max(right, 1) if operator == "**" else left.bit_length() + right.bit_length()
            if bits > _MAX_INTEGER_BITS:
                _refuse("a number grows too large")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        owner = getattr(called, "__self__", None)
        if isinstance(owner, str | list | tuple | dict):
            _pay(context, len(owner))
        return super().call(context, called, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, methods in _METHODS.items():
            if isinstance(obj, kind):
                return attr in methods
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        return None

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        return self.undefined(f"`.{attribute}` may not be used here", name=attribute, obj=obj)


def _bounded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, paid for by the size of what it is given, and without arguments that ask for any width."""
    passed = getattr(filter_, "jinja_pass_arg", None)

    @pass_context
    def bounded(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        _pay(context, len(value) if isinstance(value, str | list | tuple | dict | range) else 1)
        for argument in (*args, *kwargs.values()):
            if isinstance(argument, int) and abs(argument) > _MAX_ARGUMENT:
                _refuse(f"a filter's argument is larger than {_MAX_ARGUMENT:,}")
        if passed is None:
            return filter_(value, *args, **kwargs)
        first = {"context": context, "eval_context": context.eval_ctx, "environment": context.environment}
        return filter_(first[passed.name], value, *args, **kwargs)

    return bounded


_ENVIRONMENT = _Environment()


@dataclass(frozen=True, slots=True)
class _Compiled:
    template: Template
    needed: frozenset[str]
    optional: frozenset[str]
    plain: bool


@lru_cache(maxsize=4096)
def _compiled(text: str) -> _Compiled:
    if len(text) > MAX_TEMPLATE:
        raise TemplateFault(f"the template is longer than {MAX_TEMPLATE:,} characters")
    try:
        tree = _ENVIRONMENT.parse(text)
        _check(tree)
        return _Compiled(
            needed=frozenset(find_undeclared_variables(tree)) - _ENVIRONMENT.globals.keys(),
            optional=frozenset(_asked_for(tree)),
            plain=all(isinstance(node, _PLAIN_NODES) for node in tree.find_all(nodes.Node)),
            template=_ENVIRONMENT.from_string(_with_budget(tree)),
        )
    except TemplateFault:
        raise
    except (*_FAULTS, SyntaxError) as fault:
        line = getattr(fault, "lineno", 0) if isinstance(fault, TemplateError) else 0
        raise TemplateFault(_in_words(fault), line or 0) from None


def _asked_for(tree: nodes.Template) -> Iterator[str]:
    """Names that a template tests for being there before it uses them."""
    asking = {nodes.Test: ("defined", "undefined"), nodes.Filter: ("default", "d")}
    for node in tree.find_all(tuple(asking)):
        if node.name in asking[type(node)] and isinstance(node.node, nodes.Name):
            yield node.node.name


def _check(tree: nodes.Template) -> None:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED_NODES):
            raise TemplateFault(f"`{type(node).__name__.lower()}` may not be used in a template", node.lineno)
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateFault("`recursive` may not be used in a template", node.lineno)
        if isinstance(node, nodes.Name) and node.name in _FORBIDDEN_NAMES:
            raise TemplateFault(f"`{node.name}` may not be used in a template", node.lineno)
        if isinstance(node, nodes.Name) and node.ctx == "store" and node.name in _ENVIRONMENT.globals:
            raise TemplateFault(f"`{node.name}` may not be set", node.lineno)


def _with_budget(tree: nodes.Template) -> nodes.Template:
    """The same tree, where loops, `~` and literals pay for what they do."""
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, " loop", [], [], None, None, lineno=loop.lineno)
    _pay_below(tree)
    tree.set_environment(_ENVIRONMENT)
    return tree


def _pay_below(node: nodes.Node) -> None:
    for field, value in list(node.iter_fields()):
        if isinstance(value, nodes.Node):
            _pay_below(value)
            setattr(node, field, _paid(value))
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, nodes.Node):
                    _pay_below(item)
            setattr(node, field, [_paid(item) for item in value])


def _paid(item: Any) -> Any:
    if isinstance(item, nodes.Concat):
        return nodes.Filter(nodes.List(item.nodes), " join", [], [], None, None, lineno=item.lineno)
    if isinstance(item, nodes.List | nodes.Dict | nodes.Tuple) and getattr(item, "ctx", "load") == "load":
        return nodes.Filter(item, " literal", [], [], None, None, lineno=item.lineno)
    return item


def _in_words(fault: BaseException) -> str:
    if isinstance(fault, RecursionError | MemoryError) or type(fault) is SyntaxError:
        return "the template is nested too deeply"
    text = (getattr(fault, "message", None) or str(fault)).strip().rstrip(".")
    if isinstance(fault, UndefinedError) and text.endswith("is undefined"):
        return f"`{text.removesuffix('is undefined').strip().strip(chr(39))}` is not there"
    if found := re.fullmatch(r"'(\w+) object' has no attribute '(.+)'", text):
        kinds = {"dict": "mapping", "str": "text", "int": "number", "float": "number"}
        return f"there is no `{found[2]}` in the {kinds.get(found[1], found[1])}"
    return text or type(fault).__name__
