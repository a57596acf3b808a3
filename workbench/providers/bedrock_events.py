"""The events of Converse, read as a turn.

A call is closed when its arguments are whole. One without arguments may have been cut off before the first of them, so
it is closed only when something follows that shows it was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import JsonValue

from workbench.errors import TransientModelError
from workbench.events.request import ProviderParts, Usage
from workbench.providers.base import (
    Alive,
    CallClosed,
    CallInput,
    CallOpened,
    Delta,
    PartsDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
    parse_arguments,
)
from workbench.providers.failures import failure
from workbench.providers.prices import price
from workbench.providers.wire.bedrock import PROVIDER, sealed_as_text

CUTS: Final = ("max_tokens", "model_context_window_exceeded")
"""Stop reasons that may come in the middle of a call."""
_STOPS: Final = {"tool_use": "tool_calls", "guardrail_intervened": "refusal", "content_filtered": "refusal"}
_MALFORMED: Final = {
    "malformed_tool_use": "the model wrote a tool call that cannot be read",
    "malformed_model_output": "the model wrote what cannot be read",
}


@dataclass(slots=True)
class _Block:
    """A block of the answer, in pieces."""

    kind: str = ""
    """`text`, `thinking` or `call`."""
    call: int = -1
    """The number of a tool call among those of the turn."""
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)
    sealed: list[bytes] = field(default_factory=list)
    is_open: bool = True

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def whole(self) -> dict[str, Any] | None:
        """Return the block as it goes back; None where it may not: thinking that nobody signed, and what is blank."""
        match self.kind:
            case "call":
                return {"toolUse": {"toolUseId": self.id, "name": self.name, "input": parse_arguments(self.text)[0]}}
            case "thinking" if self.sealed:
                return {"reasoningContent": {"redactedContent": sealed_as_text(b"".join(self.sealed))}}
            case "thinking" if self.signature:
                told = {"text": self.text, "signature": "".join(self.signature)}
                return {"reasoningContent": {"reasoningText": told}}
            case "text" if self.text.strip():
                return {"text": self.text}
        return None


class ConverseTurn:
    """Reads the events of one turn."""

    def __init__(self) -> None:
        self.stop_reason: str | None = None
        self.usage: Usage | None = None
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._bare: int | None = None
        """A call without arguments, which is not closed before it is sure that they were not cut off."""

    def read(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        """Yield what an event says; raises `ModelError` for one that does not fit."""
        match event:
            case {"contentBlockDelta": {"contentBlockIndex": int(index), "delta": dict(delta)}}:
                yield from self._piece(index, delta)
            case {"contentBlockStart": {"contentBlockIndex": int(index), "start": dict(start)}}:
                yield from self._opened(index, start)
            case {"contentBlockStop": {"contentBlockIndex": int(index)}}:
                yield from self._closed(index)
            case {"messageStop": {"stopReason": str(reason)}}:
                if reason in _MALFORMED:
                    raise failure("broken", _MALFORMED[reason])
                self.stop_reason = reason
            case _:
                yield Alive()

    def count(self, event: Mapping[str, Any]) -> None:
        """Take what the turn used from an event that follows its end."""
        match event:
            case {"metadata": {"usage": dict(told)}}:
                self.usage = _usage(told)

    def end(self, model: str) -> Iterator[Delta]:
        """Yield the end of the turn; nothing where its stream stopped before it."""
        if self.stop_reason is None:
            return
        if self.stop_reason not in CUTS:
            yield from self._bare_call()
        whole = [block.whole() for block in self._blocks.values()]
        kept: list[JsonValue] = [block for block in whole if block is not None]
        if self._may_go_back(kept):
            yield PartsDelta(ProviderParts(provider=PROVIDER, parts=kept))
        usage = self.usage or Usage(cost=None)
        cost = price(model, usage) if self.usage is not None else None
        yield TurnEnd(_STOPS.get(self.stop_reason, self.stop_reason), usage.model_copy(update={"cost": cost}))

    def _may_go_back(self, blocks: Sequence[Any]) -> bool:
        """Whether the blocks say more than our own do, and the ids of the calls are such as the API takes again."""
        ids = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
        is_more = bool(ids) or any("reasoningContent" in block for block in blocks)
        return is_more and all(ids) and len(set(ids)) == len(ids)

    def _opened(self, index: int, start: Mapping[str, Any]) -> Iterator[Delta]:
        if index in self._blocks:
            raise _broken(f"opened block {index} twice")
        yield from self._bare_call()
        match start:
            case {"toolUse": {"type": "server_tool_use"}}:
                self._blocks[index] = _Block("other")
                yield Alive()
            case {"toolUse": {"name": str(name), "toolUseId": str(given)}} if name:
                self._blocks[index] = _Block("call", self._calls, given, name)
                self._calls += 1
                yield CallOpened(self._calls - 1, name)
            case {"toolUse": _}:
                raise _broken("asked for a tool without a name or an id")
            case _:
                self._blocks[index] = _Block("other" if start else "")
                yield Alive()

    def _piece(self, index: int, delta: Mapping[str, Any]) -> Iterator[Delta]:
        if index not in self._blocks:  # texts begin without a word
            yield from self._bare_call()
            self._blocks[index] = _Block()
        block = self._blocks[index]
        if not block.is_open:
            raise _broken(f"went on with block {index}, which is closed")
        match delta:
            case {"text": str(text)} if block.kind in ("", "text"):
                block.kind = "text"
                block.pieces.append(text)
                yield TextDelta(text)
            case {"toolUse": {"input": str(text)}} if block.kind == "call":
                block.pieces.append(text)
                yield CallInput(block.call, text)
            case {"toolUse": _} if block.kind != "other":
                raise _broken(f"went on with call {index}, which is not open")
            case {"reasoningContent": dict(told)} if block.kind in ("", "thinking"):
                block.kind = "thinking"
                yield from _thought(block, told)
            case _:
                yield Alive()

    def _closed(self, index: int) -> Iterator[Delta]:
        block = self._blocks.setdefault(index, _Block())
        if not block.is_open:
            raise _broken(f"closed block {index} twice")
        block.is_open = False
        if block.kind != "call":
            yield Alive()
        elif block.text.strip():
            yield CallClosed(block.call)
        else:
            self._bare = block.call

    def _bare_call(self) -> Iterator[Delta]:
        bare, self._bare = self._bare, None
        if bare is not None:
            yield CallClosed(bare)


def _thought(block: _Block, told: Mapping[str, Any]) -> Iterator[Delta]:
    match told:
        case {"text": str(text)}:
            block.pieces.append(text)
            yield ThinkingDelta(text)
        case {"signature": str(signature)}:
            block.signature.append(signature)
        case {"redactedContent": bytes(sealed)}:
            block.sealed.append(sealed)
    yield Alive()


def _usage(told: Mapping[str, Any]) -> Usage:
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    fresh, output, read, written = (int(told.get(name) or 0) for name in names)
    return Usage(
        input_tokens=fresh + read + written,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cost=None,
    )


def _broken(what: str) -> TransientModelError:
    return TransientModelError(f"the model {what}: its answer is broken", kind="broken")
