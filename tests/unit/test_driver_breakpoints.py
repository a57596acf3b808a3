"""A person's breakpoints on the real driver: one list for all runs, subagents included, that outlives the process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.breakpoints import HEAD, file_text, read_lines
from workbench.driver.commands import (
    AddBreakpoints,
    BreakpointSetting,
    ForkEdits,
    ForkRun,
    ListBreakpoints,
    PauseRun,
    ResumeRun,
    SetBreakpoints,
)
from workbench.driver.feed import Trouble
from workbench.errors import BreakpointError, RunNotFoundError
from workbench.events.request import AssistantMessage, Request
from workbench.events.run import BreakpointHit
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool

AT_BREAKPOINT = ("interrupted", "breakpoint")


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


@tool
async def write(word: str) -> str:
    """Write a word down."""
    return f"wrote {word}"


TURNS = (
    Turn(calls=[("look", {"word": "a"}), ("write", {"word": "b"})]),
    Turn(calls=[("write", {"word": "c"})]),
    answer(),
)


def by_length(request: Request) -> Turn:
    """Say the turn that fits the conversation, so that resumed runs and forks go on in it."""
    return TURNS[sum(isinstance(message, AssistantMessage) for message in request.messages)]


def rig(folder: Path, *, kept: bool = False) -> Rig:
    """Return a driver; `kept`: with a file for breakpoints."""
    made = Rig(folder, by_length, [look, write])
    if kept:
        made.driver.settings = replace(made.driver.settings, breakpoints=folder / "breakpoints.txt")
    return made


def on(*rules: str) -> SetBreakpoints:
    """Return the command that switches these on, and nothing else."""
    return SetBreakpoints(tuple(BreakpointSetting(rule) for rule in rules))


def at_rest(acted: Rig, run: str) -> RunState:
    """Return the state in which a run stopped at a breakpoint, or ended."""
    return acted.wait(run, lambda state: state.end is not None)


def troubles(acted: Rig) -> list[str]:
    """Return what was told as trouble."""
    acted.seen()
    return [change.message for change in acted.changes if isinstance(change, Trouble)]


# The list


def test_the_list_holds_each_rule_once_in_order(tmp_path: Path) -> None:
    """What is given twice is one breakpoint; adding one that is off switches it on."""
    with rig(tmp_path) as acted:
        assert acted.ask(ListBreakpoints()) == ()
        acted.ask(SetBreakpoints((BreakpointSetting("step", is_enabled=False), BreakpointSetting("tool: look"))))
        listed = acted.ask(AddBreakpoints(("tool:look", "error", "step")))
        assert listed == tuple(BreakpointSetting(rule) for rule in ("step", "tool:look", "error"))
        assert acted.ask(ListBreakpoints()) == listed


def test_a_rule_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    """A wrong rule, or a baseline that is not there, is refused, and the list stays as it was."""
    with rig(tmp_path, kept=True) as acted:
        acted.ask(on("step"))
        before = (tmp_path / "breakpoints.txt").read_text()
        with pytest.raises(BreakpointError):
            acted.ask(on("error", "result:("))
        with pytest.raises(RunNotFoundError):
            acted.ask(AddBreakpoints(("diverge:nothing",)))
        assert acted.ask(ListBreakpoints()) == (BreakpointSetting("step"),)
        assert (tmp_path / "breakpoints.txt").read_text() == before


def test_the_list_outlives_the_process(tmp_path: Path) -> None:
    """What was set in one workbench is there in the next, and stops its runs."""
    with rig(tmp_path, kept=True) as acted:
        acted.ask(SetBreakpoints((BreakpointSetting("tool:write"), BreakpointSetting("error", is_enabled=False))))
    with rig(tmp_path, kept=True) as acted:
        assert acted.ask(ListBreakpoints()) == (
            BreakpointSetting("tool:write"),
            BreakpointSetting("error", is_enabled=False),
        )
        assert at_rest(acted, acted.start()).status_and_reason == AT_BREAKPOINT
    assert (tmp_path / "breakpoints.txt").stat().st_mode & 0o777 == 0o600


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    """A headless command's breakpoints end with it."""
    with rig(tmp_path) as acted:
        acted.ask(on("step"))
    with rig(tmp_path, kept=True) as acted:
        assert acted.ask(ListBreakpoints()) == ()


