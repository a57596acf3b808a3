"""Groups of tools in a run: offered while they are on, switched by the model where it may, and by a person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig
from tests.loop_kit import Lab, answer, asks
from workbench.agent.spec import AgentSpec
from workbench.debugger.undo import ForkBefore, what_undo_does
from workbench.driver.commands import ApprovePlan, SwitchTools
from workbench.errors import EditRefusedError
from workbench.events.run import ToolsSwitched
from workbench.providers.scripted import Script, Turn
from workbench.tools.control import SWITCH_TOOLS
from workbench.tools.declaring import tool
from workbench.tools.toolkit import Toolkit
from workbench.views.show import run_document, show_lines


@tool(read_only=True, group="web")
async def browse() -> str:
    """Look on the web."""
    return "browsed"


@tool(read_only=True, group="shop")
async def buy() -> str:
    """Buy something."""
    return "bought"


@tool(read_only=True)
async def think() -> str:
    """Think."""
    return "thought"


def grouped(script: Script, **agent: Any) -> Lab:
    """Return a run of an agent with a group that the model may switch, and one that it may not."""
    lab = Lab(script, [browse, buy, think], **agent)
    lab.toolkit.add_group("web", "What is on the web.", model_may_switch=True, notes="Cite what you read.")
    lab.toolkit.add_group("shop", "Shopping.")
    lab.agent = AgentSpec(toolkit=lab.toolkit, **{"plan": "off", "limits": lab.agent.limits, **agent}).record()
    return lab


def names(lab: Lab) -> list[list[str]]:
    """Return the names of the tools of each request."""
    return [[spec.name for spec in request.tools] for request in lab.requests]


SHOWN = ["think", "spawn_subagent", "submit_answer", SWITCH_TOOLS]


async def test_the_model_switches_a_group_that_it_may_switch() -> None:
    """From its next turn it sees the tools; the result says what is on and what there is to know of it."""
    lab = grouped([asks((SWITCH_TOOLS, {"web": True})), asks(("browse", {})), asks((SWITCH_TOOLS, {"web": False})),
                   answer()])  # fmt: skip
    await lab.run()
    assert names(lab) == [SHOWN, ["browse", *SHOWN], ["browse", *SHOWN], SHOWN]
    assert lab.text("0.0") == "Groups of tools that are on now: web.\nweb: Cite what you read."
    assert lab.text("1.0") == "browsed"
    assert lab.text("2.0") == "Groups of tools that are on now: none."
    assert [event.groups for event in lab.all(ToolsSwitched)] == [{"web": True}, {"web": False}]
    assert {event.by for event in lab.all(ToolsSwitched)} == {"model"}
    switched = lab.kinds.index("tools_switched")
    assert lab.kinds[switched - 1 : switched + 2] == ["call_started", "tools_switched", "call_finished"]
    assert lab.state.own_edits == []
    [told] = [spec for spec in lab.requests[0].tools if spec.name == SWITCH_TOOLS]
    assert "- web: What is on the web." in told.description
    assert "shop" not in str(told)


async def test_a_tool_of_a_group_that_is_off_is_an_error_that_says_how_to_get_it() -> None:
    """Also in the turn that switches it on; what only a person can switch says so."""
    lab = grouped([asks((SWITCH_TOOLS, {"web": True}), ("browse", {}), ("buy", {}), ("none", {})), answer()])
    await lab.run()
    assert lab.text("0.1") == (
        "browse was not run: its group 'web' is switched off; call switch_tools with {\"web\": true}, and then call it "
        "in your next turn."
    )
    assert lab.text("0.2") == (
        "buy was not run: its group 'shop' is switched off, and only the operator can switch it on."
    )
    assert lab.text("0.3").startswith("there is no tool 'none'; there are: spawn_subagent")


@pytest.mark.parametrize(
    ("given", "said"),
    [({"shop": True}, "shop: Extra inputs are not permitted"), ({"web": "on"}, "web: 'on' is not of type 'boolean'"),
     ({}, "input: {} should be non-empty")],
)  # fmt: skip
async def test_the_model_switches_nothing_else(given: dict[str, Any], said: str) -> None:
    """Groups that it may not switch, or that are none, are wrong input."""
    lab = grouped([asks((SWITCH_TOOLS, given)), answer()])
    await lab.run()
    assert lab.text("0.0") == f"invalid input for switch_tools: {said}"
    assert lab.all(ToolsSwitched) == []


async def test_two_switches_of_one_turn_are_told_in_order() -> None:
    """The second knows of the first."""
    lab = grouped([asks((SWITCH_TOOLS, {"web": True}), (SWITCH_TOOLS, {"web": False})), answer()])
    await lab.run()
    assert lab.text("0.0").startswith("Groups of tools that are on now: web.")
    assert lab.text("0.1") == "Groups of tools that are on now: none."
    assert names(lab)[-1] == SHOWN


async def test_a_switch_to_what_is_so_already_is_no_change() -> None:
    """It has its result, and no line in the timeline says that something was switched."""
    lab = grouped([asks((SWITCH_TOOLS, {"web": True})), asks((SWITCH_TOOLS, {"web": True})), answer()])
    await lab.run()
    assert lab.text("1.0").startswith("Groups of tools that are on now: web.")
    assert len(lab.all(ToolsSwitched)) == 1


async def test_without_groups_to_switch_there_is_no_such_tool() -> None:
    """And a tool of that name is a tool like any other."""

    @tool(name=SWITCH_TOOLS)
    async def own() -> str:
        return "mine"

    lab = Lab([asks((SWITCH_TOOLS, {})), answer()], [own])
    await lab.run()
    assert lab.text("0.0") == "mine"
    assert Lab([answer()], [think]).toolkit.get(SWITCH_TOOLS) is None
    assert Toolkit([think]).names == ("think",)


async def test_what_a_person_switches_counts_as_their_change() -> None:
    """It holds from the next request."""
    lab = grouped([asks(("think", {})), answer()])
    await lab.begin()
    await lab.journal.append(ToolsSwitched(groups={"shop": True}, by="operator"))
    await lab.run()
    assert names(lab)[0] == ["buy", *SHOWN]
    assert lab.state.own_edits == ["tools"]


# A person, through the whole driver.


def offered(rig: Rig) -> list[list[str]]:
    """Return which tools of the test each request offered."""
    ours = ("browse", "buy", "think")
    return [[spec.name for spec in request.tools if spec.name in ours] for request in rig.model.requests]


def with_groups(folder: Path, script: Any) -> Rig:
    """Return a driver whose agent has tools of two groups."""
    rig = Rig(folder, script, [browse, buy, think], plan=Turn("SEARCH: it"))
    rig.toolkit.add_group("web", "What is on the web.", model_may_switch=True)
    rig.toolkit.add_group("shop", "Shopping.")
    return rig


def test_a_person_switches_tools_of_a_run_at_rest(tmp_path: Path) -> None:
    """What is so already is no event; from its next request the model sees them. Undoing forks before it."""
    with with_groups(tmp_path, [Turn("Thinking.", [("think", {})]), answer("done")]) as rig:
        run = rig.start(plan="ask")
        rig.wait(run, lambda state: state.is_resting)
        rig.ask(SwitchTools(run, {"shop": True, "web": False}))
        rig.ask(SwitchTools(run, {"shop": True}))
        history = rig.history(run)
        [event] = [record.event for record in history.records if isinstance(record.event, ToolsSwitched)]
        assert event == ToolsSwitched(groups={"shop": True}, by="operator")
        undone = what_undo_does(history)
        assert isinstance(undone, ForkBefore)
        assert undone.what == "the switching of tools"
        rig.ask(ApprovePlan(run))
        state = rig.finish(run)
        assert offered(rig)[1:] == [["buy", "think"], ["buy", "think"]]
        assert [step.switched for step in state.steps] == [{"shop": True}, {}]
        assert state == rig.live_state(run)
        with pytest.raises(EditRefusedError, match="is completed; ask it something further"):
            rig.ask(SwitchTools(run, {"shop": False}))


def test_a_person_switches_tools_of_a_live_run(tmp_path: Path) -> None:
    """While a call runs; what is no group is said with those that there are."""
    gates: list[asyncio.Event] = []

    @tool(read_only=True)
    async def hold() -> str:
        gates.append(asyncio.Event())
        await gates[-1].wait()
        return "held"

    with with_groups(tmp_path, [Turn("Holding.", [("hold", {})]), answer("done")]) as rig:
        rig.toolkit.add(hold)
        run = rig.start(plan="off")
        rig.wait_for(lambda: bool(gates))
        with pytest.raises(EditRefusedError, match="has no group of tools 'none'; it has web, shop"):
            rig.ask(SwitchTools(run, {"none": True}))
        rig.ask(SwitchTools(run, {"web": True, "shop": True}))
        rig.open_gate(gates[0])
        state = rig.finish(run)
        assert offered(rig) == [["think"], ["browse", "buy", "think"]]
        lines = show_lines(state, {}, 100)
        assert any("tools on: web, shop" in "".join(piece.text for piece in line) for line in lines)
        assert run_document(state, {})["steps"][1]["tools_switched"] == {"web": True, "shop": True}
