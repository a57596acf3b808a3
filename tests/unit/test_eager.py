"""Eager calls: started while the model writes, reused after a broken stream, discarded when nobody asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.loop_kit import Lab, answer, asks, patiently
from workbench.errors import TransientModelError
from workbench.events.agent import Limits
from workbench.events.call import (
    CallDiscarded,
    CallFinished,
    CallInterrupted,
    CallReused,
    CallStarted,
    PermissionDecided,
)
from workbench.events.content import text_content
from workbench.events.request import Request, Usage
from workbench.events.run import RunResumed
from workbench.events.turn import TurnFinished
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TurnEnd
from workbench.tools.base import Tool
from workbench.tools.control import submit_answer
from workbench.tools.declaring import tool

OVERLOADED = TransientModelError("overloaded", kind="overloaded")


class Looks:
    """A read-only tool whose calls can be held, and which notes what it looked up."""

    def __init__(self, *, held: bool = False) -> None:
        self.words: list[str] = []
        self.gate = asyncio.Event()
        if not held:
            self.gate.set()

    def tool(self, **options: Any) -> Tool:
        """Return the tool."""

        @tool(name="look", **{"read_only": True, **options})
        async def look(word: str) -> str:
            self.words.append(word)
            await self.gate.wait()
            return f"found {word}"

        return look


def look(word: str) -> tuple[str, dict[str, str]]:
    """Return a call."""
    return ("look", {"word": word})


async def test_a_read_only_call_starts_while_the_model_still_writes() -> None:
    """Its result is there before the turn is finished."""
    looks, hold = Looks(), asyncio.Event()
    lab = Lab([asks(look("a"), look("b"), hold=hold), answer()], [looks.tool()])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["finished", "finished"])
    assert lab.all(TurnFinished) == []
    assert all(event.eager for event in lab.all(CallStarted))
    hold.set()
    await lab.finish(task)
    assert looks.words == ["a", "b"]
    assert lab.sent_results() == [("0.0", "found a", False), ("0.1", "found b", False)]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("options", "agent"),
    [
        ({"read_only": False}, {}),
        ({"read_only": False, "idempotent": True}, {}),
        ({"permission": "ask"}, {}),
        ({}, {"parallel_tool_calls": False}),
        ({}, {"eager": False}),
    ],
)
async def test_no_other_call_starts_before_the_turn_is_whole(options: dict[str, Any], agent: dict[str, Any]) -> None:
    """Effectful, idempotent and asked-for calls wait, and so do all in a sequential run or with eager off."""
    looks, hold = Looks(), asyncio.Event()
    lab = Lab([asks(look("a"), hold=hold), answer()], [looks.tool(**options)], **agent)
    task = await lab.started()
    await lab.until(lambda: lab.state.active_turn is not None)
    for _ in range(20):
        await asyncio.sleep(0)
    assert lab.all(CallStarted) == []
    hold.set()
    await lab.finish(task)
    assert not any(event.eager for event in lab.all(CallStarted))


async def test_a_call_that_finds_no_room_starts_as_soon_as_there_is_some() -> None:
    """Still while the model writes: the limit of calls at once holds for eager ones, and is used to the full."""
    looks, hold = Looks(held=True), asyncio.Event()
    limits = Limits(steps=None, calls_at_once=2)
    lab = Lab([asks(*map(look, "abc"), hold=hold), answer()], [looks.tool()], limits=limits)
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "running"])
    looks.gate.set()
    await lab.until(lambda: lab.statuses() == ["finished"] * 3)
    assert lab.all(TurnFinished) == []
    hold.set()
    await lab.finish(task)
    assert looks.words == ["a", "b", "c"]


async def test_what_found_no_room_until_the_turn_was_whole_runs_once_like_any_call() -> None:
    """Offered early and asked for by the turn, it is still one call."""
    looks, hold = Looks(held=True), asyncio.Event()
    lab = Lab(
        [asks(*map(look, "abc"), hold=hold), answer()], [looks.tool()], limits=Limits(steps=None, calls_at_once=2)
    )
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "running"])
    hold.set()
    await lab.until(lambda: lab.statuses() == ["running", "running", "requested"])
    looks.gate.set()
    await lab.finish(task)
    assert looks.words == ["a", "b", "c"]
    assert [(event.call, event.eager) for event in lab.all(CallStarted)][:3] == [
        ("0.0", True),
        ("0.1", True),
        ("0.2", False),
    ]


async def test_what_a_broken_attempt_offered_and_did_not_start_never_starts() -> None:
    """Room that becomes free later is not for calls that nobody asks for any more."""
    looks, hold, again = Looks(held=True), asyncio.Event(), asyncio.Event()
    broken = asks(look("a"), look("b"), hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(look("a"), hold=again), answer()], [looks.tool()],
              limits=Limits(steps=None, calls_at_once=1))  # fmt: skip
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    hold.set()
    await lab.until(lambda: len(lab.requests) == 2)
    looks.gate.set()
    await lab.until(lambda: lab.statuses() == ["finished"])
    again.set()
    await lab.finish(task)
    assert looks.words == ["a"]


async def test_after_a_broken_stream_the_same_call_takes_over_the_result() -> None:
    """What the next attempt asks for again is not run again; what it does not ask for is discarded."""
    looks, hold = Looks(), asyncio.Event()
    broken = asks(look("a"), look("b"), hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(look("c"), ("look", '{ "word" : "a" }')), answer()], [looks.tool()])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["finished", "finished"])
    hold.set()
    await lab.finish(task)
    assert sorted(looks.words) == ["a", "b", "c"]
    assert lab.all(CallReused) == [CallReused(call="0.3", old="0.0")]
    assert [event.call for event in lab.all(CallDiscarded)] == ["0.1"]
    assert lab.sent_results() == [("0.2", "found c", False), ("0.3", "found a", False)]
    assert lab.call("0.0").status == "discarded"


async def test_a_call_that_still_runs_is_taken_over_and_finishes_once() -> None:
    """The next attempt does not start it again while the stream goes on; its one result belongs to the new call."""
    looks, hold, again = Looks(held=True), asyncio.Event(), asyncio.Event()
    broken = asks(look("a"), hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(look("a"), hold=again), answer()], [looks.tool()])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    hold.set()
    await lab.until(lambda: len(lab.requests) == 2)
    again.set()
    await lab.until(lambda: lab.all(CallReused))
    assert (lab.call("0.0").status, lab.call("0.1").status) == ("discarded", "running")
    looks.gate.set()
    await lab.finish(task)
    assert looks.words == ["a"]
    assert [event.call for event in lab.all(CallFinished)] == ["0.1", "1.0"]
    assert lab.sent_results() == [("0.1", "found a", False)]


@pytest.mark.parametrize("how", ["cancel", "answer", "pause"])
async def test_a_call_that_was_taken_over_is_a_call_like_any_other(how: str) -> None:
    """It can be cancelled, answered by hand and interrupted under its new name."""
    looks, hold = Looks(held=True), asyncio.Event()
    broken = asks(look("a"), hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(look("a"), text="again"), answer()], [looks.tool()])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    hold.set()
    await lab.until(lambda: lab.all(CallReused))
    if how == "pause":
        lab.loop.pause()
        await lab.finish(task)
        assert [event.call for event in lab.all(CallInterrupted)] == ["0.1"]
        looks.gate.set()
        await lab.journal.append(RunResumed())
        await lab.run()
        assert lab.sent_results() == [("0.1", "found a", False)]
        return
    if how == "cancel":
        lab.loop.cancel_call("0.1")
    else:
        lab.loop.answer_call("0.1", text_content("by hand"), is_error=False)
    await lab.finish(task)
    said = "cancelled by the operator" if how == "cancel" else "by hand"
    assert lab.sent_results() == [("0.1", said, how == "cancel")]


async def test_ids_of_started_calls_are_never_given_again() -> None:
    """A broken attempt started its second call only; the next attempt's first call gets a number beyond it."""
    looks, hold = Looks(), asyncio.Event()

    @tool()
    async def act(what: str) -> str:
        return f"did {what}"

    broken = asks(("act", {"what": "x"}), look("a"), hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(("act", {"what": "y"}), ("act", {"what": "z"})), answer()], [looks.tool(), act])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["finished"])
    assert list(lab.state.steps[0].calls) == ["0.1"]
    hold.set()
    await lab.finish(task)
    assert lab.sent_results() == [("0.2", "did y", False), ("0.3", "did z", False)]
    assert lab.call("0.1").status == "discarded"


