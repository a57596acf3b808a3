"""The loop as a whole: how a run ends, rests, stops, goes on, follows a plan and keeps within its limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.loop_kit import Lab, answer, asks
from workbench.clock import ManualClock
from workbench.errors import StoreError
from workbench.events.agent import Limits
from workbench.events.base import Event
from workbench.events.call import (
    CallFinished,
    CallInterrupted,
    CallStarted,
    OutcomeResolved,
    OutcomeUnknown,
    PermissionAsked,
)
from workbench.events.content import TextBlock, text_content
from workbench.events.edit import MessageAdded
from workbench.events.plan import (
    PlanApproved,
    PlanEdited,
    PlanProposed,
    PlanSkipped,
    PlanStep,
    PlanStepFinished,
    PlanStepStarted,
)
from workbench.events.request import Request, Usage
from workbench.events.run import ContextElided, LimitReached, RunFinished, RunPaused, RunResumed
from workbench.events.turn import TurnFinished
from workbench.providers.scripted import Turn
from workbench.tools.base import Tool, ToolResult
from workbench.tools.declaring import tool

LOOK = asks(("look", {"word": "a"}))


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


def user_text(lab: Lab, request: int = -1) -> str:
    """Return what the last message of a request says."""
    message = lab.requests[request].messages[-1]
    return "\n".join(block.text for block in message.content if isinstance(block, TextBlock))


# Ends.


async def test_a_submitted_answer_ends_the_run_with_its_citations() -> None:
    """The answer, its sources and the steps stand in the last event."""
    lab = Lab([LOOK, answer("42", "x::1", "y::2")], [look])
    state = await lab.run()
    assert state.status_and_reason == ("completed", "answered")
    assert state.answer == "42"
    assert [citation.source for citation in state.citations] == ["x::1", "y::2"]
    assert lab.all(RunFinished)[0].steps == 2


async def test_a_turn_without_calls_ends_the_run_too() -> None:
    """What it says is the answer; the reason tells the two apart."""
    lab = Lab([Turn("It is 42.")])
    state = await lab.run()
    assert (state.status_and_reason, state.answer) == (("completed", "halted"), "It is 42.")


@pytest.mark.parametrize(
    ("limits", "limit", "value"),
    [
        (Limits(steps=2), "step_limit", 2),
        (Limits(steps=None, tokens=30), "token_limit", 30),
        (Limits(steps=None, cost=0.02), "cost_limit", 0.02),
        (Limits(steps=None, seconds=10), "time_limit", 10),
    ],
)
async def test_each_limit_stops_the_run_resumably(limits: Limits, limit: str, value: float) -> None:
    """No further turn begins; with a higher limit the same log goes on."""
    clock = ManualClock()

    @tool()
    async def slow() -> str:
        clock.advance(5)
        return "slow"

    usage = Usage(input_tokens=10, output_tokens=5, cost=0.01)
    turn = asks(("slow", {}), usage=usage)
    lab = Lab([turn, turn, answer()], [slow], limits=limits, clock=clock)
    state = await lab.run()
    assert state.status_and_reason == ("interrupted", limit)
    [reached] = lab.all(LimitReached)
    assert reached.limit == limit
    assert reached.value == pytest.approx(value)
    assert len(lab.requests) == 2
    await lab.journal.append(RunResumed(limits=Limits(steps=9)))
    assert (await lab.run()).status == "completed"


async def test_time_at_rest_is_not_driven_time() -> None:
    """An hour between a pause and the resume does not count towards the limit of time."""
    clock = ManualClock()
    never = asyncio.Event()
    lab = Lab([Turn(gate=never), answer()], limits=Limits(steps=None, seconds=60), clock=clock)
    task = await lab.started()
    await lab.until(lambda: lab.state.active_turn is not None)
    clock.advance(3)
    lab.loop.pause()
    await lab.finish(task)
    clock.advance(3600)
    await lab.journal.append(RunResumed())
    assert (await lab.run()).status == "completed"
    assert lab.state.driven_seconds == pytest.approx(3)


async def test_an_unknown_price_is_no_limit() -> None:
    """A cost that nobody knows never counts as 0, and never as too much."""
    lab = Lab([asks(("look", {"word": "a"}), usage=Usage(cost=None)), answer()], [look], limits=Limits(cost=0.01))
    assert (await lab.run()).status == "completed"
    assert lab.state.usage.cost is None


async def test_a_log_that_cannot_be_written_stops_the_loop_without_a_word() -> None:
    """Errors of the store come out as they are: the run is left as a crash would leave it."""
    lab = Lab([LOOK], [look], eager=False)
    append = lab.journal.append

    async def full(*events: Event, durable: bool = False) -> None:
        if any(isinstance(event, CallFinished) for event in events):
            raise StoreError("the disk is full")
        await append(*events, durable=durable)

    lab.journal.append = full  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="the disk is full"):
        await lab.run()
    assert lab.state.status == "executing_tools"


# Pause and resume.


class Acts:
    """An effectful and a read-only tool that can be held."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.done: list[str] = []

    def tools(self) -> list[Tool]:
        """Return both."""

        @tool()
        async def act(name: str) -> str:
            await self.gate.wait()
            self.done.append(name)
            return f"did {name}"

        @tool(read_only=True)
        async def read(name: str) -> str:
            await self.gate.wait()
            self.done.append(name)
            return f"read {name}"

        return [act, read]


