"""The Chat Completions API as a provider: OpenAI's own, and that of llama.cpp, vLLM, Ollama, LM Studio and the like.

Its streams are the least strict of all. A call has no end of its own: it is whole when another begins and its
arguments can be read, or when the turn ends. Servers number calls from 0, or all with 0, or not at all; some repeat
a call's name in every piece. The turn is whole once a reason for its end was given; usage may follow or never come.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from workbench.events.request import ProviderParts, Request, Usage
from workbench.providers.base import (
    Alive,
    CallClosed,
    CallInput,
    CallOpened,
    Delta,
    PartsDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
)
from workbench.providers.openai_client import (
    Event,
    OpenAIClient,
    address_of,
    count_in,
    objects_in,
    rest_of,
    text_in,
)
from workbench.providers.openai_responses import is_readable
from workbench.providers.prices import price
from workbench.providers.remote import Endpoint
from workbench.providers.wire.common import Body, compact, split_model
from workbench.providers.wire.openai_chat import PROVIDER, chat_body, is_openai

THINKING: Final = ("reasoning_content", "reasoning")
"""What servers call the thoughts of a model."""
_STOPS: Final = {"length": "max_tokens", "stop": "end_turn", "tool_calls": "end_turn", "function_call": "end_turn"}
"""Why a turn ended, without calls, where our word for it is another."""
_CUT: Final = ("length", "content_filter")
"""Ends that may lie in the middle of a call."""


class OpenAIChatProvider:
    """Models of any server that speaks Chat Completions; `endpoint.base_url` is its address.

    Raises `KeyMissingError` where OpenAI itself is asked and no key is set.
    """

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self.endpoint = endpoint or Endpoint()
        self._client = OpenAIClient(self.endpoint, is_for_others=True)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream one turn; raises `ModelError`."""
        reader = ChatReader(request.model)
        local = None if is_openai(address_of(self.endpoint)) else split_model(request.model).model
        body: Body = {**chat_body(request, local), "stream_options": {"include_usage": True}}
        async with aclosing(self._client.events("/chat/completions", body)) as events:
            async for event in events:
                for delta in list(reader.take(event)) or [Alive()]:
                    yield delta
                if reader.is_whole:
                    reader.count(*await rest_of(events))
                    break
        if reader.is_whole:
            parts = reader.parts()
            if parts is not None:
                yield PartsDelta(parts)
            yield reader.end()


@dataclass(slots=True)
class _Call:
    number: int
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    more: Event = field(default_factory=dict)
    """What else the server said of the call, such as a signature; it goes back with it."""
    is_closed: bool = False

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


