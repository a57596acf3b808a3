"""The registry of all actions, put together from the tables of `tables`.

Bindings, the line of keys, the command palette and the help are made from it, so that none of them can say something
else than another. It knows the state of a run and no widget: what an action does stands in `flows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from textual.binding import Binding

from workbench.tui.action import Action
from workbench.tui.context import Context, Scope
from workbench.tui.tables import (
    breakpoints,
    calls,
    compare,
    dialogs,
    find,
    library,
    panes,
    plans,
    playhead,
    race,
    requests,
    runs,
    tour,
    work,
    workbench,
)

_TABLES: Final = (
    runs.ACTIONS,
    compare.ACTIONS,
    calls.ACTIONS,
    requests.ACTIONS,
    plans.ACTIONS,
    playhead.ACTIONS,
    find.ACTIONS,
    panes.ACTIONS,
    race.ACTIONS,
    workbench.ACTIONS,
    tour.ACTIONS,
    breakpoints.ACTIONS,
    dialogs.ACTIONS,
    library.ACTIONS,
    work.ACTIONS,
)
DEFAULTS: Final[dict[str, Action]] = {action.id: action for table in _TABLES for action in table}
"""Every action by its id, with the keys of the tables."""
ACTIONS: Final[dict[str, Action]] = dict(DEFAULTS)
"""Every action by its id, with the keys that it has for this person."""

WINNING: Final[frozenset[Scope]] = frozenset({"plan", "plan_edit", "plan_typing", "runs", "find"})
"""Scopes whose keys may be those of `main`, because whoever is in them means theirs."""

_SHOWN: Final = {
    "space": "space", "enter": "Enter", "escape": "Esc", "tab": "Tab", "backspace": "⌫", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "end": "End",
}  # fmt: skip


def change_keys(keys: Mapping[str, tuple[str, ...]]) -> None:
    """Give actions other keys, by their ids; those that are not named get those of the tables."""
    ACTIONS.update(changed(keys))


def changed(keys: Mapping[str, tuple[str, ...]]) -> dict[str, Action]:
    """Return the actions of the tables with other keys."""
    signs = {
        shown_key(before): shown_key(after)
        for name, given in keys.items()
        for before, after in zip(DEFAULTS[name].keys, given, strict=False)
    }
    actions = {
        name: replace(action, shown=" ".join(signs.get(sign, sign) for sign in action.shown.split()))
        for name, action in DEFAULTS.items()
    }
    return actions | {name: replace(actions[name], keys=given) for name, given in keys.items()}


def in_scope(*scopes: Scope) -> tuple[Action, ...]:
    """Return the actions of these scopes, in the order of the table."""
    return tuple(action for action in ACTIONS.values() if action.scope in scopes)


def bindings(*scopes: Scope) -> list[Binding]:
    """Return Textual's bindings for these scopes; each calls `action_do` of the node that has them.

    They have the keys of the tables; those of a person come with Textual's keymap, which knows a binding by its id.
    """
    return [
        Binding(
            key, f"do('{action.id}')", action.help, show=False, priority=action.priority, id=f"{action.id}.{number}"
        )
        for action in DEFAULTS.values()
        if action.scope in scopes and not action.is_native
        for number, key in enumerate(action.keys)
    ]


def key_of(action: str) -> str:
    """Return the key of an action as people read it, for sentences that tell them what to press."""
    return shown_key(ACTIONS[action].keys[0])


def shown_key(key: str) -> str:
    """Return a key as people read it: `ctrl+s`, `Enter`, `⇧↑`."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    prefix = "".join("⇧" if modifier == "shift" else f"{modifier}+" for modifier in modifiers)
    return prefix + _SHOWN.get(last, last)


def offered(actions: Iterable[Action], context: Context) -> list[Action]:
    """Return those of `actions` that the line of keys shows now, most wanted first."""
    shown = [action for action in actions if action.rank and action.name(context) and not action.refusal(context)]
    wins = context.scope in WINNING
    return sorted(shown, key=lambda action: (wins and action.scope != context.scope, action.rank))


_BESIDE_MAIN: Final[dict[Scope, tuple[Scope, ...]]] = {
    "prompt": ("prompt",),
    "invitation": ("invitation", "app"),
    "plan_edit": ("plan_edit",),
    "plan_typing": ("plan_typing",),
    "find": ("find", "main"),
    "find_line": ("find_line",),
    "plan": ("plan", "main"),
    "runs": ("runs", "main"),
}
"""Whose keys are offered in each place of the main screen."""
_LETTERS: Final[tuple[Scope, ...]] = ("main", "runs", "plan", "find")
"""Places of the main screen in which letters are keys."""
_EVERYWHERE: Final = ("help",)
"""What holds on every screen and is told there."""


def keys_of_main(context: Context) -> list[Action]:
    """Return what the main screen offers where the focus is; a key of the place hides the same key of the screen."""
    actions = in_scope(*_BESIDE_MAIN.get(context.scope, ("main",)))
    own = {key for action in actions if action.scope == context.scope != "main" for key in action.keys}
    seen = [action for action in actions if action.scope == context.scope or not own.intersection(action.keys)]
    return offered([*seen, *(ACTIONS[name] for name in _EVERYWHERE if context.scope in _LETTERS)], context)


def keys_of_screen(scopes: Iterable[Scope], context: Context) -> list[Action]:
    """Return what a screen of its own offers."""
    return offered([*in_scope(*scopes), *(ACTIONS[name] for name in _EVERYWHERE)], context)
