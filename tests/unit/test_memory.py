"""`remember` and `recall`: what runs keep for later, and that no run reads what is still to come for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Rig, answer
from tests.loop_kit import Lab, asks
from tests.loop_kit import answer as submitted
from workbench.corpus import NotesFile
from workbench.driver.commands import ForkRun, Label
from workbench.events.call import CallFinished
from workbench.events.content import plain_text
from workbench.events.library import RunHidden
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.notes import memory_tools


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[NotesFile]:
    """Give an empty notebook."""
    opened = NotesFile(tmp_path / "notes.db")
    yield opened
    opened.close()


async def told(notes: NotesFile, *calls: tuple[str, dict[str, Any]]) -> list[tuple[str, bool]]:
    """Return what calls of one run give, each in a turn of its own."""
    lab = Lab([*[asks(call) for call in calls], submitted()], memory_tools(notes))
    await lab.run()
    return [(lab.text(f"{number}.0"), lab.call(f"{number}.0").has_error) for number in range(len(calls))]


async def test_what_was_remembered_is_found(notes: NotesFile) -> None:
    """By its words, or the newest; the earlier texts of a key are counted, and given when asked for."""
    said = await told(
        notes,
        ("recall", {}),
        ("remember", {"key": "port", "text": "The port is 6543."}),
        ("remember", {"key": "port", "text": "The port is 5432."}),
        ("remember", {"key": "host", "text": "The host is alpha."}),
        ("recall", {"query": "port"}),
        ("recall", {"query": "port", "earlier": True}),
        ("recall", {}),
        ("recall", {"query": "kumquat"}),
    )
    assert [text for text, _ in said] == [
        "Nothing was remembered yet.",
        "noted 'port', 17 characters",
        "noted 'port', 17 characters",
        "noted 'host', 18 characters",
        "port\nThe port is 5432.\n[1 earlier under this key]",
        "port\nThe port is 5432.\n[before:] The port is 6543.",
        "host\nThe host is alpha.\n\nport\nThe port is 5432.\n[1 earlier under this key]",
        "Nothing that was remembered fits 'kumquat'.",
    ]


async def test_a_note_has_a_largest_size_and_is_given_whole_when_asked_for_alone(notes: NotesFile) -> None:
    """256 KB; several notes are cut, so that they fit into a request together."""
    said = await told(
        notes,
        ("remember", {"key": "big", "text": "é" * 131_073}),
        ("remember", {"key": "long", "text": "x" * 5_000}),
        ("recall", {"query": "long"}),
        ("recall", {"query": "long", "limit": 1}),
    )
    assert said[0] == ("the note has 262,146 bytes; at most 262,144 are kept under one key", True)
    assert said[2][0].endswith("x\n[1,000 more characters; ask with limit=1]")
    assert said[3][0] == "long\n" + "x" * 5_000


def test_what_memory_tools_say_of_themselves(notes: NotesFile) -> None:
    """Remembering twice is remembering once, one call at a time; recalling only reads."""
    remember, recall = memory_tools(notes)
    assert (remember.spec.effect, remember.spec.exclusive, recall.spec.effect) == (
        "idempotent",
        "notebook",
        "read_only",
    )
    assert (remember.spec.exposure, recall.spec.exposure) == ((), ("private", "untrusted"))


# Over several runs.


def script(*turns: Turn) -> list[Turn]:
    """Return turns of a run that ends with an answer."""
    return [*turns, answer()]


def remembers(text: str, key: str = "k") -> Turn:
    """Return a turn that remembers."""
    return Turn(calls=[("remember", {"key": key, "text": text})])


RECALLS = Turn(calls=[("recall", {"query": "kumquat"})])


def recalled(rig: Rig, run: str) -> str:
    """Return what the last `recall` of a run gave."""
    asked = [
        call.id
        for step in rig.state(run).steps
        for call in step.calls.values()
        if call.tool == "recall" and call.result
    ]
    ref = rig.state(run).call(asked[-1])
    assert ref is not None
    assert ref.result is not None
    return plain_text(rig.driver.run_blocking(rig.driver.store.body(ref.result.run, ref.result.seq)))


def rested(state: RunState) -> bool:
    """Whether a run is over."""
    return state.end is not None


class Turns:
    """A script that says the next turn of whichever run asks: runs follow each other here."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = list(turns)

    def __call__(self, _: object) -> Turn:
        return self.turns.pop(0)


