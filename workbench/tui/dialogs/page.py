"""A page to read: words, lines as they are, words; what it is about can be copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.actions import bindings
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import contents, plain
from workbench.views.segments import Line


class PageDialog(Dialog[None]):
    """Shows a page of ours."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("page", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page")]

    DEFAULT_CSS = """
    PageDialog > #frame {
        height: auto;
    }
    PageDialog #page {
        height: auto;
        max-height: 100%;
    }
    PageDialog #page > Static {
        height: auto;
        margin-bottom: 1;
    }
    PageDialog #lines {
        border-left: outer $wb-lane;
        padding-left: 1;
    }
    """

    def __init__(self, heading: str, before: str, lines: Sequence[Line], after: str, *, copies: str) -> None:
        super().__init__(heading)
        self._before, self._lines, self._after, self._copies = before, lines, after, copies

    def body(self) -> ComposeResult:
        """Build the page."""
        with VerticalScroll(id="page"):
            yield Static(plain(self._before), markup=False)
            yield Static(contents(self._lines), id="lines", markup=False)
            yield Static(plain(self._after), markup=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        super().on_mount()
        self.query_one("#page").focus()

    async def do_copy_page(self) -> None:
        """Copy what the page is about."""
        self.app.copy_to_clipboard(self._copies)
        self.notify("Copied.", markup=False)
