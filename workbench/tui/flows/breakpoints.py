"""Breakpoints: their list, one before a call's tool, and what is told when one is hit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from workbench.debugger.breakpoints import rule_before
from workbench.driver.commands import BreakpointSetting, ListBreakpoints, SetBreakpoints
from workbench.events.run import BreakpointHit
from workbench.state.run_state import RunState
from workbench.tui.dialogs.breakpoints import BreakpointsDialog, Settings
from workbench.tui.watching import Watched
from workbench.views.selection import Selection
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
    screen.say(f"{said}; b shows the list.")


def tell_hit(screen: MainScreen, watched: Watched, told: object) -> object:
    """Say once which breakpoint a run hit, and put the cursor on its call when it rests; return what is told now."""
    state = watched.history.live
    if not state.breakpoint or watched.is_scrubbing:
        return told if watched.is_scrubbing else None
    now = (watched.run, state.breakpoint, len(state.hits), state.end is not None)
    if told == now:
        return now
    if told != (*now[:3], False):
        then = "Space goes on." if state.end is not None else "The run rests once what is in flight is done."
        screen.say(f"Breakpoint {one_line(state.breakpoint, 300)}. {then}", "warning")
    if state.end is not None and state.steps:
        screen.call_after_refresh(partial(screen.timeline.select, _place_of(state)))
    return now


def _place_of(state: RunState) -> Selection:
    """Return what the breakpoint is about: the call, or else the last step."""
    call = state.hit[1] if state.hit is not None else None
    if call is not None and state.call(call) is not None:
        return Selection("call", step=int(call.partition(".")[0]), call=call)
    return Selection("step", step=state.steps[-1].index)
