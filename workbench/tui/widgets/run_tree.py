"""The list of runs, forks and subagents under what they came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.message import Message
from textual.scrollbar import ScrollTo
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from workbench.store.model import RunRow
from workbench.tui.actions import bindings
from workbench.tui.paint import content, plain
from workbench.views.run_tree import TreeRow, tree_rows

OLDER: Final = "↓ older runs"
"""The last line of a list that has not all of them."""


class RunTree(OptionList):
    """Runs by what they came from; the cursor stays on its run while the list changes. Enter opens.

    It has the keys of the list, which are other keys elsewhere, and lets the screen do what they stand for.
    """

    class EndSeen(Message):
        """A person came to the end of the list: older runs may be wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("runs")]

    DEFAULT_CSS = """
    RunTree, RunTree:focus {
        height: 1fr;
        border: none;
        padding: 0;
        background: $background 0%;
        background-tint: $foreground 0%;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    RunTree > .option-list--option, RunTree > .option-list--option-disabled {
        padding: 0;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._rows: Sequence[RunRow] = ()
        self._shown: list[TreeRow] = []
        self._has_older = self._says_older = False
        """Whether there are older runs, and whether the last line says so."""
        self._current = ""
        self._wanted = ""
        """A run that the cursor goes to as soon as it is in the list."""

    @property
    def highlighted_run(self) -> str | None:
        """The run under the cursor."""
        option = self.highlighted_option
        return option.id if option is not None else None

    def show(self, rows: Sequence[RunRow], current: str, *, has_older: bool = False) -> None:
        """Show the runs, and whether there are more; the cursor goes to `current` whenever another run is opened."""
        if current != self._current:
            self._wanted = current
        self._rows, self._current, self._has_older = rows, current, has_older
        self._redraw()

    def choose(self, run: str) -> None:
        """Put the cursor on a run, where it is in the list."""
        self._wanted = run
        self._redraw()

    async def action_do(self, action: str) -> None:
        """Do an action of the registry."""
        await self.screen.run_action(f"do('{action}')")

    def action_cursor_down(self) -> None:
        """Go down a run."""
        super().action_cursor_down()
        self._look_for_end()

    def action_page_down(self) -> None:
        """Go down a page, at the end to the last run."""
        super().action_page_down()  # type: ignore[no-untyped-call]
        if self.highlighted is None:  # the line below the last run is none to stand on
            super().action_last()
        self._look_for_end()

    def action_last(self) -> None:
        """Go to the last run."""
        super().action_last()
        self._look_for_end()

    def on_mouse_scroll_down(self) -> None:
        """See whether the wheel came to the end."""
        self._look_from(self.scroll_target_y)

    def on_scroll_down(self) -> None:
        """See whether a click below the bar brings the end."""
        self._look_from(self.scroll_target_y + self.scrollable_content_region.height)

    def on_scroll_to(self, event: ScrollTo) -> None:
        """See whether the bar was dragged to the end."""
        self._look_from(event.y or 0)

    def _look_for_end(self) -> None:
        if self.highlighted == len(self._shown) - 1:
            self.post_message(self.EndSeen())

    def _look_from(self, top: float) -> None:
        if top >= self.max_scroll_y - 1:  # the line below the last run tells nothing new
            self.post_message(self.EndSeen())

    def on_resize(self) -> None:
        """Fit the lines to the width, and keep the cursor in sight: it may have been set while the list was not."""
        self._redraw()
        self.scroll_to_highlight()

    def _redraw(self) -> None:
        shown = tree_rows(self._rows, max(self.content_size.width - 1, 10))
        names = [run for run, _ in shown]
        if names == [run for run, _ in self._shown] and self._has_older == self._says_older:
            self._change_lines(shown)
        else:
            self._change_rows(shown, names)
        self._shown = shown
        if self._wanted in names:
            self.highlighted = names.index(self._wanted)
            self._wanted = ""

    def _change_lines(self, shown: list[TreeRow]) -> None:
        for before, (run, line) in zip(self._shown, shown, strict=True):
            if line != before.line:
                self.replace_option_prompt(run, content(line))

    def _change_rows(self, shown: list[TreeRow], names: list[str]) -> None:
        """Show other runs; the cursor and what is seen stay where they are, also where the run itself has gone."""
        self._says_older = self._has_older
        at, place, top = self.highlighted_run, self.highlighted or 0, self.scroll_offset.y
        with self.prevent(OptionList.OptionHighlighted):
            older = [Option(plain(OLDER, "muted"), disabled=True)] if self._has_older else []
            self.set_options([*(Option(content(line), id=run) for run, line in shown), *older])
            self.highlighted = names.index(at) if at in names else min(place, len(names) - 1) if names else None
            self.scroll_to(y=top, animate=False)
