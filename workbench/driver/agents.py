"""Agents for runs: built from a person's options, and built again from what a run recorded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from workbench.agent.definition import DOCUMENTS, NOTES, needs, own_models
from workbench.agent.hooks import Hooks
from workbench.agent.spec import AgentSpec, default_record
from workbench.conversation.builder import provider_of
from workbench.corpus import DocumentIndex, NotesFile, open_embedded, open_folder
from workbench.debugger.parameters import check_agent, read_limits, read_parameters, read_retries
from workbench.driver.commands import LIMITS, AgentOptions
from workbench.driver.feed import Feed, Trouble
from workbench.driver.settings import DriverSettings, MakeAgent
from workbench.driver.works import Work, Works
from workbench.errors import DocumentsError
from workbench.events.agent import AgentRecord, Limits, PermissionRules
from workbench.events.request import Usage
from workbench.policy import check_rules, joined_rules
from workbench.providers.base import Provider
from workbench.providers.catalog import calls_in_parallel, hosted_by
from workbench.providers.own import OWN
from workbench.providers.prices import FREE, price
from workbench.providers.registry import RECORDED
from workbench.tools.base import Tool
from workbench.tools.control import spawn_subagent, submit_answer
from workbench.tools.library import Library, NoDocuments, Notebook, NotesInMemory
from workbench.tools.mcp.server import McpServer, merged, needed
from workbench.tools.toolkit import Toolkit

if TYPE_CHECKING:
    from workbench.tools.mcp.manager import McpConnections

SHARED_RECORDS = 16
"""Agents at once of which each is kept once, however many runs have it."""


@dataclass(frozen=True, slots=True)
class Code:
    """What of an agent no log can hold."""

    toolkit: Toolkit
    models: Mapping[str, Provider] = field(default_factory=dict)
    """Models that are objects of its own, by name."""
    hooks: tuple[Hooks, ...] = ()
    output: type[BaseModel] | None = None
    """The class of its answer, which may ask for more than the schema that the log has."""


class Agents:
    """Opens documents once each and makes agents that read them."""

    def __init__(self, settings: DriverSettings, feed: Feed, works: Works, notebook: Notebook | None = None) -> None:
        self.settings, self.feed, self._works = settings, feed, works
        self._notebook = notebook
        """Where notes go that are not to be kept in a file."""
        self._libraries: dict[str | None, DocumentIndex] = {}
        self._notes: NotesFile | None = None
        self._own: dict[str, MakeAgent] = {}
        self._records: deque[AgentRecord] = deque(maxlen=SHARED_RECORDS)
        self._opening = asyncio.Lock()
        self._mcp: McpConnections | None = None

    @property
    def mcp(self) -> McpConnections:
        """The connections to MCP servers; what they need is imported with the first."""
        if self._mcp is None:
            from workbench.tools.mcp.manager import McpConnections

            settings = self.settings
            self._mcp = McpConnections(pins=settings.mcp_pins, logs=settings.mcp_logs, clock=settings.clock)
        return self._mcp

    def use(self, run: str, make: MakeAgent) -> None:
        """Let an agent that stands in no file be that of a root run, until it is let go."""
        self._own[run] = make

    def let_go(self, run: str, make: MakeAgent) -> None:
        """Keep an agent no longer for a root run; whoever lets the run go on names it again."""
        if self._own.get(run) is make:
            del self._own[run]

    async def new(self, options: AgentOptions, make: MakeAgent | None = None) -> AgentRecord:
        """Return the record of an agent for a new run: of `make`, else of the one that the person named.

        Raises `UserError` where an option cannot be used, one of its models cannot be asked, or an MCP server does not
        start or is not as it was accepted: the log keeps it all.
        """
        folder = None if options.docs is None else _absolute(options.docs)
        spec = await self._spec(make or self.settings.agent or self.settings.make_agent, folder)
        servers = merged(spec.mcp, self.settings.mcp)
        if servers:
            tools = await self._told(servers, self.mcp.tools(servers, spec.toolkit.names))
            spec = replace(spec, toolkit=spec.toolkit.joined(tools))
        base = apply_options(default_record(spec.unsaid), options.fallback or AgentOptions())
        record = apply_options(spec.record(base), options)
        check_agent(record)
        if options.pace is None and provider_of(record.model) not in FREE:
            record = record.model_copy(update={"pace": 0.0})  # it is there for what would be too quick to watch
        own = own_models(make or self.settings.agent)
        for model in (record.model, *(role.model for role in record.roles)):
            if model and model not in own:
                self.settings.make_provider(model, record.pace)
        record, problems = as_its_model_can(record)
        self.warn(problems)
        return record

    def shared(self, record: AgentRecord) -> AgentRecord:
        """Return what is equal to `record` and a run here has already: many runs of one agent keep it once."""
        for known in self._records:
            if known == record:
                return known
        self._records.append(record)
        return record

    def warn(self, sentences: Iterable[str]) -> None:
        """Tell whoever listens what of an agent does not hold."""
        for said in sentences:
            self.feed.publish(Trouble(said, level="warning"))

    async def changed(self, record: AgentRecord, options: AgentOptions, *, keep_documents: bool = True) -> AgentRecord:
        """Return a recorded agent with what a person chose; without documents to keep, it gets the embedded ones."""
        changed = apply_options(record, options)
        if options.docs is None and keep_documents:
            return changed
        spec = await self._spec(self.settings.make_agent, None if options.docs is None else _absolute(options.docs))
        return changed.model_copy(update={"corpus": spec.corpus})

    async def code(self, record: AgentRecord, run: str, lineage: Sequence[str] = (), *, is_root: bool = True) -> Code:
        """Return the live tools and models of a recorded agent; says where it, its documents or servers have changed.

        `lineage` are the run that a person started and those that it was forked from, where they are not `run`.

        Raises `AgentError` where the file of the agent is not there, or is not what the person named, and `UserError`
        where an MCP server does not start or is not as it was accepted; in a subagent, whose caller goes on already,
        its calls fail instead.
        """
        folder = record.corpus.path if record.corpus else None
        make = self._maker(record, run, lineage)
        spec = await self._spec(make, folder)
        self._tell_differences(record, spec, run)
        if record.corpus and spec.corpus and spec.corpus.fingerprint != record.corpus.fingerprint:
            self._say_of(run, f"the documents of run {run[:8]} have changed since it began")
        if provider_of(record.model) == RECORDED and not record.live_tools:
            return Code(spec.toolkit)  # what was recorded is told, and nothing runs
        toolkit = spec.toolkit
        if any(tool.mcp is not None for tool in record.tools):
            servers = needed(merged(spec.mcp, self.settings.mcp), record.tools)
            recorded = self.mcp.recorded(servers, record.tools, lambda said: self._say_of(run, said), strict=is_root)
            toolkit = toolkit.joined(await self._told(servers, recorded))
        return Code(toolkit, own_models(make), spec.hooks, spec.output if isinstance(spec.output, type) else None)

    def require_model(self, record: AgentRecord, lineage: Sequence[str]) -> None:
        """Raise `UserError` where the model of a recorded agent cannot be asked; `lineage` as for `code`."""
        is_own = provider_of(record.model) == OWN
        if not (is_own and record.model in own_models(self._maker(record, lineage[0], lineage[1:]))):
            self.settings.make_provider(record.model, record.pace)

    async def _told(
        self, servers: Sequence[McpServer], tools: Coroutine[Any, Any, tuple[Tool, ...]]
    ) -> tuple[Tool, ...]:
        """Wait for the tools of servers, and let a person see what is waited for where they have to start."""
        if self.mcp.are_connected(servers):
            return await tools
        names = ", ".join(server.name for server in servers)
        given_up = f"the start of MCP servers ({names}) was stopped, and so is what needs them"
        return await self._works.waited_for(f"starting MCP servers: {names}", tools, given_up=given_up)

    def _say_of(self, run: str, sentence: str) -> None:
        self.feed.publish(Trouble(sentence, run=run, level="warning"))

    def _maker(self, record: AgentRecord, run: str, lineage: Sequence[str]) -> MakeAgent:
        """Return what makes the agent of a run: given by the program, or found where the log says it stands."""
        own = (self._own[one] for one in (run, *lineage) if one in self._own)
        return next(own, None) or self._recorded(record, lineage[0] if lineage else run)

    def _recorded(self, record: AgentRecord, run: str) -> MakeAgent:
        """Return what makes the agent of a recorded run again."""
        settings = self.settings
        if record.path is None:
            return settings.make_agent
        if record.model.startswith(f"{RECORDED}:") and not record.live_tools:
            return only_engines_tools
        if settings.stand_in is not None:
            return settings.stand_in
        named = settings.agent
        if named is not None and (named.reference, named.digest) == (record.path, record.digest):
            return named
        return settings.agent_files.recall(record.path, record.digest, run)

    def _tell_differences(self, record: AgentRecord, spec: AgentSpec, run: str) -> None:
        """Say which tools are not as they were when the run began: then the code is not what the log speaks of."""
        if record.path is None or spec.path is None or record.digest == spec.digest:
            return
        now = {tool.name: tool for tool in spec.record().tools}
        gone = [tool.name for tool in record.tools if tool.name not in now]
        other = [tool.name for tool in record.tools if tool.name in now and now[tool.name] != tool]
        parts = [f"{', '.join(names)} {what}" for names, what in ((gone, "not there"), (other, "declared otherwise"))
                 if names]  # fmt: skip
        said = "; ".join(parts) or "its tools are declared as before"
        self._say_of(run, f"the agent of run {run[:8]} has changed since it began: {said}")

    async def _spec(self, make: MakeAgent, folder: str | None) -> AgentSpec:
        async with self._opening:
            needed = needs(make)
            library: Library = NoDocuments()
            if needed[DOCUMENTS]:
                library = await self._library(folder)
            notebook = self._notebook or self._notes
            if needed[NOTES] and notebook is None:
                notebook = self._notes = await asyncio.to_thread(NotesFile, self.settings.notes)
        return make(library, notebook or NotesInMemory(), folder)

    async def _library(self, folder: str | None) -> Library:
        if folder not in self._libraries:
            name = "the embedded library" if folder is None else Path(folder).name
            await self._works.on_thread(
                f"indexing {name}",
                lambda work: self._open(folder, work),
                given_up=f"indexing {name} was stopped and nothing of it is kept, so the run that needs it does "
                "not go on; start it again, and it is indexed anew",
            )
        return self._libraries[folder]

    def _open(self, folder: str | None, work: Work) -> None:
        """Open an index, on a thread of its own, and keep it, even if nobody waits for it any more."""

        def progress(done: int, total: int, _name: str) -> None:
            work.tell(done, total)

        if folder is None:
            self._libraries[None] = open_embedded(self.settings.cache, progress)
        elif Path(folder).exists():
            self._libraries[folder] = open_folder(Path(folder), self.settings.cache, progress)
        else:
            raise DocumentsError(f"the folder {folder!r} is not there; name a folder of documents with --docs")

    async def close(self) -> None:
        """Close every index, and end every MCP server."""
        if self._mcp is not None:
            await self._mcp.close()
        for library in self._libraries.values():
            library.close()
        if self._notes is not None:
            self._notes.close()
        self._libraries.clear()


def only_engines_tools(_library: Library, _notebook: Notebook, _folder: str | None) -> AgentSpec:
    """Return what a run needs of its agent's code that is told out of a recording: nothing of its own."""
    return AgentSpec(toolkit=Toolkit((spawn_subagent, submit_answer)))


