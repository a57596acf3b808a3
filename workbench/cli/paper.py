"""Where commands print: lines in colour on a terminal, plain in a pipe; JSON that no terminal can misread.

Styles are those of `views`; here alone they get colours of a terminal. `NO_COLOR` is honoured.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, ParamSpec, TextIO

from workbench.errors import OutputError
from workbench.views.segments import Line, Segment, Style
from workbench.views.text import UNSAFE, inert

P = ParamSpec("P")
WIDEST: Final = 100
"""Cells of a line that a person reads with ease; also where there is no terminal to ask."""

_COLOURS: Final[dict[Style, str]] = {
    "title": "1", "muted": "2", "plan": "36", "thinking": "3", "message": "35", "running": "34", "ok": "32",
    "error": "31", "waiting": "33", "edited": "35", "cancelled": "2", "unknown": "33", "link": "36", "key": "1",
}  # fmt: skip
"""Parameters of SGR, ECMA-48 section 8.3.117."""

_BEYOND_ASCII = re.compile(r"[^\n\t\x20-\x7e]")


def with_sentence(write: Callable[P, object], *args: P.args, **named: P.kwargs) -> None:
    """Write; raises `OutputError` where that cannot be, and `BrokenPipeError` where nobody reads any more."""
    try:
        write(*args, **named)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"what is printed cannot be written: {error.strerror}") from error


class Paper:
    """A stream to print on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_utf8 = (stream.encoding or "utf-8").lower().replace("-", "") == "utf8"
        self.is_terminal = stream.isatty()
        self._is_coloured = self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = min(shutil.get_terminal_size((WIDEST, 24)).columns if self.is_terminal else WIDEST, WIDEST)

    def lines(self, lines: Iterable[Line]) -> None:
        """Print lines of segments, which are inert already."""
        for line in lines:
            self._write("".join(map(self._painted, line)).rstrip() + "\n")
        self._flush()

    def say(self, text: str, style: Style = "text") -> None:
        """Print a text of any kind."""
        self.lines([(Segment(line, style),) for line in inert(text).split("\n")])

    def json(self, value: Any, *, indent: int | None = None) -> None:
        """Print a JSON value, on one line where `indent` is not given."""
        self._write(json_text(value, indent=indent, ascii_only=not self._is_utf8) + "\n")
        self._flush()

    def raw(self, text: str) -> None:
        """Write lines of JSON as they are; with escapes for what a terminal would obey, or the encoding lacks."""
        as_it_is = self._is_utf8 and not self.is_terminal
        self._write(text if as_it_is else escaped(text, ascii_only=not self._is_utf8))

    def progress(self, text: str) -> None:
        """Show how far something is, on the one line that the next progress replaces; nothing in a pipe."""
        if self.is_terminal:
            self._write(f"\r\x1b[K{inert(text)}")
            self._flush()

    def _write(self, text: str) -> None:
        with_sentence(self._stream.write, text)

    def _flush(self) -> None:
        with_sentence(self._stream.flush)

    def _painted(self, segment: Segment) -> str:
        colour = _COLOURS.get(segment.style) if self._is_coloured else None
        return f"\x1b[{colour}m{segment.text}\x1b[m" if colour and segment.text else segment.text


_kept: TextIO | None = None
"""What leads to stdout while it is kept for `out` alone."""


def out() -> Paper:
    """Return the paper for what a command has to say."""
    return Paper(_kept or sys.stdout)


@contextmanager
def stdout_alone() -> Iterator[None]:
    """Keep stdout for what `out` prints: a program reads it. What tools and their programs print goes to stderr."""
    global _kept  # noqa: PLW0603 - there is one stdout
    before = sys.stdout
    before.flush()
    with ExitStack() as stack:
        _kept = before
        if _is_descriptor(before):
            copy = os.dup(1)
            stack.callback(os.close, copy)
            stack.callback(os.dup2, copy, 1)
            encoding, errors = before.encoding, before.errors
            _kept = open(os.dup(1), "w", encoding=encoding, errors=errors)  # noqa: PTH123, SIM115 - closed below
            stack.callback(with_sentence, _kept.close)
            stack.callback(before.flush)
            os.dup2(2, 1)
        stack.callback(setattr, sys, "stdout", before)
        sys.stdout = sys.stderr
        try:
            yield
        finally:
            _kept = None


def _is_descriptor(stream: TextIO) -> bool:
    """Return whether a stream is the process' own stdout, which programs inherit."""
    try:
        return stream.fileno() == 1
    except (OSError, ValueError):
        return False


def err() -> Paper:
    """Return the paper for notes beside it."""
    return Paper(sys.stderr)


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """Return `value` as JSON in which nothing stands that a terminal would obey."""
    separators = None if indent else (",", ":")
    return escaped(json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators))


def escaped(text: str, *, ascii_only: bool = False) -> str:
    r"""Return JSON text with `\uXXXX` for each character that a terminal would obey or that hides."""
    return (_BEYOND_ASCII if ascii_only else UNSAFE).sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))
