"""What hooks changed in a recorded run is told again, without their code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Rig, answer
from tests.hook_kit import hook
from tests.loop_kit import asks
from workbench.agent.hooks import Answer, Call, Context
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.errors import ToolError
from workbench.events.call import SubagentStarted
from workbench.events.run import HookChanged
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool


@tool(read_only=True)
async def look(word: str) -> str:
    """Look."""
    return f"found {word}"


class Author:
    """Hooks of every kind that changes what a request or an answer is, and how often they were asked."""

    def __init__(self) -> None:
        self.asked = 0
        first = hook("First", before_run=self.task, before_turn=self.words, before_call=self.louder)
        second = hook("Second", before_call=self.guard, after_run=self.signed, before_turn=self.words)
        self.spec = AgentSpec(plan="off", hooks=(first, second))

    def task(self, task: str) -> str:
        """Ask for more."""
        self.asked += 1
        return f"{task} Tell all."

    def words(self, context: Context) -> str | None:
        """Say something before every second turn."""
        self.asked += 1
        return f"At step {context.step}." if context.step % 2 else None

    def louder(self, call: Call) -> dict[str, str] | None:
        """Look for something else."""
        self.asked += 1
        return {"word": str(call.input["word"]).upper()} if call.tool == "look" else None

    def guard(self, call: Call) -> dict[str, str] | None:
        """Let nobody spawn twice, and change what the other hook changed."""
        self.asked += 1
        if call.input.get("task") == "again":
            raise ToolError("once is enough")
        return {"word": f"{call.input['word']}!"} if call.tool == "look" and call.id.endswith(".1") else None

    def signed(self, answer: Answer) -> str:
        """Sign the answer."""
        self.asked += 1
        return f"{answer.text}, signed"


def outcomes(state: RunState) -> list[tuple[str, str, str]]:
    """Return what became of each call: its input, its outcome, the beginning of its result."""
    calls = [call for step in state.steps for call in step.asked_calls]
    return [(str(call.input), str(call.outcome), call.result.first_line if call.result else "") for call in calls]


@pytest.mark.parametrize("place", [None, "0", "1", "2", "2.turn"])
def test_what_hooks_changed_is_told_again(place: str | None, tmp_path: Path) -> None:
    """From the beginning and from a fork: the same requests, results and answer, and no code of a hook is run."""
    author = Author()
    script = [
        asks(("look", {"word": "a"}), ("look", {"word": "a"}), ("look", {"word": "b"})),
        asks(("spawn_subagent", {"task": "once"})),
        asks(("look", {"word": "deep"})),
        answer("from below"),
        asks(("spawn_subagent", {"task": "again"})),
        answer("done"),
    ]
    with Rig(tmp_path, script, [look], spec=author.spec) as rig:
        run = rig.start()
        first = rig.finish(run)
        asked = author.asked
        model = f"recorded:{run}"
        told = rig.start(model=model) if place is None else rig.ask(ForkRun(run, place, edits=ForkEdits(model=model)))
        second = rig.finish(str(told))
        events = [record.event for record in rig.history(str(told)).records]
    assert (first.answer, first.error, second.error) == ("done, signed", None, None)
    assert (second.answer, second.task, outcomes(second)) == (first.answer, first.task, outcomes(first))
    assert author.asked == asked
    assert not [event for event in events if isinstance(event, HookChanged) and event.what in ("missing", "failed")]
    assert sum(isinstance(event, SubagentStarted) for event in events) == 1
