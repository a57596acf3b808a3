"""A program for a terminal of its own: the workbench with a tool that prints in every way there is.

`python -m tests.tui.printing_app FOLDER` shows a run whose tool prints; with `edit` it only starts an editor.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.harness import Rig, answer
from workbench.driver.commands import StartRun
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool
from workbench.tui.app import WorkbenchApp
from workbench.tui.external import edit_outside
from workbench.tui.own_terminal import OwnTerminal

WAYS = ("os-write", "print", "print-stderr", "print-thread", "program", "program-stderr", "read-nothing")


def mark(way: str) -> str:
    """Return what is printed in one way; it stands nowhere in the code, so that the screen cannot show it."""
    return f"printed-by-{way}"


def shout_in_every_way() -> None:
    """Print as async code does."""
    os.write(1, f"{mark('os-write')}\n".encode())
    print(mark("print"))
    print(mark("print-stderr"), file=sys.stderr)
    subprocess.run(["echo", mark("program")], check=True)
    subprocess.run(["sh", "-c", f"echo {mark('program-stderr')} >&2"], check=True)
    read = subprocess.run(["cat"], check=True, stdout=subprocess.PIPE).stdout  # would wait for keys, and swallow them
    print(mark("read-nothing") if read == b"" else read)


@tool
async def shout() -> str:
    """Print on the driver's loop."""
    shout_in_every_way()
    return "quiet"


@tool
def shout_beside() -> str:
    """Print on a thread."""
    print(mark("print-thread"))
    return "quiet"


def show(folder: Path) -> None:
    """Show the run on the terminal until a person leaves."""
    script = [Turn("Shouting.", [("shout", {}), ("shout_beside", {})]), answer("all quiet")]
    with Rig(folder, script, [shout, shout_beside]) as rig, OwnTerminal(folder / "printed.log") as terminal:
        app = WorkbenchApp(rig.driver.settings, StartRun("What?"), desk=rig.driver)
        app.run()
    print("left; printed:", terminal.has_printed)


class _Suspended:
    """Stands in for an app that put its screen aside."""

    def suspend(self) -> Any:
        """Do nothing."""
        return nullcontext()


def edit(folder: Path) -> None:
    """Start the editor that the environment names."""
    with OwnTerminal(folder / "printed.log"):
        outcome = edit_outside(_Suspended(), "before", ".md")  # type: ignore[arg-type]
    print("left; saved:", outcome.text)


if __name__ == "__main__":
    (edit if "edit" in sys.argv else show)(Path(sys.argv[1]))
