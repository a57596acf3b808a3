"""`workbench` without a command: the runs and a prompt."""

from __future__ import annotations

import argparse

from workbench.cli.screen import show_screen
from workbench.cli.workplace import find_workplace, on_screen
from workbench.errors import UserError


def execute(args: argparse.Namespace) -> int:
    """Open the workbench."""
    if not on_screen(args):
        raise UserError("the workbench needs a terminal; without one there are commands: see `workbench --help`")
    return show_screen(find_workplace(args))
