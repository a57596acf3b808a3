"""A run in which everything happens that telemetry tells of, and an observer that looks when the test says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.fork_kit import everything_said
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.feed import Trouble
from workbench.errors import TransientModelError
from workbench.events.agent import Limits, ModelRetries
from workbench.events.request import AssistantMessage, Request, Usage
from workbench.providers.scripted import Turn
from workbench.telemetry.facts import Fact
from workbench.telemetry.observer import Observer
from workbench.telemetry.telling import Teller
from workbench.tools.base import Tool
from workbench.tools.declaring import tool

SPEC = AgentSpec(plan="off", subagent="", retries=ModelRetries(first_wait=0.0), limits=Limits())
USED = Usage(input_tokens=100, output_tokens=20, cache_read_tokens=30, cache_write_tokens=7, cost=0.25)
SECRET = "the-secret-word-of-the-user"
KEY = "sk-ant-0123456789abcdefghij"


class Kept:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.facts: list[Fact | Trouble] = []
        self.is_closed = False

    def take(self, fact: Fact | Trouble) -> None:
        """Keep one."""
        self.facts.append(fact)

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True

    def of(self, kind: type) -> list[object]:
        """Return those of a kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


def flaky() -> Tool:
    """Return a tool that fails once in a way that passes."""
    tries: list[int] = []

    @tool(read_only=True)
    async def flaky(word: str) -> str:
        """Look a word up, at the second try."""
        tries.append(1)
        if len(tries) == 1:
            raise TimeoutError("not yet")
        return word

    return flaky


@tool
async def breaks(word: str) -> str:
    """Fail."""
    raise ValueError(word)


class Story:
    """The script of a model: a retry, tools that fail, a fallback, a subagent, an answer."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: Request) -> Turn:
        """Say the next turn of the caller or of the subagent."""
        said = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if everything_said(request).startswith("task"):
            return [Turn(calls=[("look", {"word": "inside"})], usage=USED), answer("seen")][min(said, 1)]
        self.asked += 1
        if self.asked == 1:
            return Turn("half a", error=TransientModelError("overloaded", kind="overloaded"))
        return [
            Turn("Let me look.", [("look", {"word": SECRET}), ("flaky", {"word": KEY})], usage=USED),
            Turn(calls=[("breaks", {"word": "x"})] * 3 + [("no_such_tool", {})], usage=USED),
            Turn(calls=[("spawn_subagent", {"task": "task"})], usage=USED),
            answer("done"),
        ][min(said, 3)]


def story_rig(folder: Path) -> Rig:
    """Return a rig on which the story can be started."""
    return Rig(folder, Story(), [look, flaky(), breaks], spec=SPEC)


@contextmanager
def observed(rig: Rig, *tellers: Teller) -> Iterator[Observer]:
    """Observe a rig's runs; close the driver and then the observer at the end."""
    observer = Observer(rig.driver, tellers)
    try:
        with rig:
            yield observer
    finally:
        observer.close()


def told(folder: Path, *tellers: Teller) -> tuple[str, Sequence[str]]:
    """Tell the story to `tellers`; return its run and the runs of its subagents."""
    with observed(rig := story_rig(folder), *tellers):
        run = rig.start("What?")
        state = rig.finish(run)
        assert state.status_and_reason == ("completed", "answered"), state.error
        children = [child for step in state.steps for call in step.calls.values() for child in call.children]
    return run, children