def test_a_bad_line_is_a_sentence_and_stays_in_the_file(tmp_path: Path) -> None:
    """A line that a person mistyped, or a newer version wrote, neither stops the start nor gets lost."""
    file = tmp_path / "breakpoints.txt"
    file.write_text("# mine\n\non  step\noff result:(\nmaybe error\non  moon:full\n")
    with rig(tmp_path, kept=True) as acted:
        assert acted.ask(ListBreakpoints()) == (BreakpointSetting("step"),)
        told = troubles(acted)
        assert told[0].startswith("breakpoints.txt: line 4 is left out: the pattern '('")
        assert told[1].startswith("breakpoints.txt: line 5 is left out: it begins with 'maybe'; expected on or off")
        assert told[2].startswith("breakpoints.txt: line 6 is left out: 'moon:full' is no breakpoint")
        acted.ask(on("error"))
    assert file.read_text() == HEAD + "on  error\noff result:(\nmaybe error\non  moon:full\n"


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    """Neither a folder in its place nor bytes that are no text keep the workbench from starting."""
    (tmp_path / "breakpoints.txt").write_bytes(b"\xff\xfe")
    with rig(tmp_path, kept=True) as acted:
        assert "cannot be read" in troubles(acted)[0]


def test_a_list_that_cannot_be_kept_holds_all_the_same(tmp_path: Path) -> None:
    """A full disk costs the file, not the breakpoint."""
    made = rig(tmp_path)
    made.driver.settings = replace(made.driver.settings, breakpoints=tmp_path / "gone" / "breakpoints.txt")
    with made as acted:
        acted.ask(on("tool:write"))
        assert "cannot be kept" in troubles(acted)[0]
        assert at_rest(acted, acted.start()).status_and_reason == AT_BREAKPOINT


def test_what_is_written_can_be_read() -> None:
    """The file says the list as it was, spaces in patterns included."""
    settings = [BreakpointSetting("tool:a result:x  y"), BreakpointSetting("input:# off", is_enabled=False)]
    read = read_lines(file_text(settings))
    assert (read.settings, read.problems) == (settings, [])


# Runs


def test_a_breakpoint_stops_a_run_and_going_on_passes_it(tmp_path: Path) -> None:
    """The lists and the log say so, the call has not run; resumed, the run stops at the next one, and then ends."""
    with rig(tmp_path) as acted:
        acted.ask(on("tool:write"))
        run = acted.start()
        state = at_rest(acted, run)
        assert (state.status_and_reason, state.steps[0].calls["0.1"].status) == (AT_BREAKPOINT, "requested")
        acted.ask(ResumeRun(run))
        state = acted.wait(run, lambda state: state.end is not None and len(state.steps) > 1)
        assert state.breakpoint == "tool:write: before call 1.0 write"
        acted.ask(ResumeRun(run))
        assert acted.wait(run, lambda state: state.status == "completed").answer == "42"
        assert acted.state(run) == acted.live_state(run)


def test_a_run_at_a_breakpoint_outlives_the_process(tmp_path: Path) -> None:
    """A new process finds it at its breakpoint, and going on does not stop at the same call."""
    with rig(tmp_path, kept=True) as acted:
        acted.ask(on("tool:write"))
        run = acted.start()
        at_rest(acted, run)
    with rig(tmp_path, kept=True) as acted:
        assert acted.state(run).status_and_reason == AT_BREAKPOINT
        acted.ask(ResumeRun(run))
        state = acted.wait(run, lambda state: state.end is not None and len(state.steps) > 1)
        assert list(state.hits) == [("tool:write", "0.1"), ("tool:write", "1.0")]


