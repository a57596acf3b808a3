"""MCP servers, as a person writes them in the settings file. Only shapes are judged here.

They stand in this one file and in agents that a person names, and nowhere else: a folder that somebody works in has no
say in what is started.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from workbench.config.reaching import hint, read_headers, with_variables
from workbench.errors import ConfigError

ENTRIES: Final = (
    "command", "url", "env", "headers", "cwd", "permission", "read_only", "only", "exclude", "prefix", "timeout",
)  # fmt: skip
"""What may be said about a server."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_mcp(value: Any) -> dict[str, dict[str, Any]]:
    """Return what a table of servers says, by their names; raises `ConfigError` for what cannot be used."""
    if not isinstance(value, Mapping) or not all(isinstance(table, Mapping) for table in value.values()):
        raise ConfigError("mcp is no table of tables; expected tables such as [mcp.docs]")
    return {name: _server(name, table) for name, table in value.items()}


def _server(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for key, value in table.items():
        where = f"mcp.{name}.{key}"
        if key not in ENTRIES:
            raise ConfigError(f"nothing is known of {where!r}{hint(key, ENTRIES)}; there are {', '.join(ENTRIES)}")
        if key == "command":
            words = _texts(value, where)
            if not words:
                raise ConfigError(f'{where} is empty; expected a list such as ["uvx", "mcp-server-git"]')
            said["command"], said["args"] = words[0], words[1:]
        else:
            said[key] = _entry(key, value, where)
    return said


def _entry(key: str, value: Any, where: str) -> Any:
    match key:
        case "headers":
            return read_headers(value, where)
        case "env":
            return _environment(value, where)
        case "read_only" | "only" | "exclude":
            return _texts(value, where)
        case "timeout":
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number or value <= 0:
                raise ConfigError(f"{where} = {value!r}; expected a number of seconds above 0")
            return float(value)
        case _:
            if not isinstance(value, str) or not value.isprintable():  # a url may hold a password
                raise ConfigError(f"{where} is no text; expected one on one line")
            return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ConfigError(f"{where} is no list of texts")  # what stands there instead may be secret
    return tuple(value)


def _environment(value: Any, where: str) -> dict[str, str]:
    """Return variables; `$NAME` in a value stands for one of ours, so that no key need be written."""
    if not isinstance(value, Mapping):
        raise ConfigError(f'{where} is no table; expected one such as {{ TOKEN = "$DOCS_TOKEN" }}')
    for name, text in value.items():
        if not _NAME.fullmatch(name) or not isinstance(text, str):
            raise ConfigError(f"{where} has no text for a variable at {name.partition('=')[0]!r}")
    return {name: with_variables(text, f"{where}.{name}") for name, text in value.items()}
