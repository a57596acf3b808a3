"""Writing forks: decided by `debugger.fork`, stored in one transaction."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.conversation.builder import Contents, provider_of
from workbench.debugger.address import Cut, Place, beginning_end, beginning_with, find_cut
from workbench.debugger.fork import Edits, ForkPlan, ForkPreview, place_of, plan_fork, preview
from workbench.debugger.parameters import read_parameters
from workbench.driver.agents import as_its_model_can
from workbench.driver.commands import ForkEdits, ForkRun, PreviewFork
from workbench.driver.journal import first_batch, recorded
from workbench.driver.strangers import foreign_calls, names_foreign_folder, without_leave
from workbench.errors import EditRefusedError
from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.events.call import SubagentStarted
from workbench.events.content import normalise_content, normalise_json, text_content
from workbench.events.edit import AgentEdited
from workbench.events.run import Caller, Reset, RunForked
from workbench.providers import prices
from workbench.providers.wire.blocks import takes_less
from workbench.state.history import History
from workbench.store import Batch, Durability, RunHeader

if TYPE_CHECKING:
    from workbench.driver.session import Session

FOREIGN_FOLDER = "the documents of an imported run are not opened; name a folder with --docs to read others"


@dataclass(frozen=True, slots=True)
class NewFork:
    """A fork to be written: its id, its header's facts, its first events."""

    run: str
    root: str
    plan: ForkPlan
    extra: tuple[Event, ...] = ()
    caller: Caller | None = None

    @property
    def agent(self) -> AgentRecord | None:
        """The agent that goes on in it."""
        edited = (event.agent for event in self.plan.edits if isinstance(event, AgentEdited))
        return next(edited, self.plan.cut.state.agent)

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
        store, wanted = self._session.store, command.edits
        if command.drive:
            await self.prepare(ForkRun(command.run, command.address, wanted))
        history = await self._session.history(command.run)
        plan = await self.plan(history, place_of(command.address, read_edits(wanted)), wanted)
        beside = await self._children_after(history, plan)
        caller = history.live.caller
        if caller is not None:
            outer = await self._session.history(caller.run)
            above = await self._above(outer, caller)
            beside += [*_after(outer, above), *await self._children_after(outer, above, but=history.live.run)]
        # In a thread: the first look at prices imports their lists, which takes a third of a second.
        found = await asyncio.to_thread(preview, plan, _after(history, plan), beside, prices.price)
        if wanted.options.docs is None and await names_foreign_folder(store, history, plan.cut):
            return replace(found, problems=(*found.problems, FOREIGN_FOLDER))
        return found

    async def _children_after(self, history: History, plan: ForkPlan, but: str | None = None) -> list[Recorded]:
        """Return what the subagents of a run did that the fork does not keep."""
        reset, is_last = plan.forked.reset, plan.cut.seq == history.live.seq
        cut_at = math.inf if is_last else history.records[plan.cut.seq].at
        found: list[Recorded] = []
        for record in history.records:
            event = record.event
            if not isinstance(event, SubagentStarted) or event.run == but:
                continue
            how = "rerun" if record.seq > plan.cut.seq else reset.get(event.call)
            if how is not None:
                records = (await self._session.history(event.run)).records
                found += [one for one in records if how != "open" or one.at > cut_at]
        return found

    async def make(self, command: ForkRun) -> tuple[str, str]:
        """Write a fork; return its id and the root run that has to be driven for it to go on.

        A fork inside a subagent also forks its caller at the spawning call, siblings kept, so that the answer arrives.
        Raises `UserError` and writes nothing where it is to go on and a model cannot be asked.
        """
        forks = await self.prepare(command)
        await self.write(forks)
        return forks[-1].run, forks[0].root

    async def prepare(self, command: ForkRun) -> list[NewFork]:
        """Decide on a fork and write nothing; the last one is what was asked for, the first is what is to be driven.

        Raises `UserError` where it is to go on and a model cannot be asked, such as for want of a key.
        """
        forks = await self._decided(command)
        if command.drive:
            await self._require_models(forks)
        return forks

    async def _require_models(self, forks: Sequence[NewFork]) -> None:
        lineage = [run for fork in forks for run in await self._session.lineage(fork.plan.owner)]
        for fork in forks:
            if (agent := fork.agent) is not None:
                self._session.agents.require_model(agent, lineage)

    async def _decided(self, command: ForkRun) -> list[NewFork]:
        session, wanted = self._session, command.edits
        edits = read_edits(wanted)
        place = place_of(command.address, edits)
        history = await session.history(command.run, beginning_with(place, edits.calls))
        caller = history.live.caller
        if caller is None:
            run = session.new_id()
            return [NewFork(run, run, await self.plan(history, place, wanted))]
        return await self._inside_child(history, caller, place, wanted)

    async def again(self, fork: str) -> NewFork:
        """Decide on another fork that begins as `fork` began, and goes on: same parent, same place, same edits."""
        store = self._session.store
        header = await store.header(fork)
        began = header.first_seq
        if header.parent is None or header.cut is None or header.caller_run is not None:
            raise EditRefusedError(f"run {fork[:8]} is no fork of a whole run; fork the place that you mean again")
        records = await store.read(fork, after=began - 1, bodies=True)
        first = records[0]
        events = [record.event for record in records[: beginning_end(records, 0) + 1]]
        if not isinstance(first.event, RunForked) or any(isinstance(event, SubagentStarted) for event in events):
            raise EditRefusedError(f"run {fork[:8]} was forked inside a subagent; fork that place again instead")
        history = await self._session.history(header.parent)
        cut = Cut(Place("seq", seq=header.cut), header.cut, history.at(header.cut), dict(first.event.reset))
        run = self._session.new_id()
        made = NewFork(run, run, ForkPlan(cut, header.parent, first.event, tuple(events[1:])))
        await self._require_models([made])
        return made

    async def write(self, forks: Sequence[NewFork]) -> None:
        """Store forks in one transaction, and hold the lease of each root; where it fails, nothing is written.

        What their models cannot do is told once, however many forks have it in common.
        """
        session = self._session
        roots = list(dict.fromkeys(fork.root for fork in forks))
        try:
            tokens = {root: await session.acquire(root) for root in roots}
            at = session.time.now()
            batches = [fork.batch(at, tokens[fork.root]) for fork in forks]
            await session.store.append(*batches, durability=Durability.FULL)
        except BaseException:
            for root in roots:
                await session.release(root)
            raise
        session.announce(record for batch in batches for record in recorded(batch))
        session.agents.warn(dict.fromkeys(said for fork in forks for said in fork.plan.problems))

    async def _inside_child(self, history: History, caller: Caller, place: Place, wanted: ForkEdits) -> list[NewFork]:
        above, below = self._session.new_id(), self._session.new_id()
        outer = await self._session.history(caller.run)
        edited = Caller(run=above, call=caller.call)
        named = (record.event for record in reversed(outer.records) if isinstance(record.event, SubagentStarted))
        started = next((event for event in named if event.run == history.live.run), None)
        if started is None:
            raise EditRefusedError(f"run {caller.run[:8]} does not name its subagent {history.live.run[:8]}")
        started = started.model_copy(update={"run": below})
        return [
            NewFork(above, above, await self._above(outer, caller), (started,)),
            NewFork(below, above, await self.plan(history, place, wanted, edited), caller=edited),
        ]

    async def _above(self, outer: History, caller: Caller) -> ForkPlan:
        """Decide on the fork of a caller at its spawning call; other subagents of that call are kept."""
        place = Place("call", int(caller.call.partition(".")[0]), caller.call)
        plan = await self.plan(outer, place, ForkEdits(reruns=(caller.call,)))
        call = plan.cut.state.call(caller.call)
        if call is None or len(call.members) < 2:
            return plan
        reset: dict[str, Reset] = {**plan.forked.reset, caller.call: "open"}
        return replace(plan, forked=plan.forked.model_copy(update={"reset": reset}))

    async def plan(self, history: History, place: Place, wanted: ForkEdits, caller: Caller | None = None) -> ForkPlan:
        """Decide on a fork; `caller` is the call of the forked caller, for a fork inside a subagent."""
        store, agents, cut = self._session.store, self._session.agents, find_cut(history, place)
        before = cut.state.agent
        if before is None:
            raise EditRefusedError("this run has no beginning; it cannot be forked")
        agent = await agents.changed(
            before, wanted.options, keep_documents=not await names_foreign_folder(store, history, cut)
        )
        changes = {
            "model": wanted.model,
            "instructions": wanted.instructions,
            "parameters": read_parameters(before.parameters, wanted.parameters, before.tools),
        }
        agent = agent.model_copy(update={name: value for name, value in changes.items() if value is not None})
        if agent.model != before.model:
            agents.require_model(agent, await self._session.lineage(history.live.run))
            agent, _ = await self._session.recordings.named(agent)
        is_foreign = (await store.header(history.records[cut.seq].run)).imported
        if is_foreign:
            agent = without_leave(agent, wanted)
        problems: tuple[str, ...] = ()
        if (agent.model, agent.parameters, agent.limits) != (before.model, before.parameters, before.limits):
            agent, problems = as_its_model_can(agent)
        edits = replace(read_edits(wanted), agent=agent if agent != before else None)
        if pending := await foreign_calls(store, history, cut):
            code = await agents.code(agent, history.live.run)
            effectful = {spec.name for spec in code.toolkit.specs if spec.effect == "effectful"}
            edits = replace(edits, doubtful=tuple(call.id for call in pending if call.tool in effectful))
        contents: Contents = {}
        if takes_less(new=provider_of(agent.model), old=provider_of(before.model)):
            calls = (call for step in cut.state.steps for call in step.asked_calls)
            contents = await store.bodies([(call.result.run, call.result.seq) for call in calls if call.result])
        plan = plan_fork(history, place, edits, caller, contents)
        if is_foreign:
            plan = replace(plan, forked=plan.forked.model_copy(update={"exposures": ("untrusted",)}))
        return replace(plan, problems=problems)


def _after(history: History, plan: ForkPlan) -> list[Recorded]:
    return [record for record in history.records if record.seq > plan.cut.seq]


def read_edits(wanted: ForkEdits) -> Edits:
    """Return a person's edits as the debugger takes them, without the agent's; refuses empty texts."""
    for name, text in (("message", wanted.say), ("text", wanted.text), ("instructions", wanted.instructions)):
        if text is not None and not text.strip():
            raise EditRefusedError(f"the new {name} is empty; write something, or leave it out")
    if wanted.attached and wanted.say is None:
        raise EditRefusedError("files are given with a message; say something with them")
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
        attached=normalise_content(wanted.attached),
    )
