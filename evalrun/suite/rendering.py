"""A prompt with a case's variables put in: messages, turns, tools and scripted results, as records.

Everything here was rendered once while the suite was read, so that what cannot be rendered is a complaint then and
never comes up later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalrun import template
from evalrun.records.message import Content, Image, Message, Tool, ToolCall, ToolResult
from evalrun.records.suite import Case, Prompt, Suite
from evalrun.suite.definitions import tools_in

_URLS = ("https://", "http://")


def render_messages(prompt: Prompt, case: Case, suite: Suite) -> tuple[Message, ...]:
    """A prompt's messages as they are sent; a picture out of a file is its digest, with its size.

    Raises TemplateFault and ValueError for what `check_prompts` complains about.
    """
    return tuple(_message(message, case.vars, suite) for message in prompt.messages)


def render_turns(prompt: Prompt, case: Case, suite: Suite) -> tuple[Message, ...]:
    """What the user says next, a message a turn. Raises as `render_messages` does."""
    return tuple(Message(role="user", content=_content(turn, case.vars, suite)) for turn in prompt.turns)


def tools_of(prompt: Prompt, case: Case) -> tuple[Tool, ...]:
    """The tools that a model may call: those written in the prompt, then those that the case brings.

    Raises TemplateFault where the template of the case's tools cannot be rendered, ValueError where its value holds
    no definitions, and for two tools of one name.
    """
    if not prompt.tools_from:
        return prompt.tools
    tools = prompt.tools + tools_in(template.render_value(prompt.tools_from, case.vars))
    names: set[str] = set()
    for tool in tools:
        if tool.name in names:
            raise ValueError(f"two tools are called `{tool.name}`")
        names.add(tool.name)
    return tools


def results_of(prompt: Prompt, case: Case) -> tuple[ToolResult, ...]:
    """What tools answer in this case. In arguments and results ``{{ x }}`` alone keeps x's type.

    Raises TemplateFault where one cannot be rendered.
    """
    return tuple(
        replace(
            result,
            arguments=None if result.arguments is None else template.render_value(result.arguments, case.vars),
            result=template.render_value(result.result, case.vars),
        )
        for result in prompt.tool_results
    )


def image_name(image: Image, values: Mapping[str, Any]) -> str:
    """The name or URL that a picture's template stands for. Raises TemplateFault."""
    return template.render(image.source, values).strip()


def is_url(name: str) -> bool:
    """Whether a picture is fetched by the vendor, rather than read here."""
    return name[:8].lower().startswith(_URLS)


def rendered_arguments(arguments: str, values: Mapping[str, Any]) -> str:
    """The arguments of a call in a prompt's history: JSON stays JSON, whatever a variable holds.

    Raises TemplateFault.
    """
    if not any(mark in arguments for mark in ("{{", "{%", "{#")):
        return arguments
    try:
        value = json.loads(arguments)
    except ValueError:
        return template.render(arguments, values)
    return json.dumps(template.render_value(value, values), ensure_ascii=False)


def _message(message: Message, values: Mapping[str, Any], suite: Suite) -> Message:
    content = _content(message.content, values, suite)
    if not message.tool_calls:
        return replace(message, content=content)
    calls = tuple(
        ToolCall(id=call.id, name=call.name, arguments=rendered_arguments(call.arguments, values))
        for call in message.tool_calls
    )
    return replace(message, content=content, tool_calls=calls)


def _content(content: Content, values: Mapping[str, Any], suite: Suite) -> Content:
    if isinstance(content, str):
        return template.render(content, values)
    return tuple(
        _image(part, values, suite) if isinstance(part, Image) else template.render(part, values) for part in content
    )


def _image(image: Image, values: Mapping[str, Any], suite: Suite) -> Image:
    name = image_name(image, values)
    if is_url(name):
        return replace(image, source=name)
    digest = suite.picture_files.get(name)
    if digest is None:
        raise ValueError(f"the picture `{name}` was not read with the suite")
    picture = suite.pictures[digest]
    return replace(image, source=digest, width=picture.width, height=picture.height)
