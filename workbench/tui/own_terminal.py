"""The terminal kept for the screen alone: whatever else prints, reads keys or starts programs gets something else.

A tool may print, write to file descriptor 1, or start a program that inherits it, and each would paint over the
screen; one that reads descriptor 0 would swallow keys. So the screen gets copies of the descriptors, and those that
everybody else finds at 0, 1 and 2 lead to nothing and to a file. A program that opens `/dev/tty` by itself still can.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, ExitStack
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Final, Self

LARGEST: Final = 1_000_000
"""Bytes above which the file begins anew."""
STREAMS: Final = (0, 1, 2)
_Stream = TextIOWrapper | None


class OwnTerminal(AbstractContextManager["OwnTerminal"]):
    """Holds the terminal between `with` and its end; `printed` is the file of what others wrote meanwhile.

    Textual finds the terminal in `sys.__stdin__`, `sys.__stdout__` and `sys.__stderr__`.
    """

    def __init__(self, printed: Path) -> None:
        self._printed = printed
        self._stack = ExitStack()
        self._began_at = 0
        self._log: int | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._flush()
            self._log = self._open()
            stack.callback(os.close, self._log)
            self._began_at = os.fstat(self._log).st_size
            stack.callback(self._name, sys.__stdin__, sys.__stdout__, sys.__stderr__)
            for number in STREAMS:
                kept = os.dup(number)
                stack.callback(os.close, kept)
                stack.callback(os.dup2, kept, number)
            self._name(*(stack.enter_context(self._stream(number)) for number in STREAMS))
            nothing = os.open(os.devnull, os.O_RDONLY)
            stack.callback(os.close, nothing)
            os.dup2(nothing, 0)
            os.dup2(self._log, 1)
            os.dup2(self._log, 2)
            stack.callback(self._flush)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def has_printed(self) -> bool:
        """Whether anything else wrote to the terminal, which is in the file."""
        try:
            return self._printed.stat().st_size > self._began_at
        except OSError:
            return False

    def _open(self) -> int:
        """Open the file to append to; nothing at all where it cannot be written."""
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            self._printed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_large = self._printed.exists() and self._printed.stat().st_size > LARGEST
            return os.open(self._printed, how | (os.O_TRUNC if is_large else 0), 0o600)
        except OSError:
            return os.open(os.devnull, os.O_WRONLY)

    @staticmethod
    def _stream(number: int) -> TextIOWrapper:
        """Return a stream of the screen's own on what a descriptor leads to now."""
        return open(os.dup(number), "r" if number == 0 else "w", encoding="utf-8", errors="replace")  # noqa: PTH123

    @staticmethod
    def _name(stdin: _Stream, stdout: _Stream, stderr: _Stream) -> None:
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = stdin, stdout, stderr  # type: ignore[misc]

    @staticmethod
    def _flush() -> None:
        """Let what was printed so far go where it was meant to."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
