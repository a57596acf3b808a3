"""What a person accepted of each server: its command or address, and its tools as the model is told of them.

The first look is accepted, because the person wrote the server down. What is different later is kept beside it as
*offered* and used by no run until the person accepts that, and exactly that.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from workbench.config.whole_file import write_whole
from workbench.errors import McpServerError
from workbench.tools.mcp.server import McpServer
from workbench.tools.mcp.specs import ListedTool, clean

FORMAT: Final = 1
_SHOWN = 4
"""Changes that a sentence names."""


class PinnedTool(BaseModel):
    """A tool as the server said it was."""

    model_config = ConfigDict(frozen=True)

    description: str
    input_schema: dict[str, JsonValue]


class Pin(BaseModel):
    """A server as it was at one moment."""

    model_config = ConfigDict(frozen=True)

    target: str
    """The command or the address, for people."""
    fingerprint: str
    tools: dict[str, PinnedTool]

    @classmethod
    def of(cls, server: McpServer, tools: Iterable[ListedTool]) -> Pin:
        """Return what a server is now."""
        found = {
            tool.name: PinnedTool(description=tool.description, input_schema=dict(tool.input_schema)) for tool in tools
        }
        return cls(target=server.target, fingerprint=server.fingerprint, tools=found)


class PinnedServer(BaseModel):
    """What is accepted, and what the server is instead."""

    accepted: Pin
    offered: Pin | None = None


class _File(BaseModel):
    format: Literal[1] = FORMAT
    servers: dict[str, PinnedServer] = {}


class Difference(BaseModel):
    """What is not as it was accepted."""

    target: tuple[str, str] | None = None
    """Before and now."""
    tools: dict[str, str] = {}
    """What is different about each, in words that follow its name."""

    def __bool__(self) -> bool:
        return self.target is not None or bool(self.tools)

    def sentence(self, name: str) -> str:
        """Say what changed, and what to do about it."""
        parts: list[str] = []
        if self.target is not None:
            before, now = self.target
            parts.append(f"it is {now} now" + (f", and was {before}" if before != now else " in another form"))
        parts += [f"its tool {clean(tool, 64)!r} {what}" for tool, what in list(self.tools.items())[:_SHOWN]]
        if len(self.tools) > _SHOWN:
            parts.append(f"and {len(self.tools) - _SHOWN} more")
        return (
            f"the MCP server {name!r} is not as you accepted it: {', '.join(parts)}. "
            f"Look: workbench mcp {name}. Accept: workbench mcp --accept {name}"
        )


def difference(accepted: Pin, now: Pin, takes: Callable[[str], bool] = lambda _: True) -> Difference:
    """Return what is new or not as it was among the tools that are taken; one that is gone harms nobody."""
    target = (accepted.target, now.target) if accepted.fingerprint != now.fingerprint else None
    tools: dict[str, str] = {}
    for name, tool in now.tools.items():
        before = accepted.tools.get(name)
        if not takes(name) or tool == before:
            continue
        if before is None:
            tools[name] = "is new"
        elif tool.description == before.description:
            tools[name] = f"has another schema{_parameters(before.input_schema, tool.input_schema)}"
        elif tool.input_schema == before.input_schema:
            tools[name] = "has another description"
        else:
            tools[name] = "has another description and another schema"
    return Difference(target=target, tools=tools)


def _parameters(before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> str:
    old, new = before.get("properties"), now.get("properties")
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ""
    names = [clean(name, 64) for name in {**old, **new} if old.get(name) != new.get(name)]
    return f" ({', '.join(names[:_SHOWN])})" if names else ""


class PinBook:
    """The pins of one person, in a file that nobody else may read; without a file they end with the process."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._kept = _File()
        self._lock = threading.Lock()

    def servers(self) -> dict[str, PinnedServer]:
        """Return everything that is known. Raises `McpServerError` where the file cannot be read."""
        return dict(self._read().servers)

    def compare(self, server: McpServer, tools: Iterable[ListedTool]) -> Difference:
        """Return what changed since a server was accepted; one that was never seen is accepted as it is."""
        now = Pin.of(server, tools)
        known = self.servers().get(server.name)
        if known is None or known.offered != (now if difference(known.accepted, now, server.takes) else None):
            known = self._change(server.name, lambda before: _seen(before, now, server))
        return difference(known.accepted, now, server.takes)

    def accept(self, name: str) -> Difference:
        """Accept what a server was when it was refused; returns what that changes. Raises `McpServerError`."""
        found: list[Difference] = []

        def accepted(before: PinnedServer | None) -> PinnedServer:
            if before is None or before.offered is None:
                raise McpServerError(f"the MCP server {name!r} has nothing to accept: nothing of it was refused")
            found.append(difference(before.accepted, before.offered))
            return PinnedServer(accepted=before.offered)

        self._change(name, accepted)
        return found[0]

    def _read(self) -> _File:
        if self.file is None:
            return self._kept
        try:
            return _File.model_validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return _File()
        except (OSError, ValidationError):
            raise McpServerError(
                f"the file of accepted MCP servers, {str(self.file)!r}, cannot be read; mend it, or take it away and "
                "look at each server before you use it: it is accepted as it is then"
            ) from None

    def _change(self, name: str, change: Callable[[PinnedServer | None], PinnedServer]) -> PinnedServer:
        """Change what is known of one server; nobody else changes anything meanwhile."""
        with self._lock, self._alone():
            kept = self._read()
            changed = change(kept.servers.get(name))
            written = _File(servers={**kept.servers, name: changed})
            if self.file is None:
                self._kept = written
                return changed
            try:
                write_whole(self.file, [json.dumps(written.model_dump(mode="json"), indent=1), "\n"])
            except OSError as error:
                raise self._unwritable(error) from None
            return changed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold other processes off the file."""
        if self.file is None:
            yield
            return
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(self.file.with_name(f"{self.file.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)

    def _unwritable(self, error: OSError) -> McpServerError:
        why = error.strerror or error
        return McpServerError(f"the file of accepted MCP servers, {str(self.file)!r}, cannot be written: {why}")


def _seen(before: PinnedServer | None, now: Pin, server: McpServer) -> PinnedServer:
    """Return what is known of a server once it was seen as it is now."""
    if before is None:
        return PinnedServer(accepted=now)
    return PinnedServer(
        accepted=before.accepted, offered=now if difference(before.accepted, now, server.takes) else None
    )
