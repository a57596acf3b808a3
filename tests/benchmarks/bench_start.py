"""Starting: the command line alone beside a bare interpreter, and the screen on a terminal beside the smallest app."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios

from tests.benchmarks.measure import Row, as_installed, median, now, repeated, spread

SMALLEST = """
from textual.app import App
from textual.widgets import Static

class Smallest(App):
    def compose(self):
        yield Static("READY")

Smallest().run()
"""
"""What any Textual program takes to its first text."""


def took(*arguments: str) -> float:
    """Return the seconds of one process."""
    start = now()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=as_installed())
    return now() - start


def first_text(text: bytes, *arguments: str, database: str) -> float:
    """Return the seconds until a program has written `text` to a terminal of 160×48."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    start, seen = now(), b""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=as_installed() | {"WORKBENCH_DB": database, "TERM": "xterm-256color"},
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    try:
        while text not in seen and now() - start < 30:
            if select.select([controller], [], [], 1.0)[0]:
                seen += os.read(controller, 65_536)
        return now() - start
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def rows() -> list[Row]:
    """Measure and return the table."""
    bare = repeated(9, lambda: took("-c", "pass"))
    asked = repeated(9, lambda: took("-m", "workbench", "--version"))
    more = median(asked) - median(bare)
    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/runs.db"
        smallest = repeated(9, lambda: first_text(b"READY", "-c", SMALLEST, database=database))
        first = repeated(9, lambda: first_text(b"Watch an agent", "-m", "workbench", database=database))
    return [
        Row("bare interpreter", "–", spread(bare)),
        Row("`workbench --version`, more than that", "≤ 80 ms", f"{more * 1e3:.0f} ms", more <= 0.08),
        Row("the smallest Textual app to its first text on a terminal (the floor)", "–", spread(smallest)),
        Row("`workbench` to its first text on a terminal", "≤ 550 ms", spread(first), median(first) <= 0.55),
    ]
