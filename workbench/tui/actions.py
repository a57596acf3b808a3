"""The registry of all actions: what each is called, which keys do it, when it makes sense, and why not otherwise.

Bindings, the line of keys, the command palette and the help are made from this one table, so that none of them can
say something else than another. It knows the state of a run and no widget: what an action does stands in `flows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from workbench.tui import context as why
from workbench.tui.context import Context, Group, Scope

Label = str | Callable[[Context], str]
Refusal = Callable[[Context], str]
"""Why an action cannot be done now, as a sentence; empty where it can."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person can do."""

    id: str
    keys: tuple[str, ...]
    label: Label
    """One or two words for the line of keys."""
    help: str
    """A sentence for the help and the palette."""
    group: Group
    scope: Scope = "main"
    refusal: Refusal = why.always
    rank: int = 0
    """Place in the line of keys, lowest first; 0 is not shown there."""
    priority: bool = False
    """Wins even where a text field has the focus."""
    in_palette: bool = True
    is_native: bool = False
    """The focused widget has the key by itself; it is only told of here."""
    shown: str = ""
    """How the line of keys writes its keys, where that is not the first of them."""

    def name(self, context: Context) -> str:
        """Return the label as of now."""
        return self.label if isinstance(self.label, str) else self.label(context)


# The table

_RUN: Final = (
    Action("new", ("n",), "new", "Ask a new question, with documents and model of your choice.", "Run", rank=70),
    Action(
        "toggle", ("space",), why.toggle_label, "Pause the run at once; again to stop what is left; resume it.", "Run",
        refusal=why.refuse_toggle, rank=10,
    ),
    Action("step", ("S",), "step", "Go on and stop again before the next turn.", "Run", refusal=why.refuse_step,
           rank=60),
    Action(
        "message", ("m",), "message", "Say something: it enters after the current results; a completed run goes on.",
        "Run", refusal=why.refuse_message, rank=55,
    ),
    Action("fork", ("f",), "fork", "Fork from here: change something, see what is kept, go on.", "Run",
           refusal=why.needs_run, rank=30),
    Action("hide", ("d",), "delete", "Hide the run from the list; its forks stay sound.", "Run", scope="runs", rank=40),
)  # fmt: skip

_CALL: Final = (
    Action("edit", ("e",), why.edit_label, "Edit the selected result, text or plan, in a fork; the run stays as it is.",
           "Call and edit", refusal=why.refuse_edit, rank=20),
    Action("edit_input", ("E",), "edit input", "Edit the selected call's input; that call alone runs again.",
           "Call and edit", refusal=why.needs_call),
    Action("rerun", ("r",), "run again", "Run the selected call again as it was, in a fork.", "Call and edit",
           refusal=why.refuse_rerun),
    Action("cancel", ("x",), "cancel", "Give up the selected call; its siblings go on.", "Call and edit",
           refusal=why.refuse_cancel, rank=35),
    Action("answer", ("a",), why.answer_label, "Answer what waits: a permission, an unknown outcome, a call by hand.",
           "Call and edit", refusal=why.refuse_answer, rank=15),
    Action("copy", ("y",), "copy", "Copy what the inspector shows.", "Call and edit", refusal=why.needs_run),
)  # fmt: skip

_PLAN: Final = (
    Action("plan", ("p",), why.plan_label, "Go to the plan, to approve it or to edit the steps not yet done.", "Plan",
           refusal=why.refuse_plan, rank=50),
    Action("plan_approve", ("enter",), "approve", "Approve the proposed plan.", "Plan", scope="plan", rank=10),
    Action("plan_edit", ("e",), "edit", "Edit the plan's steps.", "Plan", scope="plan", rank=20),
    Action("plan_skip", ("s",), "skip", "Go on without a plan.", "Plan", scope="plan", rank=30),
    Action("plan_up", ("up",), "up", "To the step above.", "Plan", scope="plan_edit", in_palette=False),
    Action("plan_down", ("down",), "down", "To the step below.", "Plan", scope="plan_edit", in_palette=False),
    Action("plan_keep", ("enter",), "keep", "Keep this step; on the last line, approve the plan.", "Plan",
           scope="plan_edit", rank=10),
    Action("plan_replace", ("r",), "replace", "Replace this step.", "Plan", scope="plan_edit", rank=20),
    Action("plan_delete", ("d",), "delete", "Delete this step.", "Plan", scope="plan_edit", rank=30),
    Action("plan_add", ("a",), "add", "Add a step after this one.", "Plan", scope="plan_edit", rank=40),
    Action("plan_undo", ("u",), "undo", "Undo the last change.", "Plan", scope="plan_edit", rank=50),
    Action("plan_move_up", ("shift+up",), "move up", "Move this step up.", "Plan", scope="plan_edit", rank=60),
    Action("plan_move_down", ("shift+down",), "move down", "Move this step down.", "Plan", scope="plan_edit", rank=61),
    Action("plan_leave", ("escape",), "leave", "Leave the plan as it was proposed.", "Plan", scope="plan_edit",
           rank=70),
)  # fmt: skip

