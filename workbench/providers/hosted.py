"""Tools that run at the provider: what their calls are called here, and what is shown of their results.

The model has such a result already, sealed where its provider wants it so; what is shown is what a person can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pydantic import JsonValue

from workbench.events.content import Content, JsonBlock, text_content
from workbench.events.request import Usage
from workbench.providers.prices import price

OPENAI: Final = {
    "web_search_call": "web_search",
    "code_interpreter_call": "code_execution",
    "file_search_call": "file_search",
    "image_generation_call": "image_generation",
    "mcp_call": "mcp",
}
"""Items of a response that are such calls, with our names for their tools."""
ANTHROPIC: Final = ("server_tool_use", "mcp_tool_use")
"""Blocks of a message that are such calls."""
_SEALED: Final = ("encrypted_content", "encrypted_index", "encrypted_stdout", "data", "result")
"""Fields that nobody but the provider can read, or that are far too long to read."""
_OF_ITEM: Final = ("type", "id", "status", "outputs", "results", "container_id", "result", "output", "error")
"""Fields of an item that are not what its call was given."""


class Hosted(NamedTuple):
    """What came of a call."""

    result: Content
    is_error: bool


def cost_of_turn(model: str, usage: Usage, *, has_hosted: bool) -> float | None:
    """Return what a turn cost; None where its provider ran tools, whose fees no price list holds."""
    return None if has_hosted else price(model, usage)


def message_result(content: JsonValue) -> Hosted:
    """Return what a `…_tool_result` block of a message holds: pages found, or what a program wrote."""
    match content:
        case {"error_code": str(code)}:
            return Hosted(text_content(code), is_error=True)
        case {"stdout": str(out), "stderr": str(err), "return_code": int(code)}:
            written = "\n".join(part.rstrip("\n") for part in (out, err) if part)
            return Hosted(text_content(f"{written}\nexit code {code}".strip()), is_error=code != 0)
        case [*found] if found and all(isinstance(page, dict) and "url" in page for page in found):
            pages = ((page.get("title"), page["url"]) for page in found if isinstance(page, dict))
            lines = (f"{title} — {url}" if title else str(url) for title, url in pages)
            return Hosted(text_content("\n".join(lines)), is_error=False)
        case _:
            return Hosted((JsonBlock(value=_readable(content)),), is_error=False)


def item_input(item: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what an item of a response was given: the search that it made, or the program that it ran."""
    action = item.get("action")
    if isinstance(action, dict):
        return {name: value for name, value in action.items() if name != "sources" and value is not None}
    return {name: value for name, value in item.items() if name not in _OF_ITEM and value is not None}


def item_result(item: Mapping[str, JsonValue]) -> Hosted:
    """Return what came of an item of a response."""
    return Hosted(_content_of(item), item.get("status") in ("failed", "incomplete") or bool(item.get("error")))


def _content_of(item: Mapping[str, JsonValue]) -> Content:
    match item:
        case {"error": error} if error:
            return (JsonBlock(value=_readable(error)),)
        case {"action": {"sources": [*sources]}}:
            found = [str(source["url"]) for source in sources if isinstance(source, dict) and "url" in source]
            return text_content("\n".join(found) or "nothing found")
        case {"outputs": [*outputs]}:
            logs = [str(out["logs"]) for out in outputs if isinstance(out, dict) and "logs" in out]
            rest = len(outputs) - len(logs)
            return text_content("\n".join([*logs, *([f"and {rest} more, kept at the provider"] if rest else [])]))
        case {"output": told} | {"results": told} if told:
            return (JsonBlock(value=_readable(told)),)
        case _:
            return text_content("the provider does not show what came of it")


def _readable(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _readable(item) for name, item in value.items() if name not in _SEALED}
    return [_readable(item) for item in value] if isinstance(value, list) else value
