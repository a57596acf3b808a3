"""OpenAI's Responses API for the contract. Its streams say everything twice: in pieces, then whole."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest.mock import patch

from tests.contract.script import KEY, SECRET, Adapter, Answer, Failing, Frames, cut, id_of
from workbench.providers.base import Provider
from workbench.providers.openai_responses import OpenAIResponsesProvider
from workbench.providers.remote import Endpoint

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
        events: list[dict[str, Any]] = [_event("response.created"), _event("response.in_progress")]
        items: list[dict[str, Any]] = []
        if answer.thinking:
            index = len(items)
            item = {"type": "reasoning", "id": "rs_1", "summary": []}
            whole = {
                **item,
                "summary": [{"type": "summary_text", "text": answer.thinking}],
                "encrypted_content": SECRET,
            }
            at = {"output_index": index, "item_id": "rs_1", "summary_index": 0}
            events.append(_event("response.output_item.added", output_index=index, item=item))
            events.append(_event("response.reasoning_summary_part.added", **at))
            for piece in cut(answer.thinking, answer.pieces):
                events.append(_event("response.reasoning_summary_text.delta", **at, delta=piece))
            events.append(_event("response.output_item.done", output_index=index, item=whole))
            items.append(whole)
        if answer.text:
            index, kind = len(items), "refusal" if answer.stop == "refusal" else "output_text"
            item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
            said = {"type": kind, "refusal" if kind == "refusal" else "text": answer.text}
            whole = {**item, "status": "completed", "content": [said]}
            events.append(_event("response.output_item.added", output_index=index, item=item))
            for piece in cut(answer.text, answer.pieces):
                events.append(_event(f"response.{kind}.delta", output_index=index, content_index=0, delta=piece))
            events.append(_event("response.output_item.done", output_index=index, item=whole))
            items.append(whole)
        for number, (tool, arguments) in enumerate(answer.calls):
            index, is_cut = len(items), answer.stop == "max_tokens" and number == len(answer.calls) - 1
            call = id_of(answer, number, "call_")
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": call, "name": tool, "arguments": ""}
            whole = {**item, "arguments": arguments, "status": "incomplete" if is_cut else "completed"}
            events.append(_event("response.output_item.added", output_index=index, item=item))
            for piece in cut(arguments, answer.pieces):
                events.append(_event("response.function_call_arguments.delta", output_index=index, delta=piece))
            if not is_cut:
                done = _event("response.function_call_arguments.done", output_index=index, arguments=arguments)
                events.append(done)
            events.append(_event("response.output_item.done", output_index=index, item=whole))
            items.append(whole)
        events.append(_last(answer, items))
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


def _event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def _last(answer: Answer, items: list[dict[str, Any]]) -> dict[str, Any]:
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
