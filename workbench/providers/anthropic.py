"""Anthropic's Messages API, streamed through the official SDK.

The body is that of `wire/anthropic.py`, posted as it is, and the events are read as the JSON that they are: the SDK's
own helpers accept cut arguments silently, hide pings, and take no parameter that they do not know. A turn goes into
the log as its blocks came, signatures untouched, because that is the only form in which it may go back.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue

from workbench.errors import KeyMissingError, TransientModelError
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
    UsageSoFar,
    parse_arguments,
)
from workbench.providers.failures import failure, model_error, not_a_stream, status_error
from workbench.providers.hosted import ANTHROPIC, cost_of_turn, message_result
from workbench.providers.keys import key_from, other_key
from workbench.providers.remote import Endpoint, Shared, timeouts
from workbench.providers.wire.anthropic import PROVIDER, messages_body

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic
    from anthropic._streaming import ServerSentEvent

KEYS: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
MOST_PAUSES: Final = 10
"""How often one turn is gone on with after `pause_turn`, by which the API breaks off long work of its own tools."""

CUTS: Final = ("max_tokens", "model_context_window_exceeded")
"""Stop reasons that may come in the middle of a block."""
TAIL: Final = 1.0
"""Seconds for what follows the end of a turn."""
_STOPS: Final = {"tool_use": "tool_calls"}
_COUNTS: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def has_credentials() -> bool:
    """Whether the SDK finds something to prove who asks: a key, or a profile of its own configuration."""
    if any(os.environ.get(name, "").strip() for name in (*KEYS, "ANTHROPIC_PROFILE", "ANTHROPIC_FEDERATION_RULE_ID")):
        return True
    folder = Path(os.environ.get("ANTHROPIC_CONFIG_DIR") or "~/.config/anthropic").expanduser()
    with suppress(OSError):
        return any((folder / "configs").glob("*.json"))
    return False


class AnthropicProvider:
    """Claude, or whatever speaks the Messages API at the endpoint's address."""

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        """Look for a key; raises `KeyMissingError` where the API itself is asked and there is none."""
        self.endpoint = endpoint or Endpoint()
        self._api_key, self._auth_token = _proof(self.endpoint)
        self._client = Shared(self.endpoint, self._made)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Stream the turn; goes on by itself where the API paused it."""
        first: dict[str, Any] = dict(messages_body(request))
        body = first
        turn = _Turn(request.model)
        try:
            for _ in range(MOST_PAUSES + 1):
                async for delta in self._response(body, turn):
                    yield delta
                if turn.stop_reason != "pause_turn":
                    break
                body = {**first, "messages": [*first["messages"], {"role": "assistant", "content": turn.whole()}]}
                turn.pause()
        except KeyMissingError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises; what it holds may be a key
            raise model_error(error, "" if self.endpoint.base_url else PROVIDER) from None
        for last in turn.end():
            yield last

    async def _response(self, body: Mapping[str, Any], turn: _Turn) -> AsyncIterator[Delta]:
        from anthropic import AsyncStream

        stream: AsyncStream[object] = await self._client.get().post(
            "/v1/messages", body={**body, "stream": True}, cast_to=object, stream=True, stream_cls=AsyncStream[object]
        )
        try:
            strange = not_a_stream(stream.response.headers.get("content-type", ""))
            if strange is not None:
                raise strange
            yield Alive()
            async with aclosing(_events(AsyncStream.raw_events(stream.response))) as events:
                async for event in events:
                    for delta in turn.read(event):
                        yield delta
                    if turn.is_whole:
                        await _rest_of(events)
                        break
        finally:
            await stream.close()

    def _made(self, connections: httpx2.AsyncClient) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic

        # Where the API had the key once, and servers of one's own look.
        also = {"x-api-key": self._api_key} if self._api_key and self.endpoint.base_url else {}
        headers = {**also, **self.endpoint.headers}
        made = AsyncAnthropic(
            api_key=self._api_key,
            auth_token=self._auth_token,
            base_url=self.endpoint.base_url,
            max_retries=0,
            timeout=timeouts(self.endpoint),
            default_headers=headers,
            http_client=connections,
        )
        if self.endpoint.is_foreign:
            made._custom_headers = headers  # noqa: SLF001 - without those of ANTHROPIC_CUSTOM_HEADERS
        return made


def _proof(endpoint: Endpoint) -> tuple[str | None, str | None]:
    """Return the key and the token that prove who asks; neither where the SDK's own configuration does.

    Raises `KeyMissingError` where there is nothing and the API itself is asked.
    """
    if endpoint.is_foreign:
        return other_key(), None
    key, token = KEYS
    if os.environ.get(key, "").strip():
        return key_from(key, what="Anthropic"), None
    if os.environ.get(token, "").strip():
        return None, key_from(token, what="Anthropic")
    if has_credentials():
        return None, None
    if not (endpoint.base_url or endpoint.headers or os.environ.get("ANTHROPIC_BASE_URL")):
        key_from(*KEYS, what="Anthropic")
    return other_key(), None


async def _events(stream: AsyncIterator[ServerSentEvent]) -> AsyncGenerator[Any, None]:
    """Yield the JSON of the events of a stream."""
    async for event in stream:
        if event.data:
            yield json.loads(event.data)


async def _rest_of(events: AsyncGenerator[Any, None]) -> None:
    """Read what follows a turn that is whole, so that its connection can serve again; a server that goes on is left."""
    with suppress(Exception):
        async with asyncio.timeout(TAIL):
            async for _ in events:
                pass


@dataclass(slots=True)
class _Block:
    """A block of the answer, as it came; texts and arguments are put together at its end."""

    content: dict[str, Any]
    call: int | None = None
    """The number of a tool call among those of the turn."""
    pieces: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)
    is_open: bool = True

    def close(self) -> None:
        """Put the pieces in their place."""
        self.is_open = False
        text = "".join(self.pieces)
        match self.content.get("type"):
            case "text":
                self.content["text"] = self.content.get("text", "") + text
            case "thinking":
                self.content["thinking"] = self.content.get("thinking", "") + text
                self.content["signature"] = self.content.get("signature", "") + "".join(self.signature)
            case _ if text:
                self.content["input"], _ = parse_arguments(text)


class _Turn:
    """Reads the events of one turn, over as many responses as it takes."""

    def __init__(self, model: str) -> None:
        self.stop_reason: str | None = None
        self.pauses = 0
        self._model = model
        self.is_whole = False
        self._before: list[_Block] = []
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._hosted: dict[str, int] = {}
        """Calls that run at the provider, by its own ids, over all responses of the turn."""
        self._hosted_open: set[str] = set()
        self._bare: int | None = None
        self._usage = dict.fromkeys(_COUNTS, 0)
        self._of_response: dict[str, int] = {}

    def read(self, event: Any) -> Iterator[Delta]:
        """Yield what an event says; raises `ModelError` for one that does not fit, and for an error."""
        match event:
            case {"type": "content_block_delta", "index": int(index), "delta": {"type": str(kind)} as delta}:
                yield from self._piece(self._open(index), kind, delta)
            case {"type": "content_block_start", "index": int(index), "content_block": {"type": str()} as content}:
                yield from self._opened(index, dict(content))
            case {"type": "content_block_stop", "index": int(index)}:
                yield from self._closed(self._open(index))
            case {"type": "message_start"}:
                self._count(event.get("message"))
                yield UsageSoFar(self._used())
            case {"type": "message_delta"}:
                self._count(event)
                told = event.get("delta")
                self.stop_reason = told.get("stop_reason") if isinstance(told, dict) else None
            case {"type": "message_stop"}:
                self.is_whole = True
            case {"type": "error"}:
                told = event.get("error")
                error = told if isinstance(told, dict) else {}
                raise status_error(200, str(error.get("type") or ""), str(error.get("message") or told), None)
            case {"type": str()}:
                yield Alive()  # a ping, or something newer than this program
            case _:
                raise _broken("sent something that is no event")

    def pause(self) -> None:
        """Make ready for the response that goes on with this turn."""
        self._before, self._blocks = [*self._before, *self._blocks.values()], {}
        self._add_up()
        self.stop_reason, self.is_whole, self.pauses = None, False, self.pauses + 1

    def whole(self) -> list[JsonValue]:
        """Return the blocks as they may be sent back: the API refuses texts that are blank."""
        blocks = (block.content for block in (*self._before, *self._blocks.values()) if not block.is_open)
        return [dict(block) for block in blocks if block.get("type") != "text" or block.get("text", "").strip()]

    def end(self) -> Iterator[Delta]:
        """Yield what belongs to the end; nothing where the API did not say that the turn is whole.

        Raises `PermanentModelError` for one that was paused too often.
        """
        if self.pauses > MOST_PAUSES:
            raise failure("paused", f"{self.pauses} times")
        if not self.is_whole or self.stop_reason is None:
            return
        yield from self._bare_call(is_cut=self.stop_reason in CUTS)
        blocks = self.whole()
        if self._may_go_back(blocks):
            yield PartsDelta(ProviderParts(provider=PROVIDER, parts=blocks))
        yield TurnEnd(_STOPS.get(self.stop_reason, self.stop_reason), self._used())

    def _used(self) -> Usage:
        """Return what the turn has used by now, over all of its responses."""
        count = {name: self._usage[name] + self._of_response.get(name, 0) for name in _COUNTS}
        read, written = count["cache_read_input_tokens"], count["cache_creation_input_tokens"]
        usage = Usage(
            input_tokens=count["input_tokens"] + read + written,
            output_tokens=count["output_tokens"],
            cache_read_tokens=read,
            cache_write_tokens=written,
        )
        cost = cost_of_turn(self._model, usage, has_hosted=bool(self._hosted))
        return usage.model_copy(update={"cost": cost})

    def _may_go_back(self, blocks: Sequence[JsonValue]) -> bool:
        """Whether the blocks say more than our own do, and are such that the API takes them again."""
        known = [block for block in blocks if isinstance(block, dict)]
        ids = [block.get("id") for block in known if block.get("type") == "tool_use"]
        if len(ids) != self._calls or len(set(map(str, ids))) != len(ids) or not all(ids) or self._hosted_open:
            return False
        return bool(known) and not (len(known) == 1 and set(known[0]) == {"type", "text"})

    def _open(self, index: int) -> _Block:
        block = self._blocks.get(index)
        if block is None or not block.is_open:
            raise _broken(f"went on with block {index}, which is not open")
        return block

    def _opened(self, index: int, content: dict[str, Any]) -> Iterator[Delta]:
        if index in self._blocks:
            raise _broken(f"opened block {index} twice")
        yield from self._bare_call()
        block = self._blocks[index] = _Block(content)
        match content:
            case {"type": "tool_use", "name": str(name)}:
                block.call, self._calls = self._calls, self._calls + 1
                yield CallOpened(block.call, name)
            case {"type": "tool_use"}:
                raise _broken("asked for a tool without a name")
            case {"type": str(kind), "tool_use_id": str(id_)} if kind.endswith("_tool_result"):
                if id_ in self._hosted_open:
                    self._hosted_open.discard(id_)
                    yield HostedFinished(self._hosted[id_], *message_result(content.get("content")))
            case {"type": "text", "text": str(text)} if text:
                yield TextDelta(text)
            case {"type": "thinking", "thinking": str(text)} if text:
                yield ThinkingDelta(text)
            case _:
                yield Alive()

    def _piece(self, block: _Block, kind: str, delta: Mapping[str, Any]) -> Iterator[Delta]:
        match kind, delta:
            case "text_delta", {"text": str(text)}:
                block.pieces.append(text)
                yield TextDelta(text)
            case "thinking_delta", {"thinking": str(text)}:
                block.pieces.append(text)
                yield ThinkingDelta(text)
            case "input_json_delta", {"partial_json": str(text)}:
                block.pieces.append(text)
                yield Alive() if block.call is None else CallInput(block.call, text)
            case "signature_delta", {"signature": str(text)}:
                block.signature.append(text)
            case "citations_delta", {"citation": citation}:
                block.content["citations"] = [*(block.content.get("citations") or ()), citation]
            case _:
                yield Alive()

    def _closed(self, block: _Block) -> Iterator[Delta]:
        given = block.content.get("input")
        if block.call is not None:
            is_blank = not given and not "".join(block.pieces).strip()
            if given and not "".join(block.pieces).strip():  # some servers send the arguments with the beginning
                yield CallInput(block.call, json.dumps(given))
            if is_blank:
                self._bare = block.call
            else:
                yield CallClosed(block.call)
        block.close()
        if block.content.get("type") in ANTHROPIC:
            yield from self._hosted_call(block.content)

    def _hosted_call(self, content: Mapping[str, Any]) -> Iterator[Delta]:
        """Tell of a call that the API runs itself, now that its input is whole."""
        match content:
            case {"id": str(id_), "name": str(name), "input": dict(given)} if id_ not in self._hosted:
                self._hosted[id_] = len(self._hosted)
                self._hosted_open.add(id_)
                yield HostedStarted(self._hosted[id_], name, given)

    def _bare_call(self, *, is_cut: bool = False) -> Iterator[Delta]:
        """Close the call that came without arguments, if there is one: whether it has none shows after it.

        Cut there by the limit of tokens, it stays open, and so it is never run.
        """
        bare, self._bare = self._bare, None
        if bare is not None and not is_cut:
            yield CallClosed(bare)

    def _count(self, told: Any) -> None:
        """Take in the counts of an event; the later ones of a response hold for all of it."""
        usage = told.get("usage") if isinstance(told, dict) else None
        if isinstance(usage, dict):
            counts = {name: usage.get(name) for name in _COUNTS}
            self._of_response |= {name: count for name, count in counts.items() if isinstance(count, int)}

    def _add_up(self) -> None:
        for name, count in self._of_response.items():
            self._usage[name] += count
        self._of_response = {}


def _broken(what: str) -> TransientModelError:
    return TransientModelError(f"the model {what}: its answer is broken", kind="broken")
