"""What a fork of an imported run does not take over from whoever recorded it.

The folder that its agent read is not opened, effectful calls that had not started wait for a person, and rules that
allow are left out. Permissions that were given in it end with it, as in every fork; that is the fold's doing.
"""

from __future__ import annotations

from workbench.debugger.address import Cut
from workbench.driver.commands import ForkEdits
from workbench.events.agent import AgentRecord
from workbench.events.edit import AgentEdited
from workbench.events.run import RunStarted
from workbench.state.history import History
from workbench.state.parts import CallState
from workbench.store import Store


def without_leave(agent: AgentRecord, wanted: ForkEdits) -> AgentRecord:
    """Return the agent of an imported run without rules that allow, but for those that a person gives to the fork."""
    given = wanted.options.permissions.allow if wanted.options.permissions is not None else ()
    return agent.model_copy(update={"permissions": agent.permissions.model_copy(update={"allow": given})})


async def names_foreign_folder(store: Store, history: History, cut: Cut) -> bool:
    """Whether the documents at the cut lie in a folder that only an imported log names."""
    agent = cut.state.agent
    if agent is None or agent.corpus is None or agent.corpus.path is None:
        return False
    named_by = [
        record.run
        for record in history.records[: cut.seq + 1]
        if isinstance(record.event, RunStarted)
        or (isinstance(record.event, AgentEdited) and "corpus" in record.event.changed)
    ]
    return (await store.header(named_by[-1])).imported


async def foreign_calls(store: Store, history: History, cut: Cut) -> tuple[CallState, ...]:
    """Return the calls that an imported turn asks for, and that have no result and ask nobody."""
    step = cut.state.open_step
    if step is None or step.turn_seq is None or not (await store.header(history.records[step.turn_seq].run)).imported:
        return ()
    return tuple(call for call in step.asked_calls if not call.has_result and call.status != "waiting")
