"""Chat Completions for the contract, as OpenAI and most local servers stream it."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest.mock import patch

from tests.contract.adapters.openai_responses import CODES
from tests.contract.script import KEY, SECRET, Adapter, Answer, Failing, Frames, cut, id_of
from workbench.providers.base import Provider
from workbench.providers.openai_chat import OpenAIChatProvider
from workbench.providers.remote import Endpoint

FINISHES = {"max_tokens": "length", "tool_calls": "tool_calls"}


class Chat:
    """Says answers as chunks."""

    name = "openai-chat"
    model = "openai-chat:some-model"
    content_type = "text/event-stream"

    def frames(self, answer: Answer) -> Frames:
        """Return an answer as chunks; it is whole with its finish reason, usage comes after it."""
        chunks = [_chunk({"role": "assistant", "content": None})]
        chunks += [_chunk({"reasoning_content": piece}) for piece in cut(answer.thinking, answer.pieces)]
        if answer.thinking:
            chunks.append(_chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": SECRET}]}))
        kind = "refusal" if answer.stop == "refusal" else "content"
        chunks += [_chunk({kind: piece}) for piece in cut(answer.text, answer.pieces)]
        for number, (tool, arguments) in enumerate(answer.calls):
            opened = {
                "index": number,
                "id": id_of(answer, number, "call_"),
                "type": "function",
                "function": {"name": tool, "arguments": ""},
            }
            chunks.append(_chunk({"tool_calls": [opened]}))
            for piece in cut(arguments, answer.pieces):
                chunks.append(_chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]}))
        stop = answer.stop or ("tool_calls" if answer.calls else "end_turn")
        chunks.append(_chunk({}, FINISHES.get(stop, "stop")))
        whole = len(chunks)
        chunks.append({"choices": [], "usage": _usage(answer)})
        return Frames([*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"], whole)

    def error(self, failing: Failing) -> tuple[dict[str, str], bytes]:
        """Return an error's body."""
        told = {"message": failing.message, "type": "error", "param": None, "code": CODES.get(failing.kind)}
        return {"content-type": "application/json"}, json.dumps({"error": told}).encode()

    def error_frame(self, failing: Failing) -> bytes:
        """Return an error as a chunk, as OpenAI and OpenRouter send it."""
        told = {"error": {"message": failing.message, "code": CODES.get(failing.kind, "server_error")}}
        return f"data: {json.dumps(told)}\n\n".encode()

    def provider(self, endpoint: Endpoint) -> Provider:
        """Return the provider."""
        with patch.dict(os.environ, {"MODEL_API_KEY": KEY}):
            return OpenAIChatProvider(endpoint)

    def calls(self, body: Any) -> tuple[list[str], list[str]]:
        """Return the calls and answers among the messages."""
        messages = body["messages"]
        asked = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
        return asked, [message["tool_call_id"] for message in messages if message["role"] == "tool"]


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        "usage": None,
    }


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.usage.input_tokens,
        "completion_tokens": answer.usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.usage.cache_read_tokens},
    }


ADAPTER: Adapter = Chat()
