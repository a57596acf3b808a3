"""`recorded:RUN`: runs whose turns and results come out of a recorded run, wherever a driver's store has it.

All runs of one tree are told out of one recording, so that equal requests get their answers in recorded order, whoever
asks. How far a tree has come is read from its log, so resuming it needs nothing else. Tools are not run: a call gives
what the same call of the recorded turn gave. With `live_tools` those that only read are run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.agent.hooks import Hooks
from workbench.conversation.builder import Contents
from workbench.debugger.recording import Answer, RecordedTree, count_taken
from workbench.debugger.request_difference import difference
from workbench.debugger.requests import rebuild
from workbench.driver.told_hooks import ToldHook
from workbench.errors import ModelError, PermanentModelError, RunNotFoundError, ToolError, UserError
from workbench.events.agent import AgentRecord, ToolSpec
from workbench.events.call import SubagentStarted
from workbench.events.content import plain_text
from workbench.events.request import Request
from workbench.providers.base import Provider
from workbench.providers.recorded import PROVIDER, RecordedHosted, RecordedProvider, RecordedTurn
from workbench.state.history import History
from workbench.state.parts import CallState, ResultRef
from workbench.state.run_state import RunState
from workbench.tools.base import Tool, ToolContext, ToolResult
from workbench.tools.control import SPAWN_SUBAGENT, SUBMIT_ANSWER, SWITCH_TOOLS, answer_tool, submit_answer
from workbench.tools.toolkit import Toolkit

if TYPE_CHECKING:
    from workbench.driver.session import Session

_NAME = f"{PROVIDER}:"
_CONTEXT = "workbench context"
"""The context's name among a replayed tool's arguments: no parameter of a tool can be called that."""
_ENGINES = (SPAWN_SUBAGENT, SUBMIT_ANSWER, SWITCH_TOOLS)
"""Tools that the engine itself handles: subagents run, and their turns are recorded ones."""


class Recordings:
    """The recordings that the live runs of a session are told out of."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._playbacks: dict[tuple[str, str], Playback] = {}
        """By root run and name of the recorded run."""

    async def named(self, agent: AgentRecord) -> tuple[AgentRecord, RunState | None]:
        """Return an agent whose recorded run is named by its whole id, and the state of that run.

        Raises `RunNotFoundError` where there is no such run. For every other model there is no state.
        """
        if not agent.model.startswith(_NAME):
            return agent, None
        run = await self._session.store.resolve(agent.model.removeprefix(_NAME))
        return agent.model_copy(update={"model": f"{_NAME}{run}"}), await self._session.state(run)

    def provider(self, model: str, pace: float, run: str, root: str) -> Provider:
        """Return the provider of a model for a live run."""
        made = self._session.settings.make_provider(model, pace)
        if isinstance(made, RecordedProvider):
            return RecordedProvider(made.run, made.pace, Told(self._playback(root, made.run), run))
        return made

    def toolkit(self, live: Toolkit, agent: AgentRecord, run: str, root: str) -> Toolkit:
        """Return the tools of a run: the live ones, or stand-ins that give what was recorded."""
        if not agent.model.startswith(_NAME):
            return live
        playback = self._playback(root, agent.model.removeprefix(_NAME))
        tools: list[Tool] = []
        for spec in agent.tools:
            tool = live.get(spec.name)
            judge = answer_tool(agent.output) if spec.name == SUBMIT_ANSWER else tool
            if spec.name in _ENGINES and judge is not None:
                tools.append(_Handled.again(judge, spec, partial(playback.refusal, run, spec.name)))
                continue
            if agent.live_tools and tool is not None and tool.spec.effect == "read_only":
                tools.append(tool)
                continue
            inward = tuple(one for one in spec.exposure if one != "outward")  # what is told comes in all the same
            replayed = spec.model_copy(
                update={
                    "effect": "read_only",
                    "permission": "allow",
                    "exclusive": None,
                    "retries": 0,
                    "exposure": inward,
                }
            )
            tools.append(
                Tool(
                    spec=replayed,
                    function=partial(playback.result, run),
                    arguments=tool.arguments if tool is not None else _Anything,
                    is_async=True,
                    wants_context=True,
                    context_name=_CONTEXT,
                    is_told=True,
                )
            )
        return Toolkit(tools)

    def hooks(self, live: tuple[Hooks, ...], agent: AgentRecord, run: str, root: str) -> tuple[Hooks, ...]:
        """Return the hooks of a run: the live ones, or stand-ins that change what was changed."""
        if not agent.model.startswith(_NAME) or agent.live_tools:
            return live
        playback = self._playback(root, agent.model.removeprefix(_NAME))
        return tuple(ToldHook(name, playback, run) for name in agent.hooks)

    def forget(self, root: str) -> None:
        """Let go of what a run tree is told out of; it is read anew when the tree goes on."""
        for key in [key for key in self._playbacks if key[0] == root]:
            del self._playbacks[key]

    def _playback(self, root: str, name: str) -> Playback:
        return self._playbacks.setdefault((root, name), Playback(self._session, root, name))


