"""What undoing would do: back from a fork to the run that it was made from, or a fork just before a decision.

Nothing is ever taken out of a log. A fork and its edits are undone by going back to where one was; what a person
decided in a run is undone by a fork in which the question is open again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.debugger.address import beginning_end
from workbench.errors import EditRefusedError
from workbench.events.base import Event, Recorded
from workbench.events.call import CallCancelled, CallFinished, OutcomeResolved, PermissionDecided
from workbench.events.edit import AgentEdited, MessageAdded
from workbench.events.plan import PlanApproved, PlanEdited, PlanSkipped
from workbench.events.run import ToolsSwitched
from workbench.state.history import History


@dataclass(frozen=True, slots=True)
class GoBack:
    """The run is a fork, and nothing was decided in it: go back to the run that a person looked at when making it."""

    run: str
    address: str
    """Where the fork was made."""


@dataclass(frozen=True, slots=True)
class ForkBefore:
    """Something was decided in the run: fork it just before."""

    seq: int
    """The last event that is kept."""
    what: str
    """The decision, in words that follow `undone: `."""

    @property
    def address(self) -> str:
        """The place of the fork."""
        return f"seq:{self.seq}"


def what_undo_does(history: History) -> GoBack | ForkBefore:
    """Return what undoing the last thing that a person did in the run means.

    Raises `EditRefusedError` where a person did nothing in it that could be undone.
    """
    run, records = history.live.run, history.records
    first = _first_own(records, run)
    for index in range(len(records) - 1, beginning_end(records, first), -1):
        if what := _decision(records[index].event):
            act = records[_first_of_one_act(records, index)]
            what = _decision(act.event) if isinstance(act.event, OutcomeResolved) else what
            return ForkBefore(act.seq - 1, what)
    if history.live.made_from is not None:
        return GoBack(history.live.made_from, history.live.address or "")
    raise EditRefusedError("Nothing to undo: you decided nothing in this run, and it is no fork of another.")


def _first_own(records: Sequence[Recorded], run: str) -> int:
    return next((index for index, record in enumerate(records) if record.run == run), len(records))


def _decision(event: Event) -> str:  # noqa: PLR0911 - one case a kind
    """Return what a person decided with an event, in words; empty for what no person decided."""
    match event:
        case PlanApproved(by="operator"):
            return "the plan's approval"
        case PlanSkipped():
            return "going on without the plan"
        case PlanEdited():
            return "the change of the plan"
        case PermissionDecided():
            return (
                f"the permission of call {event.call}" if event.verdict == "allow" else f"the no to call {event.call}"
            )
        case OutcomeResolved():
            return f"the answer for call {event.call} of unknown outcome"
        case CallFinished(by="operator"):
            return f"the result by hand of call {event.call}"
        case CallCancelled():
            return f"the cancelling of call {event.call}"
        case MessageAdded():
            return "the message"
        case ToolsSwitched(by="operator"):
            return "the switching of tools"
        case AgentEdited():
            return "the change of the agent"
        case _:
            return ""


def _first_of_one_act(records: Sequence[Recorded], last: int) -> int:
    """Return the first event of the act that ends with a decision: what one key wrote is undone together."""
    first = last
    while first > 0 and records[first - 1].run == records[last].run:
        before, event = records[first - 1].event, records[first].event
        is_edited_plan = isinstance(before, PlanEdited) and isinstance(event, PlanApproved)
        is_resolution = (
            isinstance(before, OutcomeResolved) and isinstance(event, CallFinished) and before.call == event.call
        )
        is_for_the_run = (
            isinstance(before, PermissionDecided)
            and isinstance(event, PermissionDecided)
            and (before.scope, before.verdict) == (event.scope, event.verdict) == ("run", "allow")
            and records[first - 1].at == records[first].at
        )
        if not (is_edited_plan or is_resolution or is_for_the_run):
            break
        first -= 1
    return first