BOTH = asks(("act", {"name": "x"}), ("read", {"name": "y"}))


async def test_the_first_press_lets_effects_finish_and_interrupts_the_rest() -> None:
    """Read-only calls stop at once and run again on resume; the effectful one gets its result and runs once."""
    acts = Acts()
    lab = Lab([BOTH, answer()], acts.tools(), eager=False)
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "running"])
    lab.loop.pause()
    await lab.until(lambda: lab.statuses() == ["running", "interrupted"])
    assert not task.done()
    acts.gate.set()
    state = await lab.finish(task)
    assert state.status_and_reason == ("interrupted", "paused")
    assert lab.text("0.0") == "did x"
    await lab.journal.append(RunResumed())
    assert (await lab.run()).status == "completed"
    assert acts.done == ["x", "y"]
    assert lab.sent_results() == [("0.0", "did x", False), ("0.1", "read y", False)]


@pytest.mark.parametrize("wish", ["rerun", "result"])
async def test_the_second_press_interrupts_effects_whose_outcome_nobody_knows(wish: Any) -> None:
    """The run then rests until a person answers; nothing is chosen by default, least of all running it again."""
    acts = Acts()
    lab = Lab([BOTH, answer()], acts.tools(), eager=False)
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "running"])
    lab.loop.pause()
    lab.loop.pause()
    state = await lab.finish(task)
    assert state.status_and_reason == ("interrupted", "paused")
    assert lab.statuses() == ["unknown", "interrupted"]
    assert [event.call for event in lab.all(OutcomeUnknown)] == ["0.0"]
    acts.gate.set()
    await lab.journal.append(RunResumed())
    assert (await lab.run()).status_and_reason == ("awaiting_approval", "outcome_unknown")
    assert acts.done == ["y"]
    await lab.journal.append(OutcomeResolved(call="0.0", answer=wish))
    if wish == "result":
        lab.loop.answer_call("0.0", text_content("it did happen"), is_error=False)
    assert (await lab.run()).status == "completed"
    assert acts.done == (["y", "x"] if wish == "rerun" else ["y"])
    assert lab.text("0.0") == ("did x" if wish == "rerun" else "it did happen")


async def test_a_call_stored_as_started_but_not_begun_when_the_pause_came_did_nothing() -> None:
    """Pressed while its start is being stored, the effectful tool never runs, and resume runs it without asking."""
    acts = Acts()
    acts.gate.set()
    lab = Lab([asks(("act", {"name": "x"})), answer()], acts.tools())
    append = lab.journal.append

    async def pressed(*events: Event, durable: bool = False) -> None:
        await append(*events, durable=durable)
        if any(isinstance(event, CallStarted) and event.tool == "act" for event in events):
            lab.loop.pause()
            lab.journal.append = append  # type: ignore[method-assign]

    lab.journal.append = pressed  # type: ignore[method-assign]
    await lab.run()
    assert lab.state.status_and_reason == ("interrupted", "paused")
    assert (acts.done, lab.all(OutcomeUnknown)) == ([], [])
    assert [event.call for event in lab.all(CallInterrupted)] == ["0.0"]
    await lab.journal.append(RunResumed())
    assert (await lab.run()).status == "completed"
    assert acts.done == ["x"]


