"""Groups of tools: one of them switched on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.driver.commands import SwitchTools
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.views.segments import Segment
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen

_KEYS: Final = "123456789abcdefghijklmnopqrstuvwxyz"
_NAME_WIDTH, _HELP_WIDTH = 28, 60


async def switch_tools(screen: MainScreen) -> None:
    """Ask which group is to be switched, and switch it."""
    agent = screen.watched.state.agent
    groups = agent.groups[: len(_KEYS)] if agent is not None else ()
    choices = [
        Choice(
            key,
            key,
            f"{one_line(group.name, _NAME_WIDTH)}: switch {'off' if group.active else 'on'}",
            one_line(group.description, _HELP_WIDTH),
        )
        for key, group in zip(_KEYS, groups, strict=False)
    ]
    facts = [
        (Segment("It holds from the next request on, of which the provider's cache then knows nothing.", "muted"),),
    ]
    chosen = await screen.ask_in(ChoiceDialog("Switch tools", facts, choices))
    if chosen is not None:
        group = groups[_KEYS.index(chosen)]
        await screen.bridge.ask(SwitchTools(screen.watched.run, {group.name: not group.active}))
        screen.say(f"The tools of {one_line(group.name, _NAME_WIDTH)} are {'off' if group.active else 'on'} now.")
