"""A choice of themes: the one under the cursor is in force, so that a person sees what they choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.tui.actions import bindings
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import contents, plain
from workbench.views.segments import Line, Segment, Style
from workbench.views.text import one_line

_SAMPLE: tuple[tuple[str, Style], ...] = (
    ("✓ ok", "ok"),
    ("✗ failed", "error"),
    ("⠿ running", "running"),
    ("⏸ waits", "waiting"),
    ("✎ edited", "edited"),
    ("⊘ cancelled", "cancelled"),
)


class Chosen(NamedTuple):
    """A theme, and for how long: this session, or from now on."""

    name: str
    lasts: Literal["session", "always"]


class ThemeDialog(Dialog[Chosen]):
    """Answers with the chosen theme, or None; `preview` puts a theme in force, also when the cursor leaves it."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("themes", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("themes")]

    DEFAULT_CSS = """
    ThemeDialog {
        background: $background 0%;
        align: right middle;
    }
    ThemeDialog > #frame {
        width: 54;
        max-width: 100%;
        margin: 0 2;
    }
    ThemeDialog #sample {
        height: auto;
        margin-bottom: 1;
    }
    ThemeDialog #names, ThemeDialog #names:focus {
        height: auto;
        max-height: 14;
        border: none;
        padding: 0;
    }
    """

    def __init__(self, names: Sequence[str], current: str, preview: Callable[[str], None]) -> None:
        super().__init__("Themes")
        self._names, self._current, self._preview = list(names), current, preview

    def body(self) -> ComposeResult:
        """Build the sample and the list."""
        yield Static(contents(_sample()), id="sample", markup=False)
        yield OptionList(*(Option(plain(self._label(name)), id=name) for name in self._names), id="names", markup=False)

    def _label(self, name: str) -> str:
        sign = "●" if name == self._current else " "
        return f"{sign} {one_line(name, 36)}"

    def on_mount(self) -> None:
        """Begin at the theme in force."""
        super().on_mount()
        names = self.query_one("#names", OptionList)
        names.focus()
        if self._current in self._names:
            names.highlighted = self._names.index(self._current)

    @property
    def _pointed_at(self) -> str:
        at = self.query_one("#names", OptionList).highlighted
        return self._current if at is None else self._names[at]

    @on(OptionList.OptionHighlighted)
    def _show(self) -> None:
        self._preview(self._pointed_at)

    @on(OptionList.OptionSelected)
    async def _take(self) -> None:
        await self.do_theme_keep()

    async def do_theme_keep(self) -> None:
        """Answer with the theme under the cursor, for this session."""
        self.dismiss(Chosen(self._pointed_at, "session"))

    async def do_theme_save(self) -> None:
        """Answer with the theme under the cursor, from now on."""
        self.dismiss(Chosen(self._pointed_at, "always"))

    async def do_leave(self) -> None:
        """Go back to the theme that was in force."""
        self._preview(self._current)
        await super().do_leave()


def _sample() -> list[Line]:
    """Return how things look at each status, two to a line."""
    cells = [Segment(f"{text:<22}", style) for text, style in _SAMPLE]
    return [tuple(cells[at : at + 2]) for at in range(0, len(cells), 2)]
