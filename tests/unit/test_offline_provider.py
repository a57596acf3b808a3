"""`offline` behind the seam of every model: how it streams, counts and stops."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from tests.offline_kit import PYTHON, QUESTION, Talk, request
from workbench.events.request import Request, ToolCallBlock
from workbench.providers.base import CallInput, TextDelta, ThinkingDelta, TurnEnd
from workbench.providers.builder import TurnBuilder
from workbench.providers.offline import OfflineProvider
from workbench.providers.offline.provider import turn_for


def last_request() -> Request:
    """Return the request that is answered with `submit_answer`."""
    talk = Talk.about(PYTHON, QUESTION)
    while not talk.calls("submit_answer"):
        asked = talk.request()
        talk.step()
    return asked


async def test_a_turn_streams_in_pieces_and_builds_what_was_decided() -> None:
    """Thinking, then text word by word, then calls; the builder makes the very turn of it."""
    asked = request(QUESTION)
    builder, pieces = TurnBuilder(0), []
    async for delta in OfflineProvider().stream(asked):
        pieces.append(delta)
        builder.feed(delta)
    turn = turn_for(asked)
    blocks = builder.finish()
    assert [block.text for block in blocks if not isinstance(block, ToolCallBlock)] == [turn.thinking, turn.text]
    assert tuple((block.tool, block.input) for block in blocks if isinstance(block, ToolCallBlock)) == turn.calls
    assert sum(isinstance(piece, ThinkingDelta) for piece in pieces) > 5
    assert sum(isinstance(piece, TextDelta) for piece in pieces) > 5
    end = pieces[-1]
    assert isinstance(end, TurnEnd)
    assert end.stop_reason == "tool_calls"


async def test_an_answer_streams_in_pieces_too() -> None:
    """A long answer is seen growing."""
    pieces = [delta async for delta in OfflineProvider().stream(last_request()) if isinstance(delta, CallInput)]
    assert len(pieces) > 20


async def test_usage_is_an_estimate_and_costs_nothing() -> None:
    """Tokens are counted by length, so that limits and the screen have something true to show; the price is none."""
    ends = [
        delta
        for asked in (request(QUESTION), last_request())
        async for delta in OfflineProvider().stream(asked)
        if isinstance(delta, TurnEnd)
    ]
    assert ends[1].usage.input_tokens > ends[0].usage.input_tokens > 100
    assert ends[1].usage.output_tokens > ends[0].usage.output_tokens > 10
    assert all(end.usage.cost == 0.0 for end in ends)


async def test_the_pace_is_the_length_of_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """At pace 1 short and long turns take about two seconds, at pace 0 none."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    stand_in = SimpleNamespace(sleep=sleep, to_thread=asyncio.to_thread)  # asyncio itself serves other threads too
    monkeypatch.setattr("workbench.providers.offline.provider.asyncio", stand_in)
    for asked in (request(QUESTION), last_request()):
        slept.clear()
        async for _ in OfflineProvider(pace=1.0).stream(asked):
            pass
        assert 1.5 <= sum(slept) <= 2.5
    slept.clear()
    async for _ in OfflineProvider().stream(request(QUESTION)):
        pass
    assert sum(slept) == 0


@pytest.mark.parametrize("after", [0, 1, 7])
async def test_a_turn_can_be_cancelled_at_any_piece(after: int) -> None:
    """Interrupting does not wait for the end of a turn, which would take minutes at this pace."""
    heard: asyncio.Queue[object] = asyncio.Queue()

    async def listen() -> None:
        async for delta in OfflineProvider(pace=0.05 if after else 600.0).stream(request(QUESTION)):
            heard.put_nowait(delta)

    task = asyncio.create_task(listen())
    for _ in range(after):
        await heard.get()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=5)


async def test_turns_without_calls_end_the_turn() -> None:
    """A plan is text alone."""
    end = [delta async for delta in OfflineProvider().stream(request(QUESTION, "Plan.", purpose="plan"))][-1]
    assert isinstance(end, TurnEnd)
    assert end.stop_reason == "end_turn"
