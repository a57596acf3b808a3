"""The app as far as it knows no run: keys and themes of the person's own, notices, calls for attention, pictures."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter

from workbench.clock import SessionTime
from workbench.tui.actions import change_keys, key_of
from workbench.tui.attention import notification
from workbench.tui.keymap import textual_keymap
from workbench.tui.manners import Manners
from workbench.tui.messages import Message, Messages, Severity
from workbench.tui.pasting import guard_pastes
from workbench.tui.pictures import save_picture
from workbench.tui.safety import SafetyFilter
from workbench.tui.theme_shelf import ThemeShelf
from workbench.tui.themes import DEFAULT_THEME, VARIABLE_DEFAULTS
from workbench.views.marks import set_motion
from workbench.views.text import inert

_SECONDS: dict[Severity, float] = {"information": 4.0, "warning": 8.0, "error": 12.0}
"""How long a notice stays."""
BUG: Final = "Something unexpected went wrong"
THEME_SECONDS: Final = 1.0
"""How often the theme files are looked at."""


class BaseApp(App[None]):
    """What the screen does whatever is on it."""

    CSS = """
    ToastRack {
        margin-bottom: 2;
    }
    Toast {
        padding: 0 1;
        max-width: 90%;
        background: $boost;
    }
    Toast.-information {
        border-left: outer $primary;
    }
    App.-few-colours OptionList:focus > .option-list--option-highlighted,
    App.-few-colours CommandList > .option-list--option-highlighted {
        text-style: bold underline;
    }
    """

    def __init__(self, time: SessionTime, theme: str | None, themes: Sequence[Path], manners: Manners) -> None:
        super().__init__()
        change_keys(manners.keys)
        set_motion(manners.moves)
        if not manners.moves:
            self.animation_level = "none"
        self.manners = manners
        self.messages = Messages()
        self._taken_back = ""
        """What was said."""
        self._time = time
        self._safety = SafetyFilter()
        self._shelf = ThemeShelf(themes)
        self._is_reading_themes = False
        reading = self._shelf.read()
        self._theme_failures = reading.failures
        for item in reading.themes:
            self.register_theme(item)
        self.theme = theme if theme in self._shelf.names else DEFAULT_THEME.name

    def on_mount(self) -> None:
        """Take on what the person set; tell what is wrong with it."""
        self.set_keymap(textual_keymap())
        self.set_class(self.no_color or self.console.color_system not in ("256", "truecolor"), "-few-colours")
        self._keep_prints_away()
        self.set_interval(THEME_SECONDS, self._look_at_themes)
        for failure in self._theme_failures:
            self.say(str(failure), "warning")

    def now(self) -> float:
        """Return the present, Unix seconds."""
        return self._time.now()

    def say(self, sentence: str, severity: Severity = "information", detail: str = "") -> None:
        """Show a sentence for a while, and keep it with its details; nothing in it is taken as markup.

        One that stands on the screen already is not said again.
        """
        said, now = next(iter(self.messages), None), self.now()
        if (
            said is not None
            and (said.sentence, said.detail) == (sentence, detail)
            and now < said.at + _SECONDS[said.severity]
            and sentence != self._taken_back
        ):
            return
        self._taken_back = ""
        self.messages.add(Message(now, severity, sentence, detail))
        shown = f"{sentence} ({key_of('messages')} shows the details)" if detail else sentence
        self.notify(inert(shown), severity=severity, timeout=_SECONDS[severity], markup=False)

    def unsay(self, sentence: str) -> None:
        """Take a sentence off the screen that does not hold any more; it is still kept."""
        self._taken_back = sentence
        for notice in [one for one in self._notifications if one.message == inert(sentence)]:
            self._unnotify(notice)

    def say_bug(self, error: Exception) -> None:
        """Say that something went wrong that nobody foresaw, and keep what helps to mend it."""
        what = f"{BUG}: {type(error).__name__}: {error}"
        self.say(what, "error", "".join(traceback.format_exception(error)))

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver, which takes what is pasted for text and nothing else."""
        return guard_pastes(super().get_driver_class())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters and, last, the one that lets nothing harmful through."""
        return [*super().get_line_filters(), self._safety]

    def _keep_prints_away(self) -> None:
        """Let what is printed go where descriptor 1 leads, once that is not the terminal; Textual would lose it.

        Textual puts back at the end what it found before it began.
        """
        if not self.is_headless and not os.isatty(1):
            sys.stdout = sys.stderr = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - a descriptor, and never closed

    @property
    def failure(self) -> Exception | None:
        """What ended the app before a person did, or None."""
        return self._exception

    # Themes

    @property
    def theme_names(self) -> list[str]:
        """The names of all themes that can be chosen."""
        return self._shelf.names

    def use_theme(self, name: str) -> None:
        """Draw everything in the colours of a theme."""
        self.theme = name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return a colour for every semantic variable, for themes that name none."""
        return dict(VARIABLE_DEFAULTS)

    async def _look_at_themes(self) -> None:
        """Take in theme files that changed; beside the screen, because a folder may be far away."""
        if self._is_reading_themes:
            return
        self._is_reading_themes = True
        try:
            reading = await asyncio.to_thread(self._shelf.read)
        finally:
            self._is_reading_themes = False
        if not self.is_running:
            return
        for item in reading.themes:
            self.register_theme(item)
            if item.name == self.theme:
                self.mutate_reactive(App.theme)  # the name is the same, so nothing else would draw it again
        for failure in reading.failures:
            self.say(str(failure), "warning")

    # Attention and pictures

    def call_person(self, text: str) -> None:
        """Tell a person who looks elsewhere, by what they chose: the bell, a notification of the terminal, or both."""
        how = self.manners.notify
        if how in ("both", "bell"):
            self.bell()
        if how in ("both", "terminal") and self._driver is not None and not self.is_headless:
            self._driver.write(notification(text, os.environ))

    async def take_picture(self) -> None:
        """Save a picture of the screen as it is, and say where."""
        svg = self.export_screenshot()
        try:
            path = await asyncio.to_thread(save_picture, svg, self.manners.pictures, self._time.now())
        except OSError as error:
            self.say(f"The picture cannot be saved: {error}", "error")
        else:
            self.say(f"A picture of the screen is in {path}.")
