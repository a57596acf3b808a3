"""Writing forks: decided by `debugger.fork`, stored in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.debugger.address import Place, find_cut
from workbench.debugger.fork import Edits, ForkPlan, ForkPreview, place_of, plan_fork, preview
from workbench.driver.agents import apply_options
from workbench.driver.commands import ForkEdits, ForkRun, PreviewFork
from workbench.driver.journal import first_batch
from workbench.errors import EditRefusedError
from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.events.call import SubagentStarted
from workbench.events.content import normalise_json, text_content
from workbench.events.run import Caller
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.store import Batch, Durability, RunHeader

if TYPE_CHECKING:
    from workbench.driver.session import Session


@dataclass(frozen=True, slots=True)
class NewFork:
    """A fork to be written: its id, its header's facts, its first events."""

    run: str
    root: str
    plan: ForkPlan
    extra: tuple[Event, ...] = ()
    caller: Caller | None = None

    def batch(self, at: float, token: int) -> Batch:
        """Return the first batch of the new run."""
        header = RunHeader(
            self.run,
            self.root,
            at,
            parent=self.plan.owner,
            cut=self.plan.cut.seq,
            made_from=self.plan.forked.made_from,
            caller_run=self.caller.run if self.caller else None,
            caller_call=self.caller.call if self.caller else None,
            depth=self.plan.cut.state.depth,
        )
        return first_batch(header, (*self.plan.events, *self.extra), at=at, token=token)


class Forks:
    """Makes forks for a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def preview(self, command: PreviewFork) -> ForkPreview:
        """Return what the fork would keep, run again, and not undo."""
        history = await self._session.history(command.run)
        plan = self._plan(history, command.address, command.edits)
        later = [record for record in history.records if record.seq > plan.cut.seq]
        for call in _children_after(history.live, plan.cut.seq):
            later += (await self._session.history(call)).records
        return preview(plan, later)

    async def make(self, command: ForkRun) -> tuple[str, str]:
        """Write a fork; return its id and the root run that has to be driven for it to go on.

        A fork inside a subagent also forks its caller at the spawning call, siblings kept, so that the answer arrives.
        """
        history = await self._session.history(command.run)
        caller = history.live.caller
        if caller is None:
            run = self._session.new_id()
            forks = [NewFork(run, run, self._plan(history, command.address, command.edits))]
        else:
            forks = await self._inside_child(history, caller, command)
        root = forks[0].root
        token = await self._session.acquire(root)
        at = self._session.time.now()
        batches = [fork.batch(at, token) for fork in forks]
        await self._session.store.append(*batches, durability=Durability.FULL)
        self._session.announce(
            tuple(
                Recorded(batch.run, batch.first_seq + offset, when, event)
                for batch in batches
                for offset, (when, event) in enumerate(batch.events)
            )
        )
        return forks[-1].run, root

    async def _inside_child(self, history: History, caller: Caller, command: ForkRun) -> list[NewFork]:
        above, below = self._session.new_id(), self._session.new_id()
        outer = await self._session.history(caller.run)
        spawn = outer.live.call(caller.call)
        place = Place("call", int(caller.call.partition(".")[0]), caller.call)
        outer_plan = plan_fork(outer, place, Edits(reruns=(caller.call,)))
        edited = Caller(run=above, call=caller.call)
        inner_plan = self._plan(history, command.address, command.edits, edited)
        given = spawn.input if spawn is not None else {}
        started = SubagentStarted(
            call=caller.call,
            run=below,
            task=str(given.get("task", "")),
            focus=str(given.get("focus") or ""),
            role=str(given.get("role") or "") or None,
        )
        return [
            NewFork(above, above, outer_plan, (started,)),
            NewFork(below, above, inner_plan, caller=edited),
        ]

    def _plan(self, history: History, address: str | None, wanted: ForkEdits, caller: Caller | None = None) -> ForkPlan:
        edits = self._edits(wanted)
        place = place_of(address, edits)
        edits = replace(edits, agent=self._agent(find_cut(history, place).state, wanted))
        return plan_fork(history, place, edits, caller)

    def _agent(self, state: RunState, wanted: ForkEdits) -> AgentRecord | None:
        """Return the agent from the cut on, or None where it stays as it is there."""
        if state.agent is None:
            raise EditRefusedError("this run has no beginning; it cannot be forked")
        agent = apply_options(state.agent, wanted.options)
        if wanted.model is not None:
            agent = agent.model_copy(update={"model": wanted.model})
        if wanted.instructions is not None:
            agent = agent.model_copy(update={"instructions": wanted.instructions})
        if agent.model != state.agent.model:
            self._session.settings.make_provider(agent.model, agent.pace)
        return agent if agent != state.agent else None

    def _edits(self, wanted: ForkEdits) -> Edits:
        for name, text in (("message", wanted.say), ("text", wanted.text), ("instructions", wanted.instructions)):
            if text is not None and not text.strip():
                raise EditRefusedError(f"the new {name} is empty; write something, or leave it out")
        inputs = {}
        for call, value in wanted.inputs.items():
            normal = normalise_json(dict(value))
            inputs[call] = normal if isinstance(normal, dict) else {}
        return Edits(
            results={call: text_content(text) for call, text in wanted.results.items()},
            inputs=inputs,
            reruns=wanted.reruns,
            text=wanted.text,
            plan=wanted.plan,
            skip_plan=wanted.skip_plan,
            say=wanted.say,
        )


def _children_after(state: RunState, cut: int) -> list[str]:
    return [
        call.child
        for step in state.steps
        for call in step.calls.values()
        if call.child is not None and (call.started_seq or 0) > cut
    ]