async def test_a_turn_given_up_for_good_discards_its_eager_calls() -> None:
    """When all attempts broke, what ran early is stopped and recorded as discarded."""
    looks = Looks(held=True)
    broken = asks(look("a"), error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken] * 5, [looks.tool()])
    state = await lab.run()
    assert state.status == "failed"
    assert looks.words == ["a"]
    assert [event.call for event in lab.all(CallDiscarded)] == ["0.0"]
    assert lab.kinds[-3:] == ["call_discarded", "turn_discarded", "run_finished"]


async def test_a_pause_in_the_stream_discards_what_ran_early() -> None:
    """The resumed turn starts from nothing and may ask for something else."""
    looks, never = Looks(held=True), asyncio.Event()
    lab = Lab([asks(look("a"), hold=never), asks(look("b")), answer()], [looks.tool()])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    lab.loop.pause()
    await lab.finish(task)
    assert lab.kinds[-3:] == ["call_discarded", "turn_discarded", "run_paused"]
    looks.gate.set()
    await lab.journal.append(RunResumed())
    await lab.run()
    assert lab.sent_results() == [("0.1", "found b", False)]


async def test_with_an_answer_in_the_turn_what_has_not_finished_is_not_run() -> None:
    """Eager calls still running are cancelled and discarded, finished ones keep their results, the rest never start."""
    looks, hold = Looks(held=True), asyncio.Event()
    quick = Looks()

    @tool(name="quick", read_only=True)
    async def quick_look() -> str:
        return "quick"

    @tool()
    async def act() -> str:
        raise AssertionError("it ran")

    turn = asks(look("a"), ("quick", {}), ("act", {}), ("submit_answer", {"answer": "42"}), hold=hold)
    lab = Lab([turn], [looks.tool(), quick_look, act])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "finished"])
    hold.set()
    state = await lab.finish(task)
    assert (state.status_and_reason, state.answer) == (("completed", "answered"), "42")
    assert [event.call for event in lab.all(CallDiscarded)] == ["0.0"]
    assert lab.text("0.0").startswith("not run")
    assert lab.text("0.1") == "quick"
    assert lab.text("0.2").startswith("not run")
    assert lab.text("0.3") == "accepted"
    assert state.steps[0].is_closed
    assert quick.words == []


