"""Breakpoints in the loop: each kind stops where it should, nothing runs before, and going on goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.loop_kit import Barrier, Lab, answer, asks
from workbench.debugger.breakpoints import parse_rule
from workbench.debugger.stops import Stops
from workbench.events.agent import Limits
from workbench.events.base import Recorded
from workbench.events.call import CallStarted
from workbench.events.content import text_content
from workbench.events.edit import MessageAdded
from workbench.events.request import Usage
from workbench.events.run import BreakpointHit, RunPaused, RunRecovered
from workbench.providers.scripted import Turn
from workbench.state.history import snapshot
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool

AT_BREAKPOINT = ("interrupted", "breakpoint")
ran: list[str] = []
"""What the tools of these tests did, in order."""


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    ran.append(f"look {word}")
    return f"found {word}"


@tool
async def write(word: str) -> str:
    """Write a word down."""
    ran.append(f"write {word}")
    if word == "bad":
        raise ValueError("no such word")
    return f"wrote {word}"


@tool(read_only=True, permission="ask")
async def ask_first(word: str) -> str:
    """Look a word up, when allowed."""
    ran.append(f"ask_first {word}")
    return f"found {word}"


def script(*turns: Turn) -> list[Turn]:
    """Return turns that end in an answer."""
    return [*turns, answer()]


def two_then_one() -> list[Turn]:
    """Return a script of a step with two calls, one with another, and the answer."""
    return script(
        asks(("look", {"word": "a"}), ("write", {"word": "b"})),
        asks(("write", {"word": "c"})),
    )


def lab(rules: Sequence[str] | str, turns: Sequence[Turn] | None = None, **more: Any) -> Lab:
    """Return a run with breakpoints."""
    rules = [rules] if isinstance(rules, str) else rules
    return Lab(two_then_one() if turns is None else list(turns), [look, write, ask_first], rules=rules, **more)


def hits(made: Lab) -> list[tuple[str, str | None]]:
    """Return what was hit, in order, by rule and call."""
    return [(hit.rule, hit.call) for hit in made.all(BreakpointHit)]


# Before a call


async def test_a_run_stops_before_a_tool_and_nothing_of_the_step_ran() -> None:
    """Before one of two calls that start together neither starts, and the one that was hit stays requested."""
    made = lab("tool:write", eager=False)
    state = await made.run()
    assert state.status_and_reason == AT_BREAKPOINT
    assert state.breakpoint == "tool:write: before call 0.1 write"
    assert (ran, made.statuses()) == ([], ["requested", "requested"])
    assert made.all(CallStarted) == []


async def test_going_on_passes_the_call_and_stops_at_the_next() -> None:
    """The same breakpoint does not hit the same call again; a later call of the tool it does."""
    made = lab("tool:write")
    await made.run()
    state = await made.go_on()
    assert (state.status_and_reason, sorted(ran)) == (AT_BREAKPOINT, ["look a", "write b"])
    assert made.statuses(1) == ["requested"]
    state = await made.go_on()
    assert (state.status, ran[-1]) == ("completed", "write c")
    assert hits(made) == [("tool:write", "0.1"), ("tool:write", "1.0")]


async def test_a_tool_is_named_with_stars() -> None:
    """`wri*` means every tool whose name begins so, and no other."""
    made = lab("tool:wri*")
    await made.run()
    assert hits(made) == [("tool:wri*", "0.1")]
    assert (await lab("tool:rite").run()).status == "completed"


async def test_a_run_stops_before_an_input() -> None:
    """A pattern is searched in what a call is given; the hit quotes what it found."""
    made = lab("input:^word: c$")
    state = await made.run()
    assert (state.breakpoint, ran[-1]) == (
        "input:^word: c$: before call 1.0 write, whose input says “word: c”",
        "write b",
    )
    assert (await made.go_on()).status == "completed"


async def test_a_rule_may_be_about_one_tool_alone() -> None:
    """`tool:look input:b` is not about another tool's input."""
    assert (await lab("tool:look input:b").run()).status == "completed"
    assert (await lab("tool:write input:b").run()).status_and_reason == AT_BREAKPOINT


