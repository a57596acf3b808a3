"""Model names, `provider:model[@base_url]`, to providers; a provider's file is imported when its model is asked for.

Where a provider is reached is the person's concern: settings, command line and environment say so. An address in a
model's name counts too, but it may come out of a stranger's session, so it is given no headers and no maker's key.
Names are kept in logs, so an address in one holds nothing that proves who asks.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from workbench.errors import ModelNotFoundError
from workbench.providers.base import Provider
from workbench.providers.catalog import refuse_retired
from workbench.providers.keys import redacted
from workbench.providers.makers import is_host_of, is_maker
from workbench.providers.remote import Endpoint
from workbench.providers.wire.common import ModelName, split_model


class _Remote(NamedTuple):
    """A provider that is reached over the network."""

    module: str
    class_name: str
    addresses: tuple[str, ...]
    """Variables of the environment by which its SDK is sent elsewhere; the first that is set counts."""


REMOTE: Final[dict[str, _Remote]] = {
    "anthropic": _Remote("anthropic", "AnthropicProvider", ("ANTHROPIC_BASE_URL",)),
    "openai": _Remote("openai_responses", "OpenAIResponsesProvider", ("OPENAI_BASE_URL",)),
    "openai-chat": _Remote("openai_chat", "OpenAIChatProvider", ("OPENAI_BASE_URL",)),
    "bedrock": _Remote("bedrock", "BedrockProvider", ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL")),
}
OFFLINE: Final = "offline"
RECORDED: Final = "recorded"
KNOWN: Final = (OFFLINE, *REMOTE, RECORDED)
"""Providers that can be named, before the colon where a model follows."""
_MEANT_AS_ADDRESS: Final = re.compile(
    r"@(?:[a-z][a-z0-9+.-]*:/|[^@]*:[^@]*@|localhost\b|\[|[\w.-]+:\d+(?:/|$)|\d+\.\d+\.\d+\.\d+)", re.IGNORECASE
)
"""In a model's name that has no address."""
_MODELS_BEGIN: Final = {"claude": "anthropic", "gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai"}


class Providers:
    """Gives the provider of a model name, and keeps it: its connections and its client are used again.

    `endpoints` says how each provider is reached; `trusted` are the addresses that the person wrote themselves.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint] | None = None, trusted: Collection[str] = ()) -> None:
        self._endpoints = dict(endpoints or {})
        self._trusted = {address.rstrip("/") for address in trusted}
        self._made: list[tuple[str, Endpoint, Provider]] = []

    def __call__(self, model: str, pace: float = 0.0) -> Provider:
        """Return the provider of a model name.

        `pace` slows down what is embedded or recorded, in seconds a turn. Raises `ModelNotFoundError` for a name
        that no provider knows, and `KeyMissingError` where a key is needed and not set.
        """
        if model == OFFLINE:
            from workbench.providers.offline import OfflineProvider

            return OfflineProvider(pace=pace)
        name = split_model(model)
        if name.provider not in (*REMOTE, RECORDED):
            raise ModelNotFoundError(_unknown(model, name))
        _refuse_secrets(name)
        if not name.model.strip():
            raise ModelNotFoundError(_unknown(model, name))
        if name.provider == RECORDED:
            from workbench.providers.recorded import RecordedProvider

            return RecordedProvider(name.model, pace)
        return self._remote(name)

    def endpoint(self, name: ModelName) -> Endpoint:
        """Return where a model is reached; raises `ModelNotFoundError` for an address that is none."""
        own = self._endpoints.get(name.provider, Endpoint())
        if name.base_url is None:
            return own
        is_named = name.base_url.rstrip("/") in {*self._trusted, (own.base_url or "").rstrip("/")}
        _host_of(name.base_url)  # refuses what is no address
        if is_named or is_maker(name.provider, name.base_url):
            return replace(own, base_url=name.base_url)
        return replace(own, base_url=name.base_url, headers={}, is_foreign=True)

    def address(self, model: str) -> str | None:
        """Return where a model is asked that was not named with an address: from the settings, or the environment.

        None for its maker's own address, for one that stands in the name already, and for what is not remote.
        """
        name = split_model(model)
        if name.provider not in REMOTE or name.base_url is not None:
            return None
        given = (os.environ.get(variable, "").strip() for variable in REMOTE[name.provider].addresses)
        return self._endpoints.get(name.provider, Endpoint()).base_url or next(
            (found for found in given if found), None
        )

    def _remote(self, name: ModelName) -> Provider:
        endpoint = self.endpoint(name)
        if _is_at_its_maker(name.provider, endpoint):
            _refuse_sign(name)
            refuse_retired(name.provider, name.model)
        for kept, reached, provider in self._made:
            if (kept, reached) == (name.provider, endpoint):
                return provider
        remote = REMOTE[name.provider]
        try:
            module = import_module(f"workbench.providers.{remote.module}")
        except ImportError as error:
            raise ModelNotFoundError(f"{name.provider!r} cannot be used here: {error}") from None
        make: Callable[[Endpoint], Provider] = getattr(module, remote.class_name)
        made = make(endpoint)
        self._made.append((name.provider, endpoint, made))
        return made


provider_for: Final = Providers()
"""Gives providers as the environment alone says how to reach them."""


def _is_at_its_maker(provider: str, endpoint: Endpoint) -> bool:
    """Whether the maker itself is asked, whose days hold; a gateway or a server of one's own may go on for longer."""
    remote = REMOTE[provider]
    given = (os.environ.get(name, "").strip() for name in remote.addresses)
    address = endpoint.base_url or next((found for found in given if found), None)
    return address is None or is_host_of(provider, _host_of(address))


