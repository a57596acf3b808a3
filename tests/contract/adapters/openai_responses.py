"""OpenAI's Responses API for the contract. Its streams say everything twice: in pieces, then whole."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest.mock import patch

from tests.contract.script import KEY, SECRET, Adapter, Answer, AtProvider, Failing, Frames, cut, id_of
from workbench.providers.base import Provider
from workbench.providers.openai_responses import OpenAIResponsesProvider
from workbench.providers.remote import Endpoint

Event = dict[str, Any]
Item = tuple[Event, Event, list[Event]]
"""An item as it is in the end, what is otherwise at its beginning, and the pieces in between."""

CODES = {
    "rate_limited": "rate_limit_exceeded",
    "server": "server_error",
    "unauthorised": "invalid_api_key",
    "model_not_found": "model_not_found",
    "context_too_long": "context_length_exceeded",
    "quota": "insufficient_quota",
}


class Responses:
    """Says answers as `response.*` events."""

    name = "openai"
    model = "openai:some-model"
    content_type = "text/event-stream; charset=utf-8"

    def frames(self, answer: Answer) -> Frames:
        """Return an answer as events; the last one makes it whole."""
        said = [
            *([_reasoning(answer)] if answer.thinking else []),
            *(_hosted(ran, number) for number, ran in enumerate(answer.hosted)),
            *([_message(answer)] if answer.text else []),
            *(_call(answer, number) for number in range(len(answer.calls))),
        ]
        events = [_event("response.created"), _event("response.in_progress")]
        for index, (item, begun, pieces) in enumerate(said):
            events.append(_event("response.output_item.added", output_index=index, item=item | begun))
            events += [piece | {"output_index": index, "item_id": item["id"]} for piece in pieces]
            events.append(_event("response.output_item.done", output_index=index, item=item))
        events.append(_last(answer, [item for item, _, _ in said]))
        frames = [
            f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()
            for number, event in enumerate(events)
        ]
        return Frames(frames, len(frames))

    def error(self, failing: Failing) -> tuple[dict[str, str], bytes]:
        """Return an error's body."""
        told = {"message": failing.message, "type": "error", "param": None, "code": CODES.get(failing.kind)}
        return {"content-type": "application/json"}, json.dumps({"error": told}).encode()

    def error_frame(self, failing: Failing) -> bytes:
        """Return an error as `response.failed`."""
        error = {"code": CODES.get(failing.kind, "server_error"), "message": failing.message}
        event = _event("response.failed", response={"status": "failed", "error": error})
        return f"event: response.failed\ndata: {json.dumps(event)}\n\n".encode()

    def provider(self, endpoint: Endpoint) -> Provider:
        """Return the provider."""
        with patch.dict(os.environ, {"MODEL_API_KEY": KEY}):
            return OpenAIResponsesProvider(endpoint)

    def calls(self, body: Any) -> tuple[list[str], list[str]]:
        """Return the calls and answers among the items."""
        items = [item for item in body["input"] if "type" in item]
        asked = [item["call_id"] for item in items if item["type"] == "function_call"]
        return asked, [item["call_id"] for item in items if item["type"] == "function_call_output"]


def _event(kind: str, **fields: Any) -> Event:
    return {"type": kind, **fields}


def _reasoning(answer: Answer) -> Item:
    summary = [{"type": "summary_text", "text": answer.thinking}]
    pieces = [
        _event("response.reasoning_summary_text.delta", summary_index=0, delta=piece)
        for piece in cut(answer.thinking, answer.pieces)
    ]
    whole = {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": SECRET}
    return whole, {"summary": []}, [_event("response.reasoning_summary_part.added", summary_index=0), *pieces]


def _message(answer: Answer) -> Item:
    kind, name = ("refusal", "refusal") if answer.stop == "refusal" else ("output_text", "text")
    pieces = [
        _event(f"response.{kind}.delta", content_index=0, delta=piece) for piece in cut(answer.text, answer.pieces)
    ]
    content = [{"type": kind, name: answer.text}]
    whole = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    return whole, {"status": "in_progress", "content": []}, pieces


def _call(answer: Answer, number: int) -> Item:
    tool, arguments = answer.calls[number]
    is_cut = answer.stop == "max_tokens" and number == len(answer.calls) - 1
    pieces = [_event("response.function_call_arguments.delta", delta=piece) for piece in cut(arguments, answer.pieces)]
    if not is_cut:
        pieces.append(_event("response.function_call_arguments.done", arguments=arguments))
    whole = {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": id_of(answer, number, "call_"),
        "name": tool,
        "arguments": arguments,
        "status": "incomplete" if is_cut else "completed",
    }
    return whole, {"arguments": "", "status": "in_progress"}, pieces


def _hosted(ran: AtProvider, number: int) -> Item:
    if ran.tool == "web_search":
        action = {"type": "search", "query": ran.given, "sources": [{"type": "url", "url": ran.found}]}
        whole: Event = {"type": "web_search_call", "id": f"ws_{number}", "status": "completed", "action": action}
        pieces = [_event(f"response.web_search_call.{what}") for what in ("in_progress", "searching", "completed")]
        return whole, {"status": "in_progress", "action": None}, pieces
    outputs = [{"type": "logs", "logs": ran.found}]
    whole = {"type": "code_interpreter_call", "id": f"ci_{number}", "status": "completed", "container_id": "cntr_1"}
    kind = "response.code_interpreter_call"
    pieces = [
        _event(f"{kind}.in_progress"),
        *(_event(f"{kind}_code.delta", delta=piece) for piece in cut(ran.given, 2)),
        _event(f"{kind}_code.done", code=ran.given),
        _event(f"{kind}.interpreting"),
        _event(f"{kind}.completed"),
    ]
    return whole | {"code": ran.given, "outputs": outputs}, {"code": "", "outputs": None}, pieces


def _last(answer: Answer, items: list[Event]) -> Event:
    status = "incomplete" if answer.stop == "max_tokens" else "completed"
    usage = {
        "input_tokens": answer.usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": answer.usage.cache_read_tokens,
            "cache_write_tokens": answer.usage.cache_write_tokens,
        },
        "output_tokens": answer.usage.output_tokens,
        "total_tokens": answer.usage.total_tokens,
    }
    details = {"reason": "max_output_tokens"} if status == "incomplete" else None
    response = {"status": status, "output": items, "usage": usage, "incomplete_details": details, "error": None}
    return _event(f"response.{status}", response=response)


ADAPTER: Adapter = Responses()
