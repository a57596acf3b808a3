"""What an action is: its name, its keys, where they hold, when it makes sense, and why it does not otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.tui import context as why
from workbench.tui.context import Context, Group, Scope

Label = str | Callable[[Context], str]
Refusal = Callable[[Context], str]
"""Why an action cannot be done now, as a sentence; empty where it can."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person can do."""

    id: str
    keys: tuple[str, ...]
    label: Label
    """One or two words for the line of keys."""
    help: str
    """A sentence for the help and the palette."""
    group: Group
    scope: Scope = "main"
    refusal: Refusal = why.always
    rank: int = 0
    """Place in the line of keys, lowest first; 0 is not shown there."""
    priority: bool = False
    """Wins even where a text field has the focus."""
    in_palette: bool = True
    is_native: bool = False
    """The focused widget has the key by itself; it is only told of here."""
    is_quiet: bool = False
    """Where it cannot be done its key does nothing, instead of saying why: keys that one presses to be sure."""
    shown: str = ""
    """How the line of keys writes its keys, where that is not the first of them."""

    def name(self, context: Context) -> str:
        """Return the label as of now."""
        return self.label if isinstance(self.label, str) else self.label(context)
