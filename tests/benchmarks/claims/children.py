"""Parts that run in a process of their own, perhaps of another interpreter; what they measured comes back as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.claims.side import Work, check

ROOT = Path(__file__).parents[3]
NOT_INSTALLED = "not installed"
_VERSIONS = """
import json
from importlib.metadata import PackageNotFoundError, version
def of(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print(json.dumps({name: of(name) for name in ("langgraph", "langchain")}))
"""


def run_part(module: str, argument: str, python: Path | None = None) -> Any:
    """Run a module of this package, and return what it printed."""
    command = [str(python or sys.executable), "-m", f"tests.benchmarks.claims.{module}", argument]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def our_side(work: Work) -> dict[str, Any]:
    """Return what our side measured."""
    return check(work, run_part("our_side", work.text()))


class LangGraph:
    """LangGraph, where one of the interpreters has it."""

    def __init__(self, pythons: Sequence[Path]) -> None:
        self._python: Path | None = None
        self.versions = ""
        for python in pythons:
            told = subprocess.run([str(python), "-c", _VERSIONS], capture_output=True, text=True, check=False).stdout
            versions = json.loads(told) if told else {}
            if versions and all(versions.values()):
                self._python = python
                self.versions = ", ".join(f"{name} {number}" for name, number in versions.items())
                break

    @property
    def conditions(self) -> str:
        """What it was, as a sentence."""
        if self._python is None:
            return "LangGraph was not installed in any of the interpreters that were named with `--python`."
        return (
            f"The other side is `langchain.agents.create_agent` of {self.versions}, made once, without a checkpointer."
        )

    def side(self, work: Work) -> dict[str, Any] | None:
        """Return what its side measured; None where it is not installed."""
        if self._python is None:
            return None
        return check(work, run_part("langgraph_side", work.text(), self._python))