def test_switching_takes_effect_in_runs_that_move(tmp_path: Path) -> None:
    """Off, a run that was stopped goes on to its end; on, one that moves stops at the next moment."""
    with rig(tmp_path) as acted:
        acted.ask(on("step"))
        run = acted.start()
        at_rest(acted, run)
        acted.ask(SetBreakpoints((BreakpointSetting("step", is_enabled=False),)))
        acted.ask(ResumeRun(run))
        assert acted.wait(run, lambda state: state.status == "completed")
    gate = asyncio.Event()

    @tool(read_only=True)
    async def wait(word: str) -> str:
        """Wait."""
        await gate.wait()
        return word

    turns = [Turn(calls=[("wait", {"word": "a"})]), answer()]
    with Rig(tmp_path, turns, [wait]) as acted:
        run = acted.start()
        acted.wait(run, lambda state: bool(state.steps) and "0.0" in state.steps[0].calls)
        acted.ask(AddBreakpoints(("step",)))
        acted.open_gate(gate)
        assert at_rest(acted, run).breakpoint == "step: step 0 is done"


def test_a_fork_of_a_stopped_run_passes_the_call(tmp_path: Path) -> None:
    """Whoever stopped before a call and gave it another input wants it to run, not to be stopped there again."""
    with rig(tmp_path) as acted:
        acted.ask(on("tool:write"))
        run = acted.start()
        at_rest(acted, run)
        fork = acted.ask(ForkRun(run, "0.1", ForkEdits(inputs={"0.1": {"word": "x"}})))
        state = acted.wait(fork, lambda state: state.end is not None and len(state.steps) > 1)
        assert state.breakpoint == "tool:write: before call 1.0 write"
        assert acted.state(run).status_and_reason == AT_BREAKPOINT


def test_step_by_step_and_breakpoints_get_along(tmp_path: Path) -> None:
    """Going on for one step from a breakpoint stops before the next turn, as without breakpoints."""
    with rig(tmp_path) as acted:
        acted.ask(on("input:word: b"))
        run = acted.start()
        at_rest(acted, run)
        acted.ask(ResumeRun(run))
        acted.ask(PauseRun(run, when="step"))
        state = acted.wait(run, lambda state: state.end is not None and state.end != AT_BREAKPOINT)
        assert (state.status_and_reason, state.finished_steps) == (("interrupted", "paused"), 1)


def test_a_run_stops_where_it_differs_from_a_baseline(tmp_path: Path) -> None:
    """The baseline is named by a beginning of its id and kept by the whole of it; its results are read from the log."""
    with rig(tmp_path) as acted:
        base = acted.start()
        assert at_rest(acted, base).status == "completed"
        listed = acted.ask(AddBreakpoints((f"diverge:{base[:6]}",)))
        assert listed == (BreakpointSetting(f"diverge:{base}"),)
        assert at_rest(acted, acted.start()).status == "completed"
        fork = acted.ask(ForkRun(base, "0.0", ForkEdits(results={"0.0": "something else"})))
        assert acted.wait(fork, lambda state: state.end is not None).status == "completed"
        state = at_rest(acted, acted.start("Why?"))
        assert state.breakpoint.endswith(f"the request of step 0 is none that run {base[:8]} sent")


def test_a_baseline_that_is_gone_stays_in_the_list_and_says_so(tmp_path: Path) -> None:
    """Its breakpoint stops nothing, with a sentence why, and the others can still be switched."""
    (tmp_path / "breakpoints.txt").write_text("on  diverge:gone0000\non  step\n")
    with rig(tmp_path, kept=True) as acted:
        gone, step = acted.ask(ListBreakpoints())
        assert "gone0000" in gone.trouble
        assert any("diverge:gone0000 stops nothing" in sentence for sentence in troubles(acted))
        listed = acted.ask(SetBreakpoints((gone, replace(step, is_enabled=False))))
        assert [(one.rule, one.is_enabled) for one in listed] == [("diverge:gone0000", True), ("step", False)]


# Subagents


