"""OpenAI's Responses API as a provider: several calls in a turn, and reasoning kept with what follows it.

A turn is a list of items. Each is whole at its `response.output_item.done`, the turn at `response.completed` or
`response.incomplete`. Errors come as events like all else; a stream that was cut says nothing at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import Final

from pydantic import JsonValue

from workbench.events.request import ProviderParts, Request, Usage
from workbench.providers.base import (
    Alive,
    CallClosed,
    CallInput,
    CallOpened,
    Delta,
    HostedFinished,
    HostedStarted,
    PartsDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
    parse_arguments,
)
from workbench.providers.failures import failure, status_error
from workbench.providers.hosted import OPENAI, cost_of_turn, item_input, item_result
from workbench.providers.openai_client import (
    Event,
    OpenAIClient,
    count_in,
    object_in,
    objects_in,
    rest_of,
    text_in,
)
from workbench.providers.remote import Endpoint
from workbench.providers.wire.openai_responses import PROVIDER, responses_body

PARAGRAPH: Final = "\n\n"
"""Stands between parts that the provider sends apart and we keep as one text."""
_PROGRAM: Final = "code_interpreter_call"
_STOPS: Final = {"max_output_tokens": "max_tokens"}
"""Why a turn is incomplete, where our word for it is another."""


class OpenAIResponsesProvider:
    """Models of OpenAI, and of servers that speak its Responses API.

    Raises `KeyMissingError` where OpenAI itself is asked and no key is set.
    """

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self.endpoint = endpoint or Endpoint()
        self._client = OpenAIClient(self.endpoint)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream one turn; raises `ModelError`."""
        reader = ResponsesReader(request.model)
        async with aclosing(self._client.events("/responses", responses_body(request))) as events:
            async for event in events:
                for delta in list(reader.take(event)) or [Alive()]:
                    yield delta
                if reader.end is not None:
                    await rest_of(events)
                    break
        if reader.end is not None:
            if reader.parts is not None:
                yield PartsDelta(reader.parts)
            yield reader.end


