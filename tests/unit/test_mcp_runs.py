"""Whole runs with MCP servers: started, asked for permission, resumed, forked, refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Rig, answer
from tests.mcp_kit import plain
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import (
    AgentOptions,
    CancelWork,
    DecidePermission,
    ForkEdits,
    ForkRun,
    ListRuns,
    ResumeRun,
    StartRun,
)
from workbench.driver.feed import Progress, Trouble
from workbench.errors import McpServerError, OperationCancelledError
from workbench.events.agent import Limits, McpOrigin
from workbench.events.call import CallFinished
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState

ECHO = Turn("Asking.", [("echo", {"text": "hello"})])
OTHER = "its tool 'echo' has another description"


def results(rig: Rig, run: str) -> list[str]:
    """Return what a run's calls gave, the first line of each."""
    return [record.event.first_line for record in rig.history(run).records if isinstance(record.event, CallFinished)]


def warnings(rig: Rig) -> list[str]:
    """Return what was warned of."""
    rig.seen()
    return [change.message for change in rig.changes if isinstance(change, Trouble)]


def waits(state: RunState) -> bool:
    """Whether the run waits for a person."""
    return state.status_and_reason == ("awaiting_approval", "permission") and state.is_resting


def test_a_tool_of_a_server_asks_first(tmp_path: Path) -> None:
    """Its tools stand behind the agent's own, in the record, and a call waits for a person's leave."""
    with Rig(tmp_path, [ECHO, answer("done")], mcp=[plain()]) as rig:
        run = rig.start()
        state = rig.wait(run, waits)
        assert state.agent is not None
        tools = {spec.name: spec for spec in state.agent.tools}
        assert list(tools) == [
            "spawn_subagent",
            "submit_answer",
            "echo",
            "die",
            "flood",
            "change",
            "leave",
            "hold",
            "held",
        ]
        assert tools["echo"].mcp == McpOrigin(server="plain", tool="echo")
        rig.ask(DecidePermission(run, "0.0", "allow"))
        assert rig.finish(run).answer == "done"
        assert results(rig, run) == ["hello", "accepted"]
        assert [tool.name for tool in rig.model.requests[0].tools] == list(tools)


def test_without_a_person_it_is_denied(tmp_path: Path) -> None:
    """As every call that asks."""
    with Rig(tmp_path, [ECHO, answer()], mcp=[plain()]) as rig:
        run = rig.start(deny_asks=True)
        rig.finish(run)
        assert results(rig, run)[0].startswith("not allowed: echo is declared to run only when a person allows it")


def test_an_agents_own_servers_and_those_of_a_subagent(tmp_path: Path) -> None:
    """What the agent names is there without settings, for its subagents too."""
    spec = AgentSpec(plan="off", mcp=(plain(permission="allow"),))
    spawn = Turn("Asking.", [("spawn_subagent", {"task": "Find it."})])
    with Rig(tmp_path, [spawn, ECHO, answer("child says"), answer("done")], spec=spec) as rig:
        run = rig.start()
        assert rig.finish(run).answer == "done"
        child = rig.state(run).steps[0].calls["0.0"].child
        assert child is not None
        assert results(rig, child) == ["hello", "accepted"]


def test_a_server_that_dies_in_a_call_ends_no_run(tmp_path: Path) -> None:
    """The model sees an error in words, and the next call finds the server again."""
    script = [Turn(calls=[("die", {})]), ECHO, answer("done")]
    with Rig(tmp_path, script, mcp=[plain(permission="allow")]) as rig:
        run = rig.start()
        assert rig.finish(run).answer == "done"
        assert results(rig, run)[0].startswith("the MCP server 'plain' ended; it is started again at the next call.")
        assert results(rig, run)[1:] == ["hello", "accepted"]


def test_a_call_over_its_time_is_given_up_at_the_server(tmp_path: Path) -> None:
    """The run goes on, and so does the server, which learns of it."""
    script = [Turn(calls=[("hold", {})]), Turn(calls=[("held", {})]), answer("done")]
    with Rig(tmp_path, script, mcp=[plain(permission="allow", timeout=0.3)]) as rig:
        run = rig.start()
        assert rig.finish(run).answer == "done"
        first, second, _ = results(rig, run)
        assert first == "hold gave no result within 0.3 s. It may have taken effect: look before you try again."
        assert second == "1 given up"


@pytest.mark.parametrize("target", [plain("plain", "changed"), plain("plain", "changed", permission="allow")])
def test_a_run_does_not_start_where_a_server_changed(tmp_path: Path, target: object) -> None:
    """Nothing is written and no model is asked, until the person accepts."""
    server = plain("plain", "changed")
    with Rig(tmp_path, [answer()], mcp=[plain()]) as rig:
        rig.finish(rig.start())
    with Rig(tmp_path, [ECHO, answer()], mcp=[server]) as rig:
        with pytest.raises(McpServerError) as refused:
            rig.start()
        assert OTHER in str(refused.value)
        assert f"it is {server.target} now, and was {plain().target}" in str(refused.value)
        assert str(refused.value).endswith("Accept: workbench mcp --accept plain")
        assert len(rig.ask(ListRuns())) == 1
        assert rig.model.requests == []
        session = rig.driver._session
        assert session is not None
        session.agents.mcp.pins.accept("plain")
        rig.wait(rig.start(), waits)


