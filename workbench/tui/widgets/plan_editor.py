"""The plan while it waits for a person, or while a person edits it. While it has the focus, its keys win.

It edits a draft of its own and says what was decided; the plan itself changes only when the run says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from workbench.events.plan import PlanStep
from workbench.tui.actions import ACTIONS, bindings, in_scope, key_of
from workbench.tui.context import Scope
from workbench.tui.paint import contents, plain
from workbench.tui.plan_draft import PlanDraft
from workbench.tui.widgets.field import Field
from workbench.views.brief import cut_text
from workbench.views.segments import Line, Segment, Style, row
from workbench.views.text import cell_width, fit, inert, one_line

Purpose = Literal["approve", "change", "fork"]
"""What approving does: start the run, change the steps not yet done, or fork with the plan."""

_HEADS: dict[Purpose, str] = {
    "approve": "Proposed plan: {plan_approve} approves, {plan_edit} edits, {plan_skip} skips",
    "change": "The plan: change the steps that are not done",
    "fork": "The plan: what you change here goes into a fork",
}
_EDITING = "Editing the plan: the last line approves it"
_APPROVALS: dict[Purpose, str] = {
    "approve": "Approve this plan",
    "change": "Go on with this plan",
    "fork": "Fork with this plan",
}
_STEP_LINES = 3
_LONGEST_ACTION = 20


class PlanEditor(Vertical, can_focus=True):
    """Steps of a plan, one below the other, the line that approves below them."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("plan", "plan_edit", "plan_typing")]

    DEFAULT_CSS = """
    PlanEditor {
        height: auto;
        max-height: 60%;
        border: round $wb-waiting 60%;
        border-title-color: $wb-waiting;
        border-title-style: bold;
        padding: 0 1;
        display: none;
    }
    PlanEditor:focus, PlanEditor:focus-within {
        border: round $wb-waiting;
    }
    PlanEditor.-shown {
        display: block;
    }
    PlanEditor.-alone, PlanEditor.-alone:focus, PlanEditor.-alone:focus-within {
        height: 1fr;
        max-height: 100%;
        border: none;
        padding: 1 2;
    }
    PlanEditor > #head {
        display: none;
    }
    PlanEditor.-alone > #head {
        display: block;
        color: $wb-waiting;
        text-style: bold;
        margin-bottom: 1;
    }
    PlanEditor > Static {
        height: auto;
    }
    PlanEditor > #question {
        text-style: bold;
        margin-bottom: 1;
        display: none;
    }
    PlanEditor.-alone > #question {
        display: block;
    }
    PlanEditor > Input, PlanEditor > Input:focus {
        height: 1;
        border: none;
        padding: 0;
        margin-left: 5;
        background: $block-cursor-background;
        display: none;
    }
    PlanEditor.-typing > Input {
        display: block;
    }
    """

    @dataclass
    class Decided(Message):
        """A person approved; `steps` are given where they were changed."""

        purpose: Purpose
        steps: tuple[PlanStep, ...] | None

    class Skipped(Message):
        """A person goes on without the plan."""

    class Left(Message):
        """A person leaves the plan as it is."""

    class Moved(Message):
        """Other keys hold now."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draft = PlanDraft(())
        self._of: object = None
        self._purpose: Purpose = "approve"
        self._is_editing = self._is_warned = False
        self._typing: Literal["replace", "add"] | None = None

    def compose(self) -> ComposeResult:
        """Build what stands before the line that is typed, that line, and what stands after it."""
        yield Static(id="question", markup=False)
        yield Static(id="head", markup=False)
        yield Static(id="above", markup=False)
        yield Field(id="typed")
        yield Static(id="below", markup=False)

    # From outside

    @property
    def scope(self) -> Scope:
        """Whose keys hold."""
        return "plan_typing" if self._typing else "plan_edit" if self._is_editing else "plan"

    @property
    def is_shown(self) -> bool:
        """Whether there is a plan to decide on."""
        return self.has_class("-shown")

    @property
    def steps(self) -> Sequence[PlanStep]:
        """The steps as edited so far."""
        return self._draft.steps

    @property
    def purpose(self) -> Purpose:
        """What approving does."""
        return self._purpose

    @property
    def is_alone(self) -> bool:
        """Whether it takes the whole pane."""
        return self.is_shown and self.has_class("-alone")

    def shows(self, of: object) -> bool:
        """Whether this proposal is shown."""
        return self.is_shown and self._of == of

    def start_editing(self) -> None:
        """Go to the first step."""
        self.do_plan_edit()

    def open(
        self, steps: Sequence[PlanStep], *, purpose: Purpose, done: int = 0, of: object = None, question: str = ""
    ) -> None:
        """Show a plan; a proposed one to be approved as a whole, others to be edited at once. `of` names it.

        With a `question`, it takes the whole pane: there is nothing else to see yet.
        """
        self.set_class(bool(question), "-alone")
        self.query_one("#question", Static).update(plain(inert(question)))
        self._draft, self._of = PlanDraft(steps, done), of
        self._purpose, self._is_editing, self._typing = purpose, purpose != "approve", None
        self.remove_class("-typing")
        self.add_class("-shown")
        self._redraw()

    def close(self) -> None:
        """Show nothing."""
        self.remove_class("-shown", "-typing")
        self._typing = None

    # What it looks like

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self._redraw()

    def on_focus(self) -> None:
        """Show where one stands."""
        self._redraw()

    def on_blur(self) -> None:
        """Show that one stands elsewhere."""
        self._redraw()

    def _redraw(self) -> None:
        self._is_warned = False
        if not self.is_mounted:
            return
        head = _EDITING if self._is_editing and self._purpose == "approve" else _HEADS[self._purpose]
        head = head.format_map({action.id: key_of(action.id) for action in in_scope("plan")})
        self.border_title = plain(f" {head} ")
        self.query_one("#head", Static).update(plain(head, "waiting"))
        width = max(self.content_size.width, 24)
        lines = [self._step_lines(index, width) for index in range(len(self._draft.steps))]
        if self._is_editing:
            lines.append([self._approval_line(width)])
        cursor = self._draft.cursor
        gap = cursor + (self._typing == "add") if self._typing else len(lines)
        hidden = 1 if self._typing == "replace" else 0
        above = [line for item in lines[:gap] for line in item]
        below = [line for item in lines[gap + hidden :] for line in item]
        for name, part in (("#above", above), ("#below", below)):
            static = self.query_one(name, Static)
            static.update(contents(part))
            static.display = bool(part)
        self.post_message(self.Moved())

    def _step_lines(self, index: int, width: int) -> list[Line]:
        step, draft = self._draft.steps[index], self._draft
        here = self._is_editing and index == draft.cursor and not self._typing
        actions = [one_line(item.action, _LONGEST_ACTION) for item in draft.steps]
        action_width = max(map(cell_width, actions))
        indent = 5 + action_width + 2
        passage = cut_text(step.text, max(width - indent, 10), _STEP_LINES)
        is_done = index < draft.done
        lead = [
            Segment("▌ " if here else "  ", "waiting"),
            Segment("✓ " if is_done else f"{index} ", "ok" if is_done else "muted"),
            Segment(f" {fit(actions[index], action_width)}  ", "muted" if is_done else "plan"),
        ]
        texts = [*passage.lines, *([passage.rest] if passage.rest else [])] or [""]
        style: Style = "title" if here else "muted" if is_done else "text"
        first = row([*lead, Segment(texts[0], style)], width)
        return [first, *(row([Segment(" " * indent), Segment(text, style)], width) for text in texts[1:])]

    def _approval_line(self, width: int) -> Line:
        here = self._draft.is_on_approval and not self._typing
        mark = Segment("▌ " if here else "  ", "waiting")
        words = Segment(f"✓  {_APPROVALS[self._purpose]}", "title" if here else "muted")
        return row([mark, words], width)

    # What is done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only those keys hold that belong to what is going on."""
        if action != "do":
            return True
        return ACTIONS[str(parameters[0])].scope == self.scope

    async def action_do(self, action: str) -> None:
        """Do an action of the registry."""
        getattr(self, f"do_{action}")()

    def do_plan_approve(self) -> None:
        """Approve, with the changes if there are any."""
        changed = tuple(self._draft.steps) if self._draft.is_changed else None
        self.post_message(self.Decided(self._purpose, changed))

    def do_plan_edit(self) -> None:
        """Go to the first step."""
        self._is_editing = True
        self._redraw()

    def do_plan_skip(self) -> None:
        """Go on without the plan."""
        self.post_message(self.Skipped())

    def do_plan_up(self) -> None:
        """To the step above."""
        self._draft.move_cursor(-1)
        self._redraw()

    def do_plan_down(self) -> None:
        """To the step below."""
        self._draft.move_cursor(1)
        self._redraw()

    def do_plan_keep(self) -> None:
        """Keep this step and go to the next; on the last line, approve."""
        if self._draft.is_on_approval:
            self.do_plan_approve()
        else:
            self.do_plan_down()

    def do_plan_done(self) -> None:
        """Approve, from whatever line."""
        self.do_plan_approve()

    def do_plan_replace(self) -> None:
        """Type another step in the place of this one."""
        if not self._draft.is_on_approval:
            self._type("replace", str(self._draft.steps[self._draft.cursor]))

    def do_plan_add(self) -> None:
        """Type a step after this one."""
        if self._draft.is_on_approval:
            self._draft.move_cursor(-1)
        self._type("add", "")

    def do_plan_delete(self) -> None:
        """Delete this step."""
        if problem := self._draft.delete():
            self.notify(problem, severity="warning", markup=False)
        self._redraw()

    def do_plan_undo(self) -> None:
        """Take back the last change."""
        if not self._draft.undo():
            self.notify("Nothing was changed yet.", markup=False)
        self._redraw()

    def do_plan_move_up(self) -> None:
        """Move this step up."""
        self._draft.move(-1)
        self._redraw()

    def do_plan_move_down(self) -> None:
        """Move this step down."""
        self._draft.move(1)
        self._redraw()

    def do_plan_leave(self) -> None:
        """Back to the plan as it was proposed, or out; changes are not thrown away at the first press."""
        if self._draft.is_changed and not self._is_warned:
            self._is_warned = True
            warning = f"{key_of('plan_leave')} again leaves; what you changed is lost."
            self.notify(warning, severity="warning", markup=False)
        elif self._purpose == "approve":
            self._draft = PlanDraft(self._draft.original)
            self._is_editing = False
            self._redraw()
        else:
            self.post_message(self.Left())

    # Typing

    def _type(self, what: Literal["replace", "add"], text: str) -> None:
        self._typing = what
        typed = self.query_one("#typed", Input)
        typed.value = text
        typed.placeholder = "SEARCH: what to look for"
        self.add_class("-typing")
        self._redraw()
        typed.focus()
        typed.cursor_position = len(text)

    def _stop_typing(self) -> None:
        self._typing = None
        self.remove_class("-typing")
        self.focus()
        self._redraw()

    @on(Input.Submitted, "#typed")
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._take_typed()

    def _take_typed(self) -> None:
        typed = self.query_one("#typed", Input).value
        if self._typing == "replace":
            self._draft.replace(typed)
        else:
            self._draft.add(typed)
        self._stop_typing()

    def do_plan_take_all(self) -> None:
        """Take what was typed, and approve."""
        self._take_typed()
        self.do_plan_approve()

    def do_plan_drop(self) -> None:
        """From typing back to the steps."""
        self._stop_typing()
