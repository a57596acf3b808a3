"""What a person can ask of whole runs: start, open, resume, list, label, pause."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from workbench.conversation.builder import Contents
from workbench.debugger.requests import SentRequest, rebuild
from workbench.driver.agents import apply_limits, apply_rules, as_its_model_can
from workbench.driver.commands import AgentOptions, OpenedRun, PauseRun, ReadRequest, ResumeRun, SkipWait, StartRun
from workbench.driver.feed import RunsChanged
from workbench.driver.journal import first_batch
from workbench.driver.live import LiveRun
from workbench.driver.session import Session, check_awaited
from workbench.engine.decide import cut_words
from workbench.errors import EditRefusedError, RunNotFoundError, UserError
from workbench.events.agent import AgentRecord, Limits, PermissionRules, PlanMode
from workbench.events.base import Recorded
from workbench.events.content import Content, normalise_content, text_content
from workbench.events.library import LibraryEvent
from workbench.events.run import RunResumed, RunStarted
from workbench.providers.own import OWN
from workbench.state.parts import ResultRef
from workbench.state.run_state import RunState
from workbench.store import Durability, RunHeader


async def start(session: Session, command: StartRun) -> str:
    """Start a run; nothing is written where the task or an option cannot be used."""
    record, recorded = await session.recordings.named(await session.agents.new(command.options, command.make_agent))
    if command.options.plan is None and recorded is not None and recorded.agent is not None:
        record = record.model_copy(update={"plan": _plan_as_recorded(record.plan, recorded.agent.plan)})
    task = (*text_content(command.task.strip()), *normalise_content(command.attached))
    if not command.task.strip():
        if recorded is None or not recorded.question or command.attached:
            raise UserError("the question is empty; write what you want to know")
        task = recorded.question
    date = recorded.date if recorded is not None else None
    run = await write_start(session, task, record, date, run=command.run)
    if command.make_agent is not None:
        session.agents.use(run, command.make_agent)
    if command.options.deny_asks:
        session.deny_asks.add(run)
    if command.drive:
        await session.go_on(run)
    else:
        await session.release(run)
    return run


def _plan_as_recorded(wanted: PlanMode, then: PlanMode) -> PlanMode:
    """Return how a run plans that is told out of a recorded one: only if that one did; who is asked is as ever."""
    if then == "off":
        return "off"
    return wanted if wanted != "off" else "auto"


async def write_start(
    session: Session, task: Content, record: AgentRecord, date: str | None = None, *, run: str = ""
) -> str:
    """Write the beginning of a run, and hold its lease; `date` is today and `run` a new id where none is given."""
    run = run or session.new_id()
    token = await session.acquire(run)
    at = session.time.now()
    today = datetime.fromtimestamp(session.settings.clock.wall(), tz=UTC).astimezone().date()
    started = RunStarted(task=task, agent=record, date=date or today.isoformat())
    batch = first_batch(RunHeader(run, run, at), (started,), at=at, token=token)
    await session.store.append(batch, durability=Durability.FULL)
    session.announce((Recorded(run, 0, at, started),))
    return run


async def open_run(session: Session, name: str) -> OpenedRun:
    """Read a run without driving it."""
    run = await session.store.resolve(name)
    header = await session.store.header(run)
    records = await session.histories.records(run)
    mine = session.drives(header.root)
    held = await session.store.holder(header.root)
    return OpenedRun(run, records, live=mine or held is not None, mine=mine, imported=header.imported)


async def read_request(session: Session, command: ReadRequest) -> SentRequest:
    """Make the request of a turn again, out of the log alone."""

    async def load(refs: Sequence[ResultRef]) -> Contents:
        return await session.store.bodies([(ref.run, ref.seq) for ref in refs])

    return await rebuild(await session.history(command.run), command.seq, load)


async def resume(session: Session, command: ResumeRun) -> str:
    """Move a run on from where it rests, with larger limits where given; a subagent goes on inside its caller.

    Raises `UserError` and writes nothing where a model cannot be asked, such as for want of a key.
    """
    options, run = command.options, await session.store.resolve(command.run)
    async with session.deciding(run) as state:
        _refuse_completed(state)
        root = await session.root_of(run)
        await _require_subagents_models(session, root)
        if options.deny_asks and root not in session.deny_asks:
            session.deny_asks.add(root)
            if not any(live.is_under_way for live in session.tree(root)):
                await session.forget(root)  # made live anew, with nobody to ask
        live = await session.revive(root)
        if run != root:
            check_awaited(live.state, state)
        if not live.is_under_way and (cut := cut_words(live.state)) is not None:
            raise EditRefusedError(f"run {live.run[:8]} would not ask its model again: {cut}")
        if live.is_under_way:
            await _resume_child(session, run, live, only_step=command.only_step)
            return run
        _refuse_completed(live.state)
        limits = _changed_limits(live.state, options)
        if limits is not None and live.state.agent is not None:
            session.agents.warn(as_its_model_can(live.state.agent.model_copy(update={"limits": limits}))[1])
        rules = _changed_rules(live.state, options)
        if live.state.end is not None or limits is not None or rules is not None:
            await live.journal.append(RunResumed(limits=limits, permissions=rules), durable=True)
        live.loop.only_step = command.only_step
        session.mover.drive(live)
    return run


async def _require_subagents_models(session: Session, root: str) -> None:
    """Raise `UserError` where a subagent that goes on with its caller has a model that cannot be asked from here."""
    if any(live.is_under_way for live in session.tree(root)):
        return
    step = (await session.state(root)).open_step
    for call in step.asked_calls if step else ():
        for run in call.children if not call.has_result else ():
            with suppress(RunNotFoundError):
                child = await session.state(run)
                own = child.agent is not None and child.agent.model.startswith(f"{OWN}:")
                if child.agent is not None and not _is_completed(child) and not own:
                    session.settings.make_provider(child.agent.model, child.agent.pace)


def _is_completed(state: RunState) -> bool:
    return state.end is not None and state.end[0] == "completed"


def _refuse_completed(state: RunState) -> None:
    if _is_completed(state):
        raise EditRefusedError(
            f"run {state.run[:8]} is completed; say something further with --say, or fork it somewhere"
        )


async def _resume_child(session: Session, run: str, root: LiveRun, *, only_step: bool) -> None:
    """Let a subagent go on that was paused alone, while its caller waits for it."""
    child = session.live.get(run)
    if child is None or child is root or child.is_moving or child.state.end is None:
        raise EditRefusedError(f"run {run[:8]} is running already")
    child.loop.only_step = only_step
    await child.journal.append(RunResumed(), durable=True)
    child.wake()


def _changed_rules(state: RunState, options: AgentOptions) -> PermissionRules | None:
    before = state.agent.permissions if state.agent is not None else PermissionRules()
    rules = apply_rules(before, options)
    return rules if rules != before else None


def _changed_limits(state: RunState, options: AgentOptions) -> Limits | None:
    if state.agent is None:
        return None
    limits = apply_limits(state.agent.limits, options)
    return limits if limits != state.agent.limits else None


async def pause(session: Session, command: PauseRun) -> None:
    """Stop a run that this process drives, with its subagents."""
    run = await session.store.resolve(command.run)
    live = session.live.get(run)
    if live is None or not live.is_under_way:
        is_moving = not (await session.state(run)).is_resting
        held = await session.store.holder(await session.root_of(run)) if is_moving else None
        where = f"it is driven by {held}" if held else "it is not running"
        raise EditRefusedError(f"run {run[:8]} cannot be paused from here: {where}")
    session.mover.pause(live, command.when)


async def skip_wait(session: Session, command: SkipWait) -> None:
    """Let a run that this process drives ask its model again at once."""
    run = await session.store.resolve(command.run)
    live = session.live.get(run)
    if live is None or not live.loop.skip_wait():
        raise EditRefusedError(f"run {run[:8]} does not wait before another attempt; there is nothing to skip")


async def label(session: Session, event: LibraryEvent) -> None:
    """Write down what a person says about a run."""
    run = await session.store.resolve(event.run)
    await session.store.append_library(event.model_copy(update={"run": run}), session.time.now())
    session.feed.publish(RunsChanged())