async def test_calls_that_start_together_are_one_stop() -> None:
    """Two calls of a tool in one turn are both told of, and one key lets both go on."""
    made = lab("tool:look", script(asks(("look", {"word": "a"}), ("look", {"word": "b"}))))
    state = await made.run()
    assert hits(made) == [("tool:look", "0.0"), ("tool:look", "0.1")]
    assert state.breakpoint == "tool:look: before call 0.0 look"
    assert (await made.go_on()).status == "completed"


async def test_one_by_one_each_call_is_a_stop() -> None:
    """A sequential run stops before each of two calls of one turn."""
    turns = script(asks(("look", {"word": "a"}), ("look", {"word": "b"})))
    made = lab("tool:look", turns, parallel_tool_calls=False)
    await made.run()
    assert ran == []
    await made.go_on()
    assert ran == ["look a"]
    assert (await made.go_on()).status == "completed"


async def test_the_answer_can_be_stopped_before() -> None:
    """`tool:submit_answer` stops before the run ends."""
    made = lab("tool:submit_answer")
    assert (await made.run()).status_and_reason == AT_BREAKPOINT
    assert made.state.answer is None
    assert (await made.go_on()).answer == "42"


async def test_a_call_that_asks_is_asked_about_first() -> None:
    """The breakpoint is the last thing before the tool: a call that a person denies never reaches it."""
    made = lab("tool:ask_first", script(asks(("ask_first", {"word": "a"}))))
    assert (await made.run()).status_and_reason == ("awaiting_approval", "permission")
    made = lab("tool:ask_first", script(asks(("ask_first", {"word": "a"}))), deny_asks=True)
    assert (await made.run()).status == "completed"


# Eager calls


async def test_what_a_breakpoint_matches_does_not_start_early() -> None:
    """While the model still writes, a read-only call that would be stopped waits for the turn; its sibling does not."""
    turns = script(asks(("look", {"word": "a"}), ("look", {"word": "b"})))
    made = lab("input:b", turns)
    await made.run()
    started = made.all(CallStarted)
    assert [(event.call, event.eager) for event in started] == [("0.0", True)]
    assert (ran, hits(made)) == (["look a"], [("input:b", "0.1")])
    assert (await made.go_on()).status == "completed"


async def test_the_result_of_an_eager_call_stops_when_its_turn_is_whole() -> None:
    """A result that comes while the model writes breaks no stream: the turn is kept, and nothing else of it starts."""
    turns = script(asks(("look", {"word": "a"}), ("write", {"word": "b"})))
    made = lab("result:found a", turns)
    state = await made.run()
    assert (state.status_and_reason, ran) == (AT_BREAKPOINT, ["look a"])
    assert state.breakpoint == "result:found a: the result of call 0.0 look says “found a”"
    assert state.steps[0].turn.status == "finished"
    assert (await made.go_on()).status == "completed"


# On results


async def test_siblings_of_a_result_come_to_their_end_and_nothing_new_starts() -> None:
    """A result that is hit lets the call beside it finish, holds back the one without room; then the run rests."""
    both = Barrier(2)

    @tool
    async def slow(word: str) -> str:
        await both.wait()
        ran.append(f"slow {word}")
        return "slow is done"

    turns = script(asks(("write", {"word": "a"}), ("slow", {"word": "b"}), ("write", {"word": "c"})))
    made = Lab(turns, [write, slow], rules=["result:wrote a"], limits=Limits(steps=None, calls_at_once=2))
    task = await made.started()
    await made.until(lambda: made.state.breakpoint)
    assert made.state.status == "executing_tools"
    await both.wait()
    state = await made.finish(task)
    assert (state.status_and_reason, ran) == (AT_BREAKPOINT, ["write a", "slow b"])
    assert made.statuses() == ["finished", "finished", "requested"]
    assert (await made.go_on()).status == "completed"


