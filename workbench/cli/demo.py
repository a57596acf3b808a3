"""`workbench demo`: the guided tour, on a database that is thrown away afterwards."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from workbench.cli.screen import show_screen
from workbench.cli.workplace import find_workplace, on_screen
from workbench.errors import UserError


def execute(args: argparse.Namespace) -> int:
    """Lead through the workbench; nothing of it stays."""
    if not on_screen(args):
        raise UserError("the tour needs a terminal; without one, `workbench run --headless QUESTION` prints a run")
    place = find_workplace(args)
    with tempfile.TemporaryDirectory(prefix="workbench-demo-") as folder:
        scratch = replace(place.places, database=Path(folder) / "demo.db")
        alone = replace(place.settings, mcp={})  # the tour is about its own tools, and starts nobody's servers
        return show_screen(replace(place, places=scratch, settings=alone), tour=True)
