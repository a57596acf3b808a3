"""How models are reached, as a person writes it in the settings file or on the command line.

Only shapes are judged here: what an address answers, others find out.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

from workbench.errors import ConfigError

PROVIDERS: Final = ("anthropic", "openai", "openai-chat", "bedrock")
"""Those that are reached over the network."""
SECONDS: Final = ("connect_timeout", "first_byte_timeout", "byte_timeout", "silence_timeout")
TRANSPORTS: Final = ("httpx2", "aiohttp")
REACH: Final = ("base_url", "headers", "region", *SECONDS, "connections", "transport")
"""What may be said about a provider."""

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE: Final = re.compile(r"\$(\w+)|\$\{(\w+)\}")


def read_providers(value: Any) -> dict[str, dict[str, Any]]:
    """Return what a table of providers says, by provider; raises `ConfigError` for what cannot be used."""
    expected = f"tables such as [providers.anthropic]; there are {', '.join(PROVIDERS)}"
    if not isinstance(value, Mapping) or not all(isinstance(table, Mapping) for table in value.values()):
        raise ConfigError(f"providers is no table of tables; expected {expected}")  # headers in it may be secret
    for name in value:
        if name not in PROVIDERS:
            raise ConfigError(
                f"there is no provider {name!r} to be reached{hint(name, PROVIDERS)}; expected {expected}"
            )
    return {name: read_reach(table, f"providers.{name}.") for name, table in value.items()}


def read_reach(table: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return what is said about one provider, checked; raises `ConfigError` naming the entry."""
    return {name: _reach(name, value, f"{where}{name}") for name, value in table.items()}


def _reach(name: str, value: Any, where: str) -> Any:
    match name:
        case "base_url":
            fits = isinstance(value, str) and re.match(r"https?://[^/\s]", value) is not None and value.isprintable()
            if not fits:  # it may hold a password, so it is not said back
                raise ConfigError(f"{where} is no address; expected one such as http://127.0.0.1:8080/v1")
            return value
        case "region":
            fits = isinstance(value, str) and re.fullmatch(r"[a-z0-9-]+", value) is not None
            return value if fits else _refuse(where, value, "a region such as us-east-1")
        case "headers":
            return read_headers(value, where)
        case "connections":
            fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
            return value if fits else _refuse(where, value, "a whole number above 0")
        case "transport":
            if value == "aiohttp" and find_spec("aiohttp") is None:
                raise ConfigError(f'{where} needs the package aiohttp: pip install "workbench[fast]"')
            return value if value in TRANSPORTS else _refuse(where, value, f"one of {', '.join(TRANSPORTS)}")
        case _ if name in SECONDS:
            fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
            return float(value) if fits else _refuse(where, value, "a number of seconds above 0")
    raise ConfigError(f"nothing is known of {where!r}{hint(name, REACH)}; there are {', '.join(REACH)}")


def read_headers(value: Any, where: str) -> dict[str, str]:
    """Return headers; `$NAME` in a value stands for a variable of the environment, so that no key need be written."""
    if not isinstance(value, Mapping):
        raise ConfigError(f'{where} is no table; expected one such as {{ x-team = "$TEAM" }}')
    found: dict[str, str] = {}
    for name, text in value.items():
        if not _HEADER.fullmatch(str(name)):
            shown = str(name).partition(":")[0]  # behind a colon stands what was meant as the value
            raise ConfigError(f"{where} has a header {shown!r}; expected letters, digits and hyphens")
        if not isinstance(text, str) or not text.isprintable() or not text.isascii():
            raise ConfigError(f"{where} has no text that can be sent for {name!r}; expected plain ASCII on one line")
        found[str(name).lower()] = with_variables(text, f"the header {str(name)!r}")
    return found


def with_variables(text: str, what: str) -> str:
    """Return a text with variables of the environment in the place of `$NAME`; `what` takes its value from them."""
    return _VARIABLE.sub(partial(_variable, what), text)


def _variable(what: str, match: re.Match[str]) -> str:
    name = match[1] or match[2]
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigError(f"{what} takes its value from {name}, which is not set in the environment")
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(
            f"{what} takes its value from {name}, which holds a line's end, a control character or a "
            "letter beyond ASCII; set it again, as one line"
        )
    return value


def hint(name: str, known: Iterable[str]) -> str:
    """Return a question after the nearest known name, behind what was wrong; empty where none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _refuse(where: str, value: Any, expected: str) -> Any:
    raise ConfigError(f"{where} = {value!r}; expected {expected}")
