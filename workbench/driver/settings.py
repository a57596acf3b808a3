"""What a driver is given: places on disk, a clock, and where its agents and models come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from workbench.agent.loading import LoadedAgent
from workbench.agent.named import AgentFiles
from workbench.agent.spec import AgentSpec, researcher
from workbench.clock import Clock, SystemClock
from workbench.providers.own import MakeProvider
from workbench.providers.registry import provider_for
from workbench.store import search_path
from workbench.tools.library import Library, Notebook
from workbench.tools.mcp.server import McpServer

MakeAgent = Callable[[Library, Notebook, str | None], AgentSpec]
"""Makes the agent out of its documents, its notes and the folder of the documents."""


@dataclass(frozen=True, slots=True)
class DriverSettings:
    """Where a driver works, and with what."""

    database: Path
    cache: Path
    """Folder of document indexes; they can be thrown away."""
    clock: Clock = field(default_factory=SystemClock)
    make_agent: MakeAgent = researcher
    """Makes the agent of runs that name no file of one."""
    agent: LoadedAgent | None = None
    """The agent of new runs, where the person named one."""
    stand_in: LoadedAgent | None = None
    """The agent whose code goes on with recorded runs, wherever they say that theirs is."""
    agent_files: AgentFiles = field(default_factory=AgentFiles)
    make_provider: MakeProvider = provider_for
    address_of: Callable[[str], str | None] = provider_for.address
    """Where a model is asked that has no address in its name; None for its maker's own."""
    follow_every: float = 0.25
    """Seconds between looks at what other processes wrote."""

    breakpoints: Path | None = None
    """The file that keeps a person's breakpoints; None: they end with the driver."""
    mcp: tuple[McpServer, ...] = ()
    """MCP servers of the person's, for every new run beside those of its agent."""
    mcp_pins: Path | None = None
    """The file of what was accepted of MCP servers; None: it ends with the driver."""
    mcp_logs: Path | None = None
    """Folder of what their programs print; None: it is lost."""

    @property
    def search(self) -> Path:
        """The index of all runs, beside the database."""
        return search_path(self.database)

    @property
    def notes(self) -> Path:
        """The notebook, beside the database."""
        return self.database.with_name(f"{self.database.stem}-notes.db")
