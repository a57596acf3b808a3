"""`workbench new`: a commented agent to begin with, that runs."""

from __future__ import annotations

import argparse
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Final

from workbench.cli.paper import out
from workbench.config.whole_file import write_whole
from workbench.errors import OverwriteRefusedError, UserError

_QUESTIONS: Final = {
    ".py": "How is the weather in Oslo and in Rome?",
    ".toml": "What does the with statement do?",
}
"""What the agents can be asked, by the ending of their files."""


def execute(args: argparse.Namespace) -> int:
    """Write the file and say how to go on; a file that is there stays as it is."""
    path = Path(args.file).expanduser()
    if path.suffix not in _QUESTIONS:
        raise UserError(f"{args.file!r} ends in neither .py nor .toml; an agent is one or the other")
    if path.exists():
        raise OverwriteRefusedError(f"{args.file!r} is there already; name another file")
    template = files("workbench.cli").joinpath("templates", f"agent{path.suffix}.txt").read_text("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [template.replace("FILE", shlex.quote(str(path)))])
    except OSError as error:
        raise UserError(f"{args.file!r} cannot be written: {error.strerror or error}") from None
    paper = out()
    paper.say(f"{path} is an agent to begin with. Run it, look at its tools, and change it:")
    question = _QUESTIONS[path.suffix]
    paper.say(f"  {shlex.join(['workbench', 'run', '-a', str(path), question])}", "link")
    paper.say(f"  {shlex.join(['workbench', 'tools', '-a', str(path)])}", "link")
    return 0
