"""Who says what an agent is like: what was typed wins, then the agent itself, then the settings, then the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from tests.loop_kit import Lab
from workbench.agent.spec import AgentSpec, default_record, prompt, subagent_prompt, summary_prompt
from workbench.debugger.parameters import check_agent, read_parameters
from workbench.driver.commands import AgentOptions, ForkEdits, ForkRun, ResumeRun
from workbench.engine.errands import summary_text
from workbench.errors import EditRefusedError
from workbench.events.agent import AgentRecord, Limits, ModelParameters, ModelRetries
from workbench.events.request import Request
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool

SETTINGS = AgentOptions(
    parameters={"max_tokens": 100, "effort": "low", "temperature": 0.5},
    plan="ask",
    sequential=True,
    pace=0.25,
    max_steps=7,
    max_seconds=70.0,
    limits={"calls_at_once": 2, "request_tokens": 700},
    retries={"attempts": 9, "first_wait": 0.5},
    prompts={"instructions": "Be settled.", "summary": "Sum up."},
)


def agent_of(rig: Rig, **options: Any) -> AgentRecord:
    """Return the agent that a run recorded."""
    agent = rig.state(rig.start(**options)).agent
    assert agent is not None
    return agent


def test_the_agent_wins_over_the_settings_and_what_was_typed_over_both(tmp_path: Path) -> None:
    """A setting never changes what an agent's author wrote down; a person at the keyboard does."""
    spec = AgentSpec(
        plan="off",
        instructions="Be yourself.",
        parallel_tool_calls=True,
        pace=0.0,
        parameters=ModelParameters(max_tokens=9000, effort="high"),
        limits=Limits(steps=10, calls_at_once=4),
        retries=ModelRetries(attempts=2),
    )
    with Rig(tmp_path, lambda _: answer(), spec=spec) as rig:
        agent = agent_of(rig, fallback=SETTINGS, parameters={"effort": "max"}, limits={"calls_at_once": 3})
    assert (agent.plan, agent.instructions, agent.parallel_tool_calls, agent.pace) == ("off", "Be yourself.", True, 0.0)
    asked = agent.parameters
    assert (asked.max_tokens, asked.effort, asked.temperature, asked.tool_choice) == (9000, "max", 0.5, "auto")
    limits = agent.limits
    assert (limits.steps, limits.seconds, limits.calls_at_once, limits.request_tokens) == (10, 70.0, 3, 700)
    assert agent.retries == ModelRetries(attempts=2, first_wait=0.5)
    assert agent.summary == "Sum up."


def test_settings_fill_what_the_agent_leaves_open(tmp_path: Path) -> None:
    """An agent that says nothing of itself is as the person set it; a child has it from its caller."""
    with Rig(tmp_path, lambda _: answer(), spec=AgentSpec()) as rig:
        agent = agent_of(rig, fallback=SETTINGS)
    assert (agent.plan, agent.instructions, agent.parallel_tool_calls, agent.pace) == (
        "ask",
        "Be settled.",
        False,
        0.25,
    )
    assert (agent.parameters.max_tokens, agent.parameters.effort) == (100, "low")
    assert (agent.limits.steps, agent.limits.calls_at_once) == (7, 2)
    assert agent.retries.attempts == 9


def test_the_defaults_hold_where_nobody_says_anything(tmp_path: Path) -> None:
    """The prompts that ship are recorded, so that a later version of them changes no run."""
    with Rig(tmp_path, lambda _: answer(), spec=AgentSpec()) as rig:
        agent = agent_of(rig)
    assert (agent.plan, agent.parameters, agent.limits) == ("auto", ModelParameters(), Limits())
    assert agent.retries == ModelRetries(attempts=None, first_wait=1.0, longest_wait=60.0)
    assert (agent.instructions, agent.summary) == (prompt("instructions"), prompt("summary"))


