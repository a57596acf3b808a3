"""`AgentDefinition`: an agent as a person writes it down, before its documents and its notes are there.

What is wrong in it is said when it is made, so that the error has the line on which it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from workbench.agent.hooks import Hooks
from workbench.agent.spec import AgentSpec
from workbench.errors import AgentError
from workbench.events.agent import CorpusRecord, Limits, ModelParameters, ModelRetries, PermissionRules, PlanMode, Role
from workbench.providers.base import Provider
from workbench.providers.own import own_name
from workbench.tools.arguments import first_problem
from workbench.tools.base import Tool
from workbench.tools.control import Output, spawn_subagent, submit_answer
from workbench.tools.declaring import tool
from workbench.tools.documents import document_tools
from workbench.tools.library import Library, NoDocuments, Notebook, NotesInMemory
from workbench.tools.mcp.server import McpServer
from workbench.tools.notes import memory_tools, note_tools
from workbench.tools.toolkit import Toolkit

DOCUMENTS: Final = "documents"
"""Stands in `tools` for those that search the documents of the run."""
NOTES: Final = "notes"
"""Stands in `tools` for `save_note`."""
MEMORY: Final = "memory"
"""Stands in `tools` for `remember` and `recall`, which keep notes across runs."""
BUILT_IN: Final = (DOCUMENTS, NOTES, MEMORY)

ToolLike = Callable[..., Any] | Tool | Toolkit | str | Sequence["Callable[..., Any] | Tool"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AgentDefinition:
    """Everything that makes an agent what it is; what is None is as a person's settings say, and else by default.

    `tools` are functions, `Tool`s, lists of them, whole `Toolkit`s, or names of built-in ones: `"documents"`,
    `"notes"`, `"memory"`. `model` is a name, or an object with the one method of a provider. With `subagents`, or with
    `roles`, the model may spawn subagents. `output` is the form of the answer, a pydantic model or a JSON Schema.
    `hooks` see and change what happens. `skills` are folders with a `SKILL.md`, or folders of such. Raises `AgentError`
    for what cannot be used.
    """

    model: str | Provider | None = None
    instructions: str | None = None
    tools: Sequence[ToolLike] = ()
    name: str = "agent"
    roles: Sequence[Role] = ()
    subagents: bool = False
    output: Output | None = None
    hooks: Sequence[Hooks] = ()
    skills: Sequence[str | Path] = ()
    permissions: PermissionRules = field(default_factory=PermissionRules)
    mcp: Sequence[McpServer] = ()
    parameters: ModelParameters = field(default_factory=ModelParameters)
    limits: Limits = field(default_factory=Limits)
    retries: ModelRetries = field(default_factory=ModelRetries)
    planner: str | None = None
    subagent: str | None = None
    summary: str | None = None
    plan: PlanMode | None = None
    parallel_tool_calls: bool | None = None
    eager: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be used, where it was written."""
        if not isinstance(self.name, str) or not self.name.strip():
            raise AgentError(f"an agent's name is a text that is not empty, not {self.name!r}")
        for name in ("tools", "roles", "hooks", "skills", "mcp"):
            _check_list(name, getattr(self, name))
        for name, expected in _MADE_OF.items():
            value = getattr(self, name)
            for one in value if name in ("roles", "mcp") else (value,):
                if not isinstance(one, expected):
                    raise AgentError(f"{name}: {one!r} is no {expected.__name__}; write {expected.__name__}(…)")
        if self.model is not None and not isinstance(self.model, str):
            own_name(self.model)
        known = {role.name for role in self.roles}
        if len(known) != len(self.roles):
            raise AgentError("two roles have the same name; a role is chosen by its name")
        object.__setattr__(self, "tools", tuple(_usable(item) for item in _flat(self.tools)))
        hooks: Sequence[Any] = self.hooks
        for hook in hooks:
            if not isinstance(hook, Hooks):
                call = f"; write {hook.__name__}()" if isinstance(hook, type) and issubclass(hook, Hooks) else ""
                of = call or "; make it of a class that inherits from Hooks"
                raise AgentError(f"{hook!r} is no hook{of}")
        from workbench.tools.checks import check_toolkit

        made = self(NoDocuments(), NotesInMemory(), None)
        check_toolkit(made.toolkit)
        try:
            made.record()
        except ValidationError as error:
            raise AgentError(first_problem(error)) from None

    @property
    def model_name(self) -> str | None:
        """The name of the model; that of an object begins with `own:`."""
        return self.model if self.model is None or isinstance(self.model, str) else own_name(self.model)

    @property
    def own_models(self) -> Mapping[str, Provider]:
        """The models that are objects, by their names."""
        return {} if self.model is None or isinstance(self.model, str) else {own_name(self.model): self.model}

    @property
    def needs_documents(self) -> bool:
        """Whether it searches documents, which take time to be indexed."""
        return DOCUMENTS in self.tools

    @property
    def needs_notes(self) -> bool:
        """Whether it keeps notes."""
        return NOTES in self.tools or MEMORY in self.tools

    def __call__(self, library: Library, notebook: Notebook, folder: str | None) -> AgentSpec:
        """Return the agent with its documents, its notes and the folder of the documents."""
        toolkit = Toolkit()
        for item in self.tools:
            if isinstance(item, Toolkit):
                toolkit.include(item)
                continue
            for one in _tools_of(item, library, notebook, found=folder is not None):
                toolkit.add(one)
        if self.skills:
            from workbench.tools.skills import load_skills, skill_tools

            for one in skill_tools(load_skills(self.skills)):
                toolkit.add(one)
        if self.subagents or self.roles:
            toolkit.add(spawn_subagent)
        if toolkit.get(submit_answer.name) is None:
            toolkit.add(submit_answer)
        corpus = CorpusRecord(path=folder, title=library.title, fingerprint=library.fingerprint)
        return AgentSpec(
            name=self.name,
            instructions=self.instructions,
            model=self.model_name,
            parameters=self.parameters,
            toolkit=toolkit,
            planner=self.planner,
            subagent=self.subagent,
            summary=self.summary,
            limits=self.limits,
            retries=self.retries,
            permissions=self.permissions,
            output=self.output,
            hooks=tuple(self.hooks),
            mcp=tuple(self.mcp),
            roles=tuple(self.roles),
            plan=self.plan,
            parallel_tool_calls=self.parallel_tool_calls,
            eager=self.eager,
            corpus=corpus if self.needs_documents else None,
            unsaid="instructions" if self.needs_documents else "assistant",
        )


