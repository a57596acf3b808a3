"""`McpServer`: how a person writes an MCP server down. Defining one needs no further package; using it does."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import urlsplit

from workbench.errors import AgentError, McpServerError
from workbench.events.agent import Permission, ToolSpec
from workbench.tools.base import NAME

_ADDRESS = re.compile(r"https?://[^/\s]+\S*")
_PERMISSIONS = ("allow", "ask", "deny")


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server that is started with `command` and `args`, or reached at `url`, and how its tools are treated.

    Raises `AgentError` for what cannot be meant.
    """

    name: str
    command: str | None = None
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Variables that the program gets beside the few harmless ones; no others, so no keys."""
    cwd: str | None = None
    """Where the program runs: the person's home where nothing is said, never the working directory."""
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    permission: Permission = "ask"
    """What holds for its tools, where no rule of the agent's says otherwise."""
    read_only: Sequence[str] = ()
    """Its tools that change nothing, as the person knows; what the server says of that is not believed."""
    only: Sequence[str] | None = None
    """The tools that are taken, by the server's own names; None for all."""
    exclude: Sequence[str] = ()
    """The tools that are left out."""
    prefix: str | None = None
    """Stands before the names of its tools; None: the server's name does where another tool has the name already."""
    timeout: float = 60.0
    """Seconds for a call."""
    start_timeout: float = 30.0
    """Seconds for the start, until its tools are known."""

    def __post_init__(self) -> None:
        for name in ("args", "read_only", "only", "exclude"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise AgentError(f"the MCP server {self.name!r}: {name} is a text; expected a list of texts")
            object.__setattr__(self, name, None if value is None else tuple(value))
        if not NAME.fullmatch(self.name):
            raise AgentError(f"an MCP server cannot be named {self.name!r}; expected letters, digits, _ and -")
        if (self.command is None) == (self.url is None):
            raise AgentError(f"the MCP server {self.name!r} needs a command or a url, and not both")
        if self.command is not None and not self.command.strip():
            raise AgentError(f"the MCP server {self.name!r} has an empty command")
        if self.url is not None and not _ADDRESS.fullmatch(self.url):  # it may hold a password, so it is not said back
            raise AgentError(f"the url of the MCP server {self.name!r} is no address such as http://127.0.0.1:8000/mcp")
        if self.permission not in _PERMISSIONS:
            raise AgentError(
                f"the MCP server {self.name!r} has permission {self.permission!r}; expected {', '.join(_PERMISSIONS)}"
            )
        if self.prefix and not NAME.fullmatch(self.prefix):
            raise AgentError(
                f"the MCP server {self.name!r} has the prefix {self.prefix!r}; expected letters, digits, _ and -"
            )
        if self.timeout <= 0 or self.start_timeout <= 0:
            raise AgentError(f"the MCP server {self.name!r} needs a timeout above 0")

    @property
    def target(self) -> str:
        """The command or the address, for people: without what of an address may be secret."""
        if self.command is not None:
            return shlex.join((self.command, *self.args))
        parts = urlsplit(self.url or "")
        hidden = "?…" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{hidden}"

    @property
    def fingerprint(self) -> str:
        """Changes with the command or the address, and with nothing else."""
        said = json.dumps([self.command, *self.args] if self.command is not None else self.url)
        return hashlib.sha256(said.encode()).hexdigest()

    def takes(self, tool: str) -> bool:
        """Whether a tool, by the server's own name, is for the agent."""
        return (self.only is None or tool in self.only) and tool not in self.exclude


def require_package() -> None:
    """Raise `McpServerError` where MCP servers cannot be used for want of the package."""
    if find_spec("mcp") is None:
        raise McpServerError('MCP servers need a further package: pip install "workbench[mcp]"')


def merged(own: Sequence[McpServer], others: Sequence[McpServer]) -> tuple[McpServer, ...]:
    """Return an agent's servers and then those of the person; the agent's own wins where two have one name."""
    names = {server.name for server in own}
    return (*own, *(server for server in others if server.name not in names))


def needed(servers: Iterable[McpServer], specs: Iterable[ToolSpec]) -> tuple[McpServer, ...]:
    """Return the servers that a recorded run has tools of."""
    names = {spec.mcp.server for spec in specs if spec.mcp is not None}
    return tuple(server for server in servers if server.name in names)
