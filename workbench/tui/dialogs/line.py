"""One line of text, asked for."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Input, Static

from workbench.tui.actions import key_of
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import plain
from workbench.tui.widgets.field import Field


class LineDialog(Dialog[str]):
    """Answers with a line, or None. An empty one is an answer where `may_be_empty`."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("line", "dialog")

    def __init__(self, heading: str, label: str, *, value: str = "", may_be_empty: bool = False) -> None:
        super().__init__(heading)
        self._label, self._value, self._may_be_empty = label, value, may_be_empty

    def body(self) -> ComposeResult:
        """Build the field."""
        yield Static(plain(self._label, "muted"), markup=False)
        yield Field(self._value, id="line")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        text = event.value.strip()
        if text or self._may_be_empty:
            self.dismiss(text)
        else:
            self.show_problem(f"Write something; {key_of('leave')} leaves.")
