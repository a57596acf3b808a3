"""Roles: what the model sees of them, what a subagent gets of its own, and what cannot be a role."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Rig, answer
from tests.loop_kit import asks
from workbench.agent.spec import JUDGE, AgentSpec, child_record, judge_record, prompt
from workbench.errors import EditRefusedError
from workbench.events.agent import Limits, ModelParameters, Role
from workbench.tools.control import SPAWN_SUBAGENT, spawn_subagent, spawn_tool, submit_answer
from workbench.tools.declaring import tool
from workbench.tools.toolkit import Toolkit


@tool(read_only=True)
async def look(word: str) -> str:
    """Look."""
    return word


@tool
async def write(word: str) -> str:
    """Write."""
    return word


ROLES = (
    Role(name="reader", good_at="reading one topic in depth", tools=("look",), model="other", instructions="Read."),
    Role(name="guesser", good_at="guessing", ensemble=3),
)
TOOLKIT = Toolkit([look, write, spawn_subagent, submit_answer])


def test_the_model_sees_the_roles() -> None:
    """Each with what it is good at and its tools; the name is one of a list, and may be left out."""
    record = AgentSpec(toolkit=TOOLKIT, roles=ROLES).record()
    spec = next(one for one in record.tools if one.name == SPAWN_SUBAGENT)
    assert spec.description.endswith(
        "\n\nRoles:\n- reader: good at reading one topic in depth; has look\n"
        "- guesser: good at guessing; has look, write; 3 work on each task, and their answers are compared"
    )
    properties = spec.input_schema["properties"]
    assert isinstance(properties, dict)
    assert properties["role"] == {
        "type": "string",
        "enum": ["reader", "guesser"],
        "description": "The role that suits the task; without one the subagent is like you",
    }
    assert spec.input_schema["required"] == ["task"]
    assert spec.effect == spawn_subagent.spec.effect
    assert spawn_tool(ROLES, TOOLKIT.specs).spec == spec


def test_a_role_has_the_tools_that_it_names_whatever_group_they_are_of(tmp_path: Path) -> None:
    """Nobody could switch them on in a subagent; one that is like its caller has the groups of that."""
    spec = AgentSpec(plan="off", roles=(Role(name="reader", good_at="reading", tools=("find", "switch_tools")),))
    script = [asks(("spawn_subagent", {"task": "t", "role": "reader"})), asks(("find", {"word": "a"})), answer()]
    with Rig(tmp_path, [*script, asks(("spawn_subagent", {"task": "t"})), answer(), answer()], spec=spec) as rig:
        rig.toolkit.add_group("web", model_may_switch=True)
        rig.toolkit.add(look, name="find", group="web")
        state = rig.finish(rig.start())
        reader, other = (rig.state(call.child or "") for step in state.steps for call in step.asked_calls if call.child)
    call = reader.call("0.0")
    assert call is not None
    assert reader.agent is not None
    assert other.agent is not None
    assert (call.outcome, [tool.name for tool in reader.agent.offered_tools]) == ("ok", ["submit_answer", "find"])
    assert [tool.name for tool in other.agent.offered_tools] == ["submit_answer", "switch_tools"]
    assert [group.active for group in other.agent.groups] == [False]


def test_without_roles_it_is_as_ever() -> None:
    """Nothing of roles is added, and the declaration that all agents share is never changed."""
    spawn_tool(ROLES)
    record = AgentSpec(toolkit=TOOLKIT).record()
    assert record.tools == TOOLKIT.specs
    assert spawn_tool(()).spec == spawn_subagent.spec
    assert "enum" not in str(spawn_subagent.spec.input_schema)


def test_a_subagent_is_what_its_role_says() -> None:
    """Instructions, model and tools are the role's where it has any; none can spawn, and no schema is wanted of it."""
    record = AgentSpec(toolkit=TOOLKIT, roles=ROLES).record().model_copy(update={"output": {"type": "object"}})
    reader, guesser = child_record(record, "reader"), child_record(record, "guesser")
    assert (reader.name, reader.instructions, reader.model) == ("reader", "Read.", "other")
    assert [spec.name for spec in reader.tools] == ["look", "submit_answer"]
    assert [spec.name for spec in guesser.tools] == ["look", "write", "submit_answer"]
    assert (guesser.instructions, guesser.model) == (record.instructions, record.model)
    assert reader.roles == guesser.roles == ()
    assert reader.output is None


def test_a_judge_can_only_answer() -> None:
    """It has the prompt that ships, nothing that runs at a provider, and few steps."""
    parameters = ModelParameters(hosted_tools=("web_search",), tool_choice="look")
    judge = judge_record(AgentSpec(toolkit=TOOLKIT, roles=ROLES, parameters=parameters).record())
    assert (judge.name, judge.instructions) == (JUDGE, prompt("settle"))
    assert [spec.name for spec in judge.tools] == ["submit_answer"]
    assert (judge.parameters.hosted_tools, judge.parameters.tool_choice) == ((), "auto")
    assert judge.limits.steps == 3


WRONG = [
    (Role(name="a", good_at="x", ensemble=0), "role 'a': ensemble = 0 cannot be used; expected a whole number from 1"),
    (Role(name="a", good_at="x", ensemble=10), "ensemble = 10 cannot be used"),
    (Role(name="", good_at="x"), "two roles are named '', or it is no name"),
    (Role(name="a", good_at="x", tools=("gone",)), "role 'a' has a tool 'gone' that the agent has not; it has look"),
]


@pytest.mark.parametrize(("role", "said"), WRONG)
def test_what_is_no_role_starts_no_run(tmp_path: Path, role: Role, said: str) -> None:
    """A mistake of the agent's author is a sentence before any token."""
    with Rig(tmp_path, [answer()], [look], spec=AgentSpec(plan="off", roles=(role,), limits=Limits())) as rig:
        with pytest.raises(EditRefusedError) as caught:
            rig.start()
        assert said in str(caught.value)


def test_two_roles_of_one_name_start_no_run(tmp_path: Path) -> None:
    """The model could not say which it means."""
    roles = (Role(name="a", good_at="x"), Role(name="a", good_at="y"))
    rig = Rig(tmp_path, [answer()], spec=AgentSpec(plan="off", roles=roles))
    with rig, pytest.raises(EditRefusedError, match="two roles are named 'a'"):
        rig.start()
