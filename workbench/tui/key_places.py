"""The registry by place: what can be pressed where. The help and the page of keys are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from workbench.tui.action import Action
from workbench.tui.context import WHERE, Scope


class Place(NamedTuple):
    """A heading, and what can be done there."""

    title: str
    actions: list[Action]


def by_place(actions: Iterable[Action], here: Scope = "main") -> list[Place]:
    """Return the places with something to do: the one where a person is first, then the main screen, then the rest."""
    known = list(actions)
    own = [Place(f"Here, {WHERE[here]}", _of(known, here))] if here in WHERE else []
    others = [Place(_capital(where), _of(known, scope)) for scope, where in WHERE.items() if scope != here]
    places = [*own, *_main(known), Place("Everywhere", _of(known, "app")), *others]
    return [place for place in places if place.actions]


def _main(actions: list[Action]) -> Iterator[Place]:
    there = _of(actions, "main")
    for group in dict.fromkeys(action.group for action in there):
        yield Place(f"On the main screen: {group.lower()}", [action for action in there if action.group == group])


def _of(actions: list[Action], scope: Scope) -> list[Action]:
    return [action for action in actions if action.scope == scope]


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
