"""`diverge:RUN`: a run stops where it first does something else than the run it is compared with, and once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.loop_kit import Lab, answer, asks
from workbench.debugger.baseline import Baseline, BaselineReader
from workbench.debugger.breakpoints import parse_rule
from workbench.debugger.stops import Stops
from workbench.events.call import CallStarted, ResultEvent
from workbench.events.run import BreakpointHit
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool


def looks(text: str = "found") -> Tool:
    """Return a tool that finds `text` and the word."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        """Look a word up."""
        return f"{text} {word}"

    return look


TURNS = (
    asks(("look", {"word": "a"}), ("look", {"word": "b"}), text="Looking."),
    asks(("look", {"word": "c"})),
    answer(),
)


async def baseline() -> Baseline:
    """Return what a run with `TURNS` did."""
    made = Lab(TURNS, [looks()], run="base0000")
    await made.run()
    reader = BaselineReader(made.journal.records, made.state)
    for (_, seq), place in reader.places().items():
        event = made.journal.records[seq].event
        assert isinstance(event, ResultEvent)
        reader.take(place, event.result)
    return reader.baseline()


async def compared(turns: Sequence[Turn] = TURNS, tools: Sequence[Tool] = (), task: str = "What?", **more: Any) -> Lab:
    """Return a run at rest that was compared with the baseline."""
    made = Lab(turns, tools or [looks()], **more)
    made.stops = Stops((parse_rule("diverge:base0000"),), {"base0000": await baseline()})
    await made.begin(task)
    await made.run()
    return made


def stopped(state: RunState) -> str:
    """Return why the breakpoint stopped a run."""
    assert state.status_and_reason == ("interrupted", "breakpoint")
    return state.breakpoint.removeprefix("diverge:base0000: ")


async def test_a_run_that_does_the_same_is_not_stopped() -> None:
    """Equal requests, turns and results pass, however the streams broke on the way."""
    assert (await compared()).state.status == "completed"


async def test_another_question_is_another_request() -> None:
    """The model is not asked anything that the baseline was not asked."""
    made = await compared(task="Why?")
    assert stopped(made.state) == "the request of step 0 is none that run base0000 sent"
    assert made.requests == []


async def test_another_call_stops_before_it_runs() -> None:
    """A turn that asks for something else is kept, and none of its calls has started, also no read-only one."""
    made = await compared([asks(("look", {"word": "a"}), ("look", {"word": "x"}), text="Looking."), *TURNS[1:]])
    assert stopped(made.state) == "turn 0 asks for look 'a', look 'x', then it was look 'a', look 'b'"
    assert made.all(CallStarted) == []
    assert (await made.go_on()).status == "completed"
    assert len(made.all(BreakpointHit)) == 1


async def test_other_words_are_a_divergence_too() -> None:
    """The words of a turn stand in all later requests."""
    made = await compared([asks(*TURNS[0].calls, text="Let me see."), *TURNS[1:]])
    assert stopped(made.state) == "turn 0 says something else"


async def test_another_result_stops_at_the_call() -> None:
    """A tool that answers differently is named, with its call."""
    made = await compared(tools=[looks("saw")])
    assert stopped(made.state) == "call 0.0 look gave another result than in run base0000"
    assert made.all(BreakpointHit)[0].call == "0.0"


async def test_a_run_that_goes_further_has_diverged() -> None:
    """A step that the baseline never came to is a difference."""
    made = await compared([*TURNS[:2], asks(("look", {"word": "d"})), answer()])
    assert stopped(made.state) == "turn 2 asks for look 'd', then it was submit_answer '42'"


async def test_after_an_edit_of_a_person_only_what_follows_from_it_counts() -> None:
    """Requests differ by construction once a result was replaced; the first turn that does is the divergence."""
    made = Lab(TURNS[1:], [looks()])
    made.stops = Stops((parse_rule("diverge:base0000"),), {"base0000": await baseline()})
    state = RunState(own_edits=["result 0.0"])
    assert made.stops.before_request(state, 1, "another key") == ()
    assert made.stops.before_request(RunState(), 1, "another key") != ()


async def test_a_subagent_is_not_compared() -> None:
    """A subagent has no counterpart; what it gives back is a result of its caller, and that is compared."""
    stops = Stops((parse_rule("diverge:base0000"),), {"base0000": await baseline()})
    assert stops.before_request(RunState(depth=1), 0, "another key") == ()


async def test_a_baseline_that_is_not_there_stops_nothing() -> None:
    """A rule without its run never matches, and lets calls start early."""
    stops = Stops((parse_rule("diverge:gone"),))
    assert stops.before_request(RunState(), 0, "key") == ()
    assert stops.may_start_early(RunState(), "0.0", "look", {})
