"""Every key and what it does, made from the registry."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, shown_key
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.key_places import by_place
from workbench.tui.paint import contents
from workbench.views.segments import Line, Segment
from workbench.views.text import cell_width, wrap

_KEYS_WIDTH = 14


def help_lines(width: int, here: Scope = "main") -> list[Line]:
    """Return all actions by place, the one where a person is first."""
    lines: list[Line] = []
    for title, actions in by_place(ACTIONS.values(), here):
        lines += [(), (Segment(title, "title"),)] if lines else [(Segment(title, "title"),)]
        for action in actions:
            lines += _action_lines(action, max(width - _KEYS_WIDTH, 8))
    return lines


def _action_lines(action: Action, width: int) -> list[Line]:
    """Return what an action does, beside its keys, one below the other; its name in the settings comes last."""
    keys = [shown_key(key) for key in action.keys]
    name = "" if action.is_native else action.id
    texts = wrap(f"{action.help} {name}".rstrip(), width)
    lines: list[Line] = []
    for number in range(max(len(keys), len(texts))):
        key = f"  {keys[number]}" if number < len(keys) else ""
        text = texts[number] if number < len(texts) else ""
        lead = Segment(key + " " * max(1, _KEYS_WIDTH - cell_width(key)), "key")
        end = len(text) - len(name) if number == len(texts) - 1 else len(text)
        lines.append((lead, Segment(text[:end]), Segment(text[end:], "muted")))
    return lines


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

    def __init__(self, here: Scope = "main") -> None:
        """Begin with the keys of `here`, the place from which the help is asked for."""
        super().__init__("Keys")
        self._here: Scope = here

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
        self.query_one("#lines", Static).update(contents(help_lines(width, self._here)))
