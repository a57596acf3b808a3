"""Permission rules and exposures in driven runs: forked, gone on with, below a caller, and taken from strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import everything_said, statuses
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import AgentOptions, DecidePermission, ForkEdits, ForkRun, ResumeRun
from workbench.driver.transfer import import_session, runs_to_export
from workbench.errors import AgentError, EditRefusedError
from workbench.events.agent import PermissionRules
from workbench.events.request import AssistantMessage, Request
from workbench.interchange.session import Session
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.declaring import tool

ALLOW = PermissionRules(allow=("write",))


def declared(made: Tool, **more: Any) -> Tool:
    """Return a tool with more said of it."""
    spec = made.spec.model_copy(update=more)
    return Tool(spec, made.function, made.arguments, made.is_async, made.wants_context)


def writer(did: list[str], **more: Any) -> Tool:
    """Return a tool that asks, and notes what it did."""

    @tool(permission="ask")
    async def write(word: str) -> str:
        did.append(word)
        return f"wrote {word}"

    return declared(write, **more)


def writing(*words: str) -> Any:
    """Return a model that writes in one turn, and then answers."""

    def model(request: Request) -> Turn:
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            return answer(everything_said(request))
        return Turn(calls=[("write", {"word": word}) for word in words])

    return model


def is_resting(state: RunState) -> bool:
    """Whether it rests."""
    return state.is_resting


def rules_of(state: RunState) -> PermissionRules:
    """Return the rules that hold in a run."""
    assert state.agent is not None
    return state.agent.permissions


def test_rules_of_all_sources_are_in_the_record(tmp_path: Path) -> None:
    """Those of the settings, of the agent and of the command line, together; a fork and a resumed run may add some."""
    did: list[str] = []
    spec = AgentSpec(plan="off", permissions=PermissionRules(ask=("other",)))
    with Rig(tmp_path, writing("a"), [writer(did)], spec=spec) as rig:
        settings = AgentOptions(permissions=PermissionRules(deny=("never",)))
        run = rig.start(permissions=PermissionRules(allow=("write(*)",)), fallback=settings)
        assert rig.finish(run).answer == "What? | wrote a"
        joined = PermissionRules(allow=("write(*)",), ask=("other",), deny=("never",))
        assert rules_of(rig.state(run)) == joined
        edits = ForkEdits(options=AgentOptions(permissions=PermissionRules(deny=("write",))))
        fork = rig.finish(rig.ask(ForkRun(run, "0", edits)))
        assert rules_of(fork) == joined.model_copy(update={"deny": ("never", "write")})
        assert "the rule deny = 'write'" in (fork.answer or "")
        assert did == ["a"]
        with pytest.raises(AgentError, match="write"):
            rig.start(permissions=PermissionRules(deny=("write(",)))


def test_a_resumed_run_takes_rules_for_what_comes(tmp_path: Path) -> None:
    """Events of the same run; what waits already waits on, and a *deny* wins over an answer that comes later."""
    did: list[str] = []
    with Rig(tmp_path, writing("a", "b"), [writer(did)], spec=AgentSpec(plan="off")) as rig:
        run = rig.start()
        rig.wait(run, is_resting)
    with Rig(tmp_path, writing("a", "b"), [writer(did)], spec=AgentSpec(plan="off")) as rig:
        more = PermissionRules(deny=('write({"word":"b"})',))
        rig.ask(ResumeRun(run, AgentOptions(permissions=more)))
        assert rig.kinds(run)[-1] == "run_resumed"
        rig.ask(DecidePermission(run, "0.0", "allow"))
        rig.ask(DecidePermission(run, "0.1", "allow"))
        state = rig.finish(run)
        assert rules_of(state) == more
        assert did == ["a"]
        assert "not allowed: the rule deny" in (state.answer or "")


def test_what_is_asked_each_time_gets_no_leave_for_the_run(tmp_path: Path) -> None:
    """The command is refused with a sentence and nothing is decided; leave for another call does not reach it."""
    did: list[str] = []
    with Rig(tmp_path, writing("a", "b"), [writer(did, every_time=True)], spec=AgentSpec(plan="off")) as rig:
        run = rig.start()
        rig.wait(run, is_resting)
        with pytest.raises(EditRefusedError, match=r"call 0\.0 of write is asked each time"):
            rig.ask(DecidePermission(run, "0.0", "allow", scope="run"))
        assert statuses(rig.state(run)) == ["waiting", "waiting"]
        rig.ask(DecidePermission(run, "0.0", "allow"))
        rig.wait(run, lambda state: statuses(state) == ["finished", "waiting"])
        assert did == ["a"]


class House:
    """A caller that read private data, and a subagent that reads the web; then the caller sends something."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def model(self, request: Request) -> Turn:
        """Play both."""
        said = everything_said(request)
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if said.startswith("look"):
            return [Turn(calls=[("web", {})]), Turn(calls=[("send", {"text": "below"})]), answer("seen")][turns]
        calls: list[tuple[str, dict[str, Any]]] = [
            ("mail", {}), ("spawn_subagent", {"task": "look"}), ("send", {"text": "above"})
        ]  # fmt: skip
        return Turn(calls=[calls[turns]]) if turns < len(calls) else answer("done")

    def tools(self) -> list[Tool]:
        """Return what reads and what sends."""

        @tool(read_only=True)
        async def mail() -> str:
            return "private"

        @tool(read_only=True)
        async def web() -> str:
            return "strange"

        @tool
        async def send(text: str) -> str:
            self.sent.append(text)
            return "sent"

        return [
            declared(mail, exposure=("private",)),
            declared(web, exposure=("untrusted",)),
            declared(send, exposure=("outward",)),
        ]


