"""The line in which a person types: a question, or a message to the run on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from workbench.tui.actions import bindings
from workbench.tui.paint import plain
from workbench.tui.typed import Typed
from workbench.tui.widgets.field import Field

Kind = Literal["question", "message"]


class Prompt(Horizontal):
    """One line with a sign in front; up and down step through what was typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("prompt")]

    DEFAULT_CSS = """
    Prompt {
        height: 3;
        border: round $border-blurred;
        padding: 0 1;
        display: none;
    }
    Prompt:focus-within {
        border: round $border;
    }
    Prompt.-shown {
        display: block;
    }
    Prompt > Static {
        width: 2;
        color: $primary;
    }
    Prompt > Input {
        border: none;
        padding: 0;
        height: 1;
        width: 1fr;
        background: $background 0%;
    }
    Prompt > Input:focus {
        border: none;
        background-tint: $foreground 0%;
    }
    """

    @dataclass
    class Given(Message):
        """A person typed something and pressed Enter."""

        kind: Kind
        text: str

    class Left(Message):
        """A person leaves the line; what was typed stays in it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._kind: Kind = "question"
        self._typed = Typed()

    def compose(self) -> ComposeResult:
        """Build the sign and the line."""
        yield Static(plain("❯"), markup=False)
        yield Field(id="line")

    @property
    def line(self) -> Input:
        """Where the text is typed."""
        return self.query_one("#line", Input)

    def open(self, kind: Kind, placeholder: str, earlier: Iterable[str] = ()) -> None:
        """Show the line for a kind of text and write into it."""
        if kind != self._kind:
            self.line.value = ""
        self._kind, self._typed = kind, Typed(earlier)
        self.line.placeholder = placeholder
        self.add_class("-shown")
        self.line.focus()

    def close(self) -> None:
        """Show nothing."""
        self.remove_class("-shown")

    async def action_do(self, action: str) -> None:
        """Do an action of the registry."""
        if action == "leave_prompt":
            self.post_message(self.Left())
            return
        self.line.value = self._typed.step(-1 if action == "older" else 1, self.line.value)
        self.line.cursor_position = len(self.line.value)

    @on(Input.Submitted, "#line")
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if text:
            self._typed.add(text)
            self.line.value = ""
            self.post_message(self.Given(self._kind, text))
