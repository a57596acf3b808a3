"""Every key and what it does, made from the registry."""

from __future__ import annotations

from itertools import groupby

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, shown_key
from workbench.tui.context import WHERE
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import contents
from workbench.views.segments import Line, Segment
from workbench.views.text import cell_width, wrap

_KEYS_WIDTH = 14


def help_lines(width: int) -> list[Line]:
    """Return all actions, by group, with where they hold where that is not everywhere."""
    lines: list[Line] = []
    ordered = sorted(ACTIONS.values(), key=_order)
    for group, actions in groupby(ordered, key=lambda action: action.group):
        lines += [(), (Segment(group, "title"),)] if lines else [(Segment(group, "title"),)]
        for action in actions:
            lines += _action_lines(action, max(width - _KEYS_WIDTH, 8))
    return lines


def _action_lines(action: Action, width: int) -> list[Line]:
    """Return what an action does, beside its keys, one below the other; its name in the settings comes last."""
    keys = [action.shown] if action.shown else [shown_key(key) for key in action.keys]
    where = f"{WHERE[action.scope]}: " if action.scope in WHERE else ""
    name = "" if action.is_native else action.id
    texts = wrap(f"{where}{action.help} {name}".rstrip(), width)
    lines: list[Line] = []
    for number in range(max(len(keys), len(texts))):
        key = f"  {keys[number]}" if number < len(keys) else ""
        text = texts[number] if number < len(texts) else ""
        place = len(where) if number == 0 else 0
        lead = Segment(key + " " * max(1, _KEYS_WIDTH - cell_width(key)), "key")
        end = len(text) - len(name) if number == len(texts) - 1 else len(text)
        words = (Segment(text[:place], "muted"), Segment(text[place:end]), Segment(text[end:], "muted"))
        lines.append((lead, *words))
    return lines


def _order(action: Action) -> int:
    groups = list(dict.fromkeys(other.group for other in ACTIONS.values()))
    return groups.index(action.group)


class HelpDialog(Dialog[None]):
    """Shows the keys."""

    DEFAULT_CSS = """
    HelpDialog #help {
        height: 1fr;
    }
    HelpDialog > #frame {
        height: 96%;
    }
    """

    def __init__(self) -> None:
        super().__init__("Keys")

    def body(self) -> ComposeResult:
        """Build the list."""
        with VerticalScroll(id="help"):
            yield Static(id="lines", markup=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        super().on_mount()
        self.query_one("#help").focus()

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        width = self.query_one("#help").content_size.width - 2
        self.query_one("#lines", Static).update(contents(help_lines(width)))