def _refuse_secrets(name: ModelName) -> None:
    """Raise `ModelNotFoundError` for an address with more than the way to a server: the log would keep it."""
    if name.base_url is None:
        if _MEANT_AS_ADDRESS.search(f"{name.provider}:{name.model}"):
            raise ModelNotFoundError(
                "the address in the name of a model begins with http:// or https://, in small letters"
            )
        return
    bare = _bare(name.base_url)
    if bare != name.base_url:
        raise ModelNotFoundError(
            "the name of a model is kept in the log, so its address holds no user, password, query or fragment: name "
            f"the model {name.provider}:{name.model}@{bare} and give what proves who asks with --header, or as headers "
            f"under [providers.{name.provider}] in settings.toml, where $NAME stands for a variable of the environment"
        )


def _refuse_sign(name: ModelName) -> None:
    """Raise `ModelNotFoundError` for an `@` in the name of a maker's own model, which has none: gateways' may."""
    model, sign, rest = name.model.partition("@")
    if sign and name.base_url is None:
        raise ModelNotFoundError(
            f"{redacted(rest)!r} behind {redacted(model)!r} is no address: the address in the name of a "
            "model begins with http:// or https:// and names a host"
        )


def _bare(address: str) -> str:
    """Return an address without user, password, query and fragment."""
    scheme, _, rest = re.split(r"[?#]", address, maxsplit=1)[0].partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _host_of(address: str) -> str:
    try:
        host = urlsplit(address).hostname
    except ValueError:
        host = None
    if not host:
        raise ModelNotFoundError(
            f"{redacted(address)!r} is no base URL; it begins with http:// or https:// and names a host"
        )
    return host.lower()


def _unknown(model: str, name: ModelName) -> str:
    """Say what is wrong with a model name, with the nearest right one."""
    first = name.provider.lower()
    maker = next((maker for begin, maker in _MODELS_BEGIN.items() if first.startswith(begin)), None)
    if name.provider in REMOTE or name.provider == RECORDED:
        what = "a run" if name.provider == RECORDED else "a model"
        hint = f"write {what} after the colon, {name.provider}:{'RUN' if name.provider == RECORDED else 'MODEL'}."
    elif maker is not None and not name.model:
        hint = f"did you mean '{maker}:{model}'?"
    elif near := difflib.get_close_matches(first, KNOWN, n=1):
        hint = f"did you mean '{near[0]}{':' + name.model if name.model and near[0] != OFFLINE else ''}'?"
    else:
        hint = "a model is named provider:model[@base_url]."
    known = ", ".join(KNOWN)
    return (
        f"there is no model {redacted(model)!r}: {hint} Providers are {known}; {OFFLINE!r} needs no key, and "
        "`workbench models` lists what is known."
    )