class _Anything(BaseModel):
    """Arguments of a tool that is not here any more: as the model wrote them."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True)
class _Handled(Tool):
    """A tool of the engine's in a run that is told: what was refused when it was recorded is, in the same words.

    Who refused it, such as a person or the class of an answer, is not here.
    """

    judge: Tool = submit_answer
    """Judges what was never recorded."""
    refusal: Callable[[Mapping[str, JsonValue]], str | None] = lambda _: None
    """Gives why a call was refused; empty where it was not, None where it was not recorded."""

    @classmethod
    def again(cls, tool: Tool, spec: ToolSpec, refusal: Callable[[Mapping[str, JsonValue]], str | None]) -> _Handled:
        """Return a tool as it is told."""
        same = {name: getattr(tool, name) for name in (field.name for field in fields(Tool))}
        return cls(**{**same, "spec": spec, "is_told": True}, judge=tool, refusal=refusal)

    def validate(self, input_: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the arguments; raises `ToolError` for what was refused."""
        why = self.refusal(input_)
        if why:
            raise ToolError(why)
        if why is not None and self.name == SUBMIT_ANSWER:
            return dict(input_)  # accepted under another class, perhaps
        return self.judge.validate(input_)


def _wanted(call: CallState) -> dict[str, JsonValue]:
    """Return the input with which the turn asks for a call, whatever a hook made of it."""
    return call.original_input if call.hook and call.original_input is not None else call.input


class Told:
    """A recording as one run is told out of it."""

    def __init__(self, playback: Playback, run: str) -> None:
        self._playback, self._run = playback, run

    async def take(self, request: Request) -> RecordedTurn:
        """Return the turn that answered the request which the run has just written down."""
        answer = await self._playback.take(self._run, request)
        return replace(answer.turn, hosted=await self._playback.hosted(answer)) if answer.hosted else answer.turn

    def give_back(self) -> None:
        """Take the last turn back."""
        self._playback.give_back(self._run)


