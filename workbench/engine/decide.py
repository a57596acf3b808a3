"""What to do next, from the state alone. The heart of resuming: there is no position but the log."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.events.content import TextBlock
from workbench.events.run import Citation
from workbench.state.parts import StepMark, StepState
from workbench.state.run_state import RunState
from workbench.tools.control import SUBMIT_ANSWER


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing goes on without a person."""


@dataclass(frozen=True, slots=True)
class Propose:
    """Ask the model for a plan."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Accept the proposed plan without asking."""


@dataclass(frozen=True, slots=True)
class Think:
    """Ask the model for the next turn."""

    step: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Go on with the calls of the open step."""

    step: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The model is done."""

    reason: str
    answer: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Fail:
    """The model's last turn is no answer: it was cut."""

    error: str


Action = Rest | Propose | Approve | Think | Dispatch | Finish | Fail


def next_action(state: RunState) -> Action:
    """Return what the loop does next."""
    if state.agent is None or state.is_resting:
        return Rest()
    if state.plan is None and state.agent.plan != "off" and not state.steps:
        return Propose()
    if state.plan is not None and state.plan.status == "proposed":
        return Approve()
    if state.open_step is not None:
        return Dispatch(state.open_step.index)
    if state.steps and state.steps[-1].turn.status == "finished":
        return _after(state, state.steps[-1])
    return Think(max(0, len(state.steps) - 1) if state.steps else 0)


def _after(state: RunState, step: StepState) -> Action:
    if not _is_answered(state, step):
        if (cut := cut_words(state)) is not None:
            return Fail(cut)
        if not step.turn.calls:
            return Finish("halted", _text_of(step))
        submitted = submission(step)
        if submitted is not None:
            return Finish("answered", *submitted)
    return Think(len(state.steps))


def _is_answered(state: RunState, step: StepState) -> bool:
    """Whether somebody has said something after a step."""
    return not (isinstance(state.entries[-1], StepMark) and state.entries[-1].index == step.index)


def cut_words(state: RunState) -> str | None:
    """Return what cut the last turn, and what to do, where it was to be the answer; None where it was not cut."""
    step = state.steps[-1] if state.steps else None
    if step is None or not step.is_cut or _is_answered(state, step):
        return None
    if step.turn.stop_reason == "max_tokens":
        tokens = state.agent.parameters.max_tokens if state.agent is not None else 0
        return (
            f"the answer was cut at its limit of {tokens} tokens: fork before it, at `{step.index}`, with a larger "
            'max_tokens, or say something, such as "Go on."'
        )
    return (
        "the answer was cut, because the conversation fills all that the model can read: fork at an earlier step, or "
        "with a smaller limit of request_tokens"
    )


def submission(step: StepState) -> tuple[str, tuple[Citation, ...]] | None:
    """Return the answer and citations that the step submitted, or None where it submitted none that counts."""
    for call in step.asked_calls:
        accepted = call.tool == SUBMIT_ANSWER and call.outcome == "ok" and call.original is None
        if accepted and call.status == "finished":
            given = call.input.get("citations")
            citations = tuple(
                Citation(source=str(item.get("source", "")), quote=str(item.get("quote", "")))
                for item in (given if isinstance(given, list) else [])
                if isinstance(item, dict)
            )
            return str(call.input.get("answer", "")), citations
    return None


def _text_of(step: StepState) -> str:
    return "\n".join(block.text for block in step.turn.content if isinstance(block, TextBlock)).strip()
