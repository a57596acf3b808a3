"""What hooks changed in a recorded run, told to a run that is told out of it: their code is not here and does not run.

What became part of a turn or of a result is recorded with those. The rest is looked up in the recorded log, beside the
turn that was told last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from workbench.agent.hooks import Answer, Call, Context, Hooks
from workbench.debugger.recording import Answer as RecordedAnswer
from workbench.debugger.recording import RecordedTree
from workbench.engine.hook_values import bounded, input_text, step_of, words_of
from workbench.errors import ToolError
from workbench.events.content import Content
from workbench.events.run import HookChanged, RunStarted
from workbench.state.history import History
from workbench.state.run_state import RunState

Place = tuple[History, int]
"""A recorded run, and a step of it."""


class Recording(Protocol):
    """What a run is told out of."""

    async def loaded(self) -> RecordedTree:
        """Return what was recorded."""
        ...

    def answer_at(self, run: str, step: int) -> RecordedAnswer | None:
        """Return the recorded turn that a step was told."""
        ...

    def state(self, run: str) -> RunState:
        """Return the run that is told, as it is."""
        ...


class ToldHook(Hooks):
    """Stands for a hook of a recorded run in `run`, which is told out of it."""

    def __init__(self, name: str, recording: Recording, run: str) -> None:
        self._name, self._recording, self._run = name, recording, run

    @property
    def name(self) -> str:
        """The name of the hook that it stands for."""
        return self._name

    async def before_run(self, task: str) -> str | None:  # noqa: ARG002 - what is asked here was asked there
        """Return what the task was made."""
        place = await self._place(0)
        found = next(self._changes(place, "before_run"), None)
        return None if found is None else words_of(found.content)

    async def before_turn(self, context: Context) -> Content | None:
        """Return what was said before the turn."""
        found = next(self._changes(await self._place(context.step), "before_turn"), None)
        return None if found is None else found.content

    async def before_call(self, call: Call) -> Call | dict[str, object] | None:
        """Return the input that the call was given, or deny it as it was denied; known by what it was given before."""
        await self._recording.loaded()
        answer = self._recording.answer_at(self._run, step_of(call.id))
        if answer is None:
            return None
        step = answer.history.live.steps[answer.sent.started.step]
        named = {block.id for block in step.turn.calls if block.tool == call.tool}
        if (same := f"{step.index}.{call.id.partition('.')[2]}") in named:
            named = {same}  # else its turn took another number of attempts
        before = bounded(input_text(call))
        for change in self._changes((answer.history, step.index), "before_call", "denied"):
            if change.call not in named or change.before != before:
                continue
            if change.what == "denied":
                raise ToolError(change.after)
            return dict(change.input or {})
        return None

    async def after_run(self, answer: Answer) -> Answer | None:  # noqa: ARG002 - see above
        """Return what the answer was made."""
        place = await self._place(len(self._recording.state(self._run).steps))
        if place is None or next(self._changes((place[0], place[1] - 1), "after_run"), None) is None:
            return None
        told = place[0].live
        return None if told.answer is None else Answer(told.answer, told.output, told.citations)

    def _changes(self, place: Place | None, *what: str) -> Iterator[HookChanged]:
        """Yield what the hook changed at a step of a recorded run."""
        history, step = place if place is not None else (None, 0)
        for record in history.records if history is not None else ():
            event = record.event
            if isinstance(event, HookChanged) and (event.hook, event.step) == (self._name, step) and event.what in what:
                yield event

    async def _place(self, step: int) -> Place | None:
        """Return the step of the recorded run that follows what was told last: its first where nothing was."""
        tree, state = await self._recording.loaded(), self._recording.state(self._run)
        if step == 0:
            history = _twin(tree, state)
            return None if history is None else (history, 0)
        answer = self._recording.answer_at(self._run, step - 1)
        return None if answer is None else (answer.history, answer.sent.started.step + 1)


def _twin(tree: RecordedTree, state: RunState) -> History | None:
    """Return the recorded run of the same task: the run itself, or the first such subagent."""
    if state.caller is None:
        return tree.histories[0]
    return next((one for one in tree.histories[1:] if state.question in (one.live.question, _task(one))), None)


def _task(history: History) -> Content:
    """Return the task of a run as it was before a hook changed it."""
    first = history.records[0].event
    return first.task if isinstance(first, RunStarted) else ()