class House:
    """A caller with two subagents at once; each writes its word down, the second as soon as it may."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def model(self, request: Request) -> Turn:
        """Play the caller or a subagent."""
        said = everything_said(request)
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if said.startswith("task"):
            word = said.split("|")[0].strip()
            steps = [Turn(calls=[("note", {"word": f"{word} {step}"})]) for step in range(2)]
            return [*steps, answer(word)][turns]
        spawn = Turn(calls=[("spawn_subagent", {"task": "task a"}), ("spawn_subagent", {"task": "task b"})])
        return [spawn, answer("done")][turns]

    def open(self, folder: Path) -> Rig:
        """Return a rig on the folder, new or again."""

        @tool
        async def note(word: str) -> str:
            """Write a word down."""
            self.did.append(word)
            return f"noted {word}"

        return Rig(folder, self.model, [note], spec=AgentSpec(plan="off", subagent=""))


def children(acted: Rig, run: str) -> dict[str, RunState]:
    """Return the subagents' states, by call."""
    calls = acted.state(run).steps[0].calls.values()
    return {call.id: acted.state(call.child) for call in calls if call.child is not None}


def test_a_breakpoint_in_a_subagent_stops_the_whole_tree(tmp_path: Path) -> None:
    """The subagent stops before the call, its sibling before its next turn, and the caller says where it was."""
    house = House()
    with house.open(tmp_path) as acted:
        acted.ask(on("input:task a 1"))
        run = acted.start()
        state = at_rest(acted, run)
        stopped, beside = children(acted, run)["0.0"], children(acted, run)["0.1"]
        assert state.status_and_reason == stopped.status_and_reason == AT_BREAKPOINT
        said = f"in subagent {stopped.run[:8]}, before call 1.0 note, whose input says “task a 1”"
        assert state.breakpoint == f"input:task a 1: {said}"
        assert beside.end is not None
        assert "task a 1" not in house.did
        assert [hit.event.call for hit in acted.history(run).records if isinstance(hit.event, BreakpointHit)] == ["0.0"]


def test_going_on_reopens_the_subagents(tmp_path: Path) -> None:
    """In a new process too, each goes on where it was; nothing is done twice, and the caller has both answers."""
    house = House()
    with house.open(tmp_path) as acted:
        acted.ask(on("input:task a 1"))
        run = acted.start()
        at_rest(acted, run)
    with house.open(tmp_path) as acted:
        acted.ask(on("input:task a 1"))
        acted.ask(ResumeRun(run))
        assert acted.wait(run, lambda state: state.status == "completed").answer == "done"
        assert sorted(house.did) == ["task a 0", "task a 1", "task b 0", "task b 1"]
        assert all(child.status == "completed" for child in children(acted, run).values())


def test_each_step_of_a_subagent_is_a_step(tmp_path: Path) -> None:
    """With `step`, a person goes through the subagents too, and comes to the end."""
    house = House()
    with house.open(tmp_path) as acted:
        acted.ask(on("step"))
        run, stops = acted.start(), 0
        state = at_rest(acted, run)
        while state.status_and_reason == AT_BREAKPOINT:
            stops += 1
            assert stops < 10
            seq = state.seq
            acted.ask(ResumeRun(run))
            state = acted.wait(run, lambda now, seq=seq: now.end is not None and now.seq > seq)  # type: ignore[misc]
        assert (state.status, len(house.did)) == ("completed", 4)
        assert stops >= 3


def test_a_breakpoint_beside_subagents_lets_them_rest(tmp_path: Path) -> None:
    """A result that is hit in the caller stops its subagents before their next turn, not in the middle of a call."""
    house = House()
    with house.open(tmp_path) as acted:
        acted.ask(on("result:^task"))
        run = acted.start()
        state = at_rest(acted, run)
        assert state.status_and_reason == AT_BREAKPOINT
        assert state.breakpoint.startswith("result:^task: the result of call 0.")
        acted.ask(SetBreakpoints(()))
        acted.ask(ResumeRun(run))
        assert acted.wait(run, lambda now: now.status == "completed").answer == "done"
        assert sorted(house.did) == ["task a 0", "task a 1", "task b 0", "task b 1"]
