"""Search over all runs: words in, the runs that say them out, as one types.

The index is brought up to the log first; that shows its progress here and can be stopped, and what is indexed already
is found all the same. What is typed is words and never a language: nothing in it can be an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.driver.commands import FoundRun, IndexRuns, SearchRuns
from workbench.errors import OperationCancelledError, WorkbenchError
from workbench.tui.actions import bindings
from workbench.tui.bridge import Bridge, Changes
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import content, plain
from workbench.tui.widgets.field import Field
from workbench.tui.widgets.progress import ProgressLine
from workbench.views.found import FoundLine, found_lines, found_words

PAUSE: Final = 0.12
"""Seconds without a key after which is searched."""
HINT: Final = "Words that must all be there; the last may be the beginning of one."


class Hit(NamedTuple):
    """What was chosen."""

    run: str
    seq: int | None
    """Of the event; None for the run as a whole."""
    query: str


class SearchDialog(Dialog[Hit]):
    """Answers with what was chosen, or None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("search", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("search")]

    DEFAULT_CSS = """
    SearchDialog > #frame {
        width: 96%;
        height: 90%;
    }
    SearchDialog #found, SearchDialog #found:focus {
        height: 1fr;
        border: none;
        padding: 0;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    SearchDialog #found > .option-list--option {
        padding: 0;
    }
    SearchDialog #found > .option-list--option-highlighted {
        background: $block-cursor-background;
        color: $foreground;
        text-style: none;
    }
    SearchDialog #count {
        height: 1;
    }
    SearchDialog ProgressLine {
        padding: 0;
    }
    """

    def __init__(self, bridge: Bridge, query: str = "") -> None:
        super().__init__("Search over all runs")
        self._bridge, self._query = bridge, query
        self._found: Sequence[FoundRun] = ()
        self._lines: list[FoundLine] = []
        self._pause: Timer | None = None

    def body(self) -> ComposeResult:
        """Build the line, the results and the progress."""
        yield Field(self._query, id="query", placeholder="What to look for")
        yield Static(plain(HINT, "muted"), id="count", markup=False)
        found = OptionList(id="found", markup=False)
        found.can_focus = False
        yield found
        yield ProgressLine(id="indexing")

    def on_mount(self) -> None:
        """Bring the index up; what is typed meanwhile is looked for in what there is."""
        super().on_mount()
        line = self.query_one("#query", Input)
        line.focus()
        line.cursor_position = len(self._query)
        self.run_worker(self._index(), group="index")

    def look(self, changes: Changes) -> None:
        """Show how far the index is."""
        if changes.progress:
            self.query_one(ProgressLine).show(self._bridge.progress.values())

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self.call_after_refresh(self._draw)

    async def _index(self) -> None:
        try:
            await self._bridge.ask(IndexRuns())
        except OperationCancelledError as given_up:
            self.show_problem(f"{str(given_up).capitalize()}.")
        except WorkbenchError as error:
            self.show_problem(str(error))
        await self._search()

    # What is typed

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search when the typing pauses."""
        event.stop()
        self._query = event.value
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._begin_search)

    def _begin_search(self) -> None:
        self.run_worker(self._search(), group="search", exclusive=True)

    async def _search(self) -> None:
        query = self._query
        try:
            found = await self._bridge.ask(SearchRuns(query)) if query.strip() else []
        except WorkbenchError as error:
            self.show_problem(str(error))
            return
        if query == self._query:
            self._found = found
            self._say_count(query)
            self._draw()

    def _say_count(self, query: str) -> None:
        nothing = f"No run says {query.strip()!r}." if query.strip() else HINT
        self.query_one("#count", Static).update(plain(found_words(self._found) if self._found else nothing, "muted"))

    def _draw(self) -> None:
        """Show the results; the cursor goes to the first that is a place in a run."""
        listed = self.query_one("#found", OptionList)
        self._lines = found_lines(self._found, self._query, max(listed.content_size.width - 1, 20))
        listed.set_options(Option(content(each.line)) for each in self._lines)
        first = next((at for at, each in enumerate(self._lines) if each.seq is not None), 0)
        listed.highlighted = first if self._lines else None

    # What is chosen

    async def do_hit_before(self) -> None:
        """Choose the result before."""
        self.query_one("#found", OptionList).action_cursor_up()

    async def do_hit_after(self) -> None:
        """Choose the next result."""
        self.query_one("#found", OptionList).action_cursor_down()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with what is chosen."""
        event.stop()
        self._choose(self.query_one("#found", OptionList).highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with what was clicked."""
        event.stop()
        self._choose(event.option_index)

    def _choose(self, at: int | None) -> None:
        if at is not None and at < len(self._lines):
            chosen = self._lines[at]
            self.dismiss(Hit(chosen.run, chosen.seq, self._query))
