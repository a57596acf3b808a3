"""What a server's program writes beside the protocol: kept in a file of bounded size, and never on the screen."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from workbench.tools.mcp.specs import clean

LARGEST_LOG = 1_000_000
"""Bytes; a full file becomes `NAME.log.1`, in the place of the one before."""
TAIL = 2_000


class ServerLog:
    """The log of one server; without a folder only its last words are kept."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self.path = folder / f"{name}.log" if folder is not None else None
        self._tail = b""

    def write(self, data: bytes) -> None:
        """Add what the program wrote. A disk that takes no more loses words, and nothing else."""
        self._tail = (self._tail + data)[-TAIL:]
        if self.path is None:
            return
        with suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(number, "ab") as stream:
                stream.write(data[-LARGEST_LOG:])
                is_full = stream.tell() >= LARGEST_LOG
            if is_full:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))

    def forget(self) -> None:
        """Let the last words go: what comes is another start's."""
        self._tail = b""

    @property
    def last_words(self) -> str:
        """The last line that the program wrote, to say why it ended; empty where it wrote none."""
        lines = [clean(line, 200) for line in self._tail.decode(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")
