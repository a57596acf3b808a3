"""What is pasted stays text."""

from __future__ import annotations

import sys

import pytest
from textual import events

from workbench.tui.app import WorkbenchApp
from workbench.tui.pasting import BEGIN, END, PasteParser, guard_pastes

HOSTILE = "n \x1b[31mred\x1b[0m q\x1b[A\x1b[201\x1b[13;5u\x00 \x03 \x1b]0;title\x07 \x1b"
TAKEN = HOSTILE.replace("\x00", "")


def read(*parts: str) -> list[str]:
    """Return what a terminal's input means: keys by name, pastes as their text."""
    parser = PasteParser()
    found: list[str] = []
    for part in parts:
        for token in parser.feed(part):
            if isinstance(token, events.Key):
                found.append(token.key)
            elif isinstance(token, events.Paste):
                found.append(f"paste {token.text}")
    return found


def test_nothing_in_a_paste_is_a_key() -> None:
    """A text with colours and other sequences presses nothing; what is typed before and after it is typed."""
    assert read(f"a{BEGIN}{HOSTILE}{END}b") == ["a", f"paste {TAKEN}", "b"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_it_does_not_matter_how_it_comes_in(size: int) -> None:
    """Terminals send in pieces, and a mark may be cut anywhere."""
    sent = f"a{BEGIN}{HOSTILE}{END}{BEGIN}two{END}\x1b[Ab"
    parts = [sent[start : start + size] for start in range(0, len(sent), size)]
    assert read(*parts) == ["a", f"paste {TAKEN}", "paste two", "up", "b"]


def test_lines_are_lines() -> None:
    """Terminals end the lines of a paste as Enter does; a long text with many lines is no long line."""
    assert read(f"{BEGIN}one\rtwo\r\nthree\nfour{END}") == ["paste one\ntwo\nthree\nfour"]


def test_the_app_reads_the_terminal_by_it() -> None:
    """The driver of a real terminal has this parser, not Textual's."""
    linux_driver = pytest.importorskip("textual.drivers.linux_driver")
    guard_pastes(linux_driver.LinuxDriver)
    assert sys.modules["textual.drivers.linux_driver"].XTermParser is PasteParser
    assert WorkbenchApp.get_driver_class.__qualname__.startswith("BaseApp")
