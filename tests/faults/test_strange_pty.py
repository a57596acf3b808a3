"""Strange results on a real terminal: a program of its own shows them, and every byte that it sends is accounted for.

Nothing but an allow-list of Textual's own sequences may arrive. That the terminal would have been reached is seen by
letting the same program do so.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.strange_app import A_TERMINAL
from tests.strange_results import CANARIES
from tests.strange_tour import ENDED, LIVE, PAGES, RACERS, TOURS
from workbench.clock import SystemClock
from workbench.views.text import UNSAFE, UNSTEADY

PATIENCE: Final = 60.0
"""Seconds after which a test gives up; never reached where the program works."""
AGAIN: Final = 8.0
"""Seconds until a key is pressed again."""
ROOT: Final = Path(__file__).parents[2]
OWN: Final = re.compile(
    r"\x1b\[[0-9;]*[mH]|\r\n"  # colours, moves
    r"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1049|2004|2026)[hl]|\x1b\[>[0-9]+u|\x1b\[<u"  # on, and off
    r"|\x1b\[\?(?:2026|2048)\$p|\x1b\]22;[a-z-]+\x07"  # what the terminal can do; the shape of the mouse
)
"""What Textual sends by itself, as few kinds as there are."""
KEYS: Final = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "space": " ", "home": "\x1b[H", "end": "\x1b[F", "up": "\x1b[A",
    "down": "\x1b[B", "shift+tab": "\x1b[Z", "right": "\x1b[C", "left": "\x1b[D", "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~", "ctrl+s": "\x13", "ctrl+n": "\x0e", "ctrl+q": "\x11", "f9": "\x1b[20~",
}  # fmt: skip


class Terminal:
    """A terminal of 120×40 with the program in it, and all that it was sent."""

    def __init__(self, controller: int, seen: int, process: subprocess.Popen[bytes]) -> None:
        self._controller, self._seen, self._process = controller, seen, process
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.sent = ""

    def press(self, *keys: str) -> None:
        """Send keys."""
        os.write(self._controller, "".join(KEYS.get(key, key) for key in keys).encode())

    def looks(self) -> str:
        """Return what the program says that it shows, after it took in the keys so far."""
        self.press("f9")
        said = b""
        while not said.endswith(b"\0"):
            assert self.read(), f"the program ended: {self.sent[-3_000:]!r}"
            if select.select([self._seen], [], [], 0)[0]:
                said += os.read(self._seen, 65_536)
        return said.decode()

    def until(self, words: str, again: str = "") -> None:
        """Wait until words are shown; a key that came too early for a busy machine is pressed again."""
        clock = SystemClock()
        start = clock.monotonic()
        pressed = start
        while words not in (shown := self.looks()):
            now = clock.monotonic()
            assert now < start + PATIENCE, f"{words!r} is not shown:\n{shown}"
            if again and now > pressed + AGAIN:
                self.press(again)
                pressed = now

    def to_the_end(self) -> int:
        """Read until the program ends; return its code."""
        while self.read():
            pass
        return self._process.wait(PATIENCE)

    def read(self) -> bool:
        """Read some of what is sent; return whether there may be more."""
        with suppress(OSError):  # Linux says an error when the program is gone
            if not select.select([self._controller, self._seen], [], [], 1.0)[0]:
                return self._process.poll() is None
            if not select.select([self._controller], [], [], 0)[0]:
                return True
            got = os.read(self._controller, 65_536)
            self.sent += self._decoder.decode(got)
            return bool(got)
        return False


@contextmanager
def terminal(number: str, run: str, *more: str) -> Iterator[Terminal]:
    """Run the program on a terminal of its own."""
    controller, side = pty.openpty()
    seen, told = os.pipe()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.strange_app", number, run, str(told), *more],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, pass_fds=[told],
        stdin=side, stdout=side, stderr=side, start_new_session=True,
    )  # fmt: skip
    os.close(side)
    os.close(told)
    try:
        yield Terminal(controller, seen, process)
    finally:
        process.kill()
        process.wait()
        os.close(controller)
        os.close(seen)


def take(shown: Terminal, run: str) -> None:
    """Take a tour by keys."""
    shown.until("inspector")
    for keys, sees in TOURS[run]:
        for key in keys:
            shown.press(key)
            shown.looks()
        shown.until(sees, again=keys[-1])
    shown.press("ctrl+q")
    assert shown.to_the_end() == 0
    assert shown.sent.endswith("left\r\n")


@pytest.mark.parametrize(("number", "run"), [(0, ENDED), (1, PAGES), (0, LIVE), (1, RACERS[0])])
def test_nothing_of_theirs_reaches_the_terminal(number: int, run: str) -> None:
    """Through all screens of runs with 300 strange results, the terminal gets text and what Textual sends by itself."""
    with terminal(str(number), run) as shown:
        take(shown, run)
    assert CANARIES.search(shown.sent) is None
    rest = OWN.sub("", shown.sent)
    assert [found[0] for found in UNSAFE.finditer(rest)] == []
    assert UNSTEADY.search(rest) is None


def test_three_hundred_results_are_shown() -> None:
    """Two programs show as many as are promised."""
    assert A_TERMINAL * 2 == 300


def test_unguarded_they_would() -> None:
    """The same program without sanitiser and filter is obeyed by the terminal, and the check above sees it."""
    with terminal("0", PAGES, "bare") as shown:
        shown.until("inspector")
        shown.press("pagedown", "pagedown")
        while CANARIES.search(shown.sent) is None:
            assert shown.read()
    assert UNSAFE.search(OWN.sub("", shown.sent)) is not None
