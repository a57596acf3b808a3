"""The frameworks that are measured, and which interpreter has them in which version."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

OWN = "workbench"
"""Ours is measured where the benchmarks themselves run, and so are the floors."""


@dataclass(frozen=True)
class Framework:
    """How a framework is found: by its module, and by the version of its first package."""

    title: str
    module: str
    packages: tuple[str, ...]
    least: str
    """The oldest version that the adapter knows."""


FRAMEWORKS = {
    "langgraph": Framework(
        "LangGraph",
        "langgraph",
        ("langgraph", "langchain", "langchain-anthropic", "langgraph-checkpoint-sqlite"),
        "1.2",
    ),
    "openai_agents": Framework("OpenAI Agents", "agents", ("openai-agents", "openai"), "0.24"),
    "pydantic_ai": Framework("Pydantic AI", "pydantic_ai", ("pydantic-ai-slim",), "2.60"),
    "strands": Framework("Strands", "strands", ("strands-agents",), "1.62"),
    "agentscope": Framework("AgentScope", "agentscope", ("agentscope",), "2.0.10"),
    "smolagents": Framework("smolagents", "smolagents", ("smolagents",), "1.26"),
}
_ASK = """
import importlib.metadata, importlib.util, json, sys
found = {"python": sys.version.split()[0], "modules": [], "versions": {}}
for module, packages in json.loads(sys.argv[1]):
    try:
        if importlib.util.find_spec(module):
            found["modules"].append(module)
    except Exception:
        pass
    for package in packages:
        try:
            found["versions"][package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Place:
    """An interpreter that runs a framework, and what a reader has to know of it."""

    python: Path
    told: str


class Places:
    """Says which of some interpreters runs which framework; the first that has it."""

    def __init__(self, pythons: Sequence[Path]) -> None:
        self._asked = [(python, _ask(python)) for python in pythons]
        self.own = Path(sys.executable)

    def find(self, key: str) -> Place | str:
        """Return where a framework runs, or a sentence that says why nowhere."""
        if key == OWN:
            return Place(self.own, "")
        framework, old = FRAMEWORKS[key], ""
        package = framework.packages[0]
        for python, found in self._asked:
            version = found["versions"].get(package)
            if version is None or framework.module not in found["modules"]:
                continue
            if _number(version) < _number(framework.least):
                old = f"only {package} {version} was found; this needs {framework.least} or newer"
                continue
            names = [f"{name} {found['versions'][name]}" for name in framework.packages if name in found["versions"]]
            return Place(python, f"{', '.join(names)} on Python {found['python']}")
        return old or f"{package} is in none of the interpreters that were named"

    def versions(self) -> str:
        """Return a sentence with the versions of all that were found."""
        places = [self.find(key) for key in FRAMEWORKS]
        return f"Frameworks: {'; '.join(place.told for place in places if isinstance(place, Place)) or 'ours alone'}."


def _ask(python: Path) -> dict[str, dict[str, str]]:
    asked = json.dumps([(framework.module, framework.packages) for framework in FRAMEWORKS.values()])
    command = [str(python), "-I", "-c", _ASK, asked]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        found: dict[str, dict[str, str]] = json.loads(said)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SystemExit(f"{python} is no Python interpreter that can be asked: {error}") from None
    return found


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
