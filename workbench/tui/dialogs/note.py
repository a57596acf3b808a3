"""A note on a run, of as many lines as one wants."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static, TextArea

from workbench.tui.actions import bindings
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.dialogs.outside import write_outside
from workbench.tui.paint import plain
from workbench.tui.widgets.field import Editor


class NoteDialog(Dialog[str]):
    """Answers with the note, or None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("note", "text", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("note", "text")]

    DEFAULT_CSS = """
    NoteDialog #editor {
        height: 10;
        margin-top: 1;
    }
    """

    def __init__(self, heading: str, text: str) -> None:
        super().__init__(heading)
        self._text = text

    def body(self) -> ComposeResult:
        """Build the editor."""
        yield Static(plain("It is yours: no model sees it. An empty note is none.", "muted"), markup=False)
        yield Editor(self._text, id="editor")

    def on_mount(self) -> None:
        """Write on at the end."""
        super().on_mount()
        editor = self.query_one("#editor", TextArea)
        editor.move_cursor(editor.document.end)
        editor.focus()

    async def do_keep_note(self) -> None:
        """Answer."""
        self.dismiss(self.query_one("#editor", TextArea).text.strip())

    async def do_external(self) -> None:
        """Write in the person's own editor."""
        write_outside(self)
