"""Which calls of the run are shown: tools and kinds with how many calls there are of each, any number of them."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.actions import bindings
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import plain
from workbench.tui.widgets.field import Tick
from workbench.views.filter import KINDS, Filter, Kind
from workbench.views.text import cell_width, one_line

_LONGEST_NAME = 48


class FilterDialog(Dialog[Filter]):
    """Answers with what was chosen, or None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("filter", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("filter")]

    DEFAULT_CSS = """
    FilterDialog > #frame {
        max-width: 72;
    }
    FilterDialog #choices {
        height: auto;
        max-height: 24;
    }
    FilterDialog #choices > Static {
        color: $wb-muted;
    }
    FilterDialog #choices > .second {
        margin-top: 1;
    }
    """

    def __init__(self, tools: Counter[str], kinds: Counter[Kind]) -> None:
        super().__init__("Show only some calls")
        self._tools = sorted(tools, key=lambda tool: (-tools[tool], tool))
        self._kinds: list[Kind] = [kind for kind in KINDS if kinds[kind]]
        named = [*((one_line(tool, _LONGEST_NAME), tools[tool]) for tool in self._tools)]
        named += [(KINDS[kind], kinds[kind]) for kind in self._kinds]
        width = max((cell_width(name) for name, _ in named), default=0)
        self._labels = [f"{name}{' ' * (width - cell_width(name))}  {count:>6,}" for name, count in named]

    def body(self) -> ComposeResult:
        """Build the choices, tools first."""
        with VerticalScroll(id="choices", can_focus=False):
            yield Static(plain("of these tools (of all, where none is chosen)", "muted"), markup=False)
            for number, label in enumerate(self._labels):
                if number == len(self._tools):
                    yield Static(plain("and with one of these", "muted"), classes="second", markup=False)
                yield Tick(label, id=f"choice-{number}")

    def on_mount(self) -> None:
        """Begin at the first choice."""
        super().on_mount()
        self.query(Tick).first().focus()

    async def do_filter_up(self) -> None:
        """Go to the choice above."""
        self.focus_previous(Tick)

    async def do_filter_down(self) -> None:
        """Go to the choice below."""
        self.focus_next(Tick)

    async def do_filter_apply(self) -> None:
        """Answer with what is chosen; what the cursor is on, where nothing is."""
        ticks = list(self.query(Tick))
        chosen = [number for number, tick in enumerate(ticks) if tick.value]
        chosen = chosen or [number for number, tick in enumerate(ticks) if tick.has_focus]
        tools = frozenset(self._tools[number] for number in chosen if number < len(self._tools))
        kinds = frozenset(self._kinds[number - len(self._tools)] for number in chosen if number >= len(self._tools))
        self.dismiss(Filter(tools, kinds))