async def test_a_run_stops_when_a_call_fails() -> None:
    """`error` stops at an exception, before the model hears of it; the hit says what went wrong."""
    made = lab("error", script(asks(("write", {"word": "bad"}))))
    state = await made.run()
    assert state.breakpoint == "error: call 0.0 write failed: write failed: ValueError: no such word"
    assert (state.status_and_reason, len(made.requests)) == (AT_BREAKPOINT, 1)
    assert (await made.go_on()).status == "completed"


async def test_an_input_that_a_tool_refuses_is_a_failure() -> None:
    """A call with unreadable arguments never runs; that is an error to stop at, and its siblings have not started."""
    made = lab("tool:write error", script(asks(("write", {}), ("write", {"word": "b"}))))
    state = await made.run()
    assert (state.status_and_reason, ran) == (AT_BREAKPOINT, [])
    assert made.statuses() == ["finished", "requested"]
    assert (await made.go_on()).status == "completed"


async def test_what_a_person_did_is_no_error() -> None:
    """A denial is a person's own decision and stops nothing."""
    made = lab("error", script(asks(("ask_first", {"word": "a"}))), deny_asks=True)
    assert (await made.run()).status == "completed"


async def test_a_call_that_runs_again_is_looked_at_again() -> None:
    """Each result is a moment of its own: two results of two calls are two hits."""
    made = lab("result:wrote")
    await made.run()
    await made.go_on()
    assert hits(made) == [("result:wrote", "0.1"), ("result:wrote", "1.0")]
    assert (await made.go_on()).status == "completed"


# Between turns


async def test_step_stops_after_each_step() -> None:
    """One step at a time, up to the answer; a step that was stopped after does not stop again."""
    made = lab("step")
    for done in (1, 2):
        state = await (made.run() if done == 1 else made.go_on())
        assert (state.status_and_reason, state.finished_steps) == (AT_BREAKPOINT, done)
        assert state.breakpoint == f"step: step {done - 1} is done"
    assert (await made.go_on()).status == "completed"


async def test_tokens_stop_once() -> None:
    """The run stops before the turn after the one that went beyond, and, let on, does not stop at each turn after."""
    turns = [turn_with(600, asks(("look", {"word": word}))) for word in "abc"]
    made = lab("tokens:1k", script(*turns))
    state = await made.run()
    assert (state.status_and_reason, state.finished_steps) == (AT_BREAKPOINT, 2)
    assert state.breakpoint == "tokens:1k: 1,200 tokens are used"
    assert (await made.go_on()).status == "completed"


async def test_cost_stops_once_and_an_unknown_cost_never() -> None:
    """Dollars are counted where the model has a price."""
    turns = [turn_with(10, asks(("look", {"word": word})), cost=0.04) for word in "abc"]
    made = lab("cost:0.05", script(*turns))
    state = await made.run()
    assert (state.finished_steps, state.breakpoint) == (2, "cost:0.05: $0.0800 is spent")
    assert (await made.go_on()).status == "completed"
    assert (await lab("cost:0.05").run()).status == "completed"


def turn_with(tokens: int, turn: Turn, cost: float | None = None) -> Turn:
    """Return a turn that used so much."""
    return replace(turn, usage=Usage(input_tokens=tokens, cost=cost))


# Other things that happen


async def test_breakpoints_change_while_the_run_goes_on() -> None:
    """What is switched on in the middle of a step holds from the next moment on."""

    @tool
    async def switch(word: str) -> str:
        made.stops = Stops((parse_rule("tool:write"),))
        return word

    made = Lab(script(asks(("switch", {"word": "a"})), asks(("write", {"word": "b"}))), [switch, write])
    assert (await made.run()).status_and_reason == AT_BREAKPOINT
    assert hits(made) == [("tool:write", "1.0")]
    made.stops = Stops()
    assert (await made.go_on()).status == "completed"


