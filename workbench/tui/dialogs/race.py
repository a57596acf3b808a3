"""The dialog that makes a race ready: place, variants, repeats, a check, and what that keeps and about costs."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from workbench.driver.commands import StartRace
from workbench.errors import UserError
from workbench.tui.actions import bindings
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.dialogs.fork import AskPreview, ReadResult
from workbench.tui.fork_draft import JSON_KINDS, KINDS, ForkDraft, Kind
from workbench.tui.paint import content, contents, plain
from workbench.tui.previews import fork_lines, problem_lines
from workbench.tui.race_draft import RaceDraft
from workbench.tui.widgets.field import Editor, Field
from workbench.views.marks import EDITED
from workbench.views.segments import Segment
from workbench.views.text import one_line

_PAUSE = 0.15
"""Seconds without a key before the preview is asked for."""
_LABELS = {"place": "at", "repeat": "repeat", "at_once": "at once", "check": "check"}


class RaceDialog(Dialog[StartRace]):
    """Answers with the race to start, or None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("race_setup", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("race_setup")]

    DEFAULT_CSS = """
    RaceDialog > #frame {
        height: 96%;
        max-height: 44;
    }
    RaceDialog #numbers {
        height: 3;
    }
    RaceDialog #numbers Field {
        border-title-color: $wb-muted;
    }
    RaceDialog #place {
        width: 12;
    }
    RaceDialog #repeat, RaceDialog #at_once {
        width: 14;
    }
    RaceDialog #check {
        width: 1fr;
    }
    RaceDialog #change {
        height: 1fr;
        min-height: 7;
    }
    RaceDialog #left {
        width: 30;
    }
    RaceDialog #variants, RaceDialog #kinds, RaceDialog #editor {
        height: 1fr;
        border-title-color: $wb-muted;
    }
    RaceDialog #preview {
        height: auto;
        min-height: 5;
        max-height: 9;
        overflow-y: auto;
    }
    """

    def __init__(self, draft: RaceDraft, ask: AskPreview, read: ReadResult) -> None:
        super().__init__(f"Race of {draft.state.run[:8]}")
        self._draft, self._ask, self._read = draft, ask, read
        self._number = 0
        self._kind: Kind = draft.variants[0].kinds[0]
        self._timer: Timer | None = None

    @property
    def variant(self) -> ForkDraft:
        """The variant that is being written."""
        return self._draft.variants[self._number]

    def body(self) -> ComposeResult:
        """Build the numbers, the variants, the editor and the preview."""
        draft = self._draft
        with Horizontal(id="numbers"):
            yield Field(draft.address, id="place")
            yield Field(draft.repeat, id="repeat")
            yield Field(draft.at_once, id="at_once")
            yield Field(draft.check, id="check", placeholder="pattern:… or judge:… or function:FILE.py:NAME")
        with Horizontal(id="change"):
            with Vertical(id="left"):
                yield OptionList(id="variants", markup=False)
                yield OptionList(id="kinds", markup=False)
            yield Editor(id="editor")
        yield Static(id="preview", markup=False)

    def on_mount(self) -> None:
        """Begin where what the first variant changes is written."""
        super().on_mount()
        for name, label in _LABELS.items():
            self.query_one(f"#{name}").border_title = plain(label)
        self.query_one("#variants").border_title = plain("variants")
        self.query_one("#kinds").border_title = plain("this one changes")
        self._show_all()
        self.query_one("#editor").focus()

    # What is shown

    def _show_all(self) -> None:
        self._show_variants()
        self._show_kinds()
        self._show_text()
        self._preview_soon()

    def _show_variants(self) -> None:
        variants = self.query_one("#variants", OptionList)
        with self.prevent(OptionList.OptionHighlighted):
            variants.set_options(Option(plain(one_line(name, 26))) for name in self._draft.names())
            variants.highlighted = self._number

    def _show_kinds(self) -> None:
        kinds, variant = self.query_one("#kinds", OptionList), self.variant
        if self._kind not in variant.kinds:
            self._kind = variant.kinds[0]
        with self.prevent(OptionList.OptionHighlighted):
            kinds.set_options(
                Option(
                    content(
                        [Segment(f"{EDITED} " if kind in variant.texts else "  ", "edited"), Segment(KINDS[kind][0])]
                    )
                )
                for kind in variant.kinds
            )
            kinds.highlighted = variant.kinds.index(self._kind)

    def _show_text(self) -> None:
        editor = self.query_one("#editor", TextArea)
        editor.border_title = plain(KINDS[self._kind][1])
        editor.language = "json" if self._kind in JSON_KINDS else None
        with self.prevent(TextArea.Changed):
            editor.load_text(self.variant.now(self._kind))

    # What a person does

    @on(OptionList.OptionHighlighted, "#variants")
    def _choose_variant(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index != self._number:
            self._number = event.option_index
            self._show_kinds()
            self._show_text()
            self._preview_soon()

    @on(OptionList.OptionHighlighted, "#kinds")
    def _choose_kind(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        kind = self.variant.kinds[event.option_index]
        if kind != self._kind:
            self._kind = kind
            self._show_text()

    @on(OptionList.OptionSelected)
    def _write(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.query_one("#kinds" if event.option_list.id == "variants" else "#editor").focus()

    @on(TextArea.Changed, "#editor")
    def _take_text(self, event: TextArea.Changed) -> None:
        event.stop()
        was_changed = self._kind in self.variant.texts
        self.variant.write(self._kind, event.text_area.text)
        if was_changed != (self._kind in self.variant.texts):
            self._show_kinds()
        self._show_variants()
        self._preview_soon()

    @on(Input.Changed)
    async def _take_field(self, event: Input.Changed) -> None:
        event.stop()
        value, draft = event.value.strip(), self._draft
        match event.input.id:
            case "repeat":
                draft.repeat = value
            case "at_once":
                draft.at_once = value
            case "check":
                draft.check = value
            case "place" if value != draft.address:
                draft.move_to(value, "")
                call = self.variant.call
                draft.move_to(value, await self._read(call.id) if call is not None else "")
                self._show_all()
        self._preview_soon()

    @on(Input.Submitted)
    def _field_given(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    async def do_race_add(self) -> None:
        """Add a variant and write it."""
        self._draft.add()
        self._number = len(self._draft.variants) - 1
        self._show_all()
        self.query_one("#editor").focus()

    async def do_race_remove(self) -> None:
        """Take a variant out; the last one stays."""
        if len(self._draft.variants) == 1:
            self.show_problem("A race needs at least one variant.")
            return
        del self._draft.variants[self._number]
        self._number = min(self._number, len(self._draft.variants) - 1)
        self._show_all()

    # What it would do

    def _preview_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._preview)

    def _preview(self) -> None:
        self.run_worker(cast("Any", self._show_preview), group="preview", exclusive=True)

    async def _show_preview(self) -> None:
        preview, problem = self.query_one("#preview", Static), self._draft.problem()
        width = max(preview.content_size.width, 30)
        lines = problem_lines([problem], width) if problem else []
        if not problem:
            try:
                found = await self._ask(self._draft.address, self._draft.edits(self._number))
                lines = [
                    *fork_lines(found, width),
                    (Segment("all", "muted"), Segment(" " * 9 + self._draft.cost_words(found))),
                ]
            except UserError as error:
                lines = problem_lines([str(error)], width)
        self.show_problem("")
        preview.update(contents(lines))

    async def do_race_start(self) -> None:
        """Answer with the race, where it is one: every variant is tried before any is made."""
        if self._timer is not None:  # a preview that comes later would take the sentence away
            self._timer.stop()
        self.workers.cancel_group(self, "preview")
        problem = self._draft.problem()
        names = self._draft.names()
        for number, name in enumerate(names if not problem else []):
            try:
                await self._ask(self._draft.address, self._draft.edits(number))
            except UserError as error:
                problem = problem or f"{name}: {error}"
        if problem:
            self.show_problem(one_line(problem, 400))
        else:
            self.dismiss(self._draft.command())
