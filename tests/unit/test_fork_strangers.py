"""Forks of imported runs: nothing that a stranger recorded opens a folder, runs by itself, or counts as permission."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import everything_said, statuses
from tests.harness import WAIT, Rig, answer
from workbench.driver.commands import (
    AgentOptions,
    ApprovePlan,
    DecidePermission,
    ForkEdits,
    ForkRun,
    PauseRun,
    PreviewFork,
    ResolveUnknown,
    ResumeRun,
    Say,
)
from workbench.driver.transfer import import_session, runs_to_export
from workbench.errors import EditRefusedError
from workbench.events.agent import Permission
from workbench.events.request import Request
from workbench.interchange.session import Session
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool

WORDS = ("a", "b")


def writer(request: Request) -> Turn:
    """Write two words, then answer with what was seen."""
    if len(request.messages) > 1:
        return answer(everything_said(request))
    return Turn(calls=[("write", {"word": word}) for word in WORDS])


IS_RUNNING = threading.Event()
"""Set when the tool itself runs: its start is in the log a little earlier."""
Meanwhile = Callable[[Rig, str], None]


def recorded_elsewhere(folder: Path, permission: Permission, meanwhile: Meanwhile, **options: Any) -> Session:
    """Return the session of a run on another machine, as `meanwhile` left it."""

    @tool(permission=permission)
    async def write(word: str) -> str:
        IS_RUNNING.set()
        await asyncio.Event().wait()
        return word

    IS_RUNNING.clear()
    with Rig(folder, writer, [write]) as rig:
        run = rig.start(**options)
        meanwhile(rig, run)
        return Session(tuple(rig.driver.run_blocking(runs_to_export(rig.driver.store, run))))


def wait_for(*wanted: str) -> Meanwhile:
    """Return what waits until the calls are so."""

    def meanwhile(rig: Rig, run: str) -> None:
        rig.wait(run, lambda state: statuses(state) == list(wanted))

    return meanwhile


def stop_at_once(rig: Rig, run: str) -> None:
    """Stop the run while its first call runs, so that nobody knows what that did."""
    assert IS_RUNNING.wait(WAIT)
    rig.ask(PauseRun(run))
    rig.ask(PauseRun(run))
    rig.wait(run, lambda state: statuses(state)[0] == "unknown")


def test_approvals_and_calls_of_an_import_are_not_honoured(tmp_path: Path) -> None:
    """What a stranger allowed is asked again here, and what ran there does not run here by itself."""

    def allow(rig: Rig, run: str) -> None:
        wait_for("waiting", "waiting")(rig, run)
        rig.ask(DecidePermission(run, "0.0", "allow", scope="run"))
        stop_at_once(rig, run)

    did: list[str] = []

    @tool(permission="ask")
    async def write(word: str) -> str:
        did.append(word)
        return f"wrote {word}"

    session = recorded_elsewhere(tmp_path / "there", "ask", allow)
    run = session.runs[0].id
    with Rig(tmp_path / "here", writer, [write]) as rig:
        rig.driver.run_blocking(import_session(rig.driver.store, session, "a file"))
        for command in (ResumeRun(run), DecidePermission(run, "0.1", "allow"), ApprovePlan(run)):
            with pytest.raises(EditRefusedError):
                rig.ask(command)
        fork = rig.ask(ForkRun(run, "end"))
        state = rig.wait(fork, lambda state: state.is_resting)
        assert statuses(state) == ["unknown", "unknown"]
        for call in WORDS_OF_STEP:
            rig.ask(ResolveUnknown(fork, call, "rerun"))
        state = rig.wait(fork, lambda state: statuses(state) == ["waiting", "waiting"])
        rig.ask(DecidePermission(fork, "0.0", "allow", scope="run"))
        assert rig.finish(fork).answer == "What? | wrote a | wrote b"
        assert did == ["a", "b"]


def test_pending_calls_of_an_import_wait_for_a_person(tmp_path: Path) -> None:
    """Effectful calls that an imported turn asks for do not start in a fork, permission or not."""
    did: list[str] = []

    @tool
    async def write(word: str) -> str:
        did.append(word)
        return f"wrote {word}"

    session = recorded_elsewhere(tmp_path / "there", "allow", stop_at_once, sequential=True)
    run = session.runs[0].id
    with Rig(tmp_path / "here", writer, [write]) as rig:
        rig.driver.run_blocking(import_session(rig.driver.store, session, "a file"))
        fork = rig.ask(Say(run, "Go on."))
        state = rig.wait(fork, lambda state: state.is_resting)
        assert [call.status for call in rig.state(run).steps[0].calls.values()] == ["unknown", "requested"]
        assert (statuses(state), did) == (["unknown", "unknown"], [])
        again = rig.ask(ForkRun(run, edits=ForkEdits(reruns=WORDS_OF_STEP)))
        assert rig.finish(again).answer == "What? | wrote a | wrote b"


WORDS_OF_STEP = ("0.0", "0.1")


def test_a_folder_that_only_an_import_names_is_not_opened(tmp_path: Path) -> None:
    """The fork reads the embedded documents and says so, unless the person names a folder; that one is kept later."""
    docs, mine = tmp_path / "theirs", tmp_path / "mine"
    for folder in (docs, mine):
        folder.mkdir()
        (folder / "page.md").write_text(f"# Page\n\nWords of {folder.name}.\n")
    session = recorded_elsewhere(tmp_path / "there", "ask", wait_for("waiting", "waiting"), docs=str(docs))
    run = session.runs[0].id

    @tool
    async def write(word: str) -> str:
        return f"wrote {word}"

    def corpus(rig: Rig, name: str) -> str | None:
        agent = rig.state(name).agent
        assert agent is not None
        assert agent.corpus is not None
        return agent.corpus.path

    with Rig(tmp_path / "here", writer, [write]) as rig:
        rig.driver.run_blocking(import_session(rig.driver.store, session, "a file"))
        assert corpus(rig, run) == str(docs)
        edits = ForkEdits(reruns=WORDS_OF_STEP)
        assert "not opened" in rig.ask(PreviewFork(run, None, edits)).problems[0]
        fork = rig.ask(ForkRun(run, None, edits))
        assert corpus(rig, fork) is None
        named = ForkEdits(reruns=WORDS_OF_STEP, options=AgentOptions(docs=str(mine)))
        assert rig.ask(PreviewFork(run, None, named)).problems == ()
        fork = rig.ask(ForkRun(run, None, named))
        rig.finish(fork)
        assert corpus(rig, fork) == str(mine)
        assert corpus(rig, rig.ask(ForkRun(fork, "end", ForkEdits(say="And?")))) == str(mine)
