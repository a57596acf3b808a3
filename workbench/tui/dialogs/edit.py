"""An editor for one text: a result, an input, a turn's words, an answer by hand.

Two looks at the same thing: the editor, and what the edit changes, before it takes effect. It answers with the new
text and changes nothing itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static, TextArea

from workbench.errors import UserError, WorkbenchError
from workbench.tui.actions import bindings, key_of
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.external import edit_outside
from workbench.tui.paint import contents
from workbench.tui.widgets.field import Editor, is_too_large
from workbench.views.diff import text_diff
from workbench.views.segments import Line, Segment
from workbench.views.text import human_bytes

Check = Callable[[str], str]
"""What is wrong with a text, as a sentence; empty where nothing is."""
Preview = Callable[[str, int], Awaitable[Sequence[Line]]]
"""What a text would do, in lines of a width; raises why it can do nothing."""
Take = Callable[[str], Awaitable[object]]
"""Does what a text says; raises why it cannot be done."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is edited, and how."""

    heading: str
    before: str
    facts: Sequence[Line] = ()
    """Lines above the editor."""
    is_json: bool = False
    check: Check = lambda _: ""
    preview: Preview | None = None
    """Where there is none, the text takes effect at once."""
    take: Take | None = None
    """Done before the editor is left, so that nothing typed is lost where it cannot be."""
    must_change: bool = True


class EditDialog(Dialog[str]):
    """Answers with the edited text, or None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("edit", "text", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("edit", "text", "preview", "dialog")]

    DEFAULT_CSS = """
    EditDialog > #frame {
        height: 90%;
    }
    EditDialog #facts {
        height: auto;
        max-height: 4;
        margin-bottom: 1;
    }
    EditDialog #editor, EditDialog #preview {
        height: 1fr;
    }
    EditDialog #preview {
        display: none;
        border: round $border-blurred;
        padding: 0 1;
    }
    EditDialog.-previewing #editor {
        display: none;
    }
    EditDialog.-previewing #preview {
        display: block;
    }
    """

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.heading)
        self._draft = draft
        self._is_warned = self._is_taking = False
        self._is_too_large = is_too_large(draft.before)
        self._saved_outside: str | None = None
        """A text from the person's own editor that is too large for this one."""
        self._told: str | None = None
        """The text about which something was said."""

    def body(self) -> ComposeResult:
        """Build the editor, and the place for what it changes."""
        if self._draft.facts:
            yield Static(contents(self._draft.facts), id="facts", markup=False)
        shown = "" if self._is_too_large else self._draft.before
        yield Editor(shown, language="json" if self._draft.is_json else None, id="editor")
        with VerticalScroll(id="preview"):
            yield Static(id="changes", markup=False)

    def on_mount(self) -> None:
        """Write into the editor at once."""
        super().on_mount()
        if self._is_too_large:
            size = human_bytes(len(self._draft.before.encode()))
            edits = f"{key_of('external')} edits them in $EDITOR"
            self._tell(f"{size} are too much to edit here: {edits}; what you type replaces them.")
        self.query_one("#editor").focus()

    @property
    def text(self) -> str:
        """What is to be: what stands in the editor, or what was saved in another."""
        written = self.query_one("#editor", TextArea).text
        if written or not self._is_too_large:
            return written
        return self._draft.before if self._saved_outside is None else self._saved_outside

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys hold: those of the editor, or those of what the edit changes."""
        return ("preview",) if self.has_class("-previewing") else self.SCOPES

    def on_text_area_changed(self) -> None:
        """Take back what was said about another text."""
        if self.text != self._told:
            self._is_warned = False
            self.show_problem("")

    async def do_apply(self) -> None:
        """Show what the edit changes, or answer at once where there is nothing to show."""
        if problem := self._problem():
            self._tell(problem)
        elif self._draft.preview is None:
            self.dismiss(self.text)
        else:
            await self._show_preview(self._draft.preview)

    async def do_take(self) -> None:
        """Let the text take effect, and answer; where it cannot, back to the editor with the sentence."""
        if self._is_taking:  # a second Enter does nothing twice
            return
        self._is_taking = True
        try:
            if self._draft.take is not None:
                await self._draft.take(self.text)
        except WorkbenchError as error:
            self._is_taking = False
            await self.do_back()
            self._tell(str(error))
        else:
            self.dismiss(self.text)

    async def do_back(self) -> None:
        """Back to the editor."""
        self.remove_class("-previewing")
        self.query_one("#editor").focus()
        self.show_keys()

    def _tell(self, problem: str) -> None:
        self._told = self.text
        self.show_problem(problem)

    def _problem(self) -> str:
        if self._draft.must_change and self.text == self._draft.before:
            return f"Nothing is changed yet; {key_of('leave')} leaves."
        return self._draft.check(self.text)

    async def _show_preview(self, preview: Preview) -> None:
        changes = self.query_one("#changes", Static)
        width = max(self.query_one("#frame").size.width - 8, 20)
        title: Line = (Segment("What changes", "title"), Segment("   -  before   +  after", "muted"))
        try:
            does = await preview(self.text, width)
        except UserError as error:
            self._tell(str(error))
            return
        changes.update(contents([title, *text_diff(self._draft.before, self.text, width), (), *does]))
        self.add_class("-previewing")
        self.query_one("#preview").focus()
        self.show_keys()

    async def do_external(self) -> None:
        """Edit in the person's own editor."""
        editor = self.query_one("#editor", TextArea)
        suffix = ".json" if self._draft.is_json else ".txt"
        outcome = edit_outside(self.app, self.text, suffix)
        if outcome.problem:
            self._tell(outcome.problem)
        elif outcome.text is not None and is_too_large(outcome.text):
            self._is_too_large, self._saved_outside = True, outcome.text
            editor.load_text("")
        elif outcome.text is not None:
            editor.load_text(outcome.text)

    async def do_leave(self) -> None:
        """Leave; typed text is not thrown away at the first press."""
        if self.text != self._draft.before and not self._is_warned:
            self._tell(f"{key_of('leave')} again leaves; what you typed is lost.")
            self._is_warned = True
        else:
            self.dismiss(None)
