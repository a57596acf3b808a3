"""`Toolkit`: the tools of an agent."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.errors import AgentError
from workbench.events.agent import ToolSpec
from workbench.tools.base import Tool


class Toolkit:
    """The tools of an agent, by name, in a fixed order."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for item in tools:
            self.add(item)

    def add(self, item: Tool) -> None:
        """Add a tool; raises `AgentError` where its name is taken."""
        if item.name in self._tools:
            raise AgentError(f"two tools are named {item.name!r}; give one another name with @tool(name=…)")
        self._tools[item.name] = item

    def get(self, name: str) -> Tool | None:
        """Return the tool of that name, or None."""
        return self._tools.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(self._tools)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Declarations in order; the order never changes in a run, so that prompt caches hold."""
        return tuple(item.spec for item in self._tools.values())
