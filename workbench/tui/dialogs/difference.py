"""Both sides of one thing of a comparison, with what differs marked."""

from __future__ import annotations

from textual.app import ComposeResult

from workbench.tui.dialogs.base import Dialog
from workbench.tui.widgets.lines import Text
from workbench.views.compare_detail import Section, detail_lines


class DifferenceDialog(Dialog[None]):
    """Shows sections; answers nothing."""

    DEFAULT_CSS = """
    DifferenceDialog > #frame {
        width: 98%;
        max-width: 240;
        height: 96%;
        padding: 1 1 0 1;
    }
    DifferenceDialog #text {
        height: 1fr;
        background: $surface;
    }
    """

    def __init__(self, heading: str, sections: list[Section]) -> None:
        super().__init__(heading)
        self._sections = sections

    def body(self) -> ComposeResult:
        """Build the text."""
        yield Text(lambda width: detail_lines(self._sections, width), id="text")

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        super().on_mount()
        self.query_one("#text", Text).focus()
