"""Subagents: child runs with logs of their own, inside a call of their caller.

A child that was left unfinished is reopened; a child of another run (the caller was forked) is forked at its last
checkpoint; only its summary enters the caller's conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.agent.spec import child_record
from workbench.debugger.address import Place
from workbench.debugger.fork import Edits, plan_fork
from workbench.driver.journal import first_batch
from workbench.driver.live import LiveRun
from workbench.errors import WorkbenchError
from workbench.events.base import Event
from workbench.events.call import SubagentFinished, SubagentStarted
from workbench.events.content import text_content
from workbench.events.run import Caller, RunStarted
from workbench.state.run_state import RunState
from workbench.store import Batch, RunHeader
from workbench.tools.base import ToolResult

if TYPE_CHECKING:
    from workbench.driver.session import Session

SUMMARY_CHARACTERS = 6_000
"""About 1,500 tokens: what a subagent may give back."""


class Children:
    """The subagents of one live run."""

    def __init__(self, session: Session, caller: LiveRun) -> None:
        self._session, self._caller = session, caller

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        """Run the child of `call` to its end and return its summary; cancelled, pause the child first."""
        child = await self._child(call, arguments)
        self._session.adopt(child)
        try:
            await self._to_its_end(child)
        except asyncio.CancelledError:
            await self._session.pause_hard(child)
            raise
        finally:
            self._session.let_go(child)
        return await self._report(call, child.state)

    async def _to_its_end(self, child: LiveRun) -> None:
        """Drive the child; where it waits for a person, wait for the person."""
        while True:
            child.woken.clear()
            child.task = asyncio.ensure_future(child.loop.run())
            await asyncio.shield(child.task)
            status, reason = child.state.status_and_reason
            if status != "awaiting_approval" and reason not in ("paused", "breakpoint"):
                return
            await child.woken.wait()

    async def _report(self, call: str, state: RunState) -> ToolResult:
        status, reason = state.end or ("failed", "error")
        finished = SubagentFinished(
            call=call,
            run=state.run,
            status=status,
            reason=reason,
            steps=state.finished_steps,
            usage=state.total_usage,
        )
        await self._caller.journal.append(finished)
        if status == "completed":
            return ToolResult(text_content(summary_text(state)))
        why = state.error or f"it stopped: {reason.replace('_', ' ')}"
        return ToolResult(text_content(f"The subagent gave no answer; {why}."), is_error=True)

    async def _child(self, call: str, arguments: Mapping[str, object]) -> LiveRun:
        known = self._caller.state.call(call)
        if known is None or known.child is None:
            return await self._new(call, arguments)
        if known.child_owner == self._caller.run:
            return await self._session.revive(known.child, self._caller)
        return await self._forked(call, known.child, arguments)

    async def _new(self, call: str, arguments: Mapping[str, object]) -> LiveRun:
        state = self._caller.state
        if state.agent is None or state.depth > 0:
            raise WorkbenchError("a subagent cannot have subagents")
        role = str(arguments.get("role") or "") or None
        task, focus = str(arguments.get("task", "")), str(arguments.get("focus") or "")
        agent = child_record(state.agent, role)
        said = f"{task}\n\nFocus: {focus}" if focus else task
        if agent.subagent:
            said = f"{said}\n\n{agent.subagent}"
        started = RunStarted(
            task=text_content(said),
            agent=agent,
            date=state.date,
            caller=Caller(run=self._caller.run, call=call),
            role=role,
            depth=1,
        )
        return await self._begin(call, arguments, (started,))

    async def _forked(self, call: str, child: str, arguments: Mapping[str, object]) -> LiveRun:
        """Fork another run's child at its last checkpoint, so that the fork of its caller can go on with it."""
        history = await self._session.history(child)
        plan = plan_fork(history, Place("end"), Edits(), Caller(run=self._caller.run, call=call))
        return await self._begin(call, arguments, plan.events, parent=(plan.owner, plan.cut.seq, child))

    async def _begin(
        self,
        call: str,
        arguments: Mapping[str, object],
        events: tuple[Event, ...],
        parent: tuple[str, int, str] | None = None,
    ) -> LiveRun:
        session, caller = self._session, self._caller
        run = session.new_id()
        role = str(arguments.get("role") or "") or None
        task, focus = str(arguments.get("task", "")), str(arguments.get("focus") or "")

        def batch(at: float) -> Batch:
            owner, cut, made_from = parent or (None, None, None)
            header = RunHeader(
                run,
                caller.root,
                at,
                parent=owner,
                cut=cut,
                made_from=made_from,
                caller_run=caller.run,
                caller_call=call,
                depth=1,
            )
            return first_batch(header, events, at=at, token=session.token(caller.root))

        started = SubagentStarted(call=call, run=run, task=task, focus=focus, role=role)
        session.announce(await caller.journal.append_beside(started, batch))
        return await session.revive(run, caller)


def summary_text(state: RunState) -> str:
    """Return what a finished child gives back: its answer and where it comes from, of bounded size."""
    answer = (state.answer or "").strip()
    if len(answer) > SUMMARY_CHARACTERS:
        answer = answer[:SUMMARY_CHARACTERS].rsplit(" ", 1)[0] + " … (cut to 1,500 tokens)"
    sources = list(dict.fromkeys(citation.source for citation in state.citations))
    return f"{answer}\n\nSources: {', '.join(sources)}" if sources else answer
