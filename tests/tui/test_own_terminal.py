"""On a real terminal: nothing is ever printed over the screen, and nothing that was printed is lost."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.tui.printing_app import WAYS, mark
from workbench.clock import SystemClock
from workbench.tui import own_terminal
from workbench.tui.own_terminal import OwnTerminal

PATIENCE = 60.0
"""Seconds after which a test gives up; never reached where the program works."""
ROOT = Path(__file__).parents[2]


class Window:
    """A terminal of 120×40 with a program in it."""

    def __init__(self, controller: int, process: subprocess.Popen[bytes]) -> None:
        self._controller, self.process = controller, process
        self.seen = b""

    def until(self, text: bytes) -> None:
        """Read what the program sends until something was in it."""
        clock = SystemClock()
        end = clock.monotonic() + PATIENCE
        while text not in self.seen:
            assert clock.monotonic() < end, self.seen[-2_000:]
            assert self._read(), f"the program ended: {self.seen[-2_000:]!r}"

    def to_the_end(self) -> int:
        """Read until the program ends; return its code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        with suppress(OSError):  # Linux says an error when the program is gone
            if not select.select([self._controller], [], [], 1.0)[0]:
                return self.process.poll() is None
            got = os.read(self._controller, 65_536)
            self.seen += got
            return bool(got)
        return False

    def press(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self._controller, keys)


@contextmanager
def window(*words: str, **environ: str) -> Iterator[Window]:
    """Run the printing program in a window of its own."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tui.printing_app", *words],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    try:
        yield Window(controller, process)
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def test_nothing_is_printed_over_the_screen(tmp_path: Path) -> None:
    """However a tool prints, the terminal gets the screen alone, the file gets the rest, and keys go to the screen."""
    with window(str(tmp_path)) as shown:
        shown.until(b"all quiet")
        shown.press(b"\x11")  # ctrl+q
        assert shown.to_the_end() == 0
    assert [way for way in WAYS if mark(way).encode() in shown.seen] == []
    printed = (tmp_path / "printed.log").read_text("utf-8")
    assert [way for way in WAYS if mark(way) not in printed] == []
    screen, _, after = shown.seen.rpartition(b"\x1b[?1049l")
    assert b"\x1b[?1049h" in screen
    assert b"left; printed: True" in after


def test_an_editor_gets_the_terminal(tmp_path: Path) -> None:
    """A person's own editor reads their keys and draws on their screen, though nothing else does."""
    editor = tmp_path / "editor"
    editor.write_text(
        '#!/bin/sh\n[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo the editor && read line && echo "$line" > $1\n'
    )
    editor.chmod(0o700)
    with window(str(tmp_path), "edit", EDITOR=str(editor)) as shown:
        shown.until(b"the editor")
        shown.press(b"after\n")
        assert shown.to_the_end() == 0
    assert b"left; saved: after" in shown.seen


def test_everything_is_as_it_was_afterwards(tmp_path: Path) -> None:
    """Once the screen is gone, programs print where they always did."""
    before = where_streams_lead()
    with OwnTerminal(tmp_path / "a" / "printed.log") as terminal:
        printed_before = terminal.has_printed
        os.write(2, b"something")
        assert (printed_before, terminal.has_printed) == (False, True)
    assert where_streams_lead() == before
    assert (tmp_path / "a" / "printed.log").read_text() == "something"
    assert (tmp_path / "a" / "printed.log").stat().st_mode & 0o777 == 0o600


def where_streams_lead() -> tuple[object, ...]:
    """Return what tells one set of standard streams from another."""
    return *(os.fstat(number).st_ino for number in (0, 1, 2)), sys.__stdin__, sys.__stdout__, sys.__stderr__


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    """What was printed the last times is kept up to a size; then it begins anew."""
    file = tmp_path / "printed.log"
    for size, kept in ((10, 10), (own_terminal.LARGEST + 1, 0)):
        file.write_bytes(b"x" * size)
        with OwnTerminal(file) as terminal:
            assert not terminal.has_printed
        assert file.stat().st_size == kept


def test_without_a_place_for_it_prints_are_dropped(tmp_path: Path) -> None:
    """A folder that cannot be made costs what is printed, not the screen."""
    (tmp_path / "state").write_text("")
    with OwnTerminal(tmp_path / "state" / "printed.log") as terminal:
        os.write(1, b"something")
        assert not terminal.has_printed
