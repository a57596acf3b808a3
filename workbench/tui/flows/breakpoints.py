"""Breakpoints: their list, and one before a call's tool."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.debugger.breakpoints import rule_before
from workbench.driver.commands import BreakpointSetting, ListBreakpoints, SetBreakpoints
from workbench.events.run import BreakpointHit
from workbench.tui.actions import key_of
from workbench.tui.dialogs.breakpoints import BreakpointsDialog, Settings
from workbench.views.text import one_line

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def open_list(screen: MainScreen) -> None:
    """Show the list; what is changed in it holds at once."""
    listed: Settings = await screen.bridge.ask(ListBreakpoints())

    async def apply(settings: Settings) -> Settings:
        in_force: Settings = await screen.bridge.ask(SetBreakpoints(settings))
        return in_force

    watched = screen.bridge.watched
    records = watched.history.records if watched is not None else []
    hits = Counter(record.event.rule for record in records if isinstance(record.event, BreakpointHit))
    await screen.ask_in(BreakpointsDialog(listed, apply, hits))


async def break_before_tool(screen: MainScreen) -> None:
    """Switch a breakpoint before the selected call's tool on or off."""
    call = screen.context().call
    if call is None:
        return
    rule, listed = rule_before(call.tool), await screen.bridge.ask(ListBreakpoints())
    known = next((setting for setting in listed if setting.rule == rule), None)
    if known is None:
        is_on, settings = True, (*listed, BreakpointSetting(rule))
    else:
        is_on = not known.is_enabled
        settings = tuple(replace(one, is_enabled=is_on) if one is known else one for one in listed)
    await screen.bridge.ask(SetBreakpoints(settings))
    tool = one_line(call.tool, 60)
    said = f"Runs stop before each call of {tool} now" if is_on else f"Runs do not stop before {tool} any more"
    screen.say(f"{said}; {key_of('breakpoints')} shows the list.")
