"""Which file does which command; it is imported when the command is chosen, and not before."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from types import ModuleType

from workbench.errors import UserError, WorkbenchError

_FILES = {
    None: "home", "run": "run", "open": "open", "resume": "resume", "fork": "fork", "runs": "runs", "show": "show",
    "diff": "diff", "export": "export", "import": "import_", "purge": "purge", "models": "models", "mcp": "mcp",
    "doctor": "doctor", "demo": "demo", "new": "new", "tools": "tools",
}  # fmt: skip


_LOGGED = (None, "run", "open", "resume", "fork", "demo", "mcp", "tools")
"""Commands that ask a model or start a program, whose libraries have something to say."""
_WATCHED = (None, "run", "open", "resume", "fork", "demo")
"""Commands that drive runs, so that there is something to watch."""


def load(args: argparse.Namespace) -> ModuleType:
    """Import what does the command, which takes longer than anything else at the start, and return it."""
    return import_module(f"workbench.cli.{_FILES[args.command]}")


def execute(args: argparse.Namespace) -> int:
    """Do what was asked for and return the exit code."""
    command: Callable[[argparse.Namespace], int] = load(args).execute
    if args.command not in _WATCHED and (args.metrics_port is not None or args.otel):
        raise UserError(f"--metrics-port and --otel are for commands that drive runs, not for {args.command}")
    with ExitStack() as around:
        if getattr(args, "json", False):
            from workbench.cli.paper import stdout_alone

            around.enter_context(stdout_alone())
        if args.command in _LOGGED:
            from workbench.config.settings import find_places
            from workbench.telemetry.log_file import ProgramLog

            around.enter_context(ProgramLog(find_places(args.db).log, verbose=args.verbose))
        return _told(command, args)


def _told(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Do it, and log what nobody expected."""
    try:
        return command(args)
    except (WorkbenchError, BrokenPipeError):
        raise
    except Exception:
        log = logging.getLogger("workbench")
        if log.hasHandlers():  # without a log file it would be printed
            log.exception("something unexpected went wrong")
        raise
