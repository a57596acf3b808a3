"""What bounds a turn: time without a word, the run's own time, a server's wish to wait, the limit of tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.loop_kit import Lab, answer, patiently
from tests.unit.test_turns import END, OVERLOADED, Deltas, stream_of
from workbench.clock import SystemClock
from workbench.engine.turns import wait_after
from workbench.errors import TransientModelError
from workbench.events.agent import Limits, ModelParameters, ModelRetries
from workbench.events.content import text_content
from workbench.events.edit import MessageAdded, TextEdited
from workbench.events.request import Usage
from workbench.events.run import LimitReached
from workbench.events.turn import ModelRetried, TurnDiscarded, TurnStarted
from workbench.providers.base import Alive, CallInput, CallOpened, Delta, TextDelta, TurnEnd, UsageSoFar
from workbench.providers.remote import Endpoint
from workbench.providers.scripted import Turn

USED = Usage(input_tokens=100, output_tokens=1, cost=0.5)


def living() -> Deltas:
    """Return a provider that gives signs of life for ever, and never a word."""

    async def source() -> AsyncIterator[Delta]:
        while True:
            yield Alive()
            await asyncio.sleep(0)

    return Deltas(source)


async def test_signs_of_life_alone_are_not_waited_for_for_ever() -> None:
    """A server that only pings is given up like one that is silent, later."""
    provider = living()
    provider.endpoint = Endpoint(silence_timeout=0.01)  # type: ignore[attr-defined]
    lab = Lab([], provider=provider)
    assert (await lab.run()).error == "the model lives, but said nothing for 0.01 s"
    assert {event.error_kind for event in lab.all(ModelRetried)} == {"timeout"}


@pytest.mark.parametrize("plan", ["off", "auto"])
async def test_the_time_limit_holds_inside_of_a_turn(plan: str) -> None:
    """A run with a time limit stops at it, whatever its model does, and can be resumed with a higher one."""
    lab = Lab([], provider=living(), clock=SystemClock(), limits=Limits(seconds=0.05), plan=plan)
    state = await lab.run()
    assert state.status_and_reason == ("interrupted", "time_limit")
    assert lab.all(TurnDiscarded)[0].reason == "out of time"
    assert state.active_turn is None


async def test_a_server_that_asks_to_wait_for_hours_ends_the_run() -> None:
    """Nobody is left to sit before a screen that will not move; the run says when to resume it."""
    wish = TransientModelError("no more requests", kind="rate_limited", retry_after=100_000)
    lab = Lab([Turn(error=wish), answer()])
    state = await lab.run()
    assert state.error == "no more requests; it asks to wait 27.8 hours: resume the run then"
    assert len(lab.requests) == 1
    assert (await lab.go_on()).status == "completed"


async def test_what_a_broken_turn_used_counts() -> None:
    """The provider bills it, so the run's usage holds it, also where the turn was refused."""
    broken = stream_of(UsageSoFar(USED), TextDelta("so far"), OVERLOADED)
    state = await (lab := Lab([], provider=broken)).run()
    assert [event.usage for event in lab.all(TurnDiscarded)] == [USED] * 5
    assert (state.usage.input_tokens, state.usage.cost) == (500, 2.5)
    refused = stream_of(TextDelta("No."), TurnEnd("refusal", USED))
    assert (await Lab([], provider=refused).run()).usage == USED
    silent = stream_of(TransientModelError("nothing listens", kind="unreachable"))
    assert (await Lab([], provider=silent).run()).usage == Usage()


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
async def test_an_answer_that_was_cut_is_no_answer(reason: str) -> None:
    """The run fails with what came, says what to do, and goes on when somebody says so."""
    lab = Lab(
        [Turn("A long answer that is", stop_reason=reason), answer("whole")], parameters=ModelParameters(max_tokens=9)
    )
    state = await lab.run()
    assert state.status_and_reason == ("failed", "error")
    assert state.answer is None
    assert state.error is not None
    assert state.error.startswith("the answer was cut")
    assert ("9 tokens" in state.error) is (reason == "max_tokens")
    await lab.journal.append(MessageAdded(content=text_content("Go on.")))
    assert (await lab.run()).answer == "whole"