async def test_a_pause_pressed_while_a_breakpoint_waits_for_siblings_stops_them() -> None:
    """A person need not wait for the calls in flight; the run still says that the breakpoint stopped it."""
    never = asyncio.Event()

    @tool(read_only=True)
    async def hang(word: str) -> str:
        await never.wait()
        return word

    turns = script(asks(("write", {"word": "a"}), ("hang", {"word": "b"})))
    made = Lab(turns, [write, hang], rules=["result:wrote"], eager=False)
    task = await made.started()
    await made.until(lambda: made.state.breakpoint)
    made.loop.pause()
    state = await made.finish(task)
    assert (state.status_and_reason, made.statuses()) == (AT_BREAKPOINT, ["finished", "interrupted"])


async def test_step_by_step_works_beside_breakpoints() -> None:
    """A run that is to stop before the next turn does so, whatever breakpoints there are."""
    made = lab("tool:nothing")
    await made.begin()
    task = asyncio.create_task(made.loop.run())
    await made.until(lambda: made.state.steps)
    made.loop.pause("step")
    state = await made.finish(task)
    assert (state.status_and_reason, state.finished_steps) == (("interrupted", "paused"), 1)


async def test_a_limit_wins_over_a_breakpoint() -> None:
    """What may not go on is told as a limit, which a person has to raise; the breakpoint comes after."""
    made = lab("step", limits=Limits(steps=1))
    assert (await made.run()).status_and_reason == ("interrupted", "step_limit")


async def test_a_message_lets_a_run_at_a_breakpoint_go_on() -> None:
    """Saying something to a run that stopped moves it on, as after a pause."""
    made = lab("step", script(asks(("look", {"word": "a"}))))
    await made.run()
    await made.journal.append(MessageAdded(content=text_content("And now?")))
    assert made.state.breakpoint == ""
    assert (await made.run()).status == "completed"


# Kills


async def test_a_kill_between_the_hit_and_the_rest_still_stops() -> None:
    """The log ends with the hit; whoever takes the run over finds the breakpoint, and nothing has run."""
    made = lab("tool:write")
    await made.run()
    torn = [record for record in made.journal.records if not isinstance(record.event, RunPaused)]
    again = lab("tool:write", records=[*torn, Recorded("r1", len(torn), torn[-1].at, RunRecovered())])
    ran.clear()
    state = await again.run()
    assert (state.status_and_reason, ran, again.requests) == (AT_BREAKPOINT, [], [])
    assert state.breakpoint == "tool:write: before call 0.1 write"


async def test_a_killed_run_is_not_stopped_twice_at_one_call() -> None:
    """What was hit stands in the log: a new process lets the call pass, and stops at the next."""
    made = lab("tool:write")
    await made.run()
    again = lab("tool:write", [two_then_one()[1], answer()], records=made.journal.records)
    assert again.state.status_and_reason == AT_BREAKPOINT
    state = await again.go_on()
    assert (state.status_and_reason, hits(again)) == (AT_BREAKPOINT, [("tool:write", "0.1"), ("tool:write", "1.0")])


async def test_the_hit_is_stored_with_the_result_it_is_about() -> None:
    """No death can come between the two, so that no hit is lost."""
    made = lab("result:wrote b")
    await made.run()
    batch = next(batch for batch in made.journal.batches if "breakpoint_hit" in batch)
    assert batch == ["call_finished", "breakpoint_hit"]
    assert made.journal.durable[-1] == made.state.seq


def test_the_fold_keeps_what_was_hit() -> None:
    """A snapshot of an earlier moment does not know later hits."""
    state = RunState()
    before = snapshot(state)
    state.hits["step", None] = "done"
    assert before.hits == {}


async def test_a_call_that_has_not_started_is_of_its_tools_class() -> None:
    """Whoever stops before a call sees whether it only reads, or changes the world."""
    made = lab("tool:*")
    await made.run()
    assert [made.call(call).effect for call in ("0.0", "0.1")] == ["read_only", "effectful"]
