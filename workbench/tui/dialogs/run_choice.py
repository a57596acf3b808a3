"""A run, chosen from the tree of all of them; typing narrows it down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.store.model import RunRow
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import content
from workbench.tui.widgets.field import Field
from workbench.views.run_tree import tree_rows

_MOVES = {"up": "cursor_up", "down": "cursor_down", "pageup": "page_up", "pagedown": "page_down"}

MOST = 200
"""Runs that are shown at once, the newest of those that fit; typing finds the others."""


class RunChoiceDialog(Dialog[str]):
    """Answers with the id of a run, or None. The arrow keys move while one types."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("line", "dialog")

    DEFAULT_CSS = """
    RunChoiceDialog > #frame {
        height: 80%;
    }
    RunChoiceDialog #choices {
        height: 1fr;
        border: none;
        padding: 0;
    }
    """

    def __init__(self, heading: str, rows: Sequence[RunRow]) -> None:
        super().__init__(heading)
        self._rows = rows

    def body(self) -> ComposeResult:
        """Build the line to type in, and the runs."""
        yield Field(placeholder="part of a question, a name, a model, an id", id="line")
        yield OptionList(id="choices", markup=False)

    def on_mount(self) -> None:
        """Let the person type."""
        super().on_mount()
        self.query_one("#line", Field).focus()

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        wanted = self.query_one("#line", Field).value.lower().split()
        rows = [item for item in self._rows if all(word in _text(item) for word in wanted)]
        choices = self.query_one("#choices", OptionList)
        width = max(choices.content_size.width - 2, 20)
        choices.set_options(Option(content(line), id=run) for run, line in tree_rows(rows[:MOST], width))
        choices.highlighted = 0 if rows else None
        self.show_problem("" if rows else "No run has all of these words.")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the runs that fit."""
        event.stop()
        self._fill()

    def on_key(self, event: events.Key) -> None:
        """Move among the runs while the line has the focus."""
        if event.key in _MOVES:
            event.stop()
            event.prevent_default()
            getattr(self.query_one("#choices", OptionList), f"action_{_MOVES[event.key]}")()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the run under the cursor."""
        event.stop()
        option = self.query_one("#choices", OptionList).highlighted_option
        if option is not None:
            self.dismiss(option.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the run that was clicked."""
        event.stop()
        self.dismiss(event.option_id)


def _text(item: RunRow) -> str:
    return " ".join([item.id, item.name, item.task, item.model, item.status, item.edited, *item.tags]).lower()
