"""What a driver makes of models: how they are asked, and those that make one call at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from workbench.driver.commands import AgentOptions, ForkEdits, ForkRun, SkipWait
from workbench.driver.feed import Trouble
from workbench.engine.limits import raised_limit
from workbench.errors import EditRefusedError, TransientModelError
from workbench.events.request import Usage
from workbench.providers.scripted import ScriptedProvider, Turn

ONE = "openai:o3-mini"


def rig_with(folder: Path, model: ScriptedProvider) -> Rig:
    """Return a driver that knows a model which calls one tool at a time."""
    return Rig(folder, [answer("Yes.")], models={ONE: model})


def warnings(rig: Rig) -> list[str]:
    """Return what the driver had to say."""
    rig.seen()
    return [change.message for change in rig.changes if isinstance(change, Trouble)]


def test_a_model_that_cannot_call_in_parallel_goes_one_by_one_and_says_so(tmp_path: Path) -> None:
    """The model is asked for one call at a time, and the person reads why; so it is in a fork onto such a model."""
    model = ScriptedProvider([answer("One."), answer("Two.")])
    with rig_with(tmp_path, model) as rig:
        first = rig.start(model=ONE)
        assert rig.finish(first).agent is not None
        parent = rig.start()
        rig.finish(parent)
        fork = rig.ask(ForkRun(parent, "0", ForkEdits(model=ONE)))
        rig.finish(fork)
        agents = [rig.state(run).agent for run in (first, parent, fork)]
        said = warnings(rig)
    assert [agent.parallel_tool_calls for agent in agents if agent is not None] == [False, True, False]
    assert [request.parallel_tool_calls for request in model.requests] == [False, False]
    assert said == [f"{ONE} cannot ask for several calls in one turn, so the run goes one by one"] * 2


def test_a_run_asks_as_the_person_chose(tmp_path: Path) -> None:
    """Parameters that were chosen are part of the run from its first turn; the others stay the agent's own."""
    with Rig(tmp_path, [answer("Yes.")]) as rig:
        rig.finish(rig.start(parameters={"max_tokens": 77, "effort": "high"}))
        (asked,) = [request.parameters for request in rig.model.requests]
    assert (asked.max_tokens, asked.effort, asked.tool_choice) == (77, "high", "auto")


@pytest.mark.parametrize("wrong", [{"max_tokens": "many"}, {"warmth": 3}])
def test_a_parameter_that_cannot_be_used_starts_no_run(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """It is refused with a sentence before anything is written."""
    with Rig(tmp_path, [answer("Yes.")]) as rig:
        with pytest.raises(EditRefusedError, match=next(iter(wrong))):
            rig.start(parameters=wrong)
        assert not rig.seen()


def test_a_wait_before_another_attempt_can_be_skipped(tmp_path: Path) -> None:
    """A server that asks for minutes is asked again when a person knows better; elsewhere there is nothing to skip."""
    busy = TransientModelError("busy", kind="overloaded", retry_after=300)
    with Rig(tmp_path, [Turn(error=busy), answer("Yes.")]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.waits_for_attempt)
        rig.ask(SkipWait(run))
        assert rig.finish(run).status == "completed"
        with pytest.raises(EditRefusedError, match="nothing to skip"):
            rig.ask(SkipWait(run))


def test_a_limit_of_cost_that_cannot_hold_is_said(tmp_path: Path) -> None:
    """Whoever counts on the limit must know that nobody knows what this model costs, or its provider's own tools."""
    unknown, known = "openai-chat:nobody-knows-it", "anthropic:claude-sonnet-5-5"
    model = ScriptedProvider(lambda _: answer())
    with Rig(tmp_path, models={unknown: model, known: model}) as rig:
        rig.finish(rig.start(model=unknown))
        rig.finish(rig.start(model=known, max_cost=1.0))
        assert warnings(rig) == []
        rig.finish(rig.start(model=unknown, max_cost=1.0))
        said = warnings(rig)
        assert said == [f"no price of {unknown} is known, so its cost is unknown and the limit of it cannot hold"]
        rig.finish(rig.start(model=known, max_cost=1.0, parameters={"hosted_tools": ["web_search"]}))
        assert warnings(rig)[1].startswith("what web_search costs is in no price list")


def test_only_what_would_be_too_quick_to_watch_is_slowed_down(tmp_path: Path) -> None:
    """The pace of a screen is for the embedded model; a real one, and its tools, take the time that they take."""
    real = "anthropic:claude-sonnet-5-5"
    script = ScriptedProvider(lambda _: answer())
    watched = AgentOptions(pace=0.001)
    with Rig(tmp_path, models={real: script, "offline": script}) as rig:
        paces = []
        for model, typed in (("offline", None), (real, None), (real, 0.002)):
            agent = rig.finish(rig.start(model=model, fallback=watched, pace=typed)).agent
            paces.append(agent.pace if agent is not None else None)
    assert paces == [0.001, 0.0, 0.002]


def test_a_raised_limit_lies_beyond_what_is_used(tmp_path: Path) -> None:
    """The last turn may go far over its limit; twice the old one would stop the run again at once."""
    far = Turn(calls=[("gone", {})], usage=Usage(input_tokens=700, output_tokens=52, cost=0.0123))
    with Rig(tmp_path, [far, far]) as rig:
        state = rig.finish(rig.start(max_tokens=100, max_cost=0.005))
    assert state.reason == "token_limit"
    assert raised_limit(state, "tokens") == 1504
    assert raised_limit(state, "cost") == 0.025
    assert raised_limit(state, "seconds") is None
