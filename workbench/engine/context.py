"""The context window: keeping requests under their budget, in strides, so that prompt caches hold between them."""

from __future__ import annotations

from workbench.conversation.budget import request_budget
from workbench.conversation.builder import BYTES_PER_TOKEN, elision_mark
from workbench.events.run import ContextElided
from workbench.state.run_state import RunState

TARGET_SHARE = 0.6
"""Above its whole budget a request is brought down to this share of it."""
STRIDE_SHARE = 0.8
"""Where elision leaves more than this share, there is not enough left to leave out, and turns are summed up."""
KEPT_STEPS = 1
"""The last steps whose results are never left out."""


def elision(state: RunState, tokens: int) -> ContextElided | None:
    """Return which results to leave out of requests from here, oldest first, or None where the budget holds."""
    if state.agent is None or tokens <= (budget := request_budget(state.agent)):
        return None
    target = budget * TARGET_SHARE
    left, calls = float(tokens), []
    for step in state.steps[: max(0, state.finished_steps - KEPT_STEPS)]:
        for call in step.asked_calls:
            if left <= target:
                break
            if call.result is None or call.id in state.elided:
                continue
            saved = (call.result.size - len(elision_mark(call.result).encode())) / BYTES_PER_TOKEN
            if saved > 0:
                calls.append(call.id)
                left -= saved
    if not calls:
        return None
    return ContextElided(calls=tuple(calls), tokens_before=tokens, tokens_after=max(0, int(left)))


def summary_end(state: RunState, tokens: int, *, was_elided: bool = False) -> int | None:
    """Return the last step that a summary should stand for, where elision alone does not hold the budget.

    Nor does it where what it could leave out just now was little: else it would be back at each step, and each time
    the provider's cache would be lost.
    """
    share = STRIDE_SHARE if was_elided else 1.0
    if state.agent is None or tokens <= request_budget(state.agent) * share:
        return None
    through = state.finished_steps - 1 - KEPT_STEPS
    already = state.summary[0] if state.summary else -1
    return through if through > already else None
