"""One builder for all providers: deltas in, a turn's blocks out."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.errors import TransientModelError
from workbench.events.content import TextBlock, normalise_json, normalise_text
from workbench.events.request import ProviderParts, ThinkingBlock, ToolCallBlock, TurnBlock
from workbench.providers.base import (
    CallClosed,
    CallInput,
    CallOpened,
    Delta,
    HostedStarted,
    PartsDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
    parse_arguments,
)

CUT = "the turn ended before the arguments were whole"
CUT_BY_LIMIT = (
    "the turn reached its limit of tokens before the arguments were whole, so nothing was run; ask for less in one turn"
)
"""Why a call that was never closed does not run."""


@dataclass(slots=True)
class _OpenCall:
    tool: str
    id: str
    pieces: list[str] = field(default_factory=list)
    block: ToolCallBlock | None = None


class TurnBuilder:
    """Collects one attempt of a turn.

    `first_call` is the number of the first call in its step: attempts after one whose calls have started go on
    counting, so that ids stay unique. What the provider ran itself is numbered among them, and is no part of the turn.
    """

    def __init__(self, step: int, first_call: int = 0) -> None:
        self._step, self._next_call = step, first_call
        self._blocks: list[TextBlock | ThinkingBlock | _OpenCall] = []
        self._text: list[str] = []
        self._text_is_thinking = False
        self._calls: dict[int, _OpenCall] = {}
        self._hosted: dict[int, str] = {}
        self.parts: ProviderParts | None = None
        self._end: TurnEnd | None = None

    def feed(self, delta: Delta) -> ToolCallBlock | None:
        """Take in a delta; return the call that it completed, if it completed one.

        Raises `TransientModelError` for pieces that do not fit together: the stream is broken.
        """
        match delta:
            case TextDelta() | ThinkingDelta():
                self._take_text(delta.text, thinking=isinstance(delta, ThinkingDelta))
            case CallOpened():
                self._flush()
                if delta.index in self._calls:
                    raise TransientModelError(f"the model opened call {delta.index} twice", kind="broken")
                call = self._calls[delta.index] = _OpenCall(delta.tool, self._new_id())
                self._blocks.append(call)
            case CallInput():
                self._open_call(delta.index).pieces.append(delta.json)
            case CallClosed():
                return self._close(self._open_call(delta.index), delta.invalid)
            case HostedStarted():
                self._flush()
                self._hosted[delta.index] = self._new_id()
            case PartsDelta(parts=parts):
                # Sent back verbatim or not at all; what the log cannot hold exactly is not.
                self.parts = parts if normalise_json(parts.parts) == parts.parts else None
            case TurnEnd():
                self._end = delta
        return None

    def hosted_id(self, index: int) -> str:
        """Return our id of a call that runs at the provider; raises `TransientModelError` for one that never began."""
        if index not in self._hosted:
            raise TransientModelError(f"the model ended {index} at its provider, which never began", kind="broken")
        return self._hosted[index]

    def _new_id(self) -> str:
        number, self._next_call = self._next_call, self._next_call + 1
        return f"{self._step}.{number}"

    @property
    def end(self) -> TurnEnd:
        """The provider's word that the turn is whole; raises `TransientModelError` where it did not come."""
        if self._end is None:
            raise TransientModelError("the stream ended before the turn was whole", kind="truncated")
        return self._end

    def finish(self) -> tuple[TurnBlock, ...]:
        """Return the whole turn's blocks; raises `TransientModelError` where the stream ended without its end.

        A call that was never closed is cut, whatever its arguments look like: none at all could be read as an empty
        object, and the half call would run.
        """
        end = self.end
        self._flush()
        if end.stop_reason == "tool_calls" and not self._calls:
            raise TransientModelError("the model said that it calls tools, and named none", kind="broken")
        why = CUT_BY_LIMIT if end.stop_reason == "max_tokens" else CUT
        return tuple(
            (block.block or self._close(block, why)) if isinstance(block, _OpenCall) else block
            for block in self._blocks
        )

    def _open_call(self, index: int) -> _OpenCall:
        call = self._calls.get(index)
        if call is None or call.block is not None:
            raise TransientModelError(f"the model went on with call {index}, which is not open", kind="broken")
        return call

    def _close(self, call: _OpenCall, invalid: str | None = None) -> ToolCallBlock:
        arguments, unreadable = ({}, invalid) if invalid else parse_arguments("".join(call.pieces))
        call.block = ToolCallBlock(id=call.id, tool=normalise_text(call.tool), input=arguments, invalid=unreadable)
        return call.block

    def _take_text(self, text: str, *, thinking: bool) -> None:
        if thinking != self._text_is_thinking:
            self._flush()
            self._text_is_thinking = thinking
        self._text.append(text)

    def _flush(self) -> None:
        text = normalise_text("".join(self._text))
        self._text.clear()
        if text:
            self._blocks.append(ThinkingBlock(text=text) if self._text_is_thinking else TextBlock(text=text))