class ResponsesReader:
    """Reads the events of one response. `end` is there once the provider has said that the turn is over."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._streamed: dict[int, list[str]] = {}
        """Of each item that was opened, the pieces of its text or of its arguments."""
        self._calls: set[int] = set()
        """The items that are calls."""
        self._hosted: set[int] = set()
        """The items that run at the provider."""
        self._items: dict[int, Event] = {}
        """The items that are whole, as they came."""
        self._spoke: tuple[str, int] | None = None
        """Of what kind the last piece was, and of which item."""
        self._is_refusal = False
        self.end: TurnEnd | None = None
        self.parts: ProviderParts | None = None

    def take(self, event: Event) -> Iterator[Delta]:
        """Yield what an event says; raises `ModelError` where it says an error, or cannot be."""
        match event.get("type"):
            case "response.output_text.delta":
                yield from self._say("text", event)
            case "response.refusal.delta":
                self._is_refusal = True
                yield from self._say("text", event)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._say("thinking", event)
            case "response.reasoning_summary_part.added" if count_in(event, "summary_index"):
                yield ThinkingDelta(PARAGRAPH)
            case "response.output_item.added":
                yield from self._begin(_index(event), object_in(event.get("item"), "an item"))
            case "response.code_interpreter_call_code.done":
                yield from self._begin_hosted(_index(event), {"type": _PROGRAM, "code": text_in(event, "code")})
            case "response.function_call_arguments.delta":
                index, piece = _index(event), text_in(event, "delta")
                self._streamed.setdefault(index, []).append(piece)
                yield CallInput(index, piece)
            case "response.output_item.done":
                yield from self._finish(_index(event), object_in(event.get("item"), "an item"))
            case "response.completed" | "response.incomplete":
                yield from self._complete(object_in(event.get("response"), "the response"))
            case "response.failed":
                error = object_in(event.get("response"), "the response").get("error")
                raise _error(error if isinstance(error, dict) else {})
            case "error":
                raise _error(event)

    def _say(self, kind: str, event: Event) -> Iterator[Delta]:
        index, piece = _index(event), text_in(event, "delta")
        self._streamed.setdefault(index, []).append(piece)
        yield from self._piece(kind, index, piece)

    def _piece(self, kind: str, index: int, piece: str) -> Iterator[Delta]:
        if not piece:
            return
        make = TextDelta if kind == "text" else ThinkingDelta
        if self._spoke is not None and self._spoke[0] == kind and self._spoke[1] != index:
            yield make(PARAGRAPH)
        self._spoke = kind, index
        yield make(piece)

    def _open(self, index: int, item: Event) -> CallOpened:
        self._calls.add(index)
        self._spoke = None
        return CallOpened(index, text_in(item, "name"))

    def _begin(self, index: int, item: Event) -> Iterator[Delta]:
        kind = item.get("type")
        if kind == "function_call":
            yield self._open(index, item)
        elif kind in OPENAI and kind != _PROGRAM:
            yield from self._begin_hosted(index, item)

    def _begin_hosted(self, index: int, item: Mapping[str, JsonValue]) -> Iterator[Delta]:
        """Begin what the provider runs itself; a program when it is written, since only then it runs."""
        if index not in self._hosted:
            self._hosted.add(index)
            self._spoke = None
            yield HostedStarted(index, OPENAI[str(item.get("type"))], item_input(item))

    def _finish(self, index: int, item: Event) -> Iterator[Delta]:
        """Take an item that is whole; what was streamed of it must be what it says, or something was lost."""
        self._items[index] = item
        streamed = "".join(self._streamed.get(index, ()))
        match item.get("type"):
            case str(kind) if kind in OPENAI:
                yield from self._begin_hosted(index, item)
                yield HostedFinished(index, *item_result(item), item_input(item))
            case "function_call":
                if index not in self._calls:
                    yield self._open(index, item)
                arguments = text_in(item, "arguments")
                if not streamed:
                    yield CallInput(index, arguments)
                elif streamed != arguments:
                    raise failure("broken", f"the arguments of call {index} are not those that were streamed")
                if item.get("status") != "incomplete":
                    yield CallClosed(index)
            case "message":
                parts = objects_in(item, "content")
                self._is_refusal |= any(part.get("type") == "refusal" for part in parts)
                text = "".join(text_in(part, "text") or text_in(part, "refusal") for part in parts)
                if not streamed:
                    yield from self._piece("text", index, text)
                elif streamed.split() != text.split():
                    raise failure("broken", f"the text of item {index} is not what was streamed")
            case "reasoning" if not streamed:
                thoughts = objects_in(item, "summary") or objects_in(item, "content")
                yield from self._piece("thinking", index, PARAGRAPH.join(text_in(part, "text") for part in thoughts))

    def _complete(self, response: Event) -> Iterator[Delta]:
        # Some servers leave out the end of an item, or stream nothing and say all at once.
        said_nothing = not (self._items or self._streamed)
        for index, item in enumerate(objects_in(response, "output")):
            if said_nothing or (index in self._calls and index not in self._items):
                yield from self._finish(index, item)
        is_whole = response.get("status") not in ("incomplete", "failed", "cancelled")
        self.parts = self._kept() if is_whole else None
        self.end = TurnEnd(self._stop_reason(response, is_whole), self._usage(response))

    def _stop_reason(self, response: Event, is_whole: bool) -> str:
        if not is_whole:
            details = response.get("incomplete_details")
            reason = text_in(details, "reason") if isinstance(details, dict) else ""
            return _STOPS.get(reason, reason) or "incomplete"
        return "refusal" if self._is_refusal else "tool_calls" if self._calls else "end_turn"

    def _usage(self, response: Event) -> Usage:
        usage = Usage(
            input_tokens=count_in(response, "usage", "input_tokens"),
            output_tokens=count_in(response, "usage", "output_tokens"),
            cache_read_tokens=count_in(response, "usage", "input_tokens_details", "cached_tokens"),
            cache_write_tokens=count_in(response, "usage", "input_tokens_details", "cache_write_tokens"),
        )
        cost = cost_of_turn(self._model, usage, has_hosted=bool(self._hosted)) if usage.total_tokens else None
        return usage.model_copy(update={"cost": cost})

    def _kept(self) -> ProviderParts | None:
        """Return the items as they go back, or None where the API would refuse them.

        Reasoning that is not sealed in itself would be looked for on the server, where nothing is kept, and nothing
        may follow no reasoning. Calls whose arguments cannot be read, or whose ids do not tell them apart, are better
        said in our own words.
        """
        items = [item for _, item in sorted(self._items.items())]
        calls = [item for item in items if item.get("type") == "function_call"]
        ids = {item.get("call_id") for item in calls}
        if not items or items[-1].get("type") == "reasoning" or len(ids) != len(calls) or ids & {None, ""}:
            return None
        if any(item.get("type") == "reasoning" and not item.get("encrypted_content") for item in items):
            return None
        if not all(is_readable(item.get("arguments")) for item in calls):
            return None
        kept: list[JsonValue] = [*items]
        return ProviderParts(provider=PROVIDER, parts=kept)


def is_readable(arguments: JsonValue) -> bool:
    """Whether a call's arguments, as text, can be sent back as they are."""
    return isinstance(arguments, str) and bool(arguments.strip()) and parse_arguments(arguments)[1] is None


def _index(event: Event) -> int:
    index = event.get("output_index")
    if not isinstance(index, int):
        raise failure("broken", "an event does not say of which item it is")
    return index


def _error(told: Event) -> Exception:
    """Return the error that an event says."""
    inner = told.get("error")
    told = inner if isinstance(inner, dict) else told
    return status_error(200, str(told.get("code") or told.get("type") or ""), str(told.get("message") or ""), None)
