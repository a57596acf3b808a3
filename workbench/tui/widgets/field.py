"""Ways to say something: a line, an editor, a tick. Their cursors hold still, so nothing is drawn while one thinks."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.widget import Widget
from textual.widgets import Checkbox, Input, TextArea

from workbench.views.text import human_bytes

LARGEST: Final = 400_000
"""Characters that can be edited here without the screen standing still."""
LONGEST_LINE: Final = 20_000


def is_too_large(text: str) -> bool:
    """Whether a text would keep the screen from answering while it is edited."""
    return len(text) > LARGEST or any(len(line) > LONGEST_LINE for line in text.split("\n"))


def _refuse_paste(widget: Widget, event: events.Paste) -> None:
    """Let nothing in that would bring the screen to a standstill, and say so."""
    if is_too_large(event.text):
        event.prevent_default()
        event.stop()
        size = human_bytes(len(event.text.encode()))
        widget.notify(f"What you paste has {size}: too large to edit here.", severity="warning", markup=False)


class Field(Input):
    """A line of text."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(value, placeholder=placeholder, id=id, select_on_focus=False)
        self.cursor_blink = False

    def on_paste(self, event: events.Paste) -> None:
        """Take what is pasted, unless it is too large."""
        _refuse_paste(self, event)


class Editor(TextArea):
    """Text of any length, wrapped at the edge."""

    def __init__(self, text: str = "", *, language: str | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(text, language=language, theme="css", soft_wrap=True, id=id)
        self.cursor_blink = False

    def on_paste(self, event: events.Paste) -> None:
        """Take what is pasted, unless it is too large."""
        _refuse_paste(self, event)


class Tick(Checkbox):
    """A choice between yes and no that can be told without colour."""

    DEFAULT_CSS = """
    Tick, Tick:focus {
        border: none;
        padding: 0;
        background: $surface;
    }
    """
    BUTTON_LEFT, BUTTON_RIGHT = "[", "]"

    def __init__(self, label: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        self.BUTTON_INNER = " "
        super().__init__(label, id=id)

    def watch_value(self) -> None:
        """Show the choice as a sign."""
        self.BUTTON_INNER = "✗" if self.value else " "
        super().watch_value()