def rig_of(tmp_path: Path, tools: tuple[Tool, ...], *turns: Turn) -> Rig:
    """Return a driver whose runs take these turns."""
    return Rig(tmp_path, Turns(*turns), tools)


def test_a_later_run_recalls_what_a_finished_one_remembered(tmp_path: Path, notes: NotesFile) -> None:
    """Memory outlives a run; that of one which is not finished, or was hidden, is not read."""
    turns = [*script(remembers("kumquat one")), *script(RECALLS), *script(RECALLS)]
    with rig_of(tmp_path, memory_tools(notes), *turns) as rig:
        first = rig.start()
        rig.wait(first, rested)
        notes.save("never-finished", "k", "kumquat of nobody", "0.0")
        second = rig.start()
        rig.wait(second, rested)
        assert recalled(rig, second) == "k\nkumquat one"
        rig.ask(Label(RunHidden(run=first, hidden=True)))
        third = rig.start()
        rig.wait(third, rested)
        assert recalled(rig, third) == "Nothing that was remembered fits 'kumquat'."


def test_a_run_that_goes_on_is_not_read_by_others(tmp_path: Path, notes: NotesFile) -> None:
    """What a run notes is its own until it is finished."""
    turns = [remembers("kumquat"), Turn("Stop.", [("recall", {"query": "x"})]), *script(RECALLS)]
    with rig_of(tmp_path, memory_tools(notes), *turns) as rig:
        first = rig.start(limits={"steps": 2})
        rig.wait(first, lambda state: state.status_and_reason == ("interrupted", "step_limit"))
        second = rig.start()
        rig.wait(second, rested)
        assert recalled(rig, second) == "Nothing that was remembered fits 'kumquat'."


def test_a_fork_never_reads_its_own_future(tmp_path: Path, notes: NotesFile) -> None:
    """Forked before the second note it knows the first alone, though its parent is finished and noted more."""
    turns = [
        *script(remembers("kumquat one"), remembers("kumquat two"), remembers("kumquat late", "late")),
        *script(RECALLS),
        *script(RECALLS),
    ]
    with rig_of(tmp_path, memory_tools(notes), *turns) as rig:
        parent = rig.start()
        rig.wait(parent, rested)
        fork = rig.ask(ForkRun(parent, "1"))
        rig.wait(fork, rested)
        assert recalled(rig, fork) == "k\nkumquat one"
        sibling = rig.ask(ForkRun(parent, "2"))
        rig.wait(sibling, rested)
        assert recalled(rig, sibling) == "k\nkumquat two\n[1 earlier under this key]"


def test_a_run_recalls_what_its_subagent_remembered(tmp_path: Path, notes: NotesFile) -> None:
    """Once that gave its summary; the subagent itself has a memory of its own."""
    turns = [
        remembers("kumquat of the caller"),
        Turn(calls=[("spawn_subagent", {"task": "look"})]),
        RECALLS,
        remembers("kumquat of the subagent", "found"),
        Turn("Summary."),
        *script(RECALLS),
    ]
    with rig_of(tmp_path, memory_tools(notes), *turns) as rig:
        run = rig.start()
        rig.wait(run, rested)
        assert "kumquat of the subagent" in recalled(rig, run)
        assert "kumquat of the caller" in recalled(rig, run)
        (child,) = {call.child for step in rig.state(run).steps for call in step.calls.values() if call.child}
        finished = [record.event for record in rig.history(child).records if isinstance(record.event, CallFinished)]
        assert finished[0].first_line == "Nothing that was remembered fits 'kumquat'."
