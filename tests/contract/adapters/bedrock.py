"""Bedrock's Converse stream for the contract: binary messages with checksums, read by boto3 as in earnest."""

from __future__ import annotations

import json
import os
import struct
from binascii import crc32
from typing import Any
from unittest.mock import patch

from tests.contract.script import KEY, SECRET, Adapter, Answer, Failing, Frames, cut, id_of
from workbench.providers.base import Provider
from workbench.providers.bedrock import BedrockProvider
from workbench.providers.remote import Endpoint

STOPS = {"tool_calls": "tool_use", "refusal": "guardrail_intervened"}
TYPES = {
    "rate_limited": "ThrottlingException",
    "server": "InternalServerException",
    "overloaded": "ServiceUnavailableException",
    "unauthorised": "UnrecognizedClientException",
    "forbidden": "AccessDeniedException",
    "model_not_found": "ResourceNotFoundException",
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIACANARY0123456789",
    "AWS_SECRET_ACCESS_KEY": KEY,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


class Bedrock:
    """Says answers as messages of an event stream."""

    name = "bedrock"
    model = "bedrock:some.anthropic.claude-model"
    content_type = "application/vnd.amazon.eventstream"

    def frames(self, answer: Answer) -> Frames:
        """Return an answer as messages; it is whole with its stop reason, usage comes after it."""
        told = [event("messageStart", {"role": "assistant"})]
        index = 0
        if answer.thinking:
            pieces = [{"reasoningContent": {"text": piece}} for piece in cut(answer.thinking, answer.pieces)]
            told += _block(index, [*pieces, {"reasoningContent": {"signature": SECRET}}])
            index += 1
        if answer.text:
            told += _block(index, [{"text": piece} for piece in cut(answer.text, answer.pieces)])
            index += 1
        for number, (tool, arguments) in enumerate(answer.calls):
            start = {"toolUse": {"toolUseId": id_of(answer, number, "tooluse_"), "name": tool}}
            told.append(event("contentBlockStart", {"start": start, "contentBlockIndex": index}))
            told += _block(index, [{"toolUse": {"input": piece}} for piece in cut(arguments, answer.pieces)])
            index += 1
        stop = answer.stop or ("tool_calls" if answer.calls else "end_turn")
        told.append(event("messageStop", {"stopReason": STOPS.get(stop, stop)}))
        whole = len(told)
        told.append(event("metadata", {"usage": _usage(answer), "metrics": {"latencyMs": 1}}))
        return Frames(told, whole)

    def error(self, failing: Failing) -> tuple[dict[str, str], bytes]:
        """Return an error's body; its type stands in a header."""
        kind = TYPES.get(failing.kind, "ValidationException")
        headers = {"content-type": "application/json", "x-amzn-errortype": f"{kind}:http://internal.amazon.com/"}
        return headers, json.dumps({"message": failing.message}).encode()

    def error_frame(self, failing: Failing) -> bytes:
        """Return an error as a message of the kind `exception`."""
        kind = TYPES[failing.kind]
        headers = {":message-type": "exception", ":exception-type": f"{kind[0].lower()}{kind[1:]}"}
        return message(headers, json.dumps({"message": failing.message}).encode())

    def provider(self, endpoint: Endpoint) -> Provider:
        """Return the provider, with its client made while the keys are in the environment."""
        with patch.dict(os.environ, ENVIRONMENT):
            provider = BedrockProvider(endpoint)
            provider.client()
            return provider

    def calls(self, body: Any) -> tuple[list[str], list[str]]:
        """Return the calls and answers among the blocks."""
        blocks = [block for told in body["messages"] for block in told["content"]]
        asked = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
        return asked, [block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block]


def _block(index: int, deltas: list[dict[str, Any]]) -> list[bytes]:
    pieces = [event("contentBlockDelta", {"delta": delta, "contentBlockIndex": index}) for delta in deltas]
    return [*pieces, event("contentBlockStop", {"contentBlockIndex": index})]


def _usage(answer: Answer) -> dict[str, int]:
    usage = answer.usage
    return {
        "inputTokens": usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.total_tokens,
        "cacheReadInputTokens": usage.cache_read_tokens,
        "cacheWriteInputTokens": usage.cache_write_tokens,
    }


def event(name: str, payload: dict[str, Any]) -> bytes:
    """Return an event of the stream as the wire has it."""
    headers = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    return message(headers, json.dumps(payload).encode())


def message(headers: dict[str, str], payload: bytes) -> bytes:
    """Return a message: lengths and their checksum, headers, payload, and the checksum of it all."""
    told = b"".join(_header(name, value) for name, value in headers.items())
    lengths = struct.pack("!II", len(told) + len(payload) + 16, len(told))
    whole = lengths + struct.pack("!I", crc32(lengths)) + told + payload
    return whole + struct.pack("!I", crc32(whole))


def _header(name: str, value: str) -> bytes:
    string = 7
    encoded = value.encode()
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", string, len(encoded)) + encoded


ADAPTER: Adapter = Bedrock()
