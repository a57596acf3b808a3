"""Ways to say something: a line, an editor, a tick. Their cursors hold still, so nothing is drawn while one thinks."""

from __future__ import annotations

from textual.widgets import Checkbox, Input, TextArea


class Field(Input):
    """A line of text."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(value, placeholder=placeholder, id=id, select_on_focus=False)
        self.cursor_blink = False


class Editor(TextArea):
    """Text of any length, wrapped at the edge."""

    def __init__(self, text: str = "", *, language: str | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(text, language=language, theme="css", soft_wrap=True, id=id)
        self.cursor_blink = False


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
