"""A model's stream goes wrong in the middle of a run: nothing hangs, nothing half runs, the run goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.faults.stream_faults import (
    ANSWER,
    FAULTS,
    LOOKS,
    MEGABYTES,
    ODD_TURNS,
    PLACES,
    SILENT,
    STILL,
    WRITE,
    serving,
)
from tests.harness import Rig
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import AgentOptions, ListRuns, ResumeRun
from workbench.engine import turns
from workbench.errors import TransientModelError
from workbench.events.agent import ModelRetries
from workbench.events.call import CallStarted
from workbench.events.request import Request, Usage
from workbench.events.run import RunFinished
from workbench.events.turn import ModelRetried, TurnFinished
from workbench.providers.anthropic import AnthropicProvider
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TurnEnd
from workbench.providers.remote import Endpoint
from workbench.state.run_state import RunState
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool

MODEL = "anthropic:some-model"
HASTY = AgentSpec(plan="off", retries=ModelRetries(first_wait=0.001))
"""Attempts follow one another at once."""


class Done:
    """What tools were really asked to do, by run."""

    def __init__(self) -> None:
        self.looks: dict[str, list[tuple[str, str]]] = {}
        self.writes: Counter[str] = Counter()

    @property
    def tools(self) -> list[Tool]:
        """A tool that reads, and one that must not run twice."""

        @tool(read_only=True)
        async def look(context: ToolContext, word: str = "?", note: str = "?") -> str:
            self.looks.setdefault(context.run, []).append((word, note))
            return f"seen: {word}"

        @tool
        async def write(context: ToolContext, text: str = "?") -> str:
            assert text == WRITE["text"]
            self.writes[context.run] += 1
            return "written"

        return [look, write]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_stream_that_goes_wrong_harms_nothing(kind: str, tmp_path: Path) -> None:
    """Twenty places, each in a run of its own: no hang, no half call, each run comes to its answer or can go on to it.

    At even places the stream goes wrong once, and the run mends it by itself; at odd ones until the run gives up, and
    then a person lets it go on.
    """
    done = Done()

    def times(place: int) -> int:
        lasts = place % 2 and _is_broken(kind, place) and kind != "huge_arguments"  # once of those takes long enough
        return turns.MODEL_ATTEMPTS if lasts else 1

    silence = STILL if kind in SILENT else 20.0
    with serving(kind, times) as server:
        endpoint = Endpoint(base_url=server.url, first_byte_timeout=silence, byte_timeout=silence)
        models: dict[str, Any] = {MODEL: AnthropicProvider(endpoint)}
        with Rig(tmp_path, (), done.tools, models=models, spec=HASTY) as rig:
            runs = [rig.start(f"place {place}", model=MODEL) for place in range(PLACES)]
            for place, run in enumerate(runs):
                state = rig.finish(run)
                if times(place) > 1:
                    assert (state.status, state.reason) == ("failed", "error"), (place, state.status)
                    assert state.error, place
                    rig.ask(ResumeRun(run, AgentOptions()))
                    state = rig.wait(run, lambda state: state.status == "completed")
                retried = [event for event in events_of(rig, run) if isinstance(event, ModelRetried)]
                mended = turns.MODEL_ATTEMPTS - 1 if times(place) > 1 else int(_is_broken(kind, place))
                # A slow machine may be silent for as long as the silence that is a fault.
                assert len(retried) == mended or (kind in SILENT and len(retried) > mended), (place, retried)
                check(kind, place, state, rig, done)
            rig.ask(ListRuns())  # what the list says of a run may be behind its log for a moment
            found = rig.driver.run_blocking(rig.driver.store.check())
            assert [line for line in found if not line.startswith("SQLite ")] == [], "but for its version"
    assert all(_is_sound(body) for body in server.bodies)


def events_of(rig: Rig, run: str) -> list[Any]:
    """Return the events of a run."""
    return [record.event for record in rig.history(run).records]


def _is_broken(kind: str, place: int) -> bool:
    """Whether the fault spoils the turn, so that it is asked for again."""
    if kind in ODD_TURNS or (kind == "out_of_order" and place < 10):
        return False
    return kind != "huge_arguments" or place < PLACES - 2


def check(kind: str, place: int, state: RunState, rig: Rig, done: Done) -> None:
    """Check that a run did what the model asked for, whole and as often as it may be done, and nothing else."""
    assert (state.status, state.answer) == ("completed", ANSWER["answer"]), (place, state.error)
    looks = Counter(done.looks[state.run])
    asked = {(look["word"], look["note"]) for look in LOOKS}
    if kind == "huge_arguments" and not _is_broken(kind, place):
        asked.add(("groß", "x" * MEGABYTES))
    assert set(looks) == asked, place
    assert done.writes[state.run] == 1, place
    events = events_of(rig, state.run)
    started = [event for event in events if isinstance(event, CallStarted)]
    assert sum(looks.values()) == sum(event.tool == "look" for event in started), place
    assert [event.tool for event in started].count("write") == 1, place
    whole = [event for event in events if isinstance(event, TurnFinished)]
    assert len(whole) == 2, place
    assert all(call.invalid is None for turn in whole for call in turn.calls), place
    begun = next(event for event in started if event.tool == "write")
    assert events.index(begun) > events.index(whole[0]), (place, "what has effects waits for the whole turn")
    assert isinstance(events[-1], RunFinished)
    unknown = [call for call in state.steps[0].asked_calls if call.tool not in ("look", "write")]
    assert len(unknown) == (kind == "unknown_tool"), place
    assert all(call.has_error for call in unknown), place


def _is_sound(body: Any) -> bool:
    """Whether each call in a request is answered once, in the message that follows it, by an id of its own."""
    messages = body["messages"]
    for turn, after in pairwise(messages):
        if turn["role"] != "assistant":
            continue
        asked = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        given = [block["tool_use_id"] for block in after["content"] if block["type"] == "tool_result"]
        if asked != given or len(set(asked)) != len(asked) or not all(asked):
            return False
    return True


def test_a_broken_stream_that_is_taken_for_whole_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that makes a turn of whatever came, and runs calls that are cut, is caught by the test above."""
    stream = AnthropicProvider.stream

    async def wrong(provider: AnthropicProvider, request: Request) -> AsyncIterator[Delta]:
        opened: list[int] = []
        with suppress(TransientModelError):
            async for delta in stream(provider, request):
                opened += [delta.index] if isinstance(delta, CallOpened) else []
                if isinstance(delta, CallClosed):
                    opened.remove(delta.index)
                yield delta
                if isinstance(delta, TurnEnd):
                    return
        for index in opened:
            yield CallInput(index, '"}')
            yield CallClosed(index)
        yield TurnEnd("tool_calls", Usage())

    monkeypatch.setattr(AnthropicProvider, "stream", wrong)
    with pytest.raises(AssertionError):
        test_a_stream_that_goes_wrong_harms_nothing("mid_json", tmp_path)
