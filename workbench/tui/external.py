"""A text in the person's own editor, with the screen put aside meanwhile."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from textual.app import App, SuspendNotSupported


class Outcome(NamedTuple):
    """What came back: the text, or why there is none."""

    text: str | None = None
    problem: str = ""


def edit_outside(app: App[Any], text: str, suffix: str) -> Outcome:
    """Let `$VISUAL` or `$EDITOR` edit a copy of `text`, and return what was saved."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        command = shlex.split(named)
    except ValueError as error:
        return Outcome(problem=f"The editor {named!r} cannot be read as a command: {error}. EDITOR names it.")
    if not command:
        return Outcome(problem="No editor is set: name one in the environment variable EDITOR.")
    if shutil.which(command[0]) is None:
        return Outcome(problem=f"The editor {command[0]!r} is not there; EDITOR names it.")
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        path = Path(folder) / f"text{suffix}"
        path.write_text(text, encoding="utf-8", newline="")
        try:
            with app.suspend():
                done = subprocess.run(  # noqa: S603 - the person's own editor, on the screen's own terminal
                    [*command, str(path)],
                    check=False,
                    stdin=sys.__stdin__,
                    stdout=sys.__stdout__,
                    stderr=sys.__stderr__,
                )
        except SuspendNotSupported:
            return Outcome(problem="This terminal cannot put the screen aside for another editor.")
        if done.returncode != 0:
            return Outcome(problem=f"The editor ended with code {done.returncode}; the text is as it was.")
        try:
            return Outcome(text=path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            return Outcome(problem=f"What the editor saved cannot be read: {error}")
