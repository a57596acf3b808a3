"""Which agents a person named: only those may be imported again because a log speaks of them."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from pathlib import Path

from workbench.agent.loading import LoadedAgent, digest_of, file_of, load_agent
from workbench.config.whole_file import write_whole
from workbench.errors import AgentError


class AgentFiles:
    """Loads agents, and remembers in the file `trusted` which ones the person named; None: only in this process."""

    def __init__(self, trusted: Path | None = None) -> None:
        self._file = trusted
        self._named: dict[str, str] = {}

    def load(self, reference: str) -> LoadedAgent:
        """Return the agent that a person names; raises `AgentError` with the line where something is wrong."""
        loaded = load_agent(reference)
        self._named[loaded.reference] = loaded.digest
        if self._file is not None:
            known = {**_read(self._file), loaded.reference: loaded.digest}
            with suppress(OSError):  # what is not written down is asked for again the next time
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_whole(self._file, [json.dumps(known, indent=1)])
        return loaded

    def recall(self, reference: str, digest: str | None, run: str) -> LoadedAgent:
        """Return the agent of a recorded run, if it is what the person named before, and what it was then.

        Raises `AgentError` with what to do where it is not.
        """
        path = file_of(reference)
        again = shlex.join(["workbench", "resume", run[:8], "-a", reference])
        onto_record = f"or fork it onto what is recorded: workbench fork {run[:8]} -m recorded:{run[:8]}"
        if path is None:
            raise AgentError(
                f"the agent of run {run[:8]}, {reference}, is not there any more; if it moved, name it: "
                f"workbench resume {run[:8]} -a FILE, {onto_record}"
            )
        now = digest_of(path)
        known = self._named.get(reference) or (_read(self._file) if self._file is not None else {}).get(reference)
        if now != digest:
            raise AgentError(
                f"the agent of run {run[:8]}, {reference}, has changed since; to go on with it as it is now: {again}, "
                f"{onto_record}"
            )
        if known != digest:
            raise AgentError(
                f"run {run[:8]} is of the agent {reference}, which runs code that you have not named; to go on with "
                f"it: {again}, {onto_record}"
            )
        return load_agent(reference)


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}