def test_a_run_goes_on_with_its_servers(tmp_path: Path) -> None:
    """Resumed and forked in another process it has the same tools by the same names."""
    script = [ECHO, ECHO, answer("done")]
    with Rig(
        tmp_path, script, mcp=[plain(permission="allow")], spec=AgentSpec(plan="off", limits=Limits(steps=1))
    ) as rig:
        run = rig.start()
        assert rig.finish(run).end == ("interrupted", "step_limit")
    with Rig(tmp_path, script[1:], mcp=[plain(permission="allow")]) as rig:
        rig.ask(ResumeRun(run, AgentOptions(max_steps=9)))
        rig.wait(run, lambda state: state.status == "completed")
        assert results(rig, run) == ["hello", "hello", "accepted"]
        assert warnings(rig) == []
    with Rig(tmp_path, [answer("other")], mcp=[plain(permission="allow")]) as rig:
        edits = ForkEdits(inputs={"0.0": {"text": "bye"}}, options=AgentOptions(max_steps=9))
        fork = str(rig.ask(ForkRun(run, None, edits)))
        assert rig.wait(fork, lambda state: state.end is not None).answer == "other"
        assert results(rig, fork) == ["hello", "bye", "accepted"]


def stopped(folder: Path) -> str:
    """Return a run that rests after one call of its server."""
    spec = AgentSpec(plan="off", limits=Limits(steps=1))
    with Rig(folder, [ECHO], mcp=[plain(permission="allow")], spec=spec) as rig:
        run = rig.start()
        rig.finish(run)
    return run


def test_a_resumed_run_is_compared_with_what_the_server_says_now(tmp_path: Path) -> None:
    """What changed is refused before anything is written; once it is accepted, the difference is told."""
    run, more = stopped(tmp_path), AgentOptions(max_steps=9)
    with Rig(tmp_path, [ECHO, answer("done")], mcp=[plain("plain", "changed", permission="allow")]) as rig:
        before = rig.raw(run)
        with pytest.raises(McpServerError, match=OTHER):
            rig.ask(ResumeRun(run, more))
        assert rig.raw(run) == before
        session = rig.driver._session
        assert session is not None
        session.agents.mcp.pins.accept("plain")
        rig.ask(ResumeRun(run, more))
        rig.wait(run, lambda state: state.status == "completed")
        assert results(rig, run)[1] == "hello"
        assert warnings(rig) == ["the tool echo of the MCP server 'plain' is not what it was when the run began"]


def test_a_run_whose_server_is_gone_goes_on_without_it(tmp_path: Path) -> None:
    """A warning, and calls that fail in words; other servers are not started for it."""
    run = stopped(tmp_path)
    with Rig(tmp_path, [ECHO, answer("done")], mcp=[plain("other", "silent")]) as rig:
        rig.ask(ResumeRun(run, AgentOptions(max_steps=9)))
        rig.wait(run, lambda state: state.status == "completed")
        assert results(rig, run)[1] == "not run: the tool echo of the MCP server 'plain' is not here any more"
        assert warnings(rig) == ["the MCP server 'plain' is not set up here, so calls of its tools fail"]


def test_a_run_told_out_of_a_recorded_one_needs_its_servers_only_to_begin(tmp_path: Path) -> None:
    """What was recorded is told, and nothing is called."""
    with Rig(tmp_path, [ECHO, answer("done")], mcp=[plain(permission="allow")]) as rig:
        run = rig.start()
        rig.finish(run)
        told = rig.start(model=f"recorded:{run}")
        assert rig.finish(told).answer == "done"
        assert results(rig, told) == ["hello", "accepted"]


def test_a_start_that_takes_its_time_is_shown_and_can_be_given_up(tmp_path: Path) -> None:
    """A person sees which servers are waited for, and stops the waiting; nothing is written."""
    with Rig(tmp_path, [answer()], mcp=[plain("mute", "silent")]) as rig:
        starting = rig.driver.submit(StartRun("What?"))

        def shown() -> list[Progress]:
            rig.seen()
            return [change for change in rig.changes if isinstance(change, Progress) and "MCP" in change.label]

        rig.wait_for(lambda: bool(shown()))
        assert shown()[0].label == "starting MCP servers: mute"
        rig.ask(CancelWork(shown()[0].work))
        with pytest.raises(OperationCancelledError, match="the start of MCP servers \\(mute\\) was stopped"):
            starting.result()
        assert rig.ask(ListRuns()) == []
