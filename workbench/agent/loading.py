"""Agents out of files that a person named: `FILE[:name]`, `package.module[:name]`, or a TOML file.

Importing a file runs it, with all that the person may do. So only files that somebody named on the command line, or
whose path and content they named before, are imported; a path that stands in a log is not enough.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from workbench.agent.definition import AgentDefinition
from workbench.agent.importing import EXPECTED, find_module, imported_file, imported_module, is_file
from workbench.agent.spec import AgentSpec
from workbench.errors import AgentError
from workbench.providers.base import Provider
from workbench.tools.library import Library, Notebook


@dataclass(frozen=True)
class LoadedAgent:
    """An agent, where it comes from, and what stood there."""

    definition: AgentDefinition
    reference: str
    """`FILE` with its whole path, or `package.module`, and `:name`: how it can be found again."""
    digest: str
    """SHA-256 of its file."""

    @property
    def needs_documents(self) -> bool:
        """Whether it searches documents."""
        return self.definition.needs_documents

    @property
    def needs_notes(self) -> bool:
        """Whether it keeps notes."""
        return self.definition.needs_notes

    @property
    def own_models(self) -> Mapping[str, Provider]:
        """Its models that are objects, by name."""
        return self.definition.own_models

    def __call__(self, library: Library, notebook: Notebook, folder: str | None) -> AgentSpec:
        """Return the agent as the log shall know it."""
        return replace(self.definition(library, notebook, folder), path=self.reference, digest=self.digest)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of an agent's file, and of the code that it names where it has none itself; else empty."""
    try:
        digest = hashlib.sha256(path.read_bytes())
        for code in _code_of(path) if path.suffix == ".toml" else ():
            digest.update(hashlib.sha256(code.read_bytes()).digest())
    except OSError:
        return ""
    return digest.hexdigest()


def _code_of(path: Path) -> tuple[Path, ...]:
    from workbench.agent.toml_file import code_of

    return code_of(path)


def load_agent(reference: str) -> LoadedAgent:
    """Return the agent that `reference` names; raises `AgentError` with what is wrong, and in which line."""
    where, name = _split(reference)
    if not is_file(where):
        module = imported_module(where)
        path = Path(module.__file__ or "")
        found = _choose(module, where, name)
        return LoadedAgent(found[1], f"{where}:{found[0]}", digest_of(path))
    path = Path(where).expanduser().resolve()
    if not path.is_file():
        raise AgentError(f"there is no file {where!r}; {EXPECTED}")
    digest = digest_of(path)
    if path.suffix == ".toml":
        if name is not None:
            raise AgentError(f"{where!r} holds one agent, which has no name beside: leave {':' + name!r} out")
        from workbench.agent.toml_file import read_toml  # with all the tools that such a file may name

        return LoadedAgent(read_toml(path), str(path), digest)
    found = _choose(imported_file(path), where, name)
    return LoadedAgent(found[1], f"{path}:{found[0]}", digest)


def file_of(reference: str) -> Path | None:
    """Return the file in which the agent of a reference stands, without importing it; None where there is none."""
    where, _ = _split(reference)
    if is_file(where):
        path = Path(where).expanduser()
        return path if path.is_file() else None
    try:
        spec = find_module(where)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def _split(reference: str) -> tuple[str, str | None]:
    """Return where an agent stands, and its name there where one is given."""
    where, sign, name = reference.rpartition(":")
    if sign and name.isidentifier() and len(where) > 1:  # a single letter before a colon is a drive
        return where, name
    return reference, None


def _choose(module: ModuleType, where: str, name: str | None) -> tuple[str, AgentDefinition]:
    """Return the agent of a module, and its name there."""
    found = dict(_agents_in(module))
    if name is None:
        if len(found) == 1:
            return next(iter(found.items()))
        if not found:
            raise AgentError(f"{where} defines no agent; write in it: agent = Agent(…), with Agent from workbench")
        names = ", ".join(found)
        raise AgentError(
            f"{where} defines {len(found)} agents, {names}: name one, such as -a {where}:{next(iter(found))}"
        )
    if name in found:
        return name, found[name]
    value = getattr(module, name, None)
    if isinstance(value, AgentDefinition):
        return name, value
    if value is not None:
        raise AgentError(f"{where}:{name} is no agent but of type {type(value).__name__!r}")
    near = difflib.get_close_matches(name, found, n=1)
    there = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(found) or 'none'}"
    raise AgentError(f"{where} has no agent {name!r}; {there}")


def _agents_in(module: ModuleType) -> Iterator[tuple[str, AgentDefinition]]:
    """Yield the agents of a module, each under its first name."""
    seen: set[int] = set()
    for name, value in vars(module).items():
        if isinstance(value, AgentDefinition) and id(value) not in seen:
            seen.add(id(value))
            yield name, value
