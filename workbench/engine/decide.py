"""What to do next, from the state alone. The heart of resuming: there is no position but the log."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from workbench.events.content import TextBlock
from workbench.events.run import Citation
from workbench.state.parts import CallState, StepMark, StepState
from workbench.state.run_state import RunState
from workbench.tools.control import SUBMIT_ANSWER, answer_text


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
    output: dict[str, JsonValue] | None = None
    """The answer as an object, where the agent wants one."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The model's last turn is no answer: it was cut, or does not fit once too often."""

    error: str


@dataclass(frozen=True, slots=True)
class Tell:
    """The model ended its turn in words where an object is wanted: tell it how to answer."""

    step: int


Action = Rest | Propose | Approve | Think | Dispatch | Finish | Fail | Tell


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
        if (submitted := submission(state, step)) is not None:
            return submitted
        if _wants_object(state) and _is_wrong(step):
            return _after_wrong(state, step)
        if not step.turn.calls:
            return Finish("halted", _text_of(step))
    return Think(len(state.steps))


def _after_wrong(state: RunState, step: StepState) -> Action:
    """Give a wrong answer back to the model, or, once too often, fail."""
    most = state.agent.limits.wrong_answers if state.agent is not None else 0
    if (count := wrong_answers(state)) > most:
        refs = [call.result for call in step.asked_calls if _is_wrong_call(call) and call.result is not None]
        why = refs[-1].first_line if refs else "it ended its turn without submit_answer"
        times = "1 answer" if count == 1 else f"{count} answers"
        return Fail(
            f"the model gave {times} that did not fit the wanted form, the last because {why.rstrip('.')}: fork at "
            f"`{step.index}` with a larger limit of wrong_answers, give the answer yourself, or say something"
        )
    return Think(len(state.steps)) if step.turn.calls else Tell(step.index)


def _wants_object(state: RunState) -> bool:
    return state.agent is not None and state.agent.output is not None


def wrong_answers(state: RunState) -> int:
    """Return how many answers since a person last said something do not fit the wanted form."""
    count = 0
    for entry in reversed(state.entries):
        if isinstance(entry, StepMark):
            step = state.steps[entry.index]
            count += sum(map(_is_wrong_call, step.asked_calls)) if step.turn.calls else not step.is_cut
        elif entry.kind == "message":
            break
    return count


def _is_wrong(step: StepState) -> bool:
    return not step.turn.calls or any(map(_is_wrong_call, step.asked_calls))


def _is_wrong_call(call: CallState) -> bool:
    refused = call.tool == SUBMIT_ANSWER and call.outcome == "invalid_input" and call.original is None
    return refused and call.has_result


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


def submission(state: RunState, step: StepState) -> Finish | None:
    """Return the end that the answer of a step makes, or None where it submitted none that counts."""
    for call in step.asked_calls:
        accepted = call.tool == SUBMIT_ANSWER and call.outcome == "ok" and call.original is None
        if not accepted or call.status != "finished":
            continue
        wanted = state.agent.output if state.agent is not None else None
        answer = answer_text(call.input, wanted)
        if wanted is not None:
            return Finish("answered", answer, output=call.input)
        given = call.input.get("citations")
        citations = tuple(
            Citation(source=str(item.get("source", "")), quote=str(item.get("quote", "")))
            for item in (given if isinstance(given, list) else [])
            if isinstance(item, dict)
        )
        return Finish("answered", answer, citations)
    return None


def _text_of(step: StepState) -> str:
    return "\n".join(block.text for block in step.turn.content if isinstance(block, TextBlock)).strip()
