"""Hooks for tests, and the checks that hold for every run that has any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.loop_kit import Lab
from workbench.agent.hooks import METHODS, Hooks
from workbench.debugger.requests import rebuild, sent_turns
from workbench.events.run import HookChanged
from workbench.state.fold import fold
from workbench.state.history import History


def hook(name: str = "Test", /, **methods: Callable[..., Any]) -> Hooks:
    """Return a hook with these methods, given without `self`."""
    assert set(methods) <= set(METHODS)

    def method(function: Callable[..., Any]) -> Callable[..., Any]:
        async def ask(_: Hooks, *seen: Any) -> Any:
            given = function(*seen)
            return await given if hasattr(given, "__await__") else given

        return ask

    made = type(name, (Hooks,), {key: method(value) for key, value in methods.items()})()
    assert isinstance(made, Hooks)
    return made


def changes(lab: Lab) -> list[tuple[str, str, str]]:
    """Return what hooks changed: method, before, after."""
    return [(event.what, event.before, event.after) for event in lab.all(HookChanged)]


async def check_log(lab: Lab) -> None:
    """Fail where the log does not give the live state, at every moment, or not the requests that were sent."""
    records = lab.journal.records
    assert fold(records) == lab.state
    history = History()
    for record in records:
        history.append(record)
    for seq in range(0, len(records), 3):
        assert history.at(seq) == fold(records[: seq + 1])
    sent = [await rebuild(history, turn.seq, lab.journal.contents) for turn in sent_turns(records)]
    assert all(one.is_exact for one in sent)
    assert [one.request for one in sent] == lab.requests
