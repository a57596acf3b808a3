"""The fork dialog: where, what to change, and what that keeps, runs again and cannot undo, before anything is spent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from workbench.debugger.fork import ForkPreview
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.errors import UserError
from workbench.tui.actions import bindings
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.fork_draft import KINDS, ForkDraft, Kind
from workbench.tui.paint import content, contents, plain
from workbench.tui.previews import fork_lines, problem_lines
from workbench.tui.widgets.field import Editor, Field
from workbench.views.marks import EDITED
from workbench.views.segments import Segment

AskPreview = Callable[[str, ForkEdits], Awaitable[ForkPreview]]
ReadResult = Callable[[str], Awaitable[str]]
"""From a call's id to its recorded result as text."""
_PAUSE = 0.15
"""Seconds without a key before the preview is asked for."""


class ForkDialog(Dialog[ForkRun]):
    """Answers with the fork to make, or None. Several things may be changed at once; each that is has a mark."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("fork", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("fork")]

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
        max-height: 9;
        overflow-y: auto;
    }
    """

    def __init__(self, draft: ForkDraft, ask: AskPreview, read: ReadResult, *, kind: Kind | None = None) -> None:
        super().__init__(f"Fork {draft.state.run[:8]}")
        self._draft, self._ask, self._read = draft, ask, read
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
        yield Static(id="preview", markup=False)

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
        editor.language = "json" if self._kind == "input" else None
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
        was_changed = self._kind in self._draft.texts
        self._draft.write(self._kind, event.text_area.text)
        if was_changed != (self._kind in self._draft.texts):
            self._show_kinds()
        self._preview_soon()

    @on(Input.Changed, "#place")
    async def _take_place(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.strip() == self._draft.address:
            return
        self._draft.address = event.value.strip()
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
        problem, preview = self._draft.problem(), self.query_one("#preview", Static)
        width = max(preview.content_size.width, 30)
        lines = problem_lines([problem], width) if problem else []
        if not problem:
            try:
                lines = fork_lines(await self._ask(self._draft.address, self._draft.edits()), width)
            except UserError as error:
                lines = problem_lines([str(error)], width)
        preview.update(contents(lines))

    async def do_fork_now(self) -> None:
        """Answer with the fork, where it is one."""
        problem = self._draft.problem()
        if not problem:
            try:
                await self._ask(self._draft.address, self._draft.edits())
            except UserError as error:
                problem = str(error)
        if problem:
            self.show_problem(problem)
        else:
            self.dismiss(ForkRun(self._draft.state.run, self._draft.address, self._draft.edits()))