def test_what_came_in_goes_to_subagents_and_comes_back_with_their_summary(tmp_path: Path) -> None:
    """A subagent begins with what its caller has; its caller has what it read as soon as it is done."""
    house = House()
    spec = AgentSpec(plan="off", subagent="", permissions=PermissionRules(allow=("*",)))
    with Rig(tmp_path, house.model, house.tools(), spec=spec) as rig:
        run = rig.start()
        child = rig.wait(run, lambda state: (call := state.call("1.0")) is not None and call.child is not None)
        below = child.steps[1].calls["1.0"].child
        assert below is not None
        state = rig.wait(below, is_resting)
        assert state.exposures == {"private", "untrusted"}
        assert state.status_and_reason == ("awaiting_approval", "permission")
        rig.ask(DecidePermission(below, "1.0", "allow"))
        state = rig.wait(run, is_resting)
        assert state.exposures == {"private", "untrusted", "outward"}
        assert state.status_and_reason == ("awaiting_approval", "permission")
        assert house.sent == ["below"]


def imported(tmp_path: Path, rig: Rig, **options: Any) -> str:
    """Return a run of a stranger, taken in."""
    with Rig(tmp_path / "there", writing("a"), [writer([])], spec=AgentSpec(plan="off")) as there:
        run = there.start(**options)
        there.wait(run, is_resting)
        session = Session(tuple(there.driver.run_blocking(runs_to_export(there.driver.store, run))))
    rig.driver.run_blocking(import_session(rig.driver.store, session, "a file"))
    return run


def test_a_strangers_run_brings_no_leave_and_is_a_strangers_words(tmp_path: Path) -> None:
    """Its *allow* rules do not hold in forks, its other rules do; a person may allow here."""
    did: list[str] = []
    with Rig(tmp_path / "here", writing("a"), [writer(did)], spec=AgentSpec(plan="off")) as rig:
        theirs = PermissionRules(allow=("write",), ask=("mail",))
        run = imported(tmp_path, rig, permissions=theirs)
        fork = rig.ask(ForkRun(run, "0"))
        state = rig.wait(fork, is_resting)
        assert rules_of(state) == PermissionRules(ask=("mail",))
        assert (statuses(state), did) == (["waiting"], [])
        assert state.exposures == {"untrusted"}
        allowed = ForkEdits(options=AgentOptions(permissions=ALLOW))
        assert rig.finish(rig.ask(ForkRun(run, "0", allowed))).answer == "What? | wrote a"
        assert did == ["a"]
