"""Subagents without a database: a caller and its children on logs in memory, with the engine alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.fork_kit import everything_said
from tests.loop_kit import Barrier, CheckedJournal, Lab, answer, patiently
from tests.offline_kit import PYTHON
from workbench.engine.memory_children import MemoryChildren, loop_with_children
from workbench.events.agent import Limits, Role
from workbench.events.call import SubagentStarted
from workbench.events.request import AssistantMessage, Request
from workbench.events.run import LimitReached
from workbench.providers.offline import OfflineProvider
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool
from workbench.tools.documents import document_tools


def family(lab: Lab) -> MemoryChildren:
    """Give a lab's run subagents in memory, each log checked as it is written."""
    clock = lab.around.clock
    lab.loop, children = loop_with_children(lab.journal, lab.around, lambda run: CheckedJournal(run, clock))
    return children


def model(request: Request) -> Turn:
    """Play a caller with two subagents, which look once each."""
    said = everything_said(request)
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    if said.startswith("task"):
        return Turn(calls=[("look", {"word": said.split()[1]})]) if turns == 0 else answer(said, "a::1")
    spawn = [("spawn_subagent", {"task": f"task {word}", "focus": ""}) for word in "ab"]
    return Turn(calls=spawn) if turns == 0 else answer(said)


async def test_a_caller_and_two_children_on_logs_in_memory() -> None:
    """The children run at once, each has a log of its own, and the caller reads their summaries with sources."""
    both = Barrier(2)  # nobody comes through alone

    @tool(read_only=True)
    async def look(word: str) -> str:
        await both.wait()
        return f"found {word}"

    lab = Lab(model, [look], subagent="")
    children = family(lab)
    state = await lab.run()
    assert state.status == "completed"
    assert lab.text("0.0") == "task a | found a\n\nSources: a::1"
    assert lab.text("0.1") == "task b | found b\n\nSources: a::1"
    assert [child.state.status for child in children.all.values()] == ["completed", "completed"]
    assert state.child_steps == 4
    assert state.child_usage.total_tokens == sum(child.state.usage.total_tokens for child in children.all.values())


async def test_children_in_memory_never_see_each_other() -> None:
    """A child's requests hold its own task and results alone, whatever its siblings found."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        return f"found {word}"

    lab = Lab(model, [look], subagent="")
    family(lab)
    await lab.run()
    for word, other in (("a", "b"), ("b", "a")):
        asked = [text for request in lab.requests if (text := everything_said(request)).startswith(f"task {word}")]
        assert asked
        assert not any(f"task {other}" in text or f"found {other}" in text for text in asked)
        offered = [spec.name for request in lab.requests for spec in request.tools if request.messages]
        assert "spawn_subagent" in offered  # the caller's; the children's requests do without
    of_children = [request for request in lab.requests if everything_said(request).startswith("task")]
    assert not any(spec.name == "spawn_subagent" for request in of_children for spec in request.tools)


async def test_tokens_are_shared_in_memory_too() -> None:
    """Children stop at the limit of their caller, counted together; the call says so, and the caller rests there."""

    both = Barrier(2)

    @tool(read_only=True)
    async def look(word: str) -> str:
        await both.wait()
        return f"found {word}"

    lab = Lab(model, [look], subagent="", limits=Limits(steps=None, tokens=40))
    children = family(lab)
    state = await lab.run()
    assert state.status_and_reason == ("interrupted", "token_limit")
    assert state.total_usage.total_tokens == 45
    ends = [child.state.end for child in children.all.values()]
    assert ends == [("interrupted", "token_limit")] * 2
    assert lab.text("0.0") == (
        "The subagent gave no answer; it stopped: token limit, which it shares with its caller and all of its "
        "subagents."
    )
    reached = [r.event for child in children.all.values() for r in child.journal.records]
    assert [event.value for event in reached if isinstance(event, LimitReached)] == [45, 45]


async def test_a_paused_family_goes_on_where_it_was() -> None:
    """Pausing the caller pauses its children, and going on reopens them: none is begun twice."""
    gate, here = asyncio.Event(), asyncio.Event()

    @tool
    async def look(word: str) -> str:
        here.set()
        await gate.wait()
        return f"found {word}"

    lab = Lab(model, [look], subagent="")
    children = family(lab)
    task = await lab.started()
    await patiently(here.wait())
    lab.loop.pause()
    gate.set()
    assert (await lab.finish(task)).status_and_reason == ("interrupted", "paused")
    assert (await lab.go_on()).status == "completed"
    assert len(lab.all(SubagentStarted)) == len(children.all) == 2


async def test_an_ensemble_in_memory() -> None:
    """One call, three children: the majority is the answer."""
    answers = iter(["Paris", "Lyon", "paris."])

    def several(request: Request) -> Turn:
        said = everything_said(request)
        if said.startswith("task"):
            return answer(next(answers))
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        spawn = ("spawn_subagent", {"task": "task", "role": "guesser"})
        return Turn(calls=[spawn]) if turns == 0 else answer(said)

    roles = (Role(name="guesser", good_at="guessing", ensemble=3),)
    lab = Lab(several, subagent="", roles=roles)
    family(lab)
    await lab.run()
    assert lab.text("0.0") == "Paris\n\n[3 subagents worked on this: 2 of 3 agree; 1 said: Lyon]"


async def test_offline_members_agree() -> None:
    """The embedded model may be a member like any other; its rules give equal answers."""

    def calling(request: Request) -> Turn:
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        spawn = ("spawn_subagent", {"task": "What does the with statement do?", "role": "reader"})
        return Turn(calls=[spawn]) if turns == 0 else answer(everything_said(request))

    roles = (Role(name="reader", good_at="reading", model="offline", ensemble=2, settle="judge"),)
    lab = Lab(calling, document_tools(PYTHON), roles=roles, model="scripted")
    scripted = lab.around.provider
    lab.around = replace(lab.around, provider=lambda name: OfflineProvider() if name == "offline" else scripted(name))
    family(lab)
    await lab.run()
    assert "with" in lab.text("0.0")
    assert lab.text("0.0").endswith("[2 subagents worked on this: 2 of 2 agree]")


async def test_children_in_memory_rest_with_their_caller() -> None:
    """Whoever stops a run stops its subagents; nothing of them goes on unseen, and what they used counts."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        await all_here.wait()
        await asyncio.Event().wait()
        return word

    for presses in (1, 2):
        all_here = Barrier(3)  # and this test
        lab = Lab(model, [look], subagent="")
        children = family(lab)
        task = await lab.started()
        await patiently(all_here.wait())
        for _ in range(presses):
            lab.loop.pause()
        await lab.finish(task)
        assert lab.state.end == ("interrupted", "paused")
        assert [child.state.end for child in children.all.values()] == [("interrupted", "paused")] * 2
        assert children.moving == []
