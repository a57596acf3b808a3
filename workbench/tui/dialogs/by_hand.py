"""The result of a call, given by a person in place of the tool."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static, TextArea

from workbench.state.parts import CallState
from workbench.tui.actions import bindings, key_of
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.dialogs.outside import write_outside
from workbench.tui.paint import content
from workbench.tui.widgets.field import Editor, Tick
from workbench.views.brief import brief_input
from workbench.views.segments import Segment
from workbench.views.text import one_line


class HandGiven(NamedTuple):
    """A result by hand."""

    text: str
    is_error: bool


class ByHandDialog(Dialog[HandGiven]):
    """Answers with the result that the model is to see, or None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("hand", "text", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("hand", "text")]

    DEFAULT_CSS = """
    ByHandDialog #editor {
        height: 10;
        margin-top: 1;
    }
    """

    def __init__(self, call: CallState, *, may_fail: bool = True) -> None:
        super().__init__(f"The result of call {call.id}, by hand")
        self._call, self._may_fail = call, may_fail

    def body(self) -> ComposeResult:
        """Build the call, the editor and the switch."""
        tool = Segment(f"{one_line(self._call.tool, 40)}  ", "title")
        yield Static(content([tool, Segment(brief_input(self._call.input, 200), "muted")]), markup=False)
        yield Editor(id="editor")
        failed = Tick("it failed: the model sees this as an error", id="failed")
        failed.display = self._may_fail
        yield failed

    def on_mount(self) -> None:
        """Write into the editor at once."""
        super().on_mount()
        self.query_one("#editor").focus()

    async def do_give(self) -> None:
        """Answer."""
        text = self.query_one("#editor", TextArea).text
        if text.strip():
            self.dismiss(HandGiven(text, self.query_one("#failed", Tick).value))
        else:
            self.show_problem(f"Write the result that the model is to see; {key_of('leave')} leaves.")

    async def do_external(self) -> None:
        """Write in the person's own editor."""
        write_outside(self)
