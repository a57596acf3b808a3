"""Binary blocks as files for other programs: written under names of our own, opened only where that is safe.

What may be opened is decided in `views.binary`. Nothing of the data's own becomes a name or a path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from workbench.errors import UserError
from workbench.events.content import Binary
from workbench.views.binary import refuse_opening, suffix_of

_LINUX: Final = "xdg-open"


class Opened(NamedTuple):
    """Where a block was written, and why it was not opened; empty where it was."""

    path: Path
    problem: str = ""


def private_folder() -> Path:
    """Return a new folder that only this person can read; what is in it stays until the system clears it away."""
    try:
        return Path(tempfile.mkdtemp(prefix="workbench-"))
    except OSError as error:
        raise UserError(f"no file can be written in {tempfile.gettempdir()!r}: {error.strerror}") from None


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only this person can read; raises `UserError` where it cannot be written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise UserError(f"{str(path)!r} cannot be written: {error.strerror}") from None


def open_block(block: Binary, folder: Path | None = None) -> Opened:
    """Write a block to a file and open that with the program of this desktop, if it is of a kind that may be."""
    path = (folder or private_folder()) / f"block{suffix_of(block)}"
    write_private(path, block.data)
    if problem := refuse_opening(block):
        return Opened(path, problem)
    command = opener(sys.platform, os.environ)
    if command is None:
        return Opened(path, "there is no desktop here to open it")
    return Opened(path, run_detached([*command, str(path)]))


def opener(platform: str, environment: Mapping[str, str]) -> list[str] | None:
    """Return the command that opens a file on this platform, or None where there is none, or no desktop to show it."""
    if platform == "darwin":
        return ["/usr/bin/open"]
    if platform == "win32":
        root = environment.get("SYSTEMROOT", r"C:\Windows")
        return [rf"{root}\explorer.exe"]
    has_desktop = bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    found = shutil.which(_LINUX, path=environment.get("PATH")) if has_desktop else None
    return [found] if found is not None else None


def run_detached(command: Sequence[str]) -> str:
    """Start a program that outlives the screen and says nothing on it; return why it did not start, if it did not."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the platform's own opener, and a path of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return f"{command[0]!r} does not start: {error.strerror}"
    threading.Thread(target=process.wait, name="workbench-opener", daemon=True).start()  # so that no zombie stays
    return ""
