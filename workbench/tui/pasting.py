"""What is pasted is text, whatever stands in it.

Textual takes escape sequences inside of a paste for sequences of the terminal, and presses what it does not know as
keys: a text copied with its colours would approve plans and leave the program. So pastes are taken out of the input
before its parser sees them, whole, which also makes long ones fast.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from textual import events
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.message import Message

BEGIN: Final = "\x1b[200~"
END: Final = "\x1b[201~"


class PasteParser(XTermParser):
    """Reads what a terminal sends; a paste is one event, and nothing in it is anything else."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._seen = ""
        """The end of what came last, in which a mark may have begun."""
        self._pasted: list[str] | None = None
        """The parts of a paste that is not over; None outside of one."""

    def feed(self, data: str) -> Iterable[Message]:
        """Return what `data` means, the next that the terminal sent; an empty text is its end."""
        if not data:
            yield from super().feed(data)
        while data:
            mark = BEGIN if self._pasted is None else END
            begun = len(self._seen)
            at = (self._seen + data).find(mark)
            if at < 0:
                part, data = data, ""
                self._seen = (self._seen + part)[-len(mark) + 1 :]
            else:
                part, data = data[: at + len(mark) - begun], data[at + len(mark) - begun :]
                self._seen = ""
            yield from self._take(part, is_over=at >= 0)

    def _take(self, part: str, *, is_over: bool) -> Iterable[Message]:
        """Take in what lies outside of pastes with the mark that begins one, or a part of one with the mark at its end.

        Textual's parser sees the marks, too, with nothing between them.
        """
        if self._pasted is None:
            yield from super().feed(part)
            self._pasted = [] if is_over else None
            return
        self._pasted.append(part)
        if is_over:
            text = "".join(self._pasted)[: -len(END)]
            self._pasted = None
            yield from (token for token in super().feed(END) if not isinstance(token, events.Paste))
            lines = text.replace("\r\n", "\n").replace("\r", "\n")  # terminals send what Enter sends
            yield events.Paste(lines.replace("\x00", ""))  # as Textual does, because some terminals add it


def guard_pastes(driver: type[Driver]) -> type[Driver]:
    """Return the driver, which reads the terminal by that parser from now on, where it reads one by a parser."""
    module = sys.modules[driver.__module__]
    if hasattr(module, "XTermParser"):
        setattr(module, "XTermParser", PasteParser)  # noqa: B010 - it is a name in somebody else's room
    return driver