def as_its_model_can(record: AgentRecord) -> tuple[AgentRecord, tuple[str, ...]]:
    """Return the agent without what its model cannot do, and sentences that say what that is."""
    said: list[str] = []
    if record.parallel_tool_calls and not calls_in_parallel(record.model):
        said.append(f"{record.model} cannot ask for several calls in one turn, so the run goes one by one")
        record = record.model_copy(update={"parallel_tool_calls": False})
    if record.limits.cost is not None and price(record.model, Usage(input_tokens=1)) is None:
        said.append(f"no price of {record.model} is known, so its cost is unknown and the limit of it cannot hold")
    own = {tool.name for tool in record.tools}
    wanted = record.parameters.hosted_tools
    kept = tuple(name for name in wanted if name in hosted_by(record.model) and name not in own)
    for name in wanted:
        if name in own:
            said.append(f"{name} is a tool of the agent's own, so the provider's is left out")
        elif name not in kept:
            said.append(f"{record.model} runs no {name} at its provider, so it is left out")
    if kept and record.limits.cost is not None:
        said.append(
            f"what {', '.join(kept)} costs is in no price list, so the limit of cost cannot hold once it is used"
        )
    if kept != wanted:
        parameters = record.parameters.model_copy(update={"hosted_tools": kept})
        record = record.model_copy(update={"parameters": parameters})
    return record, tuple(said)