_MADE_OF: Final[Mapping[str, type]] = {
    "parameters": ModelParameters,
    "limits": Limits,
    "retries": ModelRetries,
    "permissions": PermissionRules,
    "roles": Role,
    "mcp": McpServer,
}


def _check_list(name: str, value: Any) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        what = "a Toolkit" if isinstance(value, Toolkit) else repr(value)
        raise AgentError(f"{name} is a list, not {what}; write {name}=[…]")


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    """Yield what stands in lists of lists."""
    for item in items:
        if isinstance(item, list | tuple):
            yield from _flat(item)
        else:
            yield item


def _usable(item: Any) -> ToolLike:
    if isinstance(item, Tool | Toolkit):
        return item
    if isinstance(item, str):
        if item not in BUILT_IN:
            raise AgentError(f"there is no built-in tool {item!r}; there are {', '.join(BUILT_IN)}")
        return item
    if not callable(item):
        raise AgentError(f"{item!r} is no tool; give a function, a `Tool`, or the name of a built-in one")
    return tool(item)


def _tools_of(item: ToolLike, library: Library, notebook: Notebook, *, found: bool) -> Sequence[Tool]:
    match item:
        case Tool():
            return (item,)
        case _ if item == DOCUMENTS:
            return document_tools(library, found=found)
        case _ if item == MEMORY:
            return memory_tools(notebook)
        case _:
            return note_tools(notebook)


def own_models(make: object) -> Mapping[str, Provider]:
    """Return the models that an agent has as objects, by name; a plain function has none."""
    found: Mapping[str, Provider] = getattr(make, "own_models", {})
    return found


def needs(make: object) -> Mapping[str, bool]:
    """Return what of a run's surroundings an agent needs; a plain function may need all."""
    return {
        DOCUMENTS: bool(getattr(make, "needs_documents", True)),
        NOTES: bool(getattr(make, "needs_notes", True)),
    }
