"""`Conversation`: the requests of one run, out of its state, built so that what was sent once is not built again.

The front of a request never changes while the run goes on: turns and results are appended, and only elision and
summaries (events, in strides) make a new front. So a provider's prompt cache holds, and a long run stays linear.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from workbench.conversation.messages import answered
from workbench.errors import WorkbenchError
from workbench.events.agent import AgentRecord, ModelParameters, ToolSpec
from workbench.events.content import Content, TextBlock, binary_blocks, context_size, text_content
from workbench.events.request import (
    AssistantMessage,
    Message,
    Purpose,
    Request,
    ToolCallBlock,
    ToolResultBlock,
    TurnBlock,
    UserMessage,
)
from workbench.state.parts import CallState, ResultRef, Said, StepMark, StepState
from workbench.state.run_state import RunState

Contents = Mapping[tuple[str, int], Content]
LoadContents = Callable[[Sequence[ResultRef]], Awaitable[Contents]]

BYTES_PER_TOKEN = 4
"""Of UTF-8: the usual estimate for English, and near enough for Chinese; providers' own counts come back as usage."""

_USER, _ASSISTANT = TypeAdapter(UserMessage), TypeAdapter(AssistantMessage)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with its key and its estimated size."""

    request: Request
    key: str
    """Rolling hash over instructions, tools and messages: not over model, transport or provider-only parts."""
    tokens: int


class Conversation:
    """Builds the requests of one run; `load` gives the blocks of results."""

    def __init__(self, load: LoadContents) -> None:
        self._load = load
        self._prepared: Prepared | None = None
        self._prepared_for: tuple[int, Purpose, str] | None = None
        self._restart()

    def _restart(self) -> None:
        self._entries_taken = 0
        self._front: tuple[object, ...] | None = None
        self._messages: list[Message] = []
        self._hash = hashlib.sha256()
        self._size = 0
        self._open = UserMessage()
        self._open_json: bytes | None = None
        self._open_names: Mapping[str, str] = {}

    async def prepare(self, state: RunState, purpose: Purpose, prompt: str = "") -> Prepared:
        """Return the next request of `state`. `prompt` is said after all else, for plans and summaries."""
        if (state.seq, purpose, prompt) == self._prepared_for and self._prepared is not None:
            return self._prepared
        agent = state.agent
        if agent is None:
            raise WorkbenchError("a run without a start has no conversation")
        front = (agent.instructions, agent.offered_tools, provider_of(agent.model), len(state.elided), state.summary)
        if front != self._front:
            self._restart()
            self._front = front
            head = f"{system_text(state)}\n{tools_json(agent.offered_tools)}".encode()
            self._hash.update(head)
            self._size = len(head)
            await self._take(state, tuple(state.entries))  # what comes in meanwhile is for the next request
        else:
            await self._take(state, state.entries[self._entries_taken :])
        self._prepared = self._request(state, agent, purpose, prompt)
        self._prepared_for = (state.seq, purpose, prompt)
        return self._prepared

    async def _take(self, state: RunState, entries: Sequence[Said | StepMark]) -> None:
        skipped_through = state.summary[0] if state.summary else -1
        wanted = [
            call.result
            for entry in entries
            if isinstance(entry, StepMark) and entry.index > skipped_through
            for call in state.steps[entry.index].asked_calls
            if call.result is not None and call.id not in state.elided
        ]
        contents = await self._load(wanted) if wanted else {}
        for entry in entries:
            if isinstance(entry, Said):
                self._say(entry.content)
            elif entry.index > skipped_through:
                self._take_step(state, state.steps[entry.index], contents)
            elif state.summary and entry.index == 0:
                self._say(text_content(f"Summary of the work so far:\n{state.summary[1]}"))
        self._entries_taken += len(entries)

    def _say(self, content: Content) -> None:
        self._open = self._open.model_copy(update={"content": (*self._open.content, *content)})
        self._open_json = None

    def _take_step(self, state: RunState, step: StepState, contents: Contents) -> None:
        turn = assistant_message(state, step)
        if not turn.content:
            return
        if not self._open.results and not self._open.content:
            self._say(text_content("Go on."))
        self._keep(self._open, self._open_json or message_json(self._open, self._open_names))
        self._open_names = {
            call.id: name
            for number, call in enumerate(step.asked_calls)
            if (name := f"{step.index}.{number}") != call.id
        }
        self._keep(turn, message_json(turn, self._open_names))
        results = tuple(_result(state, call, contents) for call in step.asked_calls)
        self._open, self._open_json = answered(turn, UserMessage(results=results)), None

    def _keep(self, message: Message, as_json: bytes) -> None:
        self._messages.append(message)
        self._hash.update(as_json)
        self._size += _room(message, as_json)

    def _request(self, state: RunState, agent: AgentRecord, purpose: Purpose, prompt: str) -> Prepared:
        last = self._open
        if prompt:
            last = last.model_copy(update={"content": (*last.content, TextBlock(text=prompt))})
        elif not last.results and not last.content:
            last = UserMessage(content=text_content("Go on."))
        as_json = message_json(last, self._open_names)
        if last is self._open:
            self._open_json = as_json
        key = self._hash.copy()
        key.update(as_json)
        return Prepared(
            request=Request(
                purpose=purpose,
                instructions=system_text(state),
                tools=agent.offered_tools,
                messages=(*self._messages, last),
                model=agent.model,
                parameters=_parameters(agent, purpose),
                parallel_tool_calls=agent.parallel_tool_calls,
            ),
            key=key.hexdigest(),
            tokens=(self._size + _room(last, as_json)) // BYTES_PER_TOKEN,
        )


def _room(message: Message, as_json: bytes) -> int:
    """Return how many bytes of text take as much of a context as a message: files that were given count as models do.

    Results count by their bytes, as the log and elision know them.
    """
    if isinstance(message, AssistantMessage):
        return len(as_json)
    given = binary_blocks(message.content)
    return len(as_json) + sum(context_size((block,)) - 4 * -(-len(block.data) // 3) for block in given)


def _parameters(agent: AgentRecord, purpose: Purpose) -> ModelParameters:
    if purpose == "step":
        return agent.parameters
    most = agent.parameters.max_tokens
    tokens = min(most, agent.limits.planner_tokens) if purpose == "plan" else most
    told: dict[str, object] = {"max_tokens": tokens, "tool_choice": "none"}
    if purpose == "plan":
        told["effort"] = None  # thinking would eat up the few tokens that a plan may take
    return agent.parameters.model_copy(update=told)


def system_text(state: RunState) -> str:
    """Return the instructions as they are sent, with the date that was fixed when the lineage began."""
    instructions = state.agent.instructions if state.agent else ""
    return f"{instructions}\n\nToday is {state.date}." if state.date else instructions


def provider_of(model: str) -> str:
    """Return the provider's part of a model name."""
    return model.partition(":")[0]