def test_the_prompts_that_ship_are_read_once() -> None:
    """Each new run says them in its record, and reads no file for it."""
    assert prompt("planner") is prompt("planner")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"parameters": {"max_tokens": 0}}, "max_tokens = 0 cannot be used; expected a whole number above 0"),
    ({"parameters": {"max_tokens": -1}}, "max_tokens = -1 cannot be used; expected a whole number above 0"),
    ({"parameters": {"effort": "banana"}}, "effort = 'banana' cannot be used; expected one of none, minimal, low"),
    ({"parameters": {"temperature": 99}}, "temperature = 99 cannot be used; expected a number from 0 to 2"),
    ({"parameters": {"tool_choice": "no_tool"}}, "tool_choice = 'no_tool' cannot be used; expected one of auto, any"),
    ({"parameters": {"hosted_tools": "x"}}, "hosted_tools = 'x' cannot be used; expected web_search, code_execution"),
    ({"limits": {"calls_at_once": 0}}, "calls_at_once = 0 cannot be used; expected a whole number above 0"),
    ({"limits": {"warmth": 0}}, "'warmth' is no limit; there are steps"),
    ({"retries": {"attempts": 0}}, "attempts = 0 cannot be used; expected a whole number above 0"),
    ({"retries": {"first_wait": -1}}, "first_wait = -1 cannot be used; expected a number of seconds, 0 or more"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_cannot_be_used_starts_no_run(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    """One sentence says what was given and what is expected, whether it was typed or set, and nothing is written."""
    with Rig(tmp_path, [answer()]) as rig:
        for given in (options, {"fallback": AgentOptions(**options)}):
            with pytest.raises(EditRefusedError) as caught:
                rig.start(**given)
            assert str(caught.value).startswith(said)
        assert not rig.seen()


@pytest.mark.parametrize(
    "spec",
    [
        AgentSpec(plan="off", parameters=ModelParameters(max_tokens=0)),
        AgentSpec(plan="off", parameters=ModelParameters(tool_choice="no_tool")),
        AgentSpec(plan="off", limits=Limits(subagent_steps=0)),
        AgentSpec(plan="off", retries=ModelRetries(longest_wait=float("nan"))),
    ],
)
def test_an_agent_that_cannot_be_used_starts_no_run(tmp_path: Path, spec: AgentSpec) -> None:
    """A mistake of its author is told like one at the keyboard."""
    with Rig(tmp_path, [answer()], spec=spec) as rig:
        with pytest.raises(EditRefusedError, match="cannot be used; expected"):
            rig.start()
        assert not rig.seen()


def test_a_tool_of_the_agent_can_be_chosen(tmp_path: Path) -> None:
    """By its name, in a run and in a fork; a name that is no tool's makes no fork."""
    with Rig(tmp_path, lambda _: answer()) as rig:
        run = rig.start(parameters={"tool_choice": "submit_answer"})
        rig.finish(run)
        with pytest.raises(EditRefusedError, match="tool_choice = 'no_tool' cannot be used"):
            rig.ask(ForkRun(run, "0", ForkEdits(parameters={"tool_choice": "no_tool"})))
        fork = rig.ask(ForkRun(run, "0", ForkEdits(parameters={"tool_choice": "any"})))
        agent = rig.finish(fork).agent
    assert agent is not None
    assert agent.parameters.tool_choice == "any"


def test_what_was_logged_once_can_be_read_and_forked() -> None:
    """Only what a person wants now is judged, not what an old run was asked with."""
    old = ModelParameters.model_validate({"max_tokens": 0, "effort": "banana", "tool_choice": "gone"})
    assert read_parameters(old, {"temperature": 0.5}, ()) == old.model_copy(update={"temperature": 0.5})
    assert AgentRecord.model_validate({"instructions": "", "model": "x"}).retries == ModelRetries()
    check_agent(default_record())


def test_a_fork_and_a_resumed_run_take_other_limits(tmp_path: Path) -> None:
    """Limits and retries belong to the run, and a person may change them where it goes on."""

    @tool(read_only=True)
    async def look() -> str:
        """Look."""
        return "x"

    def model(request: Request) -> Turn:
        return Turn("Looking.", [("look", {})]) if len(request.messages) < 5 else answer()

    with Rig(tmp_path, model, [look]) as rig:
        run = rig.start(max_steps=1)
        assert rig.finish(run).reason == "step_limit"
        options = AgentOptions(limits={"request_tokens": 900}, retries={"attempts": 3})
        fork = rig.ask(ForkRun(run, "0", ForkEdits(options=options), drive=False))
        forked = rig.state(fork).agent
        rig.ask(ResumeRun(run, AgentOptions(max_steps=9, limits={"subagents": 0})))
        resumed = rig.wait(run, lambda state: state.status == "completed").agent
    assert forked is not None
    assert (forked.limits.request_tokens, forked.limits.steps, forked.retries.attempts) == (900, 1, 3)
    assert resumed is not None
    assert (resumed.limits.subagents, resumed.limits.steps) == (0, 9)


# What the values do.


async def test_a_plan_takes_as_many_tokens_as_it_may() -> None:
    """The planner's turn is asked for `planner_tokens`, and never for more than the model may say at all."""
    for most, tokens in ((2000, 90), (50, 50)):
        parameters = ModelParameters(max_tokens=most)
        lab = Lab(
            [answer()], plan_turn=Turn("SIMPLE"), plan="auto", limits=Limits(planner_tokens=90), parameters=parameters
        )
        await lab.run()
        assert lab.requests[0].parameters.max_tokens == tokens


def test_summaries_are_as_long_as_they_may_be() -> None:
    """The prompts say the limit in force, as they always did by default, and a longer answer of a subagent is cut."""
    record = default_record()
    assert "at most 1,500 tokens" in subagent_prompt(record)
    assert "At most 1,500 tokens" in summary_prompt(record)
    assert summary_prompt(None) == summary_prompt(record) == summary_prompt(record.model_copy(update={"summary": ""}))
    short = record.model_copy(update={"limits": Limits(summary_tokens=20)})
    assert "at most 20 tokens" in subagent_prompt(short)
    assert "At most 20 tokens" in summary_prompt(short)
    said = RunState(run="r", agent=short, answer="word " * 100)
    assert summary_text(said) == "word " * 15 + "word … (cut to 20 tokens)"


async def test_a_prompt_of_ones_own_asks_for_the_summary() -> None:
    """What stands in the run's agent is asked, not what ships."""
    asks_long = [Turn("y" * 4000, [("look", {"word": "a"})]) for _ in range(4)]

    @tool(read_only=True)
    async def look(word: str) -> str:
        """Look."""
        return word

    script = iter([*asks_long, answer()])
    limits = Limits(steps=None, request_tokens=2000, summary_tokens=300)
    lab = Lab([], [look], limits=limits, summary="In {summary_tokens} tokens, {please}.")
    lab.model._script = lambda request: Turn("Sum.") if request.purpose == "summary" else next(script)
    await lab.run()
    asked = next(request for request in lab.requests if request.purpose == "summary")
    assert "In 300 tokens, {please}." in str(asked.messages[-1])