_PLAYHEAD: Final = (
    Action(
        "event_back", ("[",), "scrub", "One event back.", "Playhead", refusal=why.needs_run, rank=81, shown="[ ] { }"
    ),
    Action("event_on", ("]",), "event on", "One event on.", "Playhead", refusal=why.needs_run),
    Action("step_back", ("{",), "step back", "One step back.", "Playhead", refusal=why.needs_run),
    Action("step_on", ("}",), "step on", "One step on.", "Playhead", refusal=why.needs_run),
    Action(
        "end",
        ("end",),
        "to the end",
        "Back to the end, and follow it.",
        "Playhead",
        refusal=why.refuse_end,
        rank=5,
        priority=True,
    ),
)

_PANES: Final = (
    Action("open", ("enter",), "open", "Open a run, a subagent, or what the cursor is on in the inspector.", "Panes",
           rank=8, in_palette=False, is_native=True),
    Action("move", ("up", "down", "left", "right"), "move", "Move; Home, End and the page keys go further.", "Panes",
           in_palette=False, is_native=True),
    Action("runs", ("1",), "runs", "Go to the runs.", "Panes"),
    Action("timeline", ("2",), "timeline", "Go to the timeline.", "Panes"),
    Action("inspector", ("3",), "inspector", "Go to the inspector.", "Panes"),
    Action("next_pane", ("tab",), "next pane", "Go to the next pane.", "Panes", in_palette=False),
    Action("previous_pane", ("shift+tab",), "pane before", "Go to the pane before.", "Panes", in_palette=False),
    Action("caller", ("backspace",), "to its caller", "From a subagent back to the run that called it.", "Panes",
           refusal=why.refuse_caller, rank=9),
)  # fmt: skip

_APP: Final = (
    Action("palette", ("ctrl+p",), "commands", "Find any action by name.", "Workbench", scope="app", in_palette=False,
           is_native=True),
    Action("theme", ("t",), "theme", "Change to the next theme.", "Workbench"),
    Action("help", ("?",), "help", "Show every key.", "Workbench", rank=99),
    Action("quit", ("q",), "leave", "Leave; what runs is paused and goes on later.", "Workbench"),
    Action("quit_now", ("ctrl+q",), "leave", "Leave, also from a dialog or a text.", "Workbench", scope="app",
           rank=95, priority=True, in_palette=False),
    Action("interrupt", ("ctrl+c",), "pause, leave", "Pause the run; a second time, leave.", "Workbench", scope="app",
           priority=True, in_palette=False),
)  # fmt: skip

