"""The line in which a person looks for something in the run, with how much of it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from workbench.tui.actions import bindings
from workbench.tui.paint import content, plain
from workbench.tui.typed import Typed
from workbench.tui.widgets.field import Field
from workbench.views.segments import Line


class FindLine(Horizontal):
    """What is looked for on the left, what was found on the right; up and down step through earlier searches."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("find_line")]

    DEFAULT_CSS = """
    FindLine {
        height: 1;
        padding: 0 1;
        background: $surface;
        display: none;
    }
    FindLine.-shown {
        display: block;
    }
    FindLine > #find-sign {
        width: 2;
        color: $primary;
        text-style: bold;
    }
    FindLine > Input, FindLine > Input:focus {
        border: none;
        padding: 0;
        height: 1;
        width: 1fr;
        background: $background 0%;
        background-tint: $foreground 0%;
    }
    FindLine > #find-found {
        width: auto;
        max-width: 75%;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    @dataclass
    class Changed(Message):
        """A person changed what is looked for."""

        text: str

    class Taken(Message):
        """A person wants to go from hit to hit."""

    class Left(Message):
        """A person leaves without going anywhere."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._typed = Typed()

    def compose(self) -> ComposeResult:
        """Build the sign, the line and what was found."""
        yield Static(plain("/"), id="find-sign", markup=False)
        yield Field(placeholder="Find words, inputs, whole results, or a place: step 7, 7.2", id="find-text")
        yield Static(id="find-found", markup=False)

    @property
    def line(self) -> Input:
        """Where the text is typed."""
        return self.query_one("#find-text", Input)

    @property
    def is_shown(self) -> bool:
        """Whether something is being looked for."""
        return self.has_class("-shown")

    def open(self) -> None:
        """Ask what to look for; what was looked for last is there, and typing replaces it."""
        self.add_class("-shown")
        self.line.focus()
        self.line.action_select_all()

    def close(self) -> None:
        """Show nothing."""
        self.remove_class("-shown")

    def show(self, found: Line) -> None:
        """Say what was found."""
        self.query_one("#find-found", Static).update(content(found))

    async def action_do(self, action: str) -> None:
        """Do an action of the registry."""
        if action == "find_leave":
            self.post_message(self.Left())
            return
        self.line.value = self._typed.step(-1 if action == "find_older" else 1, self.line.value)
        self.line.cursor_position = len(self.line.value)

    @on(Input.Changed, "#find-text")
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_shown:
            self.post_message(self.Changed(event.value))

    @on(Input.Submitted, "#find-text")
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self._typed.add(event.value)
            self.post_message(self.Taken())
        else:
            self.post_message(self.Left())
