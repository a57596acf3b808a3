"""Hooks in a run: asked one after the other, bounded in time, and what they change made into events.

A hook is a stranger's code. Whatever it does, the run goes on: what it changed, and that it came to nothing, are facts
of the log. It knows nothing of when it is asked; the loop, the turns and the dispatcher do.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, TypeVar

from workbench.agent.hooks import CHANGE_CALLS, Answer, Call, Context, Hooks, Turn, overrides
from workbench.conversation.builder import Prepared
from workbench.engine import hook_values as values
from workbench.engine.hook_values import HookFailedError, changed, failed, step_of
from workbench.engine.journal import Journal
from workbench.engine.results import described
from workbench.engine.running import guarded
from workbench.engine.surroundings import Surroundings
from workbench.errors import ToolError
from workbench.events.base import Event
from workbench.events.content import Content, binary_blocks, normalise_text, plain_text, text_content
from workbench.events.request import Message
from workbench.events.run import HookChanged
from workbench.state.parts import Said, StepMark
from workbench.tools.base import ToolResult
from workbench.tools.control import answer_text, answer_tool

HOOK_SECONDS = 60.0
"""How long a hook may take."""

T = TypeVar("T")


class HookStoppedError(Exception):
    """A person stopped the run while a hook was asked; it is asked again when the run goes on."""


class DeniedError(Exception):
    """A hook does not let a call run; the words say why."""


@dataclass(frozen=True, slots=True)
class Denied:
    """A call that a hook does not let run."""

    reason: str


class HookRunner:
    """The hooks of one run. What it returns as events, whoever asks writes down."""

    def __init__(self, journal: Journal, around: Surroundings) -> None:
        self._journal, self._around = journal, around
        self._stopped = asyncio.Event()
        self._left: set[asyncio.Task[Any]] = set()
        """Hooks that are waited for no longer and do not end."""
        self._copies: list[tuple[Message, Message]] = []
        """The messages that hooks were shown last, with the copies that they were given: each is made once."""
        self._heard: int | None = None
        """Seq up to which messages were heard; None before the first look."""

    # Which there are.

    def want(self, *methods: str) -> bool:
        """Return whether any hook wants to see what one of these methods shows."""
        return bool(self._around.hooks) and bool(self._wanting(*methods))

    def _wanting(self, *methods: str) -> list[Hooks]:
        agent = self._journal.state.agent
        names = agent.hooks if agent is not None else ()
        here = (hook for hook in self._around.hooks if hook.name in names)
        return [hook for hook in here if any(overrides(hook, method) for method in methods)]

    @property
    def change_calls(self) -> bool:
        """Whether calls have to wait for their hooks, so that none starts early."""
        return self.want(*CHANGE_CALLS)

    @property
    def missing(self) -> list[Event]:
        """What to say of the hooks that the log names and that are not here; it is said once."""
        state, here = self._journal.state, {hook.name for hook in self._around.hooks}
        names = state.agent.hooks if state.agent is not None else ()
        unsaid = [name for name in dict.fromkeys(names) if name not in here and name not in state.missing_hooks]
        return [changed(name, "missing", "", "its code is not here", step=len(state.steps)) for name in unsaid]

    def stop(self) -> None:
        """Wait no longer for hooks that can be asked again."""
        self._stopped.set()

    def reset(self) -> None:
        """Forget that hooks were stopped, before a run goes on."""
        self._stopped.clear()

    # What they are shown.

    async def before_run(self) -> list[Event]:
        """Show the task before the first turn of all; it is changed once."""
        state = self._journal.state
        known = any(note.what == "before_run" for note in state.hook_notes.get(0, ()))
        if state.steps or state.plan_turn is not None or known or not self.want("before_run"):
            return []
        files = tuple(binary_blocks(state.question))

        def change(hook: str, old: str, new: str) -> HookChanged:
            return changed(hook, "before_run", old, new, step=0, content=(*text_content(new), *files))

        return (await self._chain("before_run", values.words_of(state.question), values.new_words, change))[1]

    async def hear(self, step: int) -> None:
        """Show what people said since the last request, and write down what is changed of it.

        When it returns nothing is unheard, so whoever makes a request at once makes it of what was heard alone.
        """
        while self.want("on_message") and (new := self._unheard()):
            heard, self._heard = self._heard, self._journal.state.seq
            events: list[Event] = []
            try:
                for said in new:
                    events += (await self._message(said.content, step=step, message=said.seq))[1]
            except (HookStoppedError, asyncio.CancelledError):
                self._heard = heard
                raise
            if events:
                await self._journal.append(*events)

    def _unheard(self) -> list[Said]:
        state = self._journal.state
        if self._heard is None:  # the run is resumed here: what the last turn was asked was heard
            self._heard = state.steps[-1].before_seq if state.steps else -1
        new: list[Said] = []
        for entry in reversed(state.entries):
            if isinstance(entry, StepMark) and (state.steps[entry.index].turn_seq or 0) <= self._heard:
                break
            if isinstance(entry, Said) and entry.seq > self._heard and not entry.is_hooked:
                new.insert(0, entry)
        return new

    async def _message(
        self, content: Content, *, step: int, message: int | None = None, call: str | None = None
    ) -> tuple[Content, list[Event]]:
        def change(hook: str, old: Content, new: Content) -> HookChanged:
            whole, texts = new if call is None else (), (plain_text(old), plain_text(new))
            return changed(hook, "on_message", *texts, step=step, content=whole, message=message, call=call)

        is_stoppable = call is None
        return await self._chain(
            "on_message", content, values.new_content, change, step=step, call=call, is_stoppable=is_stoppable
        )

    async def before_turn(self, step: int, prepared: Prepared) -> list[Event]:
        """Show what the model is about to be asked; what hooks add is said once for each turn."""
        events: list[Event] = []
        messages = self._copied(prepared.request.messages)
        context = Context(step, self._journal.state.task, messages, prepared.tokens)
        for hook in self._wanting("before_turn"):
            try:
                given = await self._ask(hook, "before_turn", context, is_theirs=True)
                if given is not None:
                    nothing: Content = ()
                    new = values.made(values.new_content, nothing, given)
                    events.append(changed(hook.name, "before_turn", "", plain_text(new), step=step, content=new))
            except HookFailedError as error:
                events.append(failed(hook, "before_turn", error, step=step))
        return events

    def _copied(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Return messages as hooks' own; those that they have are not copied again, so that a long run stays linear."""
        pairs = zip(self._copies, messages, strict=False)
        known = sum(1 for _ in takewhile(lambda pair: pair[0][0] is pair[1], pairs))
        self._copies[known:] = [(message, copy.deepcopy(message)) for message in messages[known:]]
        return tuple(theirs for _, theirs in self._copies)

    def is_prepared(self, step: int) -> bool:
        """Whether hooks have nothing to say before a turn any more."""
        notes = self._journal.state.hook_notes.get(step, ())
        return any(note.what == "before_turn" for note in notes) or not self.want("before_turn")

    async def after_turn(self, turn: Turn) -> tuple[Turn, list[Event]]:
        """Show a turn before it is stored."""

        def change(hook: str, old: Turn, new: Turn) -> HookChanged:
            return changed(hook, "after_turn", values.turn_text(old), values.turn_text(new), step=turn.step)

        return await self._chain("after_turn", turn, values.new_turn, change, step=turn.step)

    async def before_call(self, call: Call) -> tuple[Call | Denied, list[Event]]:
        """Show a call before it runs."""
        events: list[Event] = []
        about = {"step": step_of(call.id), "call": call.id}
        for hook in self._wanting("before_call"):
            before = values.input_text(call)
            try:
                given = await self._ask(hook, "before_call", call, is_stoppable=False)
                new = call if given is None else values.made(values.new_call, call, given)
            except DeniedError as error:
                denied = changed(hook.name, "denied", before, str(error), **about)
                return Denied(str(error)), [*events, denied]
            except HookFailedError as error:
                events.append(failed(hook, "before_call", error, **about))
                continue
            if (after := values.input_text(new)) != before:
                given_input = dict(new.input)
                events.append(changed(hook.name, "before_call", before, after, **about, input=given_input))
                call = new
        return call, events

    async def after_call(self, call: Call, result: ToolResult, *, is_subagent: bool) -> tuple[ToolResult, list[Event]]:
        """Show a result before it is stored; that of a subagent as something that comes in, first."""
        heard: list[Event] = []
        step = step_of(call.id)
        if is_subagent:
            content, heard = await self._message(result.content, step=step, call=call.id)
            result = replace(result, content=content)

        def change(hook: str, old: ToolResult, new: ToolResult) -> HookChanged:
            before, after = plain_text(old.content), plain_text(new.content)
            return changed(hook, "after_call", before, after, step=step, call=call.id)

        new, events = await self._chain(
            "after_call", result, values.new_result, change, lead=(call,), step=step, call=call.id, is_stoppable=False
        )
        return new, [*heard, *events]

    async def after_run(self, answer: Answer) -> tuple[Answer, list[Event]]:
        """Show the answer before the run ends with it."""
        state = self._journal.state
        wanted, step = (state.agent.output if state.agent is not None else None), max(0, len(state.steps) - 1)

        def make(old: Answer, given: Any) -> Answer:
            if wanted is None:
                new = given if isinstance(given, Answer) else replace(old, text=given)
                return Answer(values.new_words("", new.text), None, tuple(new.citations))
            output = given.output if isinstance(given, Answer) else given
            if not isinstance(output, Mapping):
                raise HookFailedError(f"it returned {type(given).__name__}; the answer has to be an object")
            whole = values.copied(output)
            try:
                answer_tool(wanted, self._around.output).validate(whole)
            except ToolError as error:
                raise HookFailedError(str(error)) from None
            return Answer(answer_text(whole, wanted), whole, old.citations)

        def change(hook: str, old: Answer, new: Answer) -> HookChanged:
            return changed(hook, "after_run", old.text, new.text, step=step)

        return await self._chain("after_run", answer, make, change, step=step, is_stoppable=False)

    async def on_output(self, text: str, step: int | None) -> list[Event]:
        """Show what is to be shown of a turn's text, or (without a step) of the answer."""

        def change(hook: str, old: str, new: str) -> HookChanged:
            return changed(hook, "on_output", old, new, step=step, content=text_content(new))

        if not text.strip() or not self.want("on_output"):
            return []
        about = max(0, len(self._journal.state.steps) - 1) if step is None else step
        is_stoppable = step is not None
        chain = self._chain("on_output", text, values.new_shown, change, step=about, is_stoppable=is_stoppable)
        return (await chain)[1]

    async def shown(self, text: str) -> str | None:
        """Return what is shown of a text that is still being written; None where a hook fails, which is no fact."""
        try:
            for hook in self._wanting("on_output"):
                given = await self._ask(hook, "on_output", text, is_stoppable=False)
                text = text if given is None else values.new_shown(text, given)
        except HookFailedError:
            return None
        return text

    # How.

    async def _chain(
        self,
        method: str,
        value: T,
        make: Callable[[T, Any], T],
        change: Callable[[str, T, T], HookChanged],
        *,
        lead: tuple[Any, ...] = (),
        step: int = 0,
        call: str | None = None,
        is_stoppable: bool = True,
    ) -> tuple[T, list[Event]]:
        """Show a value to each hook that wants to see it, and to the next what the one before made of it."""
        events: list[Event] = []
        for hook in self._wanting(method):
            try:
                given = await self._ask(hook, method, *lead, value, is_stoppable=is_stoppable)
                new = value if given is None else values.made(make, value, given)
            except HookFailedError as error:
                events.append(failed(hook, method, error, step=step, call=call))
                continue
            if new != value:
                events.append(change(hook.name, value, new))
                value = new
        return value, events

    async def _ask(
        self, hook: Hooks, method: str, *seen: Any, is_stoppable: bool = True, is_theirs: bool = False
    ) -> Any:
        """Return what a hook returns; raises `HookFailedError`, and `HookStoppedError` where a person stops the run.

        What it sees is its own, a copy unless that `is_theirs` already: nothing changes where it changes that in place.
        """
        task = asyncio.create_task(self._run(getattr(hook, method), seen if is_theirs else copy.deepcopy(seen)))
        waits: set[asyncio.Task[Any]] = {task}
        if is_stoppable:
            waits.add(asyncio.create_task(self._stopped.wait()))
        try:
            await asyncio.wait(waits, timeout=HOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_done = task.done()
            for waiting in waits:
                self._leave(waiting)
        if not is_done:
            if is_stoppable and self._stopped.is_set():
                raise HookStoppedError
            raise HookFailedError(f"it took longer than {HOOK_SECONDS:g} s")
        if task.cancelled():
            raise HookFailedError("it was cancelled from inside")
        error = task.exception()
        if isinstance(error, ToolError) and method == "before_call":
            raise DeniedError(normalise_text(str(error)) or "a hook of the agent says so")
        if error is not None:
            raise HookFailedError(normalise_text(described(error)))
        return task.result()

    async def _run(self, function: Callable[..., Any], seen: tuple[Any, ...]) -> Any:
        if inspect.iscoroutinefunction(function):
            return await guarded(lambda: function(*seen))
        thread = self._around.threads.run(lambda: function(*seen))
        try:
            given = await thread.future
        except asyncio.CancelledError:
            thread.abandon(lambda _: None)
            raise
        return await guarded(lambda: _awaited(given)) if inspect.isawaitable(given) else given

    def _leave(self, task: asyncio.Task[Any]) -> None:
        """Wait for a task no longer, whatever it does about that."""
        if not task.done():
            task.cancel()
            self._left.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody reports it as forgotten


async def _awaited(given: Awaitable[Any]) -> Any:
    return await given
