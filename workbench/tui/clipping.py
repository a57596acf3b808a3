"""Copying: text goes to the clipboard through the terminal, and what is too much for most terminals is said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.views.text import human_bytes

if TYPE_CHECKING:
    from workbench.tui.screens.live import LiveScreen

LARGE: Final = 100_000
"""Bytes above which many terminals take nothing, or not all of it."""


def copy(screen: LiveScreen, text: str, what: str = "", *, else_do: str = "") -> None:
    """Copy `text` and say how much that was; `else_do` says what to do where the terminal does not take it."""
    screen.workbench.copy_to_clipboard(text)
    size = len(text.encode())
    said = f"Copied {f'{what}, ' if what else ''}{human_bytes(size)}."
    if size > LARGE:
        rest = f"; {else_do}" if else_do else ""
        screen.say(f"{said} Many terminals do not take so much at once{rest}.", "warning")
    else:
        screen.say(said)
