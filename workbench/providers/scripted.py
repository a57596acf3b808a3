"""A model that says what a script says: for tests, and for agents whose turns are known beforehand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import PermanentModelError
from workbench.events.request import Request, Usage
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TextDelta, ThinkingDelta, TurnEnd

_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One scripted turn.

    `calls` are `(tool, input)` pairs. `pieces` is in how many parts texts and arguments are streamed. `gate`, where
    given, is waited for before anything is said, so that a test decides when the model answers. `error` is raised
    after the turn's text, as a broken stream.
    """

    text: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    thinking: str = ""
    usage: Usage = field(default_factory=lambda: Usage(input_tokens=10, output_tokens=5))
    stop_reason: str | None = None
    pieces: int = 1
    gate: asyncio.Event | None = None
    hold: asyncio.Event | None = None
    """Waited for before the end of the turn is said, after all its blocks."""
    error: Exception | None = None
    error_after_calls: bool = False


Script = Sequence[Turn] | Callable[[Request], Turn]


class ScriptedProvider:
    """Plays turns in order, or asks a function for the turn that fits a request.

    `requests` keeps what was asked, for assertions.
    """

    def __init__(self, script: Script, *, plan: Turn | None = None) -> None:
        self._script, self._plan, self._next = script, plan, 0
        self.requests: list[Request] = []

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the next turn; raises `PermanentModelError` when the script has no more."""
        self.requests.append(request)
        turn = self._turn_for(request)
        if turn.gate is not None:
            await turn.gate.wait()
        for piece in _cut(turn.thinking, turn.pieces):
            yield ThinkingDelta(piece)
        for piece in _cut(turn.text, turn.pieces):
            yield TextDelta(piece)
        if turn.text or turn.thinking:
            await asyncio.sleep(0)
        if turn.error is not None and not turn.error_after_calls:
            raise turn.error
        for index, (tool, arguments) in enumerate(turn.calls):
            yield CallOpened(index, tool)
            text = arguments if isinstance(arguments, str) else _ENCODER.encode(arguments)
            for piece in _cut(text, turn.pieces):
                yield CallInput(index, piece)
            yield CallClosed(index)
        await asyncio.sleep(0)
        if turn.hold is not None:
            await turn.hold.wait()
        if turn.error is not None:
            raise turn.error
        yield TurnEnd(turn.stop_reason or ("tool_calls" if turn.calls else "end_turn"), turn.usage)

    def _turn_for(self, request: Request) -> Turn:
        if request.purpose == "plan" and self._plan is not None:
            return self._plan
        if callable(self._script):
            return self._script(request)
        if self._next >= len(self._script):
            raise PermanentModelError(
                f"the script has {len(self._script)} turns and was asked for one more", kind="script_ended"
            )
        self._next += 1
        return self._script[self._next - 1]


def _cut(text: str, pieces: int) -> Iterable[str]:
    if not text:
        return
    size = max(1, -(-len(text) // max(1, pieces)))
    for start in range(0, len(text), size):
        yield text[start : start + size]
