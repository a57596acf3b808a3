"""What the inspector tells of a run and of its agent."""

from __future__ import annotations

from workbench.conversation.weights import Weights
from workbench.events.agent import AgentRecord
from workbench.state.run_state import RunState
from workbench.views.binary import given_labels
from workbench.views.marks import reason_words, run_mark
from workbench.views.segments import Segment
from workbench.views.sheet import Sheet
from workbench.views.text import human_cost, human_seconds, human_tokens, inert


def add_run(sheet: Sheet, state: RunState, weights: Weights | None) -> None:
    """Add how a run stands, where it comes from, what it used, and what its agent is."""
    if not state.run:
        return
    status, reason = state.status_and_reason
    sheet.head("run", right=inert(state.run)[:8])
    mark = run_mark(status)
    sheet.add(Segment(f"{mark.glyph} {mark.word}", mark.style), Segment(f" {reason_words(reason)}", "muted"))
    if state.error:
        sheet.text(state.error, 12, "error")
    if state.made_from or state.parent:
        origin = inert(state.made_from or state.parent or "")[:8]
        sheet.field("fork of", f"{origin} at {state.address}" if state.address else origin, "edited")
    if state.own_edits:
        sheet.field("changed", ", ".join(state.own_edits), "edited")
    sheet.section("task")
    sheet.text(state.task, 12)
    for label in given_labels(state.question):
        sheet.add(Segment(f" {label}", "link"))
    sheet.section("usage")
    sheet.usage("own", state.usage)
    if state.child_steps:
        sheet.usage("total", state.total_usage)
        sheet.field("subagents", f"ran {state.child_steps} steps")
    sheet.field("time", human_seconds(state.driven_seconds))
    if state.late_results:
        sheet.field("late", f"{state.late_results} results came after their call was given up", "waiting")
    sheet.context("context of the next request", weights)
    if state.agent is not None:
        _add_agent(sheet, state, state.agent)


def _add_agent(sheet: Sheet, state: RunState, agent: AgentRecord) -> None:
    sheet.section("agent")
    sheet.field("name", agent.name)
    if agent.path is not None:
        sheet.field("file", inert(agent.path))
    sheet.field("model", agent.model)
    if agent.corpus is not None:
        sheet.field("documents", agent.corpus.title)
    calls = "one by one" if not agent.parallel_tool_calls else f"up to {agent.limits.calls_at_once} at once"
    sheet.field("calls", calls if state.mode == "parallel" else f"{calls}; one by one after failures")
    sheet.field("tools", ", ".join(tool.name for tool in agent.tools))
    limits = agent.limits
    sheet.section("limits")
    used = f"{len(state.steps)} of " if limits.steps is not None else f"{len(state.steps)}, "
    sheet.field("steps", f"{used}{'no limit' if limits.steps is None else limits.steps}")
    if limits.tokens is not None:
        sheet.field("tokens", f"{human_tokens(state.total_usage.total_tokens)} of {human_tokens(limits.tokens)}")
    if limits.cost is not None:
        sheet.field("cost", f"{human_cost(state.total_usage.cost)} of {human_cost(limits.cost)}")
    if limits.seconds is not None:
        sheet.field("time", f"{human_seconds(state.driven_seconds)} of {human_seconds(limits.seconds)}")
    sheet.section("instructions")
    sheet.text(agent.instructions, 12, "muted")
