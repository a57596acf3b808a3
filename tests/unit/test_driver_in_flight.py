"""Commands for one call while it runs, through the whole driver, and why they are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from workbench.driver.commands import AnswerCall, CancelCall, Command, GiveTime, PauseRun, RetryCall
from workbench.errors import AddressError, EditRefusedError
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool


class Held:
    """A tool whose first attempts wait."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}

    def tool(self) -> Tool:
        """Return the tool."""

        @tool(read_only=True)
        async def wait(context: ToolContext, word: str) -> str:
            if context.attempt == 0:
                self.gates[word] = asyncio.Event()
                await self.gates[word].wait()
            return f"found {word}, attempt {context.attempt}"

        return wait


def running(count: int) -> Any:
    """Return a condition: so many calls of the first step run."""

    def holds(state: RunState) -> bool:
        return bool(state.steps) and [call.status for call in state.steps[0].calls.values()].count("running") == count

    return holds


WORDS = [("wait", {"word": word}) for word in ("a", "b", "c")]


@contextmanager
def waiting(folder: Path, turn: Turn | None = None) -> Iterator[tuple[Rig, str, Held]]:
    """Give a run with three calls in flight."""
    held = Held()
    with Rig(folder, [turn or Turn("Waiting.", WORDS), answer("done")], [held.tool()]) as rig:
        run = rig.start()
        rig.wait(run, running(3))
        rig.wait_for(lambda: len(held.gates) == 3)
        yield rig, run, held
        for gate in held.gates.values():
            rig.open_gate(gate)


def test_one_call_of_three_is_begun_anew_in_the_same_run(tmp_path: Path) -> None:
    """Its second attempt gives the result; the siblings are asked once, and nothing is forked."""
    with waiting(tmp_path) as (rig, run, held):
        rig.ask(RetryCall(run, "0.1"))
        state = rig.wait(run, running(2))
        assert state.steps[0].calls["0.1"].status == "finished"
        for word in ("a", "c"):
            rig.open_gate(held.gates[word])
        state = rig.finish(run)
        assert [len(call.attempts) for call in state.steps[0].calls.values()] == [0, 1, 0]
        assert state == rig.live_state(run)


def test_more_time_is_a_fact_of_the_call(tmp_path: Path) -> None:
    """What a person gave adds up, and is there for every reader of the log."""
    with waiting(tmp_path) as (rig, run, _):
        rig.ask(GiveTime(run, "0.2", 60.0))
        rig.ask(GiveTime(run, "0.2", 30.0))
        state = rig.wait(run, lambda state: state.steps[0].calls["0.2"].granted == 90.0)
        assert state.steps[0].calls["0.0"].granted == 0.0


def test_calls_that_run_while_the_model_writes_can_be_acted_on(tmp_path: Path) -> None:
    """Cancelled, answered, begun anew: each before the turn is finished, and each is what the model sees."""
    gate = asyncio.Event()
    turn = Turn("Waiting.", WORDS, hold=gate)
    with waiting(tmp_path, turn) as (rig, run, _):
        rig.ask(CancelCall(run, "0.0"))
        rig.ask(AnswerCall(run, "0.1", "by hand"))
        rig.ask(RetryCall(run, "0.2"))
        state = rig.wait(run, running(0))
        assert not any(call.asked for call in state.steps[0].calls.values())
        with pytest.raises(EditRefusedError, match=r"call 0\.0 has its result already; the model has yet to finish"):
            rig.ask(CancelCall(run, "0.0"))
        rig.open_gate(gate)
        state = rig.finish(run)
        lines = [call.result.first_line for call in state.steps[0].asked_calls if call.result is not None]
        assert lines == ["cancelled by the operator", "by hand", "found c, attempt 1"]


def test_an_order_at_the_moment_of_a_pause_takes_effect(tmp_path: Path) -> None:
    """Given right behind the pause, before the run has come to rest."""
    with waiting(tmp_path) as (rig, run, _):

        async def both() -> None:
            first = asyncio.ensure_future(rig.driver.ask(PauseRun(run)))
            await rig.driver.ask(CancelCall(run, "0.1"))
            await first

        asyncio.run(both())
        state = rig.wait(run, lambda state: state.end is not None and running(0)(state))
        rig.wait(run, lambda state: state.steps[0].calls["0.1"].status == "cancelled")
        assert state.steps[0].calls["0.0"].status == "interrupted"


@pytest.mark.parametrize(
    ("command", "error", "why"),
    [
        (RetryCall("@last", "0.7"), AddressError, r"has no call '0\.7'; the open step has 0\.0, 0\.1, 0\.2"),
        (GiveTime("@last", "0.0", 0.0), EditRefusedError, "a call can be given up to 86400 s more, not 0 s"),
        (GiveTime("@last", "0.0", float("nan")), EditRefusedError, "not no end of time"),
        (RetryCall("@last", "0.1"), EditRefusedError, r"call 0\.1 has its result already; fork at `0\.1`"),
    ],
)
def test_what_cannot_be_done_to_a_call_is_a_sentence(
    tmp_path: Path, command: Command, error: type[Exception], why: str
) -> None:
    """A call that is not there, no time at all, a call that is done."""
    with waiting(tmp_path) as (rig, run, _):
        rig.ask(CancelCall(run, "0.1"))
        rig.wait(run, running(2))
        with pytest.raises(error, match=why):
            rig.ask(command)


def test_what_was_stopped_is_not_begun_anew(tmp_path: Path) -> None:
    """A paused run has no call that runs; its resuming is another key."""
    with waiting(tmp_path) as (rig, run, _):
        rig.ask(PauseRun(run))
        rig.finish(run)
        with pytest.raises(EditRefusedError, match=r"call 0\.0 does not run; it is interrupted"):
            rig.ask(RetryCall(run, "0.0"))


def test_a_subagent_is_neither_begun_anew_nor_given_time(tmp_path: Path) -> None:
    """It has limits of its own; the sentences say what to do instead."""
    held = Held()

    def model(request: Any) -> Turn:
        if "dig" in str(request.messages[0]):
            return Turn("Waiting.", WORDS[:1])
        return Turn("Handing over.", [("spawn_subagent", {"task": "dig", "focus": "deep"})])

    with Rig(tmp_path, model, [held.tool()]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: bool(state.steps and state.steps[0].calls and held.gates))
        with pytest.raises(EditRefusedError, match="is a subagent, which is not begun anew while it runs; open it"):
            rig.ask(RetryCall(run, "0.0"))
        with pytest.raises(EditRefusedError, match="is a subagent: it has no timeout"):
            rig.ask(GiveTime(run, "0.0", 60.0))
        rig.ask(CancelCall(run, "0.0"))
