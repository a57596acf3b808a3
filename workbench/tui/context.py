"""What decides which actions make sense at a moment, and the sentences that say why one does not.

It knows the state of a run and what is selected, and no widget: the same sentence is told wherever an action is asked
for. A refusal is a function that returns why not, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.store.model import RunRow
from workbench.views.selection import NOTHING, Selection

Scope = Literal[
    "app", "main", "runs", "plan", "plan_edit", "plan_typing", "prompt", "invitation", "find", "compare", "race",
    "metrics", "dialog", "edit", "hand", "text", "preview", "fork", "line", "question", "breakpoints", "request",
    "search", "themes", "tour", "page", "note", "export", "find_line", "filter", "race_setup",
]  # fmt: skip
"""Where keys hold. Those of a focused scope win over those of `main`, and those over those of `app`."""
Group = Literal[
    "Run", "Call and edit", "Plan", "Breakpoints", "Playhead", "Find", "Runs", "Compare", "Panes", "Workbench"
]

WHERE: Final[dict[Scope, str]] = {
    "runs": "in the list of runs",
    "plan": "on a proposed plan",
    "plan_edit": "while editing a plan",
    "plan_typing": "while typing a step of a plan",
    "prompt": "in the prompt",
    "find": "while finding",
    "find_line": "in what is looked for",
    "filter": "in the filter",
    "compare": "in a comparison",
    "race": "in a race",
    "metrics": "in the metrics",
    "dialog": "in a dialog",
    "edit": "in an editor",
    "hand": "in a result by hand",
    "text": "in an editor",
    "preview": "in a preview",
    "fork": "in the fork dialog",
    "invitation": "at the first start",
    "line": "in a line",
    "question": "in a new question",
    "breakpoints": "in the list of breakpoints",
    "request": "in a request",
    "search": "in a search over runs",
    "themes": "in the list of themes",
    "tour": "on the tour",
    "page": "on a page",
    "note": "in a note",
    "export": "in an export",
    "race_setup": "in a new race",
}
"""How the help names a scope, where its keys do not hold everywhere."""


@dataclass(frozen=True, slots=True)
class Context:
    """What decides which actions make sense at a moment."""

    scope: Scope = "main"
    state: RunState | None = None
    """As of the playhead."""
    selection: Selection = NOTHING
    is_live: bool = False
    """Some living process drives the run."""
    is_mine: bool = False
    """That process is this one."""
    is_imported: bool = False
    is_scrubbing: bool = False
    """The playhead stands somewhere else than at the end."""
    row: RunRow | None = None
    """The run that is meant where a run of the list is: the one under its cursor, elsewhere the one on the screen."""
    is_playing: bool = False
    """The playhead goes on by itself."""
    is_filtered: bool = False
    """Only some calls are shown."""

    @property
    def call(self) -> CallState | None:
        """The selected call, or None."""
        call = self.selection.call
        return self.state.call(call) if self.state is not None and call is not None else None

    @property
    def is_in_open_turn(self) -> bool:
        """Whether what is selected stands in a turn that is not finished."""
        step, steps = self.selection.step, self.state.steps if self.state is not None else []
        return step is not None and step < len(steps) and steps[step].turn_seq is None

    @property
    def waiting_call(self) -> CallState | None:
        """A call that waits for a person, the selected one first; its siblings may still run."""
        step = self.state.open_step if self.state is not None else None
        calls = [*([self.call] if self.call is not None else []), *(step.calls.values() if step is not None else [])]
        return next((call for call in calls if call.status in ("waiting", "unknown")), None)

    @property
    def is_foreign(self) -> bool:
        """Whether another process drives the run."""
        return self.is_live and not self.is_mine

    @property
    def is_moving(self) -> bool:
        """Whether the run goes on without anybody doing anything."""
        return self.is_live and self.state is not None and not self.state.is_resting

    @property
    def waits_for(self) -> str | None:
        """What the run waits for, `plan`, `permission` or `outcome_unknown`, or None."""
        status, reason = self.state.status_and_reason if self.state is not None else ("idle", None)
        return reason if status == "awaiting_approval" else None


def key(action: str) -> str:
    """Return the key that an action has for this person."""
    from workbench.tui.actions import key_of  # the registry knows this room

    return key_of(action)


def _earlier_moment() -> str:
    return f"The screen shows an earlier moment: {key('end')} returns to the end, {key('fork')} forks from here"


def always(_: Context) -> str:
    """Refuse nothing."""
    return ""


def needs_run(context: Context) -> str:
    """Refuse where no run is open."""
    return (
        ""
        if context.state is not None
        else f"Open a run first: Enter on one in the list, or {key('new')} for a new question."
    )


def needs_hand(context: Context) -> str:
    """Refuse where this process may not drive the run as it stands on the screen."""
    if why := needs_run(context):
        return why
    if context.is_imported:
        return f"An imported run is never driven; {key('fork')} forks it, and the fork is yours to drive."
    if context.is_foreign:
        return "Another process drives this run; here you can look, scrub and fork."
    return f"{_earlier_moment()}." if context.is_scrubbing else ""


def refuse_toggle(context: Context) -> str:
    """Refuse where the run cannot be paused or resumed from here; what is played can always be stopped."""
    return "" if context.is_playing else _refuse_driving(context)


def _refuse_driving(context: Context) -> str:
    if why := needs_hand(context):
        return why
    if context.state is not None and context.state.status == "completed":
        return f"This run is completed: {key('message')} asks a further question, {key('fork')} forks it."
    return ""


def refuse_skip_wait(context: Context) -> str:
    """Refuse where no further attempt of the model is waited for."""
    if why := needs_hand(context):
        return why
    waits = context.is_moving and context.state is not None and context.state.waits_for_attempt
    return "" if waits else "The run does not wait before another attempt of its model; there is nothing to skip."


def refuse_step(context: Context) -> str:
    """Refuse where the run cannot go one step."""
    return _refuse_driving(context) or (f"The run waits for you: {key('answer')} answers." if context.waits_for else "")


def refuse_edit(context: Context) -> str:
    """Refuse where the cursor is on nothing that can be edited."""
    if why := needs_run(context):
        return why
    if context.selection.kind in ("none", "answer", "message"):
        return (
            f"Select a call, a step or the plan first; {key('edit')} edits a call's result, a step's text or the plan."
        )
    return _hosted(context.call) or refuse_open_turn(context)


def refuse_edit_input(context: Context) -> str:
    """Refuse where no call is selected whose input can be edited."""
    return needs_call(context) or refuse_open_turn(context)


def refuse_open_turn(context: Context) -> str:
    """Refuse what stands in a turn that is not finished: a fork keeps whole turns, so none can change it.

    At an earlier moment the words are not whole yet, but a call is what it will be at the end.
    """
    if not context.is_in_open_turn or (context.is_scrubbing and context.call is not None):
        return ""
    step = context.selection.step
    if context.is_scrubbing:
        return f"At this moment turn {step} is not finished yet; {key('step_on')} goes on to the end of the step."
    if context.is_moving:
        return f"Turn {step} is not finished yet; wait for its end to edit what stands in it."
    return f"Turn {step} was stopped before its end, so nothing in it can be edited; {key('fork')} forks before it."


def needs_call(context: Context) -> str:
    """Refuse where no call is selected."""
    if why := needs_run(context):
        return why
    return _hosted(context.call) if context.call is not None else "Select a call first."


def _hosted(call: CallState | None) -> str:
    """Refuse what the provider ran itself: it is part of its turn."""
    if call is None or not call.hosted:
        return ""
    return f"The provider ran this inside of the turn; on the step {key('edit')} edits its text, {key('fork')} forks."


def refuse_cancel(context: Context) -> str:
    """Refuse where the selected call is not in flight."""
    if why := needs_hand(context) or needs_call(context):
        return why
    call = context.call
    under_way = call is not None and call.status in ("running", "requested", "waiting")
    edits = f"{key('edit')} edits the result of a finished one"
    return "" if under_way else f"Only a call in flight can be cancelled; {edits}."


def refuse_answer(context: Context) -> str:
    """Refuse where nothing waits for an answer."""
    if why := needs_hand(context):
        return why
    if context.waits_for == "plan" or context.waiting_call is not None:
        return ""
    call = context.call
    if why := _hosted(call):
        return why
    if call is not None and not call.has_result and (call.asked or call.status == "running"):
        return ""
    return "Nothing waits for an answer; select a call without a result to answer it by hand."


def refuse_plan(context: Context) -> str:
    """Refuse where there is no plan."""
    if why := needs_run(context):
        return why
    plan = context.state.plan if context.state is not None else None
    return "" if plan is not None and plan.steps else "This run has no plan."


def refuse_message(context: Context) -> str:
    """Refuse where nothing can be said to the run."""
    if why := needs_run(context):
        return why
    if context.is_scrubbing:
        return f"{_earlier_moment()} with a message."
    forks = f"{key('fork')} forks it with a message"
    return f"Another process drives this run; {forks}." if context.is_foreign else ""


def refuse_tools(context: Context) -> str:
    """Refuse where there is nothing to switch."""
    if why := needs_hand(context):
        return why
    agent = context.state.agent if context.state is not None else None
    if agent is None or not agent.groups:
        return "The agent of this run has no groups of tools."
    if context.state is not None and context.state.status == "completed":
        return f"This run is completed: {key('message')} asks a further question, where tools can be switched."
    return ""


def refuse_undo(context: Context) -> str:
    """Refuse where it is not the end of the run that is shown."""
    if why := needs_run(context):
        return why
    if context.is_scrubbing:
        return f"The screen shows an earlier moment: {key('end')} returns to the end, where {key('undo')} undoes."
    return ""


def refuse_end(context: Context) -> str:
    """Refuse where the playhead stands at the end already."""
    return "" if context.is_scrubbing else "This is the end."


def refuse_caller(context: Context) -> str:
    """Refuse where the run is no subagent."""
    if why := needs_run(context):
        return why
    is_child = context.state is not None and context.state.caller is not None
    return "" if is_child else "This run is nobody's subagent."


def toggle_label(context: Context) -> str:
    """Name what the key does to the run; nothing where it rather needs an answer."""
    if context.is_playing:
        return "stop"
    if context.waits_for is not None:
        return ""
    return "pause" if context.is_moving else "resume"


def step_label(context: Context) -> str:
    """Name what stopping before the next turn means now."""
    return "stop at next step" if context.is_moving else "one step"


def edit_label(context: Context) -> str:
    """Name what would be edited."""
    match context.selection.kind:
        case "plan" | "plan_step":
            return "edit plan"
        case "step":
            return "edit text"
        case _:
            return "edit" if context.call is None or context.call.has_result else "edit input"


def answer_label(context: Context) -> str:
    """Name what would be answered; a plan has keys of its own."""
    if context.waits_for == "plan":
        return ""
    call = context.waiting_call
    return "answer" if call is None else "decide" if call.status == "waiting" else "resolve"


def plan_label(context: Context) -> str:
    """Name the way to the plan; nothing for whoever is there."""
    return "" if context.scope in ("plan", "plan_edit") else "plan"


def refuse_find(context: Context) -> str:
    """Refuse where there is nothing to look through yet."""
    if why := needs_run(context):
        return why
    is_new = context.state is not None and not context.state.steps
    return "There is only the plan yet, which waits for you." if is_new and context.waits_for == "plan" else ""


def refuse_stay(context: Context) -> str:
    """Refuse where nobody is finding."""
    return "" if context.scope == "find" else f"Nothing is being looked for; {key('find')} finds."


def refuse_filter(context: Context) -> str:
    """Refuse where there is nothing to choose from."""
    if why := needs_run(context):
        return why
    has_calls = context.state is not None and any(step.calls for step in context.state.steps)
    return "" if has_calls or context.is_filtered else "This run has no calls yet."


def refuse_unfilter(context: Context) -> str:
    """Refuse where all calls are shown."""
    return "" if context.is_filtered else f"All calls are shown; {key('filter')} shows only some."


def filter_label(context: Context) -> str:
    """Name what the key does to the calls."""
    return "show all" if context.is_filtered else "filter"


def play_label(context: Context) -> str:
    """Name what the key does to the playhead."""
    return "faster" if context.is_playing else "play"
