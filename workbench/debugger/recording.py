"""What a recorded run said, ready to be said again: its turns by the key of what was asked, and what calls gave.

A recording is made of the run and its subagents. What a person changed in it is told as changed: an edited text is the
turn that later requests hold, an edited result the one that the model read. Pure: histories in, answers out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from pydantic import JsonValue

from workbench.debugger.requests import SentTurn, sent_turns
from workbench.events.request import Purpose
from workbench.events.turn import TurnFinished
from workbench.providers.recorded import RecordedTurn
from workbench.state.history import History
from workbench.state.parts import CallState, ResultRef, StepState


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as a turn asked for it, and its one result; None where it came to none."""

    tool: str
    input: Mapping[str, JsonValue]
    result: ResultRef | None
    has_started: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded turn, where it stands, and its calls."""

    history: History
    sent: SentTurn
    turn: RecordedTurn
    calls: tuple[RecordedCall, ...] = ()
    hosted: tuple[CallState, ...] = ()
    """What the provider ran itself for the turn."""

    def result_of(self, tool: str, given: Mapping[str, JsonValue], nth: int) -> ResultRef | None:
        """Return what the `nth` call of this turn with that tool and input gave; of fewer, what the last one gave."""
        found = [call.result for call in self.calls if call.tool == tool and call.input == given]
        return found[min(nth, len(found) - 1)] if found else None


@dataclass(slots=True)
class RecordedTree:
    """A run and its subagents; the run itself comes first."""

    histories: Sequence[History]
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """By request key, in the order in which they were given."""
    sent: list[tuple[History, list[SentTurn]]] = field(default_factory=list)
    """Every request of each run, also those that came to no answer."""

    def __post_init__(self) -> None:
        found: list[Answer] = []
        for history in self.histories:
            turns = sent_turns(history.records)
            self.sent.append((history, turns))
            found += [_answer(history, turn, turn.finished) for turn in turns if turn.finished is not None]
        for answer in sorted(found, key=lambda item: (item.sent.at, item.history.live.run)):
            self.answers.setdefault(answer.sent.started.request_key, []).append(answer)

    @property
    def run(self) -> str:
        """The id of the run itself."""
        return self.histories[0].live.run

    def unanswered(self, key: str) -> SentTurn | None:
        """Return a request with that key that was sent and came to no answer."""
        return next((turn for _, turns in self.sent for turn in turns if turn.started.request_key == key), None)

    def after(self, answer: Answer, purpose: Purpose) -> tuple[History, SentTurn] | None:
        """Return the request that its run sent next for that purpose, or None where it sent none."""
        turns = next(turns for history, turns in self.sent if history is answer.history)
        later = (turn for turn in turns if turn.seq > answer.sent.seq and turn.started.purpose == purpose)
        found = next(later, None)
        return None if found is None else (answer.history, found)

    def first(self, purpose: Purpose, task: str, *, is_subagent: bool) -> tuple[History, SentTurn] | None:
        """Return the first request for that purpose: of the run itself, or of the subagent with the nearest task."""
        asked = self.sent[1:] if is_subagent else self.sent[:1]
        firsts = [
            (history, turn)
            for history, turns in asked
            if (turn := next((one for one in turns if one.started.purpose == purpose), None)) is not None
        ]
        return max(firsts, key=lambda item: _nearness(item[0].live.task, task), default=None)


def _nearness(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).quick_ratio()


def _answer(history: History, sent: SentTurn, finished: TurnFinished) -> Answer:
    step = _step_of(history, finished)
    if step is None:
        turn = RecordedTurn(finished.content, finished.stop_reason, finished.usage, finished.provider_parts)
        return Answer(history, sent, turn)
    turn = RecordedTurn(step.turn.content, finished.stop_reason, finished.usage, step.turn.provider_parts)
    hosted = (call for call in step.calls.values() if call.hosted and call.status == "finished")
    return Answer(history, sent, turn, _calls(step), tuple(hosted))


def _step_of(history: History, finished: TurnFinished) -> StepState | None:
    steps = history.live.steps
    return steps[finished.step] if finished.purpose == "step" and finished.step < len(steps) else None


def _calls(step: StepState) -> tuple[RecordedCall, ...]:
    by_id = {call.id: call for call in step.asked_calls}
    calls = ((block, by_id.get(block.id)) for block in step.turn.calls)
    return tuple(
        RecordedCall(block.tool, block.input, call.result, call.started_at is not None)
        if call is not None and call.has_result
        else RecordedCall(block.tool, block.input, None)
        for block, call in calls
    )


def count_taken(
    tree: RecordedTree, histories: Iterable[History]
) -> tuple[dict[str, int], dict[tuple[str, int], Answer]]:
    """Return how far runs that are told out of `tree` have come: answers taken by key, and the answer of each step."""
    taken: dict[str, int] = {}
    of_step: dict[tuple[str, int], Answer] = {}
    finished = [
        (turn, history.live.run)
        for history in histories
        for turn in sent_turns(history.records)
        if turn.finished is not None and turn.started.request_key in tree.answers
    ]
    for turn, run in sorted(finished, key=lambda item: (item[0].at, item[1])):
        key = turn.started.request_key
        answers, number = tree.answers[key], taken.get(key, 0)
        taken[key] = number + 1
        if turn.started.purpose == "step":
            of_step[run, turn.started.step] = answers[min(number, len(answers) - 1)]
    return taken, of_step
