"""What changed the requests of a run without a word in its conversation, as words. Pure: facts in, words out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from workbench.events.run import ContextElided, ContextSummarised, ToolsSwitched
from workbench.state.parts import CallState
from workbench.state.run_state import Notice, RunState
from workbench.views.segments import Line, Segment
from workbench.views.text import counted, human_tokens, inert, one_line
from workbench.views.tools import switched_words

NOTICE = "┄"
"""Stands before such a line."""


def notice_lines(state: RunState, step: int, width: int) -> list[Line]:
    """Return what made the requests other from a step on, a line each."""
    words = (f"{NOTICE} {inert(notice_words(notice))}" for notice in state.notices_of(step))
    return [(Segment(one_line(line, width), "muted"),) for line in words]


def step_notices(state: RunState, step: int) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a step's requests, as names and values."""
    for notice in state.notices_of(step):
        yield "from here", notice_words(notice)
        if isinstance(notice, ContextElided):
            yield "left out", ", ".join(notice.calls)
    if (since := state.summed_up_at(step)) is not None:
        yield "summed up", f"requests carry a summary instead of this step from step {since} on"


def call_notices(state: RunState, call: CallState) -> Iterator[tuple[str, str]]:
    """Yield what became of a call's result in later requests, as names and values."""
    if (since := state.left_out_at(call.id)) is not None:
        yield "elided", f"requests carry a short mark instead of the result from step {since} on"
    if (since := state.summed_up_at(int(call.id.partition(".")[0]))) is not None:
        yield "summed up", f"requests carry a summary instead of its step from step {since} on"


def notice_words(notice: Notice) -> str:
    """Return what is other from here on."""
    match notice:
        case ContextElided():
            before, after = human_tokens(notice.tokens_before), human_tokens(notice.tokens_after)
            results = counted(len(notice.calls), "old result")
            return f"{results} left out of requests from here: {before} → {after} tokens"
        case ContextSummarised():
            steps = f"steps 0–{notice.through}" if notice.through else "step 0"
            return f"{steps} summed up in requests from here"
        case ToolsSwitched():
            return f"tools switched {switched_words(notice.groups)}"
        case _:
            assert_never(notice)