class ChatReader:
    """Reads the chunks of one answer. `is_whole` once a reason for the turn's end was given."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        """The server's own numbers of calls, and the latest call of each."""
        self._text: list[str] = []
        self._thoughts: dict[str, list[str]] = {}
        self._details: list[JsonValue] = []
        self._usage: Event = {}
        self._finish = ""
        self._is_refusal = False

    @property
    def is_whole(self) -> bool:
        """Whether the server has said that the turn is over."""
        return bool(self._finish)

    def take(self, chunk: Event) -> Iterator[Delta]:
        """Yield what a chunk says; raises `ModelError` where it cannot be."""
        self.count(chunk)
        for choice in objects_in(chunk, "choices"):
            if choice.get("index") in (0, None):
                delta = choice.get("delta")
                yield from self._delta(delta if isinstance(delta, dict) else {})
                self._finish = text_in(choice, "finish_reason") or self._finish
        if self._finish:
            yield from self._close(all_of_them=self._finish not in _CUT)

    def count(self, *chunks: Event) -> None:
        """Take the usage that chunks tell, the last one of all: some servers count in every chunk."""
        for chunk in chunks:
            told = chunk.get("usage")
            if isinstance(told, dict):
                self._usage = told

    def _delta(self, delta: Event) -> Iterator[Delta]:
        name = next((name for name in THINKING if text_in(delta, name)), "")
        if name:
            self._thoughts.setdefault(name, []).append(text_in(delta, name))
            yield ThinkingDelta(text_in(delta, name))
        self._details += objects_in(delta, "reasoning_details")
        yield from self._content(delta)
        refusal = text_in(delta, "refusal")
        if refusal:
            self._is_refusal = True
            yield TextDelta(refusal)
        for piece in objects_in(delta, "tool_calls"):
            yield from self._call(piece)

    def _content(self, delta: Event) -> Iterator[Delta]:
        """Yield the content of a delta: a text, or the list of parts that some servers make of it."""
        parts = objects_in(delta, "content")
        if not isinstance(delta.get("content"), list):
            parts = [{"type": "text", "text": text_in(delta, "content")}]
        for part in parts:
            for thought in objects_in(part, "thinking"):
                yield ThinkingDelta(text_in(thought, "text"))
            text = text_in(part, "text")
            if text:
                self._text.append(text)
                yield TextDelta(text)

    def _call(self, piece: Event) -> Iterator[Delta]:
        told = piece.get("function")
        function = told if isinstance(told, dict) else {}
        name, id_ = text_in(function, "name"), text_in(piece, "id")
        call = self._place(piece.get("index"), id_)
        if call is None:
            yield from self._close(all_of_them=False)
            call = _Call(len(self._calls))
            self._calls.append(call)
        index = piece.get("index")
        if isinstance(index, int):
            self._by_index[index] = call
        call.id = call.id or id_
        call.more.update({key: value for key, value in piece.items() if key not in ("index", "id", "type", "function")})
        if name and not call.name:
            call.name = name
            yield CallOpened(call.number, name)
            if call.pieces:
                yield CallInput(call.number, call.arguments)
        arguments = function.get("arguments")
        text = compact(arguments) if isinstance(arguments, dict) else text_in(function, "arguments")
        if text:
            call.pieces.append(text)
            if call.name:
                yield CallInput(call.number, text)

    def _place(self, index: JsonValue, id_: str) -> _Call | None:
        """Return the call that a piece belongs to, or None where it begins one.

        A new id under an old number is another call: some servers give all calls of a turn the number 0.
        """
        if isinstance(index, int):
            call = self._by_index.get(index)
        else:
            same = (call for call in self._calls if id_ and call.id == id_)
            call = next(same, self._calls[-1] if self._calls and not id_ else None)
        return None if call is not None and id_ and call.id and call.id != id_ else call

    def _close(self, *, all_of_them: bool) -> Iterator[Delta]:
        """Close the calls that are open: only those whose arguments are whole, or `all_of_them`.

        A call that stays open to the end was cut, and is never run.
        """
        for call in self._calls:
            if call.is_closed or not (all_of_them or (call.name and is_readable(call.arguments))):
                continue
            if not call.name:
                yield CallOpened(call.number, "")
                yield CallInput(call.number, call.arguments)
            call.is_closed = True
            yield CallClosed(call.number)

    def end(self) -> TurnEnd:
        """Return the turn's end, with the usage that the server told; its cost is unknown where it told none."""
        if self._is_refusal:
            reason = "refusal"
        elif self._calls and self._finish not in _CUT:
            reason = "tool_calls"
        else:
            reason = _STOPS.get(self._finish, self._finish)
        usage = Usage(
            input_tokens=count_in(self._usage, "prompt_tokens"),
            output_tokens=count_in(self._usage, "completion_tokens"),
            cache_read_tokens=count_in(self._usage, "prompt_tokens_details", "cached_tokens"),
            cache_write_tokens=count_in(self._usage, "prompt_tokens_details", "cache_write_tokens"),
        )
        cost = price(self._model, usage) if usage.total_tokens else None
        return TurnEnd(reason, usage.model_copy(update={"cost": cost}))

    def parts(self) -> ProviderParts | None:
        """Return a turn with calls as it goes back to its server, with the server's ids, or None.

        None as well where the server could not read it again: arguments that are no JSON, ids that are missing or
        the same.
        """
        ids = {call.id for call in self._calls}
        is_sound = all(call.name and is_readable(call.arguments) for call in self._calls)
        if not self._calls or not is_sound or len(ids) != len(self._calls) or "" in ids:
            return None
        calls: list[JsonValue] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
                **call.more,
            }
            for call in self._calls
        ]
        message: Event = {"role": "assistant", "content": "".join(self._text) or None, "tool_calls": calls}
        if self._details:
            message["reasoning_details"] = self._details
        message.update({name: "".join(pieces) for name, pieces in self._thoughts.items()})
        return ProviderParts(provider=PROVIDER, parts=message)
