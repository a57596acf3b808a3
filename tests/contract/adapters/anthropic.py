"""Anthropic's Messages API for the contract: events with names, pings between them, blocks that are counted."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest.mock import patch

from tests.contract.script import KEY, SECRET, Adapter, Answer, AtProvider, Failing, Frames, cut, id_of
from workbench.providers.anthropic import AnthropicProvider
from workbench.providers.base import Provider
from workbench.providers.remote import Endpoint

Event = dict[str, Any]

TYPES = {
    "overloaded": "overloaded_error",
    "rate_limited": "rate_limit_error",
    "server": "api_error",
    "timeout": "timeout_error",
    "unauthorised": "authentication_error",
    "forbidden": "permission_error",
    "quota": "billing_error",
    "model_not_found": "not_found_error",
    "too_large": "request_too_large",
}
"""Our words for errors, as the API says them; all others are `invalid_request_error`."""
STOPS = {"tool_calls": "tool_use"}


class Messages:
    """Says answers as events."""

    name = "anthropic"
    model = "anthropic:some-model"
    content_type = "text/event-stream; charset=utf-8"

    def frames(self, answer: Answer) -> Frames:
        """Return an answer as events; it is whole with the last of them."""
        events = [_started(answer), {"type": "ping"}]
        for index, (content, deltas) in enumerate(_blocks(answer)):
            events.append({"type": "content_block_start", "index": index, "content_block": content})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        stop = answer.stop or ("tool_calls" if answer.calls else "end_turn")
        usage = {"output_tokens": answer.usage.output_tokens}
        told = {"stop_reason": STOPS.get(stop, stop), "stop_sequence": None}
        events += [{"type": "message_delta", "delta": told, "usage": usage}, {"type": "message_stop"}]
        return Frames([_wire(event) for event in events], len(events))

    def error(self, failing: Failing) -> tuple[dict[str, str], bytes]:
        """Return an error's body."""
        return {"content-type": "application/json"}, json.dumps(_error(failing)).encode()

    def error_frame(self, failing: Failing) -> bytes:
        """Return an error as an event."""
        return _wire(_error(failing))

    def provider(self, endpoint: Endpoint) -> Provider:
        """Return the provider."""
        with patch.dict(os.environ, {"ANTHROPIC_API_KEY": KEY}):
            return AnthropicProvider(endpoint)

    def calls(self, body: Any) -> tuple[list[str], list[str]]:
        """Return the calls and answers among the blocks of the messages."""
        blocks = [block for message in body["messages"] for block in message["content"]]
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]
        return asked, [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]


def _started(answer: Answer) -> Event:
    used = answer.usage
    usage = {
        "input_tokens": used.input_tokens - used.cache_read_tokens - used.cache_write_tokens,
        "cache_read_input_tokens": used.cache_read_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "output_tokens": 1,
    }
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "some-model", "content": []}
    return {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}}


def _blocks(answer: Answer) -> list[tuple[Event, list[Event]]]:
    """Return each block's beginning and what is added to it."""
    blocks: list[tuple[Event, list[Event]]] = []
    if answer.thinking:
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in cut(answer.thinking, answer.pieces)]
        signed = {"type": "signature_delta", "signature": SECRET}
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signed]))
    for number, ran in enumerate(answer.hosted):
        blocks += _hosted(f"srvtoolu_{number}", ran)
    if answer.text:
        words = [{"type": "text_delta", "text": piece} for piece in cut(answer.text, answer.pieces)]
        blocks.append(({"type": "text", "text": ""}, words))
    for number, (tool, arguments) in enumerate(answer.calls):
        content = {"type": "tool_use", "id": id_of(answer, number, "toolu_"), "name": tool, "input": {}}
        pieces = ["", *cut(arguments, answer.pieces)]  # the API's first piece is empty
        blocks.append((content, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]))
    return blocks


def _hosted(id_: str, ran: AtProvider) -> list[tuple[Event, list[Event]]]:
    """Return the two blocks of what the API ran itself: its call, and the result that follows at once."""
    is_search = ran.tool == "web_search"
    name, given = ("web_search", "query") if is_search else ("bash_code_execution", "command")
    call = {"type": "server_tool_use", "id": id_, "name": name, "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in cut(json.dumps({given: ran.given}), 2)]
    page = {"type": "web_search_result", "url": ran.found, "title": "A page", "encrypted_content": SECRET}
    wrote = {"type": "bash_code_execution_result", "stdout": ran.found, "stderr": "", "return_code": 0, "content": []}
    result = {"type": f"{name}_tool_result", "tool_use_id": id_, "content": [page] if is_search else wrote}
    return [(call, pieces), (result, [])]


def _error(failing: Failing) -> Event:
    kind = TYPES.get(failing.kind, "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": failing.message}, "request_id": "req_1"}


def _wire(event: Event) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


ADAPTER: Adapter = Messages()
