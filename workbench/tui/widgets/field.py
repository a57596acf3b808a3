"""The two ways to write text: a line, and an editor. Their cursors hold still, so nothing is drawn while one thinks."""

from __future__ import annotations

from textual.widgets import Input, TextArea


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
