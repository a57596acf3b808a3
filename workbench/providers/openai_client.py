"""OpenAI's SDK, as both of its APIs are spoken here: one client an event loop, raw events, failures in our words.

Events stay the JSON that came. What must go back to the provider verbatim would not survive the SDK's models, and
making them costs more than reading the stream. The SDK itself tries nothing again: every attempt is the engine's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue

from workbench.errors import ModelError
from workbench.providers.failures import failure, model_error, not_a_stream
from workbench.providers.keys import key_from, other_key
from workbench.providers.remote import Endpoint, Shared, timeouts
from workbench.providers.wire.common import Body
from workbench.providers.wire.openai_chat import is_openai

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

Event = dict[str, JsonValue]
"""One event of a stream, as it came."""

KEY: Final = "OPENAI_API_KEY"
ADDRESS: Final = "OPENAI_BASE_URL"
TAIL: Final = 1.0
"""Seconds for what follows a turn that is whole, such as its usage; a server that goes on longer is left."""


def address_of(endpoint: Endpoint) -> str | None:
    """Return the base URL that will be asked; None where it is OpenAI's own."""
    return endpoint.base_url or os.environ.get(ADDRESS, "").strip() or None


def openai_key(endpoint: Endpoint, *, is_for_others: bool) -> str:
    """Return the key for a server; raises `KeyMissingError` where OpenAI itself is asked and none is set.

    OpenAI's own key goes to OpenAI and to the address in the environment, and, unless the API `is_for_others` in the
    first place, to the address in the settings. It never goes to an address that came with a model's name.
    """
    if endpoint.is_foreign:
        return other_key()
    has_own = any(name.lower() in ("authorization", "api-key") for name in endpoint.headers)
    if is_openai(address_of(endpoint)) and not has_own:
        return key_from(KEY, what="OpenAI")
    if not os.environ.get(KEY, "").strip() or (is_for_others and endpoint.base_url is not None):
        return other_key()
    return key_from(KEY, what="OpenAI")


class OpenAIClient:
    """The SDK's client for one endpoint. It may be used on several event loops; each has its own connections.

    Raises `KeyMissingError` where OpenAI itself is asked and no key is set.
    """

    def __init__(self, endpoint: Endpoint, *, is_for_others: bool = False) -> None:
        self._endpoint, self._key = endpoint, openai_key(endpoint, is_for_others=is_for_others)
        self._asked = "" if is_for_others or endpoint.base_url else "openai"
        self._client = Shared(endpoint, self._made)

    async def events(self, path: str, body: Body) -> AsyncGenerator[Event]:
        """Post `body` and yield the events of the stream that answers; the first, once it does, is empty.

        Raises `ModelError`. Closing the generator frees the connection at once.
        """
        import httpx2
        from openai import AsyncStream, OpenAIError

        try:
            stream = await self._client.get().post(
                path,
                body={**body, "stream": True},
                cast_to=object,
                stream=True,
                stream_cls=AsyncStream[object],
                options={"security": {"bearer_auth": True}},
            )
            try:
                wrong = not_a_stream(stream.response.headers.get("content-type", ""))
                if wrong is not None:
                    raise wrong
                yield {}
                async for event in stream:
                    yield object_in(event, "an event of the stream")
            finally:
                await stream.close()
                # The SDK's stream and its generator hold each other, and the connection's reader, until then.
                await stream._iterator.aclose()  # type: ignore[attr-defined]  # noqa: SLF001
        except (OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise model_error(error, self._asked) from None

    def _made(self, connections: httpx2.AsyncClient) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        headers = dict(self._endpoint.headers)
        made = AsyncOpenAI(
            api_key=self._key,
            base_url=self._endpoint.base_url,
            default_headers=headers,
            timeout=timeouts(self._endpoint),
            max_retries=0,
            http_client=connections,
        )
        if self._endpoint.is_foreign:
            made._custom_headers = headers  # noqa: SLF001 - without those of OPENAI_CUSTOM_HEADERS
            made.organization = made.project = None  # which the SDK finds in the environment, too
        return made


async def rest_of(events: AsyncGenerator[Event]) -> list[Event]:
    """Return what follows a turn that is whole, read to its end so that the connection can serve again.

    What breaks there, or takes longer than `TAIL`, breaks nothing.
    """
    rest: list[Event] = []
    with suppress(ModelError, TimeoutError):
        async with asyncio.timeout(TAIL):
            async for event in events:
                rest.append(event)  # noqa: PERF401 - what came before the time was up counts
    return rest


def object_in(value: object, what: str) -> Event:
    """Return a JSON object; raises `TransientModelError` for anything else, as the stream is broken."""
    if not isinstance(value, dict):
        raise failure("broken", f"{what} is no JSON object")
    return value


def text_in(event: Mapping[str, JsonValue], name: str) -> str:
    """Return a text of an event, empty where there is none; raises `TransientModelError` for anything else."""
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise failure("broken", f"{name!r} of an event is no text")
    return value


def objects_in(event: Mapping[str, JsonValue], name: str) -> list[Event]:
    """Return the JSON objects of a list in an event, empty where there is none."""
    value = event.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count_in(event: Mapping[str, JsonValue], *path: str) -> int:
    """Return a number of tokens, 0 where it is not told."""
    found: Any = event
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
