"""The names of the columns of the list of runs, where there is room for columns."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from workbench.tui.paint import content
from workbench.views.run_tree import WITH_COLUMNS, tree_header


class RunHeader(Widget):
    """One line above the list, as wide as the lines of the list."""

    DEFAULT_CSS = """
    RunHeader {
        height: 1;
        display: none;
    }
    RunHeader.-shown {
        display: block;
    }
    """

    def fit(self, width: int) -> None:
        """Be there or not, in a list whose lines have this width."""
        self.set_class(width >= WITH_COLUMNS, "-shown")
        self.refresh()

    def render(self) -> Content:
        """Return the line; the list below it keeps a cell at the right for its scrollbar."""
        return content(tree_header(self.content_size.width - 1) or ())