def _absolute(folder: str) -> str:
    return str(Path(folder).expanduser().resolve())


def apply_options(record: AgentRecord, options: AgentOptions) -> AgentRecord:
    """Return the record with what a person chose; None leaves things as they are."""
    changes: dict[str, object] = {"limits": apply_limits(record.limits, options)}
    if options.model is not None:
        changes["model"] = options.model
    parameters = read_parameters(record.parameters, options.parameters)
    if parameters is not None:
        changes["parameters"] = parameters
    if options.retries is not None:
        changes["retries"] = read_retries(record.retries, options.retries)
    changes.update(options.prompts or {})
    if options.plan is not None:
        changes["plan"] = options.plan
    if options.sequential:
        changes["parallel_tool_calls"] = False
    if options.live_tools:
        changes["live_tools"] = True
    if options.pace is not None:
        changes["pace"] = options.pace
    changes["permissions"] = apply_rules(record.permissions, options)
    return record.model_copy(update=changes)


def apply_rules(rules: PermissionRules, options: AgentOptions) -> PermissionRules:
    """Return the permission rules with those that a person added; refuses what is none."""
    if options.permissions is None:
        return rules
    check_rules(options.permissions)
    return joined_rules(rules, options.permissions)


def apply_limits(limits: Limits, options: AgentOptions) -> Limits:
    """Return the limits with those that a person chose; refuses what is none."""
    chosen = {names.limit: getattr(options, names.option) for names in LIMITS.values()}
    wanted = {name: value for name, value in chosen.items() if value is not None}
    return read_limits(limits, {**(options.limits or {}), **wanted})
