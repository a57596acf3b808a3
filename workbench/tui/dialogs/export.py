"""Where a run is to be written, and whether its forks go with it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Input, Static

from workbench.driver.commands import ExportRun
from workbench.tui.actions import key_of
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import plain
from workbench.tui.widgets.field import Field, Tick
from workbench.views.show import short


class ExportDialog(Dialog[ExportRun]):
    """Answers with the export to make, or None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("export", "dialog")

    DEFAULT_CSS = """
    ExportDialog #forks {
        margin-top: 1;
    }
    """

    def __init__(self, run: str, path: str, *, forks: bool) -> None:
        super().__init__(f"Export run {short(run)}")
        self._run, self._path, self._forks = run, path, forks

    def body(self) -> ComposeResult:
        """Build the line and the choice."""
        words = "A session file. With the run go those that it was forked from, and its subagents."
        yield Static(plain(words, "muted"), markup=False)
        yield Field(self._path, id="path")
        tick = Tick("its forks too", id="forks")
        tick.value = self._forks
        yield tick

    def on_mount(self) -> None:
        """Write the path at once."""
        super().on_mount()
        self.query_one("#path").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        path = event.value.strip()
        if path:
            self.dismiss(ExportRun(self._run, path, forks=self.query_one("#forks", Tick).value))
        else:
            self.show_problem(f"Write the name of a file; {key_of('leave')} leaves.")