def tools_json(tools: Sequence[ToolSpec]) -> str:
    """Return the tools as the model sees them, canonically."""
    shown = [{"name": tool.name, "description": tool.description, "schema": tool.input_schema} for tool in tools]
    return json.dumps(shown, sort_keys=True, ensure_ascii=False)


def message_json(message: Message, names: Mapping[str, str]) -> bytes:
    """Return a message canonically: without its provider-only parts, and with other `names` for some calls.

    Calls of a turn that took several attempts may be numbered from more than 0; in keys they never are, so that a
    stream that broke leaves no trace in them.
    """
    if isinstance(message, AssistantMessage):
        if names:
            blocks = tuple(
                block.model_copy(update={"id": names.get(block.id, block.id)})
                if isinstance(block, ToolCallBlock)
                else block
                for block in message.content
            )
            message = message.model_copy(update={"content": blocks})
        return _ASSISTANT.dump_json(message, exclude={"provider_parts"})
    if names:
        results = tuple(
            result.model_copy(update={"call": names.get(result.call, result.call)}) for result in message.results
        )
        message = message.model_copy(update={"results": results})
    return _USER.dump_json(message)


def assistant_message(state: RunState, step: StepState) -> AssistantMessage:
    """Return a finished turn as it is sent back.

    Provider-only parts go verbatim to the provider that made them, and are stripped whole for any other. An edited
    input leaves the turn as the model wrote it; the result says what ran instead.
    """
    parts = step.turn.provider_parts
    same = state.agent is not None and parts is not None and parts.provider == provider_of(state.agent.model)
    content: tuple[TurnBlock, ...] = tuple(
        block for block in step.turn.content if isinstance(block, ToolCallBlock) or block.text.strip()
    )
    return AssistantMessage(content=content, provider_parts=parts if same else None)


def _result(state: RunState, call: CallState, contents: Contents) -> ToolResultBlock:
    ref = call.result
    if ref is None:
        return ToolResultBlock(call=call.id, content=text_content("not run"), is_error=True)
    is_elided = call.id in state.elided
    content = text_content(elision_mark(ref)) if is_elided else contents.get((ref.run, ref.seq), ())
    if call.original_input is not None:
        ran = json.dumps(call.input, ensure_ascii=False, sort_keys=True)
        who = "a hook of the agent" if call.hook else "the operator"
        content = (*text_content(f"ran with {ran} instead, by {who}"), *content)
    return ToolResultBlock(call=call.id, content=content, is_error=ref.is_error)


def elision_mark(ref: ResultRef) -> str:
    """Return what stands in requests for a result that was left out."""
    return f"[left out to save room: {ref.size} bytes that began with {ref.first_line[:80]!r}]"
