"""What is known about the run under the cursor of the list, below it."""

from __future__ import annotations

from textual.widgets import Static

from workbench.store.model import RunRow
from workbench.tui.paint import contents
from workbench.views.run_detail import run_detail


class RunDetail(Static):
    """A few lines, as many as there is something to say; nothing where no run is chosen."""

    DEFAULT_CSS = """
    RunDetail {
        height: auto;
        max-height: 50%;
        border-top: solid $border-blurred;
        padding: 0 1 0 0;
        display: none;
    }
    RunDetail.-shown {
        display: block;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._row: RunRow | None = None
        self._drawn: object = None
        """What the lines were made from."""

    def show(self, row: RunRow | None) -> None:
        """Show a run."""
        self._row = row
        self.set_class(row is not None, "-shown")
        self._redraw()

    def on_resize(self) -> None:
        """Fit the lines to the width, once this layout is done: it would not give room for more lines."""
        self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        width = self.content_size.width
        if self._row is not None and width > 0 and self._drawn != (self._row, width):
            self._drawn = (self._row, width)
            self.update(contents(run_detail(self._row, width)))
