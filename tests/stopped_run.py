"""Scenes of runs at breakpoints, as logs."""

from __future__ import annotations

from tests.builders import RunLog, researched_run
from workbench.events.content import TextBlock
from workbench.events.request import ToolCallBlock, TurnBlock, Usage
from workbench.events.run import BreakpointHit, RunPaused
from workbench.events.turn import TurnFinished


def about_to_fetch() -> RunLog:
    """Return a fork whose second turn has just asked for two calls; neither has started."""
    parent = researched_run()
    log = parent.fork("9c1e0b7744aa21d3", parent.state.steps[0].finished_seq or 0)
    log.begin_turn()
    wanted = [("search_docs", {"query": "prepared statements"}), ("fetch_doc", {"name": "pgbouncer-modes::1"})]
    calls = [ToolCallBlock(id=f"1.{place}", tool=tool, input={**given}) for place, (tool, given) in enumerate(wanted)]
    content: tuple[TurnBlock, ...] = (TextBlock(text="I read what the search named first."), *calls)
    usage = Usage(input_tokens=1_700, output_tokens=120)
    finished = TurnFinished(
        step=1, attempt=0, purpose="step", content=content, stop_reason="tool_calls", usage=usage, elapsed=0.8
    )
    log.add(finished, 0.8)
    return log


def stop_at(log: RunLog, call: str | None = "1.1") -> None:
    """Let a run stop at a breakpoint."""
    log.add(BreakpointHit(rule="tool:fetch_*", why=f"before call {call} fetch_doc", call=call))
    log.add(RunPaused(reason="breakpoint"))
