"""Subagents: child runs with logs of their own, inside a call of their caller.

A child that was left unfinished is reopened; a child of another run (the caller was forked) is forked where it stood
when the fork left that run; only its summary enters the caller's conversation.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.agent.spec import child_record, subagent_prompt
from workbench.debugger.address import Place
from workbench.driver.commands import ForkEdits
from workbench.driver.journal import first_batch
from workbench.driver.live import LiveRun
from workbench.engine.breakpoints import SubagentRestsError
from workbench.errors import WorkbenchError
from workbench.events.agent import Limits, PermissionRules
from workbench.events.base import Event
from workbench.events.call import SubagentFinished, SubagentStarted
from workbench.events.content import text_content
from workbench.events.run import BreakpointHit, Caller, RunResumed, RunStarted
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.store import Batch, RunHeader
from workbench.tools.base import ToolResult

if TYPE_CHECKING:
    from workbench.driver.session import Session

CHARACTERS_PER_TOKEN = 4
"""About: by it what a subagent gives back is cut to its tokens."""


class Children:
    """The subagents of one live run."""

    def __init__(self, session: Session, caller: LiveRun) -> None:
        self._session, self._caller = session, caller

    async def run(self, call: str, arguments: Mapping[str, object]) -> ToolResult:
        """Run the child of `call` to its end and return its summary.

        Cancelled, the child comes to rest first: as gently as its caller is paused, or at once where the call alone
        was given up.
        """
        child = await self._child(call, arguments)
        try:
            await self._to_its_end(child)
        except asyncio.CancelledError:
            is_paused = self._caller.loop.is_stopping
            await self._to_rest(child, gently=is_paused)
            if not is_paused:
                await self._record_end(call, child.state)  # what it used counts all the same
            raise
        finally:
            if self._session.live.get(child.run) is child:
                del self._session.live[child.run]
        return await self._report(call, child.state)

    def rest(self) -> None:
        """Let every child rest before its next turn: a breakpoint stopped their caller."""
        for child in self._session.tree(self._caller.root):
            if child is not self._caller:
                child.loop.pause("step")
                child.woken.set()

    async def _to_its_end(self, child: LiveRun) -> None:
        """Drive the child; where it waits for a person, wait for the person.

        Raises `SubagentRestsError` where it stops at a breakpoint, or where its caller has: then the whole tree rests.
        """
        while True:
            if self._caller.state.breakpoint:
                raise SubagentRestsError
            child.woken.clear()
            child.task = asyncio.create_task(self._session.mover.move(child), name=f"drive {child.run}")
            await asyncio.shield(child.task)
            status, reason = child.state.status_and_reason
            if reason == "breakpoint":
                raise SubagentRestsError(_hit_below(child.state))
            if status != "awaiting_approval" and reason != "paused":
                return
            if not self._caller.state.breakpoint:
                await child.woken.wait()

    async def _to_rest(self, child: LiveRun, *, gently: bool) -> None:
        """Wait until the child rests; `gently`, it was asked to pause together with its caller."""
        if not gently or not child.loop.is_stopping:
            await self._session.mover.stop(child)
        elif child.task is not None:
            await asyncio.wait({child.task})
        if child.task is not None and child.task.done() and not child.task.cancelled():
            child.task.exception()  # its caller meets the same trouble with the store

    async def _report(self, call: str, state: RunState) -> ToolResult:
        await self._record_end(call, state)
        if state.status == "completed":
            return ToolResult(text_content(summary_text(state)))
        if state.steps and state.steps[-1].is_cut:
            return ToolResult(text_content(f"{summary_text(state)}\n\n[cut here, at the subagent's limit of tokens]"))
        why = state.error or f"it stopped: {(state.reason or 'error').replace('_', ' ')}"
        return ToolResult(text_content(f"The subagent gave no answer; {why}."), is_error=True)

    async def _record_end(self, call: str, state: RunState) -> None:
        status, reason = state.end or ("interrupted", "paused")
        finished = SubagentFinished(
            call=call,
            run=state.run,
            status=status,
            reason=reason,
            steps=state.finished_steps,
            usage=state.total_usage,
            exposures=tuple(sorted(state.exposures)),
        )
        await self._caller.journal.append(finished)

    async def _child(self, call: str, arguments: Mapping[str, object]) -> LiveRun:
        known = self._caller.state.call(call)
        if known is None or known.child is None:
            return await self._new(call, arguments)
        if known.child_owner != self._caller.run:
            return await self._forked(known, arguments)
        child = await self._session.revive(known.child)
        rules = self._changed_rules(child.state)
        if rules is not None or (child.state.end is not None and child.state.end[0] != "completed"):
            await child.journal.append(RunResumed(permissions=rules))
        return child

    def _changed_rules(self, child: RunState) -> PermissionRules | None:
        """Return the rules of this run where they are not those of a child that goes on: a person changed them."""
        of_caller = self._caller.state.agent.permissions if self._caller.state.agent is not None else None
        of_child = child.agent.permissions if child.agent is not None else None
        is_over = child.end is not None and child.end[0] == "completed"
        return None if is_over or of_caller == of_child else of_caller

    async def _new(self, call: str, arguments: Mapping[str, object]) -> LiveRun:
        state = self._caller.state
        if state.agent is None or state.depth > 0:
            raise WorkbenchError("a subagent cannot have subagents")
        role = str(arguments.get("role") or "") or None
        task, focus = str(arguments.get("task", "")), str(arguments.get("focus") or "")
        agent = child_record(state.agent, role)
        said = f"{task}\n\nFocus: {focus}" if focus else task
        if asked := subagent_prompt(agent):
            said = f"{said}\n\n{asked}"
        started = RunStarted(
            task=text_content(said),
            agent=agent,
            date=state.date,
            caller=Caller(run=self._caller.run, call=call),
            role=role,
            depth=1,
            exposures=tuple(sorted(state.exposures)),
        )
        return await self._begin(call, arguments, (started,))

    async def _forked(self, known: CallState, arguments: Mapping[str, object]) -> LiveRun:
        """Fork another run's child where it stood when this run's lineage left that run."""
        session, caller = self._session, Caller(run=self._caller.run, call=known.id)
        history = await session.history(known.child or "")
        moment = await self._left_at(known.child_owner)
        stood = max(0, bisect_right(history.records, moment, key=lambda record: record.at) - 1)
        plan = await session.forks.plan(history, Place("seq", seq=stood), ForkEdits(), caller)
        return await self._begin(known.id, arguments, plan.events, (plan.owner, plan.cut.seq, known.child))

    async def _left_at(self, owner: str | None) -> float:
        """Return when this run's lineage left `owner`: at the cut, or when its live end was forked."""
        store = self._session.store
        left = next(part for part in await store.lineage(self._caller.run) if part.run == owner)
        cut, fork = await store.read(self._caller.run, after=(left.last or 0) - 1, upto=(left.last or 0) + 1)
        went_on = await store.read(left.run, after=cut.seq, upto=cut.seq + 1)
        return cut.at if went_on and went_on[0].at <= fork.at else fork.at

    async def _begin(
        self,
        call: str,
        arguments: Mapping[str, object],
        events: tuple[Event, ...],
        parent: tuple[str | None, int | None, str | None] = (None, None, None),
    ) -> LiveRun:
        """Store a new child together with the event that names it in its caller's log; `parent` is owner, cut, fork."""
        session, caller = self._session, self._caller
        run = session.new_id()
        owner, cut, made_from = parent

        def batch(at: float) -> Batch:
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

        started = SubagentStarted(
            call=call,
            run=run,
            task=str(arguments.get("task", "")),
            focus=str(arguments.get("focus") or ""),
            role=str(arguments.get("role") or "") or None,
        )
        session.announce(await caller.journal.append_beside(started, batch))
        return await session.revive(run)


def _hit_below(child: RunState) -> tuple[BreakpointHit, ...]:
    """Return what the breakpoint of a child is to its caller."""
    if child.hit is None or child.caller is None:
        return ()
    rule, _, why = child.hit
    return (BreakpointHit(rule=rule, why=f"in subagent {child.run[:8]}, {why}", call=child.caller.call),)


def summary_text(state: RunState) -> str:
    """Return what a finished child gives back: its answer and where it comes from, of bounded size."""
    answer = (state.answer or "").strip()
    tokens = (state.agent.limits if state.agent is not None else Limits()).summary_tokens
    if len(answer) > tokens * CHARACTERS_PER_TOKEN:
        answer = answer[: tokens * CHARACTERS_PER_TOKEN].rsplit(" ", 1)[0] + f" … (cut to {tokens:,} tokens)"
    sources = list(dict.fromkeys(citation.source for citation in state.citations))
    return f"{answer}\n\nSources: {', '.join(sources)}" if sources else answer
