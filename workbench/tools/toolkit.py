"""`Toolkit`: the tools of an agent, in an order that never changes by itself, and their groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Unpack

from pydantic import BaseModel

from workbench.errors import AgentError
from workbench.events.agent import ToolGroup, ToolSpec
from workbench.tools.base import NAME, Tool, ToolFunction
from workbench.tools.control import SWITCH_TOOLS, switch_tool
from workbench.tools.declaring import Declared, declared_anew, extended, tool

Clash = Literal["error", "rename", "replace", "skip"]


class Toolkit:
    """The tools of an agent, by name, in the order in which they were added.

    What is changed here holds for runs that begin afterwards: a run keeps the declarations with which it began.
    """

    def __init__(self, tools: Iterable[Tool | ToolFunction] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self._plain: dict[str, Tool] = {}
        """Tools whose schema is extended, as they were before."""
        self._groups: dict[str, ToolGroup] = {}
        self._switch: Tool | None = None
        for item in tools:
            self.add(item)

    def add(self, item: Tool | ToolFunction, *, on_clash: Clash = "error", **declared: Unpack[Declared]) -> Tool:
        """Add a tool, or a function as one, and return it; what is declared here wins over what was before.

        Where the name is taken: `error` raises `AgentError`, `rename` finds another name (`search_2`), `replace` puts
        it in the place of the tool that is there, and `skip` keeps and returns that one.
        """
        if not isinstance(item, Tool):
            item = tool(item, **declared)
        elif declared:
            item = declared_anew(item, declared)
        there = self.get(item.name)
        if there is None or (on_clash == "replace" and there is not self._switch):
            self._plain.pop(item.name, None)
        elif on_clash == "skip":
            return there
        elif on_clash == "rename":
            item = declared_anew(item, Declared(name=self._free_name(item.name)))
        else:
            raise AgentError(
                f"two tools are named {item.name!r}; give one another name with @tool(name=…), or say with on_clash "
                "which one is meant"
            )
        self._tools[item.name] = item
        return item

    def _free_name(self, name: str) -> str:
        number = 2
        while self.get(f"{name[: 63 - len(str(number))]}_{number}") is not None:
            number += 1
        return f"{name[: 63 - len(str(number))]}_{number}"

    def joined(self, tools: Iterable[Tool]) -> Toolkit:
        """Return a toolkit with further tools behind its own; they take the place of tools of their names."""
        further = tuple(tools)
        names = {item.name for item in further}
        whole = Toolkit()
        for group in self.groups:
            whole.add_group(**dict(group))
        own = (item for item in self._tools.values() if item.name not in names)
        for item in (*own, *further):
            whole.add(item)
        return whole

    def remove(self, name: str) -> None:
        """Take a tool out; raises `AgentError` where there is none of that name."""
        if self._tools.pop(name, None) is None:
            raise AgentError(f"there is no tool {name!r}; there are: {', '.join(self._tools) or 'none'}")
        self._plain.pop(name, None)

    def extend_schema(self, name: str, model: type[BaseModel] | None) -> Tool:
        """Add the fields of `model` to a tool's input, in place of those added before; None takes them away.

        The function gets the fields that it takes. The others are checked and kept in the log alone.
        """
        item = self._plain.get(name) or self._tools.get(name)
        if item is None:
            raise AgentError(f"there is no tool {name!r}; there are: {', '.join(self._tools) or 'none'}")
        self._tools[name] = item if model is None else extended(item, model)
        self._plain[name] = item
        return self._tools[name]

    def add_group(
        self, name: str, description: str = "", *, active: bool = False, model_may_switch: bool = False, notes: str = ""
    ) -> None:
        """Add a group for tools that say `group=name`; it is off until it is switched on, unless `active`.

        With `model_may_switch` there is a tool `switch_tools`, which shows the model its description, and `notes` once
        it is on.
        """
        if not NAME.fullmatch(name):
            raise AgentError(f"a group cannot be named {name!r}; give it a name of letters, digits, _ and -")
        if name in self._groups:
            raise AgentError(f"two groups are named {name!r}; give one another name")
        if model_may_switch and SWITCH_TOOLS in self._tools:
            raise AgentError(f"a tool is named {SWITCH_TOOLS!r}, as the one that switches groups is; rename it")
        group = ToolGroup(
            name=name, description=description, active=active, model_may_switch=model_may_switch, notes=notes
        )
        self._groups[name] = group
        self._switch = switch_tool(self.groups)

    def remove_group(self, name: str) -> None:
        """Take a group out, with its tools; raises `AgentError` where there is none of that name."""
        if self._groups.pop(name, None) is None:
            raise AgentError(f"there is no group {name!r}; there are: {', '.join(self._groups) or 'none'}")
        for item in [item for item in self._tools.values() if item.spec.group == name]:
            self.remove(item.name)
        self._switch = switch_tool(self.groups)

    def get(self, name: str) -> Tool | None:
        """Return the tool of that name, or None."""
        if name == SWITCH_TOOLS and self._switch is not None:
            return self._switch
        return self._tools.get(name)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools in order; that which switches groups is the last."""
        return (*self._tools.values(), *([self._switch] if self._switch is not None else []))

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(item.name for item in self.tools)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Declarations in order; the order never changes in a run, so that prompt caches hold."""
        return tuple(item.spec for item in self.tools)

    @property
    def groups(self) -> tuple[ToolGroup, ...]:
        """Groups in order."""
        return tuple(self._groups.values())