async def test_a_pause_at_the_next_step_lets_this_one_finish() -> None:
    """The calls under way get their results; no further turn begins."""
    acts = Acts()
    lab = Lab([BOTH, answer()], acts.tools())
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "running"])
    lab.loop.pause("step")
    acts.gate.set()
    state = await lab.finish(task)
    assert state.status_and_reason == ("interrupted", "paused")
    assert lab.statuses() == ["finished", "finished"]
    assert len(lab.requests) == 1


async def test_a_pause_does_not_hold_back_an_answer_that_is_there() -> None:
    """Pressed while the last event is stored, a run whose answer was submitted is completed, not interrupted."""
    lab = Lab([answer()])
    append = lab.journal.append

    async def pressed(*events: Event, durable: bool = False) -> None:
        if any(isinstance(event, TurnFinished) for event in events):
            lab.loop.pause("step")
        await append(*events, durable=durable)

    lab.journal.append = pressed  # type: ignore[method-assign]
    assert (await lab.run()).status == "completed"
    assert lab.all(RunPaused) == []


async def test_nobody_is_asked_about_a_call_that_cannot_run() -> None:
    """An input that does not fit goes back to the model at once."""

    @tool(permission="ask")
    async def delete(name: str) -> str:
        return f"deleted {name}"

    lab = Lab([asks(("delete", {"nam": "a"})), answer()], [delete])
    assert (await lab.run()).status == "completed"
    assert "name: Field required" in lab.text("0.0")
    assert lab.all(PermissionAsked) == []


async def test_a_wish_for_a_call_is_obeyed_even_where_the_run_rests() -> None:
    """Cancelling a call that waits for permission, pressed as the loop comes to rest, takes effect when it goes on."""

    @tool(permission="ask")
    async def delete() -> str:
        return "deleted"

    lab = Lab([asks(("delete", {})), answer()], [delete])
    await lab.run()
    lab.loop.cancel_call("0.0")
    assert (await lab.run()).status == "completed"
    assert lab.text("0.0") == "cancelled by the operator before it started"


# Messages.


async def test_a_message_during_a_run_enters_after_the_current_results() -> None:
    """It is queued while the calls run, and stands behind their results in one message."""
    acts = Acts()
    lab = Lab([BOTH, answer()], acts.tools())
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "running"])
    await lab.journal.append(MessageAdded(content=text_content("Look at z too.")))
    assert len(lab.state.queued) == 1
    acts.gate.set()
    await lab.finish(task)
    assert [call for call, _, _ in lab.sent_results()] == ["0.0", "0.1"]
    assert user_text(lab) == "Look at z too."


async def test_a_message_while_the_last_turn_streams_keeps_the_run_going() -> None:
    """An answer that came without knowing the message is accepted, and the model is asked again."""
    hold = asyncio.Event()
    lab = Lab([asks(("submit_answer", {"answer": "first"}), hold=hold), answer("second")])
    task = await lab.started()
    await lab.until(lambda: lab.state.active_turn is not None)
    await lab.journal.append(MessageAdded(content=text_content("Wait.")))
    hold.set()
    state = await lab.finish(task)
    assert state.answer == "second"
    assert lab.sent_results() == [("0.0", "accepted", False)]
    assert user_text(lab) == "Wait."


async def test_a_completed_run_goes_on_with_a_further_message() -> None:
    """The conversation continues after the accepted answer."""
    lab = Lab([answer("first"), answer("second")])
    await lab.run()
    await lab.journal.append(MessageAdded(content=text_content("And then?")))
    assert (await lab.run()).answer == "second"
    assert user_text(lab) == "And then?"


async def test_a_message_while_the_plan_is_made_reaches_the_first_step() -> None:
    """It does not wait for the results of a step that has not begun."""
    hold = asyncio.Event()
    lab = Lab([answer()], plan_turn=Turn("SEARCH: with", hold=hold), plan="auto")
    task = await lab.started()
    await lab.until(lambda: lab.state.active_turn is not None)
    await lab.journal.append(MessageAdded(content=text_content("Only Python 3.")))
    hold.set()
    await lab.finish(task)
    assert user_text(lab) == "What?\nOnly Python 3.\nFollow this plan:\n1. SEARCH: with"


# Plans.

PLAN = Turn("1. SEARCH: with statement\n2. **SEARCH**: generators\nSYNTHESIZE - the answer")