async def test_an_answer_after_a_broken_stream_discards_what_it_took_over() -> None:
    """A taken-over call that still runs when the answer is submitted is stopped and answered "not run"."""
    looks, hold = Looks(held=True), asyncio.Event()
    broken = asks(look("a"), hold=hold, error=OVERLOADED, error_after_calls=True)
    lab = Lab([broken, asks(look("a"), ("submit_answer", {"answer": "42"}))], [looks.tool()])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    hold.set()
    state = await lab.finish(task)
    assert state.answer == "42"
    assert lab.text("0.1").startswith("not run")
    assert [call.status for call in state.steps[0].asked_calls] == ["finished", "finished"]


async def test_an_invalid_answer_is_an_error_the_model_can_mend() -> None:
    """Siblings run as ever, and the run goes on to the next turn."""
    looks = Looks()
    lab = Lab([asks(look("a"), ("submit_answer", {"anwser": "42"})), answer()], [looks.tool()])
    state = await lab.run()
    assert state.status == "completed"
    results = lab.sent_results()
    assert results[0] == ("0.0", "found a", False)
    assert results[1][2]
    assert "answer: Field required" in results[1][1]
    assert len(state.steps) == 2


async def test_an_answer_waits_for_effects_under_way() -> None:
    """An effectful sibling that already runs is never left for an answer that was allowed later."""
    gate = asyncio.Event()
    asked = submit_answer.spec.model_copy(update={"permission": "ask"})

    @tool()
    async def act() -> str:
        await gate.wait()
        return "acted"

    turn = asks(("act", {}), ("submit_answer", {"answer": "42"}))
    lab = Lab([turn], [act], submit=replace(submit_answer, spec=asked))
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "waiting"])
    await lab.journal.append(PermissionDecided(call="0.1", verdict="allow"))
    lab.loop.wake()
    for _ in range(10):
        await asyncio.sleep(0)
    assert lab.statuses() == ["running", "requested"]
    gate.set()
    state = await lab.finish(task)
    assert lab.text("0.0") == "acted"
    assert state.answer == "42"


class PausesAtTheEnd:
    """A provider during whose last word somebody presses pause."""

    def __init__(self) -> None:
        self.is_running = asyncio.Event()
        self.pause: Callable[[], None] = asyncio.Event().set

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Ask for one call, then answer."""
        is_first = len(request.messages) == 1
        yield CallOpened(0, "look" if is_first else "submit_answer")
        yield CallInput(0, '{"word": "a"}' if is_first else '{"answer": "42"}')
        yield CallClosed(0)
        if is_first:
            await self.is_running.wait()
        yield TurnEnd("tool_calls", Usage())
        if is_first:
            self.pause()


async def test_a_pause_at_the_very_moment_a_turn_ends_loses_nothing() -> None:
    """The whole turn is stored, its calls wait, and resume runs them."""
    looks, provider = Looks(held=True), PausesAtTheEnd()
    lab = Lab([], [looks.tool()], provider=provider)
    provider.pause = lab.loop.pause
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"])
    provider.is_running.set()
    state = await lab.finish(task)
    assert state.status_and_reason == ("interrupted", "paused")
    assert len(lab.all(TurnFinished)) == 1
    assert lab.call("0.0").status == "interrupted"
    looks.gate.set()
    await lab.journal.append(RunResumed())
    assert (await patiently(lab.run())).status == "completed"
    assert lab.text("0.0") == "found a"
