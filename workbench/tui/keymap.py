"""Keys of a person's own: what the settings file may give to actions, checked before the screen appears.

The registry is the one source of what a key does. Here its actions get other keys, and Textual is told of them, so
that bindings, the line of keys, the palette and `?` follow. What cannot be meant is a sentence that names the entry.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

from workbench.errors import ConfigError
from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, DEFAULTS, changed, in_scope, shown_key
from workbench.tui.context import WHERE, Scope

FOCUSES: Final[tuple[tuple[Scope, ...], ...]] = (
    ("main", "app"),
    ("runs", "main", "app"),
    ("plan", "main", "app"),
    ("plan_edit", "main", "app"),
    ("plan_typing", "main", "app"),
    ("prompt", "main", "app"),
    ("invitation", "main", "app"),
    ("find", "main", "app"),
    ("find_line", "main", "app"),
    ("compare", "app"),
    ("race", "app"),
    ("metrics", "app"),
    ("request", "app"),
    ("tour", "app"),
    ("dialog", "app"),
    ("edit", "text", "dialog", "app"),
    ("preview", "dialog", "app"),
    ("hand", "text", "dialog", "app"),
    ("fork", "dialog", "app"),
    ("line", "dialog", "app"),
    ("question", "dialog", "app"),
    ("breakpoints", "dialog", "app"),
    ("search", "dialog", "app"),
    ("themes", "dialog", "app"),
    ("filter", "dialog", "app"),
    ("race_setup", "dialog", "app"),
    ("note", "text", "dialog", "app"),
    ("export", "line", "dialog", "app"),
    ("page", "dialog", "app"),
)
"""Whose keys hold at the same time, wherever a person is; the narrowest place first."""

TYPING: Final[frozenset[Scope]] = frozenset(
    {
        "plan_typing",
        "prompt",
        "invitation",
        "find_line",
        "edit",
        "hand",
        "text",
        "fork",
        "line",
        "question",
        "search",
        "race_setup",
        "note",
        "export",
    }
)
"""Where a person types, so that a letter can be nothing but a letter."""
_TYPED: Final = frozenset({"space", "enter", "backspace", "delete", "left", "right", "up", "down", "home", "end"})

MOVING: Final = frozenset({"h", "j", "k", "l", "g", "G", "home", "pageup", "pagedown"})
"""Keys by which the panes themselves move."""

_MODIFIERS: Final = ("ctrl", "alt", "shift", "super")
_NAMES: Final = frozenset(key.value for key in Keys if "+" not in key.value and not key.value.startswith("<"))
_SAME: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "return": "enter", "esc": "escape", " ": "space"}
"""Other names of keys, and keys that a terminal cannot tell from others."""


def check_keys(keys: Mapping[str, Sequence[str]], file: Path) -> dict[str, tuple[str, ...]]:
    """Return the keys that a settings file gives to actions, as the registry writes them.

    Raises `ConfigError` naming the file, the entry and, where there is one, the nearest right name.
    """
    named = {action: tuple(_named(file, action, key) for key in given) for action, given in keys.items()}
    after = changed(named)
    for action, given in named.items():
        for key in given:
            if key not in DEFAULTS[action].keys and (why := _objection(after, after[action], key)):
                raise ConfigError(f"{_entry(file, action, key)}: {why}")
    return named


def textual_keymap() -> dict[str, str]:
    """Return what Textual has to know of changed keys; nothing where all actions have their own.

    It is told of every action, because it drops other bindings of a key that it takes away.
    """
    if all(ACTIONS[name].keys == action.keys for name, action in DEFAULTS.items()):
        return {}
    keymap: dict[str, str] = {}
    for name, action in DEFAULTS.items():
        keys = [textual_key(key) for key in ACTIONS[name].keys]
        keymap |= {f"{name}.{number}": keys[-1] for number in range(len(action.keys))}  # each has to be somewhere
        keymap[f"{name}.0"] = ",".join(keys)
    return keymap


def key_name(text: str) -> str | None:
    """Return a key as the registry writes it: `k`, `ctrl+k`, `f5`, `,`; None for what is no key."""
    *modifiers, last = _parts(text)
    modifiers = [modifier.lower() for modifier in modifiers]
    base = _base_name(last, is_letter_alone=not modifiers)
    if not base or any(modifier not in _MODIFIERS for modifier in modifiers):
        return None
    if modifiers == ["shift"] and len(base) == 1:
        return base.upper() if base.isalpha() else None  # what shift makes of another sign depends on the keyboard
    if modifiers and len(base) == 1 and not base.isalnum():
        base = textual_key(base)
    name = "+".join([*(modifier for modifier in _MODIFIERS if modifier in modifiers), base])
    return _SAME.get(name, name)


def _parts(text: str) -> list[str]:
    """Split `ctrl+k`; in `ctrl++` the last one is the key of that name."""
    if text.endswith("++"):
        return [*text[:-2].split("+"), "+"]
    return text.split("+") if len(text) > 1 else [text]


def _base_name(base: str, *, is_letter_alone: bool) -> str | None:
    if len(base) == 1:
        return (base if is_letter_alone else base.lower()) if base.isprintable() else None
    name = _SAME.get(base.lower(), base.lower())
    return name if name in _NAMES else key_to_character(name)


def textual_key(key: str) -> str:
    """Return a key as Textual spells it: signs by name."""
    if len(key) > 1 or key.isalnum():
        return key
    name = unicodedata.name(key).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _entry(file: Path, action: str, key: str) -> str:
    return f"the settings file {str(file)!r} gives the key {key!r} to {action!r} in [keys]"


def _named(file: Path, action: str, key: str) -> str:
    if action not in DEFAULTS:
        near = get_close_matches(action, DEFAULTS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`?` in the workbench names them all"
        raise ConfigError(f"{_entry(file, action, key)}: there is no such action; {hint}")
    name = key_name(key)
    if name is None:
        near = get_close_matches(key.lower(), [*sorted(_NAMES), *(f"ctrl+{letter}" for letter in "abcdefg")], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write it as k, ctrl+k, f5, space or comma"
        raise ConfigError(f"{_entry(file, action, key)}: there is no such key; {hint}")
    return name


def _objection(actions: Mapping[str, Action], action: Action, key: str) -> str:
    """Return why an action cannot have a key that is not its own."""
    if action.is_native:
        return "this one belongs to what has the focus and cannot be given another"
    if action.scope in TYPING and (len(key) == 1 or key in _TYPED):
        return "one types there, so it would be typed; take one with ctrl, or a function key"
    if action.scope in ("main", "runs", "find", "app") and key in MOVING:
        return "the panes move by it"
    for other, place in _beside(actions, action):
        both_have = set(DEFAULTS[action.id].keys) & set(DEFAULTS[other.id].keys)
        if key in other.keys and key not in both_have and not _hides_by_nature(other, key):
            where = f" {WHERE[place]}" if place in WHERE else ""
            return f"{shown_key(key)} is {other.id!r}{where}; give that another key too"
    return ""


def _hides_by_nature(action: Action, key: str) -> bool:
    """Whether a key of a narrow place hides that of a wider one in the tables already, so that nothing new is lost."""
    wider = {scope for focus in FOCUSES if focus[0] == action.scope for scope in focus[1:]}
    return key in DEFAULTS[action.id].keys and any(
        key in other.keys for other in DEFAULTS.values() if other.scope in wider
    )


def _beside(actions: Mapping[str, Action], action: Action) -> Iterator[tuple[Action, Scope]]:
    """Return the other actions that are at hand where one is, each with the place."""
    for focus in FOCUSES:
        if action.scope in focus:
            here = {other.id for other in in_scope(*focus)}
            yield from ((other, focus[0]) for other in actions.values() if other.id in here - {action.id})
