"""Amazon Bedrock's Converse API, streamed through boto3, which only knows how to wait: a thread a turn does that.

A turn that is broken off frees its connection at once: the socket is shut under the thread, which then ends. boto3's
own attempts are off, so that each is an event of the run; what stays on is its adaptive pace, by which a client that
was told to slow down does. boto3 is an extra: `pip install "workbench[bedrock]"`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from workbench.errors import KeyMissingError, ModelNotFoundError
from workbench.events.request import Request
from workbench.providers.base import Delta
from workbench.providers.bedrock_events import ConverseTurn
from workbench.providers.bedrock_reading import Reading, prepare
from workbench.providers.failures import model_error
from workbench.providers.keys import hide, other_key, require_sendable
from workbench.providers.remote import Endpoint, most_connections
from workbench.providers.wire.bedrock import PROVIDER, converse_arguments

REGION: Final = "us-east-1"
ATTEMPTS: Final = 10
CONNECT_TIMEOUT, READ_TIMEOUT = 60.0, 300.0
"""Seconds, where nobody says otherwise: behind Bedrock models may take long to begin."""
TAIL: Final = 1.0
"""Seconds for what follows the end of a turn."""
_CREDENTIALS: Final = (
    "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
_SENT: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK")
"""Variables that boto3 reads by itself, and sends or signs with as they are."""
_SERVERS: Final = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL")


def has_credentials() -> bool:
    """Whether there is something to prove who asks, without asking the network for it."""
    if any(os.environ.get(name, "").strip() for name in _CREDENTIALS):
        return True
    files = (("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), ("AWS_CONFIG_FILE", "~/.aws/config"))
    return any(Path(os.environ.get(name) or usual).expanduser().is_file() for name, usual in files)


class BedrockProvider:
    """Models behind Bedrock, in the endpoint's region or at its address."""

    attempts = ATTEMPTS
    """How often a turn is tried."""

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        """Look for credentials.

        Raises `KeyMissingError` where Bedrock itself is asked and there are none, and for those that cannot be sent.
        """
        given = endpoint or Endpoint()
        self.endpoint = _patient(given)
        try:
            importlib.import_module("botocore.session")
        except ImportError:
            raise ModelNotFoundError(
                'Bedrock needs boto3, which is not installed: pip install "workbench[bedrock]"'
            ) from None
        if not self._has_own_server and not has_credentials() and _session().get_credentials() is None:
            raise KeyMissingError(
                "Bedrock needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or "
                "AWS_BEARER_TOKEN_BEDROCK in the environment, or leave out the model to use `offline`, which needs none"
            )
        if self._sends_other_key:
            other_key()
        else:
            for name in _SENT:
                require_sendable(name, os.environ.get(name, ""))
        self._client: Any = None
        self._making = threading.Lock()

    @property
    def _has_own_server(self) -> bool:
        return bool(self.endpoint.base_url or any(os.environ.get(name) for name in _SERVERS))

    @property
    def _sends_other_key(self) -> bool:
        return self.endpoint.is_foreign or (self._has_own_server and not has_credentials())

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Stream one turn."""
        turn = ConverseTurn()
        try:
            arguments = converse_arguments(request)
            async with aclosing(self._events(arguments)) as events:
                async for event in events:
                    for delta in turn.read(event):
                        yield delta
                    if turn.stop_reason is not None:
                        await _rest_of(events, turn)
                        break
        except Exception as error:  # noqa: BLE001 - whatever boto3 raises; what it holds may be a key
            raise model_error(error, "" if self.endpoint.base_url else PROVIDER) from None
        for last in turn.end(request.model):
            yield last

    async def _events(self, arguments: dict[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield the events of a stream as a thread reads them; closing shuts the connection under it."""
        reading = Reading(self.client, arguments)
        reading.start()
        try:
            async for event in reading.events():
                yield event
        finally:
            reading.stop()

    def client(self) -> Any:
        """Return boto3's client, which all threads share; the first one makes it, which takes a moment."""
        with self._making:
            if self._client is None:
                self._client = self._made()
        return self._client

    def _made(self) -> Any:
        boto3, session = importlib.import_module("boto3"), _session()
        config = importlib.import_module("botocore.config").Config(
            connect_timeout=self.endpoint.connect_timeout,
            read_timeout=max(self.endpoint.first_byte_timeout or 0, self.endpoint.byte_timeout or 0),
            max_pool_connections=self.endpoint.connections or most_connections(),
            retries={"mode": "adaptive", "total_max_attempts": 1},
            tcp_keepalive=True,
            # A foreign server gets no token of the environment either, which boto3 prefers to keys.
            signature_version="v4" if self.endpoint.is_foreign else None,
        )
        keys: dict[str, str] = {}
        if self._sends_other_key:
            keys = {"aws_access_key_id": other_key(), "aws_secret_access_key": other_key()}
        else:
            _hide_credentials(session)
        region = self.endpoint.region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
        client = boto3.session.Session(botocore_session=session).client(
            "bedrock-runtime",
            region_name=region or REGION,
            endpoint_url=self.endpoint.base_url,
            config=config,
            **keys,
        )
        headers = dict(self.endpoint.headers)
        if headers:

            def add(request: Any, **_: Any) -> None:
                for name, value in headers.items():
                    request.headers[name] = value

            client.meta.events.register("request-created.bedrock-runtime.ConverseStream", add)
        prepare(client)
        return client


def _patient(given: Endpoint) -> Endpoint:
    """Return the endpoint with Bedrock's own timeouts where nobody chose others."""
    return replace(
        given,
        first_byte_timeout=given.first_byte_timeout or READ_TIMEOUT,
        byte_timeout=given.byte_timeout or READ_TIMEOUT,
        connect_timeout=given.connect_timeout or CONNECT_TIMEOUT,
    )


def _session() -> Any:
    return importlib.import_module("botocore.session").get_session()


def _hide_credentials(session: Any) -> None:
    with suppress(Exception):  # whatever is wrong with them shows when they are used
        credentials = session.get_credentials()
        if credentials is not None:
            hide(*(key for key in credentials.get_frozen_credentials() if isinstance(key, str)))


async def _rest_of(events: AsyncIterator[Mapping[str, Any]], turn: ConverseTurn) -> None:
    """Read what follows a turn that is whole: what it used, and the end, so that its connection can serve again."""
    with suppress(Exception):
        async with asyncio.timeout(TAIL):
            async for event in events:
                turn.count(event)
