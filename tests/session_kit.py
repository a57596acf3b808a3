"""A session worth handing on: a run with three calls at once, its subagent, a fork of it, and the fork's subagent."""

from __future__ import annotations

from pathlib import Path

from tests.harness import Rig, answer
from workbench.driver.commands import ForkEdits, ForkRun
from workbench.driver.transfer import runs_to_export
from workbench.interchange.session import session_lines
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool


@tool(read_only=True)
async def look(word: str, weight: float = 0.0) -> str:
    """Look a word up."""
    return f"found {word}: 中文 \x1b[31m \N{PILE OF POO}"


def script() -> list[Turn]:
    """Return the turns of a run with three calls at once, then a subagent, then the answer; and of its fork."""
    looks = Turn("Looking.", [("look", {"word": word, "weight": 1e-05}) for word in ("a", "b", "c")])
    spawn = Turn("Asking.", [("spawn_subagent", {"task": "Find b."})])
    child = answer("a child says")
    return [looks, spawn, child, answer("done", "x::1"), spawn, child, answer("forked", "x::2")]


def record(folder: Path) -> tuple[str, list[str]]:
    """Return a session file's text, and the ids of run and fork."""
    with Rig(folder, script(), [look]) as rig:
        run = rig.start()
        rig.finish(run)
        fork = str(rig.ask(ForkRun(run, edits=ForkEdits(results={"0.1": "nothing"}))))
        rig.finish(fork)
        runs = rig.driver.run_blocking(runs_to_export(rig.driver.store, run, forks=True))
    return "".join(session_lines(runs)), [run, fork]


def written(folder: Path, content: str | bytes, name: str = "x.jsonl") -> Path:
    """Return a file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
