"""What a command works with: places, settings, and the options of an agent; made once from what was typed."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.agent.spec import OFFLINE
from workbench.cli.reaching import Retyped, endpoints, retyped, typed_addresses
from workbench.cli.values import parameter
from workbench.config.settings import Places, Settings, find_places, load_settings
from workbench.driver.commands import AgentOptions
from workbench.driver.settings import DriverSettings
from workbench.errors import DocumentsError
from workbench.providers.registry import Providers

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
        return DriverSettings(database=self.places.database, cache=self.places.cache, make_provider=self.providers)

    def command(self, *words: str) -> str:
        """Return a command line that does what it says when it is pasted; `reach.reminder` says what it leaves out."""
        database = ["--db", self.database_option] if self.database_option else []
        reach = self.reach.words if words[0] in ASKING else ()
        return shlex.join(["workbench", *database, *words, *reach])


def find_workplace(args: argparse.Namespace) -> Workplace:
    """Return where the command works; raises `ConfigError` for a settings file that cannot be used."""
    places = find_places(args.db)
    settings = load_settings(places.settings)
    providers = Providers(endpoints(args, settings), typed_addresses(args))
    return Workplace(places, settings, args.db, providers, retyped(args))


def on_screen(args: argparse.Namespace) -> bool:
    """Whether the command opens the workbench: on a terminal, unless text or JSON was asked for."""
    asks_for_text = getattr(args, "headless", False) or getattr(args, "json", False)
    return not asks_for_text and has_terminal()


def has_terminal() -> bool:
    """Whether a person sits at a terminal: for keys as well as for what is shown."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def new_agent(args: argparse.Namespace, settings: Settings, *, screen: bool) -> AgentOptions:
    """Return the options of a new run: what was typed, else the settings, else what fits the place."""
    pace = args.pace if args.pace is not None else settings.pace
    fitting = WATCHABLE_PACE if screen else 0.0
    return AgentOptions(
        model=args.model or settings.model,
        parameters=_parameters(settings, args.param),
        docs=args.docs or settings.docs,
        plan=args.plan or settings.plan or ("ask" if screen else "auto"),
        sequential=args.sequential or bool(settings.sequential),
        pace=fitting if pace is None else pace,
        max_steps=args.max_steps or settings.max_steps,
        max_tokens=args.max_tokens or settings.max_tokens,
        max_cost=args.max_cost or settings.max_cost,
        max_seconds=args.max_seconds or settings.max_seconds,
        live_tools=args.live_tools,
        deny_asks=args.deny_asks or bool(settings.deny_asks),
    )


def _parameters(settings: Settings, typed: Sequence[str] = ()) -> Mapping[str, Any] | None:
    """Return how the model is asked: what was typed, else the settings."""
    return {**settings.parameters, **dict(parameter(text) for text in typed)} or None


def changed_agent(args: argparse.Namespace) -> AgentOptions:
    """Return the options of a fork: what was typed; all else is the parent's."""
    return AgentOptions(
        sequential=args.sequential,
        pace=args.pace,
        max_steps=args.max_steps,
        max_tokens=args.max_tokens,
        max_cost=args.max_cost,
        max_seconds=args.max_seconds,
        live_tools=args.live_tools,
    )


def limits_only(args: argparse.Namespace, settings: Settings) -> AgentOptions:
    """Return the options with which a run goes on."""
    return AgentOptions(
        max_steps=args.max_steps,
        max_tokens=args.max_tokens,
        max_cost=args.max_cost,
        max_seconds=args.max_seconds,
        deny_asks=args.deny_asks or bool(settings.deny_asks),
    )


def require_usable(options: AgentOptions, place: Workplace) -> None:
    """Raise `UserError` for a model or a folder that is not there, before a screen hides what is said."""
    place.driver_settings().make_provider(options.model or OFFLINE, 0.0)
    if options.docs is not None and not Path(options.docs).expanduser().is_dir():
        raise DocumentsError(f"{options.docs!r} is not a folder; name a folder of documents with --docs")


def default_agent(settings: Settings) -> AgentOptions:
    """Return the options of runs that are started in the workbench itself."""
    return AgentOptions(
        model=settings.model,
        parameters=_parameters(settings),
        docs=settings.docs,
        plan=settings.plan or "ask",
        sequential=bool(settings.sequential),
        pace=WATCHABLE_PACE if settings.pace is None else settings.pace,
        max_steps=settings.max_steps,
        max_tokens=settings.max_tokens,
        max_cost=settings.max_cost,
        max_seconds=settings.max_seconds,
        deny_asks=bool(settings.deny_asks),
    )