_FIELDS: Final = (
    Action("leave", ("escape",), "leave", "Leave without doing anything.", "Workbench", scope="dialog", rank=90,
           in_palette=False),
    Action("apply", ("ctrl+s", "ctrl+enter"), "preview", "Show what the edit changes before it takes effect.",
           "Call and edit", scope="edit", rank=10, priority=True, in_palette=False),
    Action("take", ("enter",), "let it take effect", "Let the edit take effect, once its preview is shown.",
           "Call and edit", scope="preview", rank=10, in_palette=False),
    Action("back", ("escape",), "back to the editor", "Back from the preview to the editor.", "Call and edit",
           scope="preview", rank=20, in_palette=False),
    Action("external", ("ctrl+e",), "$EDITOR", "Edit in your own editor.", "Call and edit", scope="text", rank=20,
           priority=True, in_palette=False),
    Action("give", ("ctrl+s", "ctrl+enter"), "give it", "Give what was typed as the call's result.", "Call and edit",
           scope="hand", rank=10, priority=True, in_palette=False),
    Action("fork_now", ("ctrl+s", "ctrl+enter"), "fork", "Make the fork and go on.", "Call and edit", scope="fork",
           rank=10, priority=True, in_palette=False),
    Action("ask", ("enter",), "ask", "Ask the question that was typed or chosen.", "Workbench", scope="invitation",
           rank=10, in_palette=False, is_native=True),
    Action("choose", ("up", "down"), "choose", "Go between the line and the questions.", "Workbench",
           scope="invitation", rank=20, in_palette=False, is_native=True, shown="↑ ↓"),
    Action("submit", ("enter",), "done", "Take what was typed.", "Workbench", scope="line", rank=10,
           in_palette=False, is_native=True),
    Action("start", ("enter",), "start", "Start a run on the question.", "Workbench", scope="question", rank=10,
           in_palette=False, is_native=True),
    Action("earlier", ("up", "down"), "earlier questions", "Step through the questions asked before.", "Workbench",
           scope="question", rank=20, in_palette=False, is_native=True, shown="↑ ↓"),
    Action("next_field", ("tab",), "next field", "Go to the next field.", "Workbench", scope="question", rank=30,
           in_palette=False, is_native=True),
    Action("send", ("enter",), "send", "Send what was typed.", "Workbench", scope="prompt", rank=10,
           in_palette=False, is_native=True),
    Action("older", ("up",), "older", "What was typed before.", "Workbench", scope="prompt", rank=20,
           in_palette=False),
    Action("newer", ("down",), "newer", "What was typed after.", "Workbench", scope="prompt", in_palette=False),
    Action("leave_prompt", ("escape",), "leave", "Back to the panes.", "Workbench", scope="prompt", rank=30,
           in_palette=False),
)  # fmt: skip

ACTIONS: Final[dict[str, Action]] = {
    action.id: action for action in (*_RUN, *_CALL, *_PLAN, *_PLAYHEAD, *_PANES, *_APP, *_FIELDS)
}
"""Every action by its id."""

WINNING: Final[frozenset[Scope]] = frozenset({"plan", "plan_edit"})
"""Scopes whose keys may be those of `main`, because whoever is in them means theirs."""

_SHOWN: Final = {
    "space": "space", "enter": "Enter", "escape": "Esc", "tab": "Tab", "backspace": "⌫", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "end": "End",
}  # fmt: skip


def in_scope(*scopes: Scope) -> tuple[Action, ...]:
    """Return the actions of these scopes, in the order of the table."""
    return tuple(action for action in ACTIONS.values() if action.scope in scopes)


def bindings(*scopes: Scope) -> list[Binding]:
    """Return Textual's bindings for these scopes; each calls `action_do` of the node that has them."""
    return [
        Binding(
            key, f"do('{action.id}')", action.help, show=False, priority=action.priority, id=f"{action.id}.{number}"
        )
        for action in in_scope(*scopes)
        if not action.is_native
        for number, key in enumerate(action.keys)
    ]


def shown_key(key: str) -> str:
    """Return a key as people read it: `ctrl+s`, `Enter`, `⇧↑`."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    prefix = "".join("⇧" if modifier == "shift" else f"{modifier}+" for modifier in modifiers)
    return prefix + _SHOWN.get(last, last)


def offered(actions: Iterable[Action], context: Context) -> list[Action]:
    """Return those of `actions` that the line of keys shows now, most wanted first."""
    shown = [action for action in actions if action.rank and action.name(context) and not action.refusal(context)]
    wins = context.scope in WINNING
    return sorted(shown, key=lambda action: (wins and action.scope != context.scope, action.rank))


_BESIDE_MAIN: Final[dict[Scope, tuple[Scope, ...]]] = {
    "prompt": ("prompt",),
    "invitation": ("invitation", "app"),
    "plan_edit": ("plan_edit",),
    "plan": ("plan", "main"),
    "runs": ("runs", "main"),
}
"""Whose keys are offered in each place of the main screen."""


def keys_of_main(context: Context) -> list[Action]:
    """Return what the main screen offers where the focus is; a key of the place hides the same key of the screen."""
    actions = in_scope(*_BESIDE_MAIN.get(context.scope, ("main",)))
    own = {key for action in actions if action.scope == context.scope != "main" for key in action.keys}
    seen = [action for action in actions if action.scope == context.scope or not own.intersection(action.keys)]
    return offered(seen, context)