async def test_with_auto_the_plan_is_followed_without_asking() -> None:
    """Its steps are read out of the model's text and stand in the conversation, marked off as calls show progress."""
    turns = [asks(("look", {"word": "with statement"})), asks(("look", {"word": "generators"})), answer()]
    lab = Lab(turns, [look], plan_turn=PLAN, plan="auto")
    await lab.run()
    [proposed] = lab.all(PlanProposed)
    assert [str(step) for step in proposed.steps] == [
        "SEARCH: with statement",
        "SEARCH: generators",
        "SYNTHESIZE: the answer",
    ]
    assert lab.all(PlanApproved)[0].by == "auto"
    assert user_text(lab, 1).endswith(
        "Follow this plan:\n1. SEARCH: with statement\n2. SEARCH: generators\n3. SYNTHESIZE: the answer"
    )
    assert [event.index for event in lab.all(PlanStepStarted)] == [0, 1, 2]
    assert [event.index for event in lab.all(PlanStepFinished)] == [0, 1, 2]
    assert lab.requests[0].purpose == "plan"
    assert lab.requests[0].parameters.tool_choice == "none"
    assert lab.requests[0].parameters.max_tokens == 512


async def test_with_ask_a_person_approves_edits_or_skips() -> None:
    """The run rests at the proposal; the edited plan is what the model is told."""
    lab = Lab([answer()], plan_turn=PLAN, plan="ask")
    assert (await lab.run()).status_and_reason == ("awaiting_approval", "plan")
    await lab.journal.append(PlanEdited(steps=(PlanStep(action="SEARCH", text="other"),)), PlanApproved(by="operator"))
    assert (await lab.run()).status == "completed"
    assert user_text(lab) == "What?\nFollow this plan:\n1. SEARCH: other"

    lab = Lab([answer()], plan_turn=PLAN, plan="ask")
    await lab.run()
    await lab.journal.append(PlanSkipped())
    assert (await lab.run()).status == "completed"
    assert user_text(lab) == "What?"


@pytest.mark.parametrize("text", ["SIMPLE", "Simple.", "I would just look it up.", "", "search: lower case"])
async def test_a_simple_or_unreadable_plan_is_no_plan(text: str) -> None:
    """Nothing waits, and nothing of it is said to the model."""
    lab = Lab([answer()], plan_turn=Turn(text), plan="ask")
    state = await lab.run()
    assert state.status == "completed"
    assert state.plan is not None
    assert state.plan.status == "simple"
    assert user_text(lab) == "What?"


async def test_a_plan_keeps_five_steps_at_most() -> None:
    """A model that plans more is cut."""
    lab = Lab([answer()], plan_turn=Turn("\n".join(f"SEARCH: topic {n}" for n in range(9))), plan="auto")
    assert len((await lab.run()).plan.steps) == 5  # type: ignore[union-attr]


async def test_no_plan_is_asked_for_with_plan_off() -> None:
    """The first request is the first step."""
    lab = Lab([answer()], plan_turn=PLAN)
    assert (await lab.run()).plan is None
    assert [request.purpose for request in lab.requests] == ["step"]


# The context window.


async def test_old_results_are_left_out_in_strides() -> None:
    """Above the budget the oldest results go until 60 % are left; the log and the newest step keep theirs whole."""

    @tool(read_only=True)
    async def read(page: int) -> str:
        return f"page {page} " + "x" * 4000

    turns = [asks(("read", {"page": page})) for page in range(8)]
    limits = Limits(steps=None, request_tokens=6000)
    lab = Lab([*turns, answer()], [read], limits=limits)
    await lab.run()
    elisions = lab.all(ContextElided)
    assert [event.calls for event in elisions] == [("0.0", "1.0", "2.0"), ("3.0", "4.0", "5.0")]
    assert all(event.tokens_before > 6000 and event.tokens_after <= 3600 for event in elisions)
    last = lab.requests[-1].messages
    shown = [result.content for message in last if message.role == "user" for result in message.results]
    assert [len(str(content)) < 400 for content in shown] == [True] * 6 + [False] * 2
    assert "left out to save room: 4007 bytes that began with 'page 0" in str(shown[0])
    assert lab.text("0.0").startswith("page 0 xxx")


