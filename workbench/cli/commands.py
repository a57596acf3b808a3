"""Which file does which command; it is imported when the command is chosen, and not before."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

_FILES = {
    None: "home", "run": "run", "open": "open", "resume": "resume", "fork": "fork", "runs": "runs", "show": "show",
    "diff": "diff", "export": "export", "import": "import_", "purge": "purge", "models": "models", "mcp": "mcp",
    "doctor": "doctor", "demo": "demo", "new": "new", "tools": "tools",
}  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Do what was asked for and return the exit code."""
    command: Callable[[argparse.Namespace], int] = import_module(f"workbench.cli.{_FILES[args.command]}").execute
    if not getattr(args, "json", False):
        return command(args)
    from workbench.cli.paper import stdout_alone

    with stdout_alone():
        return command(args)
