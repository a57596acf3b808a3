"""A recorded run answers in the place of its model: `recorded:RUN`.

What was asked then is known by its key, so the order in which subagents ask does not matter. The provider knows nothing
of logs: whoever makes it gives it a `Recording`. A request that was never recorded is the place at which the run parts
from the recording; the recording says so with a `PermanentModelError` of the kind `divergence`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from pydantic import JsonValue

from workbench.errors import PermanentModelError
from workbench.events.content import Content, TextBlock
from workbench.events.request import ProviderParts, Request, ThinkingBlock, ToolCallBlock, TurnBlock, Usage
from workbench.providers.base import (
    CallClosed,
    CallInput,
    CallOpened,
    Delta,
    HostedFinished,
    HostedStarted,
    PartsDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
)

PROVIDER: Final = "recorded"
SECONDS_OF_TURN: Final = 2.0
"""How long a turn lasts at pace 1, whatever it took then."""
_WORD: Final = re.compile(r"\S+\s*|\s+")


class RecordedHosted(NamedTuple):
    """What the provider ran itself, and what came of it."""

    tool: str
    input: dict[str, JsonValue]
    result: Content
    is_error: bool


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """A turn as it was recorded."""

    content: tuple[TurnBlock, ...]
    stop_reason: str
    usage: Usage
    provider_parts: ProviderParts | None = None
    hosted: tuple[RecordedHosted, ...] = ()


class Recording(Protocol):
    """Answers the requests of one run, one at a time, out of a recorded run."""

    async def take(self, request: Request) -> RecordedTurn:
        """Return the turn that answered `request`; of several, the first that was not taken.

        Raises `PermanentModelError` of the kind `divergence` where nothing did.
        """
        ...

    def give_back(self) -> None:
        """Take back the last turn that was taken: it was not told to its end."""
        ...


class RecordedProvider:
    """Tells recorded turns again. They cost nothing; their tokens are those of then.

    Without a recording it only stands for the name of one.
    """

    def __init__(self, run: str, pace: float = 0.0, recording: Recording | None = None) -> None:
        self.run, self.pace = run, max(0.0, pace)
        """The recorded run as it was named, and how slowly it is told."""
        self._recording = recording

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Tell the turn that answered `request` then."""
        if self._recording is None:
            raise PermanentModelError(f"run {self.run!r} is not open; nothing of it can be told here", kind="provider")
        turn = await self._recording.take(request)
        is_told = False
        try:
            pieces = list(_pieces(turn, by_words=self.pace > 0))
            wait = min(0.1, SECONDS_OF_TURN / max(1, len(pieces))) * self.pace
            for piece in pieces:
                await asyncio.sleep(wait)
                yield piece
            yield TurnEnd(turn.stop_reason, turn.usage.model_copy(update={"cost": 0.0}))
            is_told = True
        finally:
            if not is_told:
                self._recording.give_back()


def _pieces(turn: RecordedTurn, *, by_words: bool) -> Iterator[Delta]:
    for number, ran in enumerate(turn.hosted):
        yield HostedStarted(number, ran.tool, ran.input)
        yield HostedFinished(number, ran.result, ran.is_error)
    index = 0
    for block in turn.content:
        match block:
            case ThinkingBlock():
                yield from map(ThinkingDelta, _WORD.findall(block.text) if by_words else (block.text,))
            case TextBlock():
                yield from map(TextDelta, _WORD.findall(block.text) if by_words else (block.text,))
            case ToolCallBlock():
                yield CallOpened(index, block.tool)
                yield CallInput(index, json.dumps(block.input, ensure_ascii=False))
                yield CallClosed(index, block.invalid)
                index += 1
    if turn.provider_parts is not None:
        yield PartsDelta(turn.provider_parts)