async def test_a_call_that_the_limit_cut_says_so_to_the_model() -> None:
    """It learns why nothing was run, so that it does not ask for the same again."""
    cut = (CallOpened(0, "work"), CallInput(0, '{"text": "a very lo'), TurnEnd("max_tokens", Usage()))
    turns_left = iter([cut, (TextDelta("I stop."), END)])

    async def source() -> AsyncIterator[Delta]:
        for delta in next(turns_left):
            yield delta

    lab = Lab([], provider=Deltas(source))
    await lab.run()
    assert "reached its limit of tokens" in lab.text("0.0")


async def test_how_often_and_how_long_is_the_agents_to_say() -> None:
    """The agent's own numbers of attempts and seconds hold; the log has the waits."""
    script = [*[Turn(error=OVERLOADED)] * 3, answer()]
    retries = ModelRetries(attempts=3, first_wait=0.001, longest_wait=0.0015)
    lab = Lab(script, retries=retries)
    assert (await lab.run()).error == "overloaded"
    assert [event.wait for event in lab.all(ModelRetried)] == [0.001, 0.0015]
    assert len(lab.requests) == 3


async def test_the_time_limit_holds_while_an_attempt_is_waited_for() -> None:
    """The wait ends with the run's time, no attempt follows it, and the log says that the limit was reached."""
    busy = TransientModelError("busy", kind="rate_limited", retry_after=30)
    lab = Lab([Turn(error=busy), answer()], clock=SystemClock(), limits=Limits(seconds=0.05))
    assert (await lab.run()).status_and_reason == ("interrupted", "time_limit")
    assert len(lab.requests) == 1
    assert [event.limit for event in lab.all(LimitReached)] == ["time_limit"]


async def test_a_pause_while_a_turn_is_wound_up_for_its_time_is_a_pause() -> None:
    """The stream takes a while to close; a key pressed then is no error."""
    closing, may_close = asyncio.Event(), asyncio.Event()

    async def source() -> AsyncIterator[Delta]:
        try:
            while True:
                yield Alive()
                await asyncio.sleep(0)
        finally:
            closing.set()
            await may_close.wait()

    lab = Lab([], provider=Deltas(source), clock=SystemClock(), limits=Limits(seconds=0.02))
    task = await lab.started()
    await patiently(closing.wait())
    lab.loop.pause("now")
    may_close.set()
    assert (await lab.finish(task)).status_and_reason == ("interrupted", "paused")


async def test_a_cut_answer_that_a_person_made_whole_is_the_answer() -> None:
    """Their words take the place of the model's, whatever those were cut at."""
    lab = Lab([Turn("A long answer that is", stop_reason="max_tokens")])
    await lab.run()
    await lab.journal.append(TextEdited(step=0, text="A whole answer.", replaces=""))
    assert (await lab.go_on()).answer == "A whole answer."


def test_any_number_of_attempts_can_be_asked_for() -> None:
    """The wait doubles up to the longest one, and no number grows beyond what a machine holds."""
    assert [wait_after(tried, ModelRetries()) for tried in (0, 1, 5, 6, 5000)] == [1, 2, 32, 60, 60]
    assert wait_after(5000, ModelRetries(first_wait=0.0)) == 0


async def test_a_summary_that_failed_is_waited_for_too() -> None:
    """Whatever a turn is for, the state knows that another attempt of it is to follow."""
    lab = Lab([])
    await lab.begin()
    started = TurnStarted(step=0, attempt=0, purpose="summary", model="m", request_key="k")
    failed = ModelRetried(step=0, attempt=0, error="busy", error_kind="overloaded", wait=60.0)
    await lab.journal.append(started, failed, TurnDiscarded(step=0, attempt=0, reason="broken: busy"))
    assert lab.state.waits_for_attempt
