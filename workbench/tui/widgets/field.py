"""Ways to say something: a line, an editor, a tick. Their cursors hold still, so nothing is drawn while one thinks."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from textual import events
from textual.document._document import EditResult, Location
from textual.document._edit import Edit
from textual.widget import Widget
from textual.widgets import Checkbox, Input, TextArea

from workbench.tui.paint import plain
from workbench.tui.widgets.stand_ins import StandIns, drawn
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

    @property
    def _value(self) -> Text:
        """What is drawn: letter for letter what stands there, as far as it can be shown."""
        return Text(drawn(self.value).replace("\n", "⏎").replace("\t", " "), no_wrap=True, overflow="ignore", end="")

    def on_paste(self, event: events.Paste) -> None:
        """Take what is pasted, unless it is too large."""
        _refuse_paste(self, event)


class Editor(TextArea):
    """Text of any length, wrapped at the edge."""

    def __init__(self, text: str = "", *, language: str | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        self._stand_ins = StandIns()
        super().__init__(self._stand_ins.put(text), language=language, theme="css", soft_wrap=True, id=id)
        self.cursor_blink = False

    @property
    def text(self) -> str:
        """What stands there, each character as it came or was typed."""
        return self._stand_ins.take(super().text)

    @text.setter
    def text(self, value: str) -> None:
        self.load_text(value)

    def load_text(self, text: str) -> None:
        """Show another text."""
        super().load_text(self._stand_ins.put(text))

    def edit(self, edit: Edit) -> EditResult:
        """Take in what is typed or pasted."""
        edit.text = self._stand_ins.put(edit.text)
        return super().edit(edit)

    def get_text_range(self, start: Location, end: Location) -> str:
        """Return a part of what stands there."""
        return self._stand_ins.take(super().get_text_range(start, end))

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is drawn."""
        return Text(self._stand_ins.show(self.document.get_line(line_index)), end="", no_wrap=True)

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
        super().__init__(plain(label), id=id)  # a name may come from a model: as a plain str it would be markup

    def watch_value(self) -> None:
        """Show the choice as a sign."""
        self.BUTTON_INNER = "✗" if self.value else " "
        super().watch_value()
