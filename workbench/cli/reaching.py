"""How providers are reached: the settings, and over them what was typed for this one command.

What was typed is in no log, so the commands that are printed say it again, without what may be a secret.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from workbench.config.reaching import PROVIDERS, REACH, SECONDS, read_reach
from workbench.config.settings import Settings
from workbench.errors import ConfigError
from workbench.providers.remote import Endpoint
from workbench.providers.wire.common import split_model

_HELD_BACK: Final = "…"
"""Stands for what is not printed; it is refused as a value, so nothing is sent with it by mistake."""
_FROM_ENVIRONMENT: Final = re.compile(r"((Basic|Bearer|Token) )?(\$\w+|\$\{\w+\})", re.IGNORECASE)
"""A header's value that says where the secret is, and not the secret."""


@dataclass(frozen=True, slots=True)
class Retyped:
    """How the model of this command is reached, as the next command has to say it."""

    words: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()
    """What stands in the words as `…`, because it may be a secret."""

    @property
    def reminder(self) -> str:
        """A sentence about what has to be typed again; empty where nothing has to."""
        if not self.held_back:
            return ""
        return f"In place of {_HELD_BACK} type what you gave for {', '.join(self.held_back)}: it is not printed."


def retyped(args: argparse.Namespace) -> Retyped:
    """Return what was typed of how the model is reached; the address in a model's name is known again only so."""
    words: list[str] = []
    held_back: list[str] = []
    address = getattr(args, "base_url", None) or split_model(getattr(args, "model", None) or "").base_url
    if address is not None:
        is_secret = _may_hold_secrets(address)
        words += ["--base-url", _HELD_BACK if is_secret else address]
        held_back += ["--base-url"] if is_secret else []
    for text in getattr(args, "header", ()):
        name, _, value = text.partition("=")
        is_secret = _FROM_ENVIRONMENT.fullmatch(value.strip()) is None
        words += ["--header", f"{name}={_HELD_BACK}" if is_secret else text]
        held_back += [f"--header {name}"] if is_secret else []
    if getattr(args, "region", None) is not None:
        words += ["--region", args.region]
    for text in getattr(args, "reach", ()):
        words += ["--reach", text]
    return Retyped(tuple(words), tuple(held_back))


def _may_hold_secrets(address: str) -> bool:
    """Whether an address has a place for secrets: a user's name, or what follows a question mark."""
    parts = urlsplit(address)
    return "@" in parts.netloc or bool(parts.query)


def is_typed(args: argparse.Namespace) -> bool:
    """Whether it was typed how the model is reached."""
    return any(getattr(args, name, None) for name in ("base_url", "header", "region", "reach"))


def endpoints(args: argparse.Namespace, settings: Settings, own: str | None = None) -> dict[str, Endpoint]:
    """Return how each provider is reached; what was typed is for the provider of the model.

    `own` is the model of the run that the command is about, which it keeps, whatever the settings say of new ones: its
    roles and judges may have other providers, whose keys are not for that server. For a new run without a model, what
    was typed is for whichever it is given on the screen. Raises `ConfigError` for what cannot be used.
    """
    typed = _typed(args)
    model = getattr(args, "model", None) or own or settings.model
    asked = split_model(model).provider if model else None
    found: dict[str, Endpoint] = {}
    for provider in PROVIDERS:
        said = dict(settings.providers.get(provider, {}))
        if typed and asked in (provider, None):
            headers = {**said.get("headers", {}), **typed.get("headers", {})}
            said = {**said, **typed, **({"headers": headers} if headers else {})}
        found[provider] = Endpoint(**said)
    return found


def typed_addresses(args: argparse.Namespace) -> list[str]:
    """Return the addresses of models that a person typed: these they know, unlike those that a session brings."""
    texts = [text for value in vars(args).values() for text in _texts(value)]
    return [name.base_url for text in texts if (name := _model_in(text)).base_url is not None]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split(",")
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _model_in(text: str) -> Any:
    """Return the model that a text names, also behind `model=` and within `judge[...]`."""
    inner = text.removeprefix("model=")
    if inner.startswith("judge["):
        inner = inner.removeprefix("judge[").partition("]")[0]
    return split_model(inner)


def _typed(args: argparse.Namespace) -> Mapping[str, Any]:
    said: dict[str, Any] = {}
    if getattr(args, "base_url", None) is not None:
        said["base_url"] = args.base_url
    if getattr(args, "region", None) is not None:
        said["region"] = args.region
    for text in getattr(args, "reach", ()):
        name, sign, value = text.partition("=")
        if not sign or name not in (*SECONDS, "connections", "transport"):
            others = ", ".join(name for name in REACH if name not in ("base_url", "headers", "region"))
            raise ConfigError(f"--reach expects NAME=VALUE with one of {others}, not {name!r}")
        said[name] = _value(value)
    headers: dict[str, str] = {}
    for text in getattr(args, "header", ()):
        name, sign, value = text.partition("=")
        if not sign:
            raise ConfigError("--header expects NAME=VALUE, such as --header x-team=blue")
        headers[name.strip()] = value.strip()
    if headers:
        said["headers"] = headers
    return read_reach(said)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
