"""The fork dialog: where, what to change, and what that keeps, runs again and cannot undo, before anything is spent.

Where something is changed, there are two looks at it, as in an editor: what is written, and what that changes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from workbench.debugger.fork import ForkPreview
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.errors import UserError, WorkbenchError
from workbench.tui.actions import bindings, key_of
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.dialogs.outside import write_outside
from workbench.tui.fork_draft import JSON_KINDS, KINDS, ForkDraft, Kind
from workbench.tui.paint import content, contents, plain
from workbench.tui.previews import fork_lines, problem_lines
from workbench.tui.widgets.field import Editor, Field
from workbench.views.diff import text_diff
from workbench.views.marks import EDITED
from workbench.views.segments import Line, Segment

AskPreview = Callable[[str, ForkEdits], Awaitable[ForkPreview]]
ReadResult = Callable[[str], Awaitable[str]]
"""From a call's id to its recorded result as text."""
MakeFork = Callable[[ForkRun], Awaitable[str]]
"""Makes a fork and returns its id; raises why it cannot be made."""
_PAUSE = 0.15
"""Seconds without a key before the preview is asked for."""


class ForkDialog(Dialog[str]):
    """Answers with the fork that was made, or None; where it cannot be made, it says why and keeps what was typed.

    Several things may be changed at once; each that is has a mark.
    """

    SCOPES: ClassVar[tuple[Scope, ...]] = ("fork", "text", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("fork", "text", "preview", "dialog")]

    DEFAULT_CSS = """
    ForkDialog > #frame {
        height: 96%;
        max-height: 40;
    }
    ForkDialog #change {
        height: 1fr;
        min-height: 6;
    }
    ForkDialog #left {
        width: 26;
        margin-right: 1;
    }
    ForkDialog #place {
        border-title-color: $wb-muted;
    }
    ForkDialog #kinds {
        height: 1fr;
        border-title-color: $wb-muted;
    }
    ForkDialog #editor {
        height: 1fr;
        border-title-color: $wb-muted;
    }
    ForkDialog #preview {
        height: auto;
        min-height: 5;
        max-height: 10;
    }
    ForkDialog #look {
        height: 1fr;
        display: none;
        border: round $border-blurred;
        padding: 0 1;
    }
    ForkDialog.-previewing #look {
        display: block;
    }
    ForkDialog.-previewing #change, ForkDialog.-previewing #preview {
        display: none;
    }
    """

    def __init__(
        self, draft: ForkDraft, ask: AskPreview, read: ReadResult, make: MakeFork, *, kind: Kind | None = None
    ) -> None:
        super().__init__(f"Fork {draft.state.run[:8]}")
        self._draft, self._ask, self._read, self._make = draft, ask, read, make
        self._is_making = False
        self._kind: Kind = kind or draft.kinds[0]
        self._timer: Timer | None = None

    def body(self) -> ComposeResult:
        """Build place, choice, editor and preview."""
        with Horizontal(id="change"):
            with Vertical(id="left"):
                place = Field(self._draft.address, id="place")
                place.border_title = plain("at")
                yield place
                kinds = OptionList(id="kinds", markup=False)
                kinds.border_title = plain("change")
                yield kinds
            yield Editor(id="editor")
        with VerticalScroll(id="preview", can_focus=False):
            yield Static(id="does", markup=False)
        with VerticalScroll(id="look"):
            yield Static(id="changes", markup=False)

    def on_mount(self) -> None:
        """Begin with the most likely change."""
        super().on_mount()
        self._show_kinds()
        self._show_kind()
        self.query_one("#editor").focus()
        self._preview_soon()

    # What is edited

    def _show_kinds(self) -> None:
        kinds = self.query_one("#kinds", OptionList)
        with self.prevent(OptionList.OptionHighlighted):
            kinds.set_options(Option(content(self._kind_line(kind)), id=kind) for kind in self._draft.kinds)
            if self._kind not in self._draft.kinds:
                self._kind = self._draft.kinds[0]
            kinds.highlighted = self._draft.kinds.index(self._kind)

    def _kind_line(self, kind: Kind) -> list[Segment]:
        changed = kind in self._draft.texts
        return [Segment(f"{EDITED} " if changed else "  ", "edited"), Segment(KINDS[kind][0])]

    def _show_kind(self) -> None:
        editor = self.query_one("#editor", TextArea)
        editor.border_title = plain(KINDS[self._kind][1])
        editor.language = "json" if self._kind in JSON_KINDS else None
        with self.prevent(TextArea.Changed):
            editor.load_text(self._draft.now(self._kind))

    @on(OptionList.OptionHighlighted, "#kinds")
    def _choose(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        kind = self._draft.kinds[event.option_index]
        if kind != self._kind:
            self._kind = kind
            self._show_kind()

    @on(OptionList.OptionSelected, "#kinds")
    def _write(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.query_one("#editor").focus()

    @on(TextArea.Changed, "#editor")
    def _take_text(self, event: TextArea.Changed) -> None:
        event.stop()
        self._write_draft()
        self._preview_soon()

    def _write_draft(self) -> None:
        was_changed = self._kind in self._draft.texts
        self._draft.write(self._kind, self.query_one("#editor", TextArea).text)
        if was_changed != (self._kind in self._draft.texts):
            self._show_kinds()

    @on(Input.Changed, "#place")
    async def _take_place(self, event: Input.Changed) -> None:
        event.stop()
        await self._go_to(event.value.strip())

    async def _go_to(self, address: str) -> None:
        if address == self._draft.address:
            return
        self._draft.address = address
        call = self._draft.call
        self._draft.result = await self._read(call.id) if call is not None else ""
        for kind in ("result", "input", "text"):
            self._draft.texts.pop(kind, None)
        self._show_kinds()
        self._show_kind()
        self._preview_soon()

    @on(Input.Submitted, "#place")
    def _place_given(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#kinds").focus()

    # What it would do

    def _preview_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._preview)

    def _preview(self) -> None:
        self.run_worker(cast("Any", self._show_preview), group="preview", exclusive=True)

    async def _show_preview(self) -> None:
        preview = self.query_one("#does", Static)
        width = max(preview.content_size.width, 30)
        preview.update(contents(await self._fork_lines(width)))

    async def _fork_lines(self, width: int) -> list[Line]:
        if problem := self._draft.problem():
            return problem_lines([problem], width)
        try:
            return fork_lines(await self._ask(self._draft.address, self._draft.edits()), width)
        except UserError as error:
            return problem_lines([str(error)], width)

    async def do_fork_now(self) -> None:
        """Show what is changed, where it makes a fork; one that changes nothing is made at once."""
        # What was typed just now may not have been told of yet.
        await self._go_to(self.query_one("#place", Input).value.strip())
        self._write_draft()
        problem = self._draft.problem()
        if not problem:
            try:
                await self._ask(self._draft.address, self._draft.edits())
            except UserError as error:
                problem = str(error)
        self.show_problem(problem)
        if problem:
            return
        if self._draft.changes():
            await self._look()
        else:
            await self.do_take()

    async def _look(self) -> None:
        width = max(self.query_one("#frame").size.width - 8, 20)
        lines: list[Line] = []
        for kind, before, after in self._draft.changes():
            title = (Segment(f"What changes: {KINDS[kind][0]}", "title"), Segment("   -  before   +  after", "muted"))
            lines += [title, *text_diff(before, after, width), ()]
        lines += [(Segment("What the fork does", "title"),), *await self._fork_lines(width)]
        self.query_one("#changes", Static).update(contents(lines))
        self.add_class("-previewing")
        self.query_one("#look").focus()
        self.show_keys()

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys hold: those of the editor, or those of what the edits change."""
        return ("preview",) if self.has_class("-previewing") else self.SCOPES

    async def do_take(self) -> None:
        """Make the fork and answer with it; where it cannot be made, back to the editor with the sentence."""
        if self._is_making:  # a second Enter makes no second fork
            return
        self._is_making = True
        try:
            run = await self._make(ForkRun(self._draft.state.run, self._draft.address, self._draft.edits()))
        except WorkbenchError as error:
            self._is_making = False
            await self.do_back()
            self.show_problem(str(error))
        else:
            self.dismiss(run)

    async def do_back(self) -> None:
        """Back to the editor."""
        self.remove_class("-previewing")
        self.query_one("#editor").focus()
        self.show_keys()

    async def do_external(self) -> None:
        """Write in the person's own editor."""
        suffix = ".json" if self._kind in JSON_KINDS else ".txt"
        write_outside(self, suffix, otherwise=f"{key_of('edit')} on the call edits a result of any size")
