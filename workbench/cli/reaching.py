"""How providers are reached: the settings, and over them what was typed for this one command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.config.reaching import PROVIDERS, REACH, SECONDS, read_reach
from workbench.config.settings import Settings
from workbench.errors import ConfigError
from workbench.providers.remote import Endpoint
from workbench.providers.wire.common import split_model


def endpoints(args: argparse.Namespace, settings: Settings) -> dict[str, Endpoint]:
    """Return how each provider is reached; what was typed is for the provider of the model, or for all without one.

    Raises `ConfigError` for what cannot be used.
    """
    typed = _typed(args)
    model = getattr(args, "model", None) or settings.model or ""
    asked = split_model(model).provider
    found: dict[str, Endpoint] = {}
    for provider in PROVIDERS:
        said = dict(settings.providers.get(provider, {}))
        if typed and (provider == asked or asked not in PROVIDERS):
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
