"""How live runs move, come to rest, are stopped, and are let go of where their log cannot be written any more."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.driver.feed import RunsChanged, Trouble
from workbench.driver.live import LiveRun
from workbench.driver.recovery import loose_ends
from workbench.driver.summary import summarise
from workbench.engine.loop import PauseWhen
from workbench.errors import StaleDriverError, StoreError
from workbench.events.run import RunFinished, RunResumed
from workbench.providers.keys import redacted
from workbench.state.parts import Said
from workbench.state.run_state import RunState

if TYPE_CHECKING:
    from workbench.driver.session import Session

STOP_SECONDS = 2.0
"""How long stopping waits for what should stop at once, before it is cancelled, and after."""


class Mover:
    """Moves the live runs of a session: root runs in tasks of their own, subagents inside their caller's calls."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def drive(self, root: LiveRun) -> None:
        """Start moving a root run, or tell its loop to look again."""
        root.wake()
        if not root.is_moving:
            root.task = asyncio.create_task(self._drive(root), name=f"drive {root.run}")

    async def _drive(self, root: LiveRun) -> None:
        """Move a run until it rests and nobody woke it meanwhile."""
        try:
            while True:
                root.woken.clear()
                await self.move(root)
                await self._settle(root)
                if not root.woken.is_set() or self._session.live.get(root.run) is not root:
                    return
        except (StoreError, StaleDriverError) as error:
            await self._give_up(root, error)

    async def move(self, live: LiveRun) -> None:
        """Run the loop of a run until it rests.

        Errors of the store come out: then nothing can be written. Any other error is a bug, and ends the run as a fact.
        """
        while True:
            try:
                await live.loop.run()
            except (StoreError, StaleDriverError):
                raise
            except Exception as error:  # noqa: BLE001 - the worker's top: a bug must end as a fact, not as silence
                why = redacted(f"{type(error).__name__}: {error}")
                await self._fail(live, why, "".join(traceback.format_exception(error)))
            if not _was_overtaken(live.state):
                return
            await live.journal.append(RunResumed())

    async def _fail(self, live: LiveRun, why: str, detail: str) -> None:
        self._session.feed.publish(Trouble(f"run {live.run[:8]} failed: {why}", run=live.run, detail=detail))
        await self._stop_children(live)
        failed = RunFinished(status="failed", reason="error", error=why)
        await live.journal.append(*loose_ends(live.state, "failed"), failed, durable=True)

    async def _settle(self, root: LiveRun) -> None:
        """Give back the lease of a run that ended or was paused; one that waits for a person here keeps it."""
        session = self._session
        with suppress(StoreError):
            await session.store.save_row(summarise(root.run, root.state))
        if root.state.end is not None:
            async with session.decision(root.run):  # which may let it go on after all
                if root.state.end is not None and session.live.get(root.run) is root:
                    await session.forget(root.run)
        session.feed.publish(RunsChanged())
        session.races.rested(root)

    async def _give_up(self, root: LiveRun, error: Exception) -> None:
        """Let go of a run whose log cannot be written; whoever drives it next recovers it."""
        session = self._session
        await self._stop_children(root)
        tree = session.tree(root.run)
        if isinstance(error, StaleDriverError):
            said = f"run {root.run[:8]} is driven by another process now; this one only watches it"
        else:
            said = f"run {root.run[:8]} stopped and can be resumed: {error}"
        await session.forget(root.run, is_lost=isinstance(error, StaleDriverError))
        for live in tree:
            with suppress(StoreError):
                others = isinstance(error, StaleDriverError)
                session.announce(await session.store.read(live.run, after=live.state.seq), is_of_here=not others)
        session.feed.publish(Trouble(said, run=root.run))
        session.feed.publish(RunsChanged())
        session.races.rested(root)

    def pause(self, live: LiveRun, when: PauseWhen) -> None:
        """Stop a run; when it stops at once, its subagents do too, each as gently."""
        live.loop.pause(when)
        if when == "now":
            for child in self._children(live):
                if child.is_moving:
                    child.loop.pause("now")

    async def stop(self, live: LiveRun) -> None:
        """Bring a run to rest at once, effectful calls included; what does not obey is left behind."""
        if live.task is None or live.task.done():
            return
        self.pause(live, "now")
        self.pause(live, "now")
        await asyncio.wait({live.task}, timeout=STOP_SECONDS)
        if not live.task.done():
            live.task.cancel()
            await asyncio.wait({live.task}, timeout=STOP_SECONDS)

    async def _stop_children(self, live: LiveRun) -> None:
        await asyncio.gather(*(self.stop(child) for child in self._children(live)))

    def _children(self, live: LiveRun) -> list[LiveRun]:
        return [child for child in self._session.tree(live.run) if child is not live]


def _was_overtaken(state: RunState) -> bool:
    """Whether somebody said something while the end was being written, so that nobody has answered it."""
    is_completed = state.end is not None and state.end[0] == "completed"
    return is_completed and bool(state.entries) and isinstance(state.entries[-1], Said)
