"""What a command works with: places, settings, and the options of an agent; made once from what was typed."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.agent.definition import own_models
from workbench.agent.loading import LoadedAgent
from workbench.agent.named import AgentFiles
from workbench.agent.spec import OFFLINE, default_record
from workbench.cli.reaching import Retyped, endpoints, is_typed, retyped, typed_addresses
from workbench.cli.reading import with_store
from workbench.cli.values import named_value, text_or_file
from workbench.config.asking import read_limits_table, read_parameters_table, read_retries_table
from workbench.config.settings import Places, Settings, find_places, load_settings
from workbench.debugger.address import find_cut, parse_address
from workbench.driver.agents import apply_options
from workbench.driver.commands import AgentOptions
from workbench.driver.settings import DriverSettings
from workbench.errors import AgentError, ConfigError, DocumentsError, EditRefusedError, UserError
from workbench.events.agent import PermissionRules
from workbench.providers.own import OwnModels
from workbench.providers.registry import Providers
from workbench.state.history import History
from workbench.store import Store
from workbench.telemetry.watching import Watching
from workbench.tools.mcp.server import McpServer

ASKING = ("run", "resume", "fork")
"""Commands that ask a model."""
WATCHABLE_PACE = 0.4
"""Seconds by which the embedded model slows down on a screen, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a command works."""

    places: Places
    settings: Settings
    database_option: str | None
    """`--db` as it was typed, for commands that are printed."""
    providers: Providers = field(default_factory=Providers)
    """Gives the models of this process, reached as settings and command line say."""
    reach: Retyped = field(default_factory=Retyped)
    """How models are reached as it was typed, for commands that are printed."""
    agent: LoadedAgent | None = None
    """The agent that the person named."""
    goes_on: bool = False
    """The command lets a recorded run go on, for which that agent stands in."""
    watching: Watching = field(default_factory=Watching)
    """What others watch of it."""

    @property
    def database(self) -> Path:
        """The database file."""
        return self.places.database

    @property
    def breakpoints(self) -> Path:
        """The file that keeps the breakpoints of the workbench, beside the database: some name runs in it."""
        return self.database.with_name(f"{self.database.stem}-breakpoints.txt")

    def driver_settings(self) -> DriverSettings:
        """Return what a driver needs."""
        models = OwnModels(self.providers)
        for model in own_models(self.agent).values():
            models.add(model)
        return DriverSettings(
            database=self.places.database,
            cache=self.places.cache,
            agent=None if self.goes_on else self.agent,
            stand_in=self.agent if self.goes_on else None,
            agent_files=_agent_files(self.places),
            make_provider=models,
            address_of=self.providers.address,
            mcp=mcp_servers(self.settings),
            mcp_pins=self.places.mcp_pins,
            mcp_logs=self.places.mcp_logs,
        )

    def command(self, *words: str) -> str:
        """Return a command line that does what it says when it is pasted; `reach.reminder` says what it leaves out.

        Another model is reached in another way: one that names a model says nothing of how this one was.
        """
        database = ["--db", self.database_option] if self.database_option else []
        reach = self.reach.words if words[0] in ASKING and "-m" not in words else ()
        return shlex.join(["workbench", *database, *words, *reach])


def find_workplace(args: argparse.Namespace) -> Workplace:
    """Return where the command works; raises `ConfigError` for a settings file that cannot be used."""
    places = find_places(args.db)
    settings = load_settings(places.settings)
    check_values(settings, places.settings)
    named = getattr(args, "agent", None)
    agent = _agent_files(places).load(named) if named is not None else None
    keeps_model = hasattr(args, "run") and not getattr(args, "model", None)
    own = _own_model(args, places.database) if keeps_model and is_typed(args) else None
    own = own or (agent.definition.model_name if agent is not None else None)
    providers = Providers(endpoints(args, settings, own), typed_addresses(args))
    return Workplace(
        places,
        settings,
        args.db,
        providers,
        retyped(args),
        agent,
        goes_on=args.command in ("resume", "fork"),
        watching=Watching(args.metrics_port, args.otel or bool(settings.otel)),
    )


def _agent_files(places: Places) -> AgentFiles:
    return AgentFiles(places.state / "agents.json")


def _own_model(args: argparse.Namespace, database: Path) -> str:
    """Return the model of the run that a command is about; raises `UserError` where it is not there.

    A subagent goes on inside the run that a person started, so it is that run whose server they type. A fork has the
    model of the place where it begins.
    """

    async def read(store: Store) -> str:
        run = await store.resolve(args.run)
        root = (await store.header(run)).root
        history = History(await store.read(root))
        at = _forked_at(args) if run == root else None
        agent = (find_cut(history, parse_address(at)).state if at else history.live).agent
        return agent.model if agent is not None else OFFLINE

    return with_store(database, read)


def _forked_at(args: argparse.Namespace) -> str | None:
    """Return the place that a fork is to begin at: as typed, or implied by what it changes; None for the end."""
    if not hasattr(args, "at"):
        return None
    calls = (text.partition("=")[0] for text in (*args.result, *args.input, *args.rerun))
    return args.at or next(calls, None) or ("plan" if args.plan else None)


def on_screen(args: argparse.Namespace) -> bool:
    """Whether the command opens the workbench: on a terminal, unless text or JSON was asked for."""
    asks_for_text = getattr(args, "headless", False) or getattr(args, "json", False)
    return not asks_for_text and has_terminal()


def has_terminal() -> bool:
    """Whether a person sits at a terminal: for keys as well as for what is shown."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def new_agent(args: argparse.Namespace, settings: Settings, *, screen: bool) -> AgentOptions:
    """Return the options of a new run: what was typed, and the settings for what its agent does not say itself."""
    return replace(
        from_settings(settings, screen=screen),
        model=args.model,
        parameters=_typed("--param", args.param, "temperature=0.2", read_parameters_table),
        docs=args.docs or settings.docs,
        plan=args.plan,
        retries=_retries(args),
        prompts=_instructions(args.instructions),
        permissions=_permissions(args),
        **_manner(args),
        deny_asks=args.deny_asks or bool(settings.deny_asks),
    )