async def test_where_leaving_out_is_not_enough_old_steps_are_summed_up() -> None:
    """One turn without tools sums up; from then on its text stands for those steps, after the task."""
    long = "y" * 4000
    turns = [asks(("look", {"word": str(page)}), text=long) for page in range(7)]
    lab = Lab([], [look], limits=Limits(steps=None, request_tokens=6000))
    script = iter([*turns, answer()])
    lab.model._script = lambda request: Turn("It was y.") if request.purpose == "summary" else next(script)
    state = await lab.run()
    assert state.status == "completed"
    assert state.summary is not None
    through, text = state.summary
    assert text == "It was y."
    first = lab.requests[-1].messages[0]
    words = [block.text for block in first.content if isinstance(block, TextBlock)]
    assert words == ["What?", "Summary of the work so far:\nIt was y."]
    assert len(lab.requests[-1].messages) == 1 + 2 * (len(turns) - through - 1)
    summary = next(request for request in lab.requests if request.purpose == "summary")
    assert summary.parameters.tool_choice == "none"


async def test_what_cannot_be_left_out_is_summed_up_before_it_fills_the_budget() -> None:
    """A long run leaves results out in strides to its end: never one a step, which would lose the cache each time."""

    def turn(request: Request) -> Turn:
        if request.purpose == "summary":
            return Turn("It was long.")
        return Turn("Thinking aloud about it. " * 12, [("look", {"word": "x" * 900})])

    lab = Lab([], [look], limits=Limits(steps=120, request_tokens=8000))
    lab.model._script = turn
    await lab.run()
    elisions = lab.all(ContextElided)
    assert len(elisions) > 5
    assert min(len(event.calls) for event in elisions) >= 3
    assert lab.state.summary is not None


async def test_an_empty_summary_is_not_taken() -> None:
    """Nothing is forgotten for a summary that says nothing."""
    script = iter([*[asks(("look", {"word": "a"}), text="y" * 4000) for _ in range(4)], answer()])
    lab = Lab([], [look], limits=Limits(steps=None, request_tokens=2000))
    lab.model._script = lambda request: Turn(" ") if request.purpose == "summary" else next(script)
    state = await lab.run()
    assert state.summary is None
    assert state.status == "completed"


# Subagents.


class Children:
    """Subagents that answer at once."""

    def __init__(self) -> None:
        self.tasks: list[str] = []

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        self.tasks.append(f"{call} {arguments['task']}")
        return ToolResult(text_content(f"summary of {arguments['task']}"))

    def rest(self) -> None:
        """There is nothing to stop."""


async def test_subagents_run_as_calls_and_no_more_of_them_than_allowed() -> None:
    """Their summaries are results; beyond the limit the model is told so, in this turn and in later ones."""
    children = Children()
    spawn = [("spawn_subagent", {"task": name}) for name in "abc"]
    limits = Limits(steps=None, subagents=2)
    lab = Lab([asks(*spawn), asks(spawn[2]), answer()], subagents=children, limits=limits)
    assert (await lab.run()).status == "completed"
    assert children.tasks == ["0.0 a", "0.1 b"]
    assert lab.text("0.0") == "summary of a"
    assert lab.text("0.2") == "a run may have 2 subagents, and this one had them."
    assert lab.text("1.0") == lab.text("0.2")


async def test_without_subagents_the_model_is_told_so() -> None:
    """A run that can have none answers the call with an error."""
    lab = Lab([asks(("spawn_subagent", {"task": "a"})), answer()])
    await lab.run()
    assert lab.text("0.0") == "subagents are not available here"


class Winding:
    """A subagent that takes its time to stop."""

    def __init__(self) -> None:
        self.begun, self.stopped = asyncio.Event(), False

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        try:
            self.begun.set()
            await asyncio.Event().wait()
        finally:
            for _ in range(10):
                await asyncio.sleep(0)
            self.stopped = True
        raise AssertionError("it cannot come here")

    def rest(self) -> None:
        """It does not."""


async def test_a_pause_waits_until_subagents_have_stopped() -> None:
    """The run is not at rest before its children are."""
    children = Winding()
    lab = Lab([asks(("spawn_subagent", {"task": "a"}))], subagents=children)
    task = await lab.started()
    await children.begun.wait()
    lab.loop.pause()
    assert (await lab.finish(task)).status_and_reason == ("interrupted", "paused")
    assert children.stopped
    assert lab.statuses() == ["interrupted"]