class Playback:
    """One recording, told to one run tree."""

    def __init__(self, session: Session, root: str, name: str) -> None:
        self._session, self._root, self._name = session, root, name
        self._loading = asyncio.Lock()
        self._tree: RecordedTree | None = None
        self._taken: dict[str, set[int]] = {}
        """Answers that were told, by key and number."""
        self._last: dict[str, tuple[str, int]] = {}
        """The answer that a run is told now, or was told last."""
        self._of_step: dict[tuple[str, int], Answer] = {}
        self._refusals: dict[tuple[str, int], str] = {}
        """What the model was told of calls for the engine that never started, by run and seq of that."""
        self._parted: tuple[str, str] | None = None
        """The run that parted from the recording first, and how."""

    def answer_at(self, run: str, step: int) -> Answer | None:
        """Return the recorded turn that a step was told, or that it was inherited with."""
        state = self.state(run)
        key = state.steps[step].turn.request_key if 0 <= step < len(state.steps) else ""
        inherited = self._tree.answers.get(key) if self._tree is not None else None
        return self._of_step.get((run, step)) or (inherited[0] if inherited else None)

    def state(self, run: str) -> RunState:
        """Return a run that is told, as it is."""
        return self._session.live[run].state

    async def take(self, run: str, request: Request) -> Answer:
        """Return the answer to what `run` asks; raises `PermanentModelError` where that was never recorded."""
        tree = await self.loaded()
        state = self.state(run)
        key = state.active_turn.request_key if state.active_turn is not None else ""
        answers = tree.answers.get(key)
        if not answers:
            raise PermanentModelError(await self._parting(tree, state, key, request), kind="divergence")
        taken = self._taken.setdefault(key, set())
        number = next((number for number in range(len(answers)) if number not in taken), len(answers) - 1)
        taken.add(number)
        self._last[run] = key, number
        if request.purpose == "step":
            self._of_step[run, len(state.steps) - 1] = answers[number]
        return answers[number]

    async def hosted(self, answer: Answer) -> tuple[RecordedHosted, ...]:
        """Return what the provider ran itself for a turn, with what came of it."""
        found = [(call, (call.result.run, call.result.seq)) for call in answer.hosted if call.result is not None]
        contents = await self._session.store.bodies([place for _, place in found])
        return tuple(
            RecordedHosted(call.tool, call.input, contents.get(place, ()), call.has_error) for call, place in found
        )

    def give_back(self, run: str) -> None:
        """Count the last answer to a run as not told."""
        key, number = self._last.pop(run, ("", -1))
        self._taken.get(key, set()).discard(number)

    async def result(self, run: str, /, **given: Any) -> ToolResult:
        """Return what a call gave when it was recorded; raises `ToolError` where it gave nothing."""
        tree = await self.loaded()
        context: ToolContext = given[_CONTEXT]
        state = self._session.live[run].state
        ref = self._recorded_result(state, context.call)
        if ref is None:
            raise ToolError(f"run {tree.run[:8]} has no result of this call, and its tools are not run again")
        contents = await self._session.store.bodies([(ref.run, ref.seq)])
        return ToolResult(contents.get((ref.run, ref.seq), ()), is_error=ref.is_error)

    def refusal(self, run: str, tool: str, given: Mapping[str, JsonValue]) -> str | None:
        """Return why a call of the last turn was refused; empty where it was not, None where nothing is known."""
        answer = self._of_step.get((run, len(self._session.live[run].state.steps) - 1))
        ref = answer.result_of(tool, given, 0) if answer is not None else None
        return None if ref is None else self._refusals.get((ref.run, ref.seq), "")

    def _recorded_result(self, state: RunState, name: str) -> ResultRef | None:
        step, number = (int(part) for part in name.split("."))
        call, answer = state.call(name), self._of_step.get((state.run, step))
        if call is None or answer is None:
            return None
        wanted = _wanted(call)
        twins = [
            other
            for other in state.steps[step].calls.values()
            if (other.tool, _wanted(other)) == (call.tool, wanted)
            and other.status != "discarded"
            and int(other.id.partition(".")[2]) < number
        ]
        return answer.result_of(call.tool, wanted, len(twins))

    # Reading.

    async def loaded(self) -> RecordedTree:
        """Return what was recorded, read once."""
        async with self._loading:
            if self._tree is None:
                try:
                    run = await self._session.store.resolve(self._name)
                except UserError as error:
                    raise PermanentModelError(str(error), kind="no_recording") from None
                tree = RecordedTree(await self._histories(run))
                told, self._of_step = count_taken(tree, await self._histories(self._root))
                self._taken = {key: set(range(count)) for key, count in told.items()}
                self._refusals = await self._refused(tree)
                self._tree = tree
        return self._tree

    async def _refused(self, tree: RecordedTree) -> dict[tuple[str, int], str]:
        """Return the words with which calls for the engine were refused, by run and seq."""
        calls = (call for answers in tree.answers.values() for answer in answers for call in answer.calls)
        results = (call.result for call in calls if call.tool in _ENGINES and not call.has_started)
        contents = await self._load([ref for ref in results if ref is not None and ref.is_error])
        return {place: plain_text(content) for place, content in contents.items()}

    async def _histories(self, root: str) -> list[History]:
        """Return a run and all of its subagents that are still there."""
        found = [await self._session.history(root)]
        for history in found:
            for record in history.records:
                if isinstance(record.event, SubagentStarted):
                    with suppress(RunNotFoundError):
                        found.append(await self._session.history(record.event.run))
        return found

    # Parting.

    async def _parting(self, tree: RecordedTree, state: RunState, key: str, request: Request) -> str:
        """Say where a run asks what was never recorded; whoever does so later is told who did so first."""
        if self._parted is not None and self._parted[0] != state.run:
            return f"this follows from run {self._parted[0][:8]}: {self._parted[1]}"
        words = await self._words(tree, state, key, request)
        self._parted = state.run, words
        return words

    async def _words(self, tree: RecordedTree, state: RunState, key: str, request: Request) -> str:
        asks = "plan" if request.purpose == "plan" else request.purpose
        here = f"step {len(state.steps) - 1}" if asks == "step" else f"the {asks}"
        hint = "Fork it before that with another model to go on."
        if (silent := tree.unanswered(key)) is not None:
            return f"the recording ends here: run {silent.run[:8]} got no answer at {silent.place}. {hint}"
        nearest = self._nearest(tree, state, request)
        if nearest is None and asks == "plan":
            return f"this run asks for a plan, and run {tree.run[:8]} made none: start it again with --plan off"
        if nearest is None:
            return f"the recording ends here: run {tree.run[:8]} has no request after this one's history. {hint}"
        history, sent = nearest
        try:
            recorded = await rebuild(history, sent.seq, self._load)
        except (UserError, ModelError) as error:
            return f"{here} asks what run {tree.run[:8]} never asked; its own request cannot be read: {error}"
        name, lines = difference(recorded.request, request)
        where = f"{here} asks what was never recorded: it parts from {sent.place} of run {history.live.run[:8]}"
        if not name:
            return f"{where} in something that is no text. {hint}"
        return "\n".join([f"{where} in {name} (- recorded, + now). {hint}", *lines])

    def _nearest(self, tree: RecordedTree, state: RunState, request: Request) -> tuple[History, Any] | None:
        """Return the recorded request that stands where this one does: after the last answer that both share."""
        for step in reversed(state.steps):
            key = step.turn.request_key
            if step.turn.status == "finished" and key in tree.answers:
                answer = self._of_step.get((state.run, step.index)) or tree.answers[key][0]
                return tree.after(answer, request.purpose)
        return tree.first(request.purpose, state.task, is_subagent=state.caller is not None)

    async def _load(self, refs: Sequence[ResultRef]) -> Contents:
        return await self._session.store.bodies([(ref.run, ref.seq) for ref in refs])