def changed_agent(args: argparse.Namespace) -> AgentOptions:
    """Return the options of a fork: what was typed; all else is the parent's."""
    return AgentOptions(retries=_retries(args), permissions=_permissions(args), **_manner(args))


def limits_only(args: argparse.Namespace, settings: Settings) -> AgentOptions:
    """Return the options with which a run goes on."""
    return AgentOptions(
        **_limits(args), permissions=_permissions(args), deny_asks=args.deny_asks or bool(settings.deny_asks)
    )


def from_settings(settings: Settings, *, screen: bool) -> AgentOptions:
    """Return the options of a run of which nothing was typed: the settings, else what fits the place.

    No agent says which documents there are, and whether calls are denied: these the settings choose. All else holds
    where the agent does not say it itself.
    """
    fallback = AgentOptions(
        model=settings.model,
        parameters=settings.parameters or None,
        plan=settings.plan or ("ask" if screen else "auto"),
        sequential=bool(settings.sequential),
        pace=settings.pace if settings.pace is not None else WATCHABLE_PACE if screen else 0.0,
        max_steps=settings.max_steps,
        max_tokens=settings.max_tokens,
        max_cost=settings.max_cost,
        max_seconds=settings.max_seconds,
        limits=settings.limits or None,
        retries=settings.retries or None,
        prompts=settings.prompts or None,
        permissions=PermissionRules(**settings.permissions) if settings.permissions else None,
    )
    return AgentOptions(docs=settings.docs, deny_asks=bool(settings.deny_asks), fallback=fallback)


def _permissions(args: argparse.Namespace) -> PermissionRules | None:
    """Return the rules that were typed; None where none were."""
    rules = PermissionRules(allow=tuple(args.allow_rules), ask=tuple(args.ask_rules), deny=tuple(args.deny_rules))
    return rules if rules != PermissionRules() else None


def _manner(args: argparse.Namespace) -> dict[str, Any]:
    return {"sequential": args.sequential, "pace": args.pace, "live_tools": args.live_tools, **_limits(args)}


def _limits(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "max_steps": args.max_steps,
        "max_tokens": args.max_tokens,
        "max_cost": args.max_cost,
        "max_seconds": args.max_seconds,
        "limits": _typed("--limit", args.limit, "request_tokens=8000", read_limits_table),
    }


def _retries(args: argparse.Namespace) -> Mapping[str, Any] | None:
    return _typed("--retry", args.retry, "attempts=10", read_retries_table)


def _typed(
    option: str, texts: Sequence[str], example: str, read: Callable[[Any], dict[str, Any]]
) -> Mapping[str, Any] | None:
    """Return what was typed as NAME=VALUE, any number of times; None where nothing was."""
    return read(dict(named_value(option, text, example) for text in texts)) or None


def _instructions(typed: str | None) -> Mapping[str, str] | None:
    if typed is None:
        return None
    text = text_or_file("--instructions", typed).strip()
    if not text:
        raise UserError("the instructions are empty; write something, or leave them out")
    return {"instructions": text}


def require_usable(options: AgentOptions, place: Workplace) -> None:
    """Raise `UserError` for what cannot be used, before a screen hides what is said."""
    fallback = options.fallback or AgentOptions()
    named = place.agent.definition.model_name if place.agent is not None else None
    place.driver_settings().make_provider(options.model or named or fallback.model or OFFLINE, 0.0)
    apply_options(default_record(), options)
    if options.docs is not None and not Path(options.docs).expanduser().is_dir():
        raise DocumentsError(f"{options.docs!r} is not a folder; name a folder of documents with --docs")


def mcp_servers(settings: Settings) -> tuple[McpServer, ...]:
    """Return the MCP servers of the settings; raises `AgentError` for one that cannot be meant."""
    return tuple(McpServer(name, **said) for name, said in settings.mcp.items())


def check_values(settings: Settings, file: Path) -> None:
    """Raise `ConfigError` naming the file where its tables have values that no run could have."""
    try:
        apply_options(default_record(), from_settings(settings, screen=False).fallback or AgentOptions())
        mcp_servers(settings)
    except (AgentError, EditRefusedError) as error:
        raise ConfigError(f"the settings file {str(file)!r}: {error}") from None
