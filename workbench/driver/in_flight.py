"""What a person wants of a call while it runs: another attempt, or more time. Its siblings go on.

The loop, which alone starts and ends calls, does it at its next round.
"""

from __future__ import annotations

import math

from workbench.driver import commands as c
from workbench.driver.decisions import find_call, may_run
from workbench.driver.session import Session
from workbench.errors import EditRefusedError
from workbench.state.parts import CallState
from workbench.tools.control import SPAWN_SUBAGENT

MOST_SECONDS = 86_400.0
"""The most that a call can be given at once: a day."""


async def change_running(session: Session, command: c.RetryCall | c.GiveTime) -> None:
    """Begin a running call anew, or let it take longer; raises `EditRefusedError` where it does not run."""
    run = await session.store.resolve(command.run)
    async with session.deciding(run) as state:
        call = find_call(state, command.call)
        live = session.live.get(run)
        if why := refusal(call, command):
            raise EditRefusedError(why)
        if live is None or not may_run(live, call):
            raise EditRefusedError(f"call {call.id} does not run any more; resume run {run[:8]} first")
        if isinstance(command, c.RetryCall):
            live.loop.retry_call(command.call)
        else:
            live.loop.give_time(command.call, command.seconds)


def refusal(call: CallState, command: c.RetryCall | c.GiveTime) -> str:
    """Return why that cannot be done to the call, as a sentence; empty where it can."""
    if isinstance(command, c.GiveTime) and not 0 < command.seconds <= MOST_SECONDS:
        given = f"{command.seconds:g} s" if math.isfinite(command.seconds) else "no end of time"
        return f"a call can be given up to {MOST_SECONDS:g} s more, not {given}"
    if call.has_result:
        return f"call {call.id} has its result already; fork at `{call.id}` to run it again"
    if call.status != "running":
        return f"call {call.id} does not run; it is {call.status}"
    if call.tool != SPAWN_SUBAGENT:
        return ""
    if isinstance(command, c.GiveTime):
        return f"call {call.id} is a subagent: it has no timeout, only the limits of its own run"
    return (
        f"call {call.id} is a subagent, which is not begun anew while it runs; open it to steer it, or cancel the "
        "call and run it again in a fork"
    )
