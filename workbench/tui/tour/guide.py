"""Who leads the tour: tells a chapter, waits, presses its keys at a pace that can be followed, and goes on.

It knows the chapters and the time, and the screen by two ends only: what is so, and the keys that are pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from workbench.tui.tour.script import SCRIPT, Chapter

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

Phase = Literal["waiting", "telling", "pressing", "settling", "over"]
KEY_SECONDS: Final = 0.55
"""Between two keys."""
LETTER_SECONDS: Final = 0.04
"""Between two letters of a text."""
AGAIN_SECONDS: Final = 1.2
"""Until the last key is pressed again, where the chapter is not over."""


class Scene(NamedTuple):
    """What is told now."""

    number: int
    """From 1."""
    of: int
    """How many there are."""
    title: str
    words: str
    keys: tuple[str, ...]
    """The keys of the chapter; a text that is typed is not among them."""
    pressed: int
    """How many of them were pressed."""
    share: float
    """How much of the reading time is over, from 0 to 1."""
    is_led: bool
    """The guide presses the keys; else the person does."""


class Guide:
    """Leads through a script. `tick` is called often; `press` presses a key on the screen."""

    def __init__(self, app: WorkbenchApp, press: Callable[[str], None], script: Sequence[Chapter] = SCRIPT) -> None:
        self._app, self._press, self._script = app, press, script
        self._number = 0
        self._phase: Phase = "waiting"
        self._since = 0.0
        self._now = 0.0
        self._pressed = 0
        self.is_led = True

    @property
    def is_over(self) -> bool:
        """Whether everything was told."""
        return self._phase == "over"

    @property
    def scene(self) -> Scene:
        """What is told now: the next chapter once its moment has come, until then the one before."""
        is_next = self._phase != "waiting" or self._number == 0
        number = self._number if is_next else self._number - 1
        chapter = self._script[min(number, len(self._script) - 1)]
        told = min(1.0, (self._now - self._since) / chapter.seconds) if self._phase == "telling" else 1.0
        keys = (*chapter.keys, *((chapter.last,) if chapter.last else ()))
        after_text = self._pressed - len(chapter.text)
        pressed = max(min(self._pressed, len(chapter.keys)), after_text) if is_next else len(keys)
        words = chapter.words
        return Scene(number + 1, len(self._script), chapter.title, words, keys, pressed, told, self.is_led)

    def take_over(self) -> None:
        """Leave the keys to the person, who pressed one: from now on the guide only tells."""
        self.is_led = False

    def go_on(self) -> None:
        """Lead again, and do not wait for the words to be read."""
        if not self.is_led:
            self.is_led = True
        elif self._phase == "telling":
            self._start_pressing()
        elif self._phase in ("waiting", "settling"):
            self._next()

    def tick(self, now: float) -> None:
        """Do what is due at `now`, in seconds of any steady clock."""
        self._now = now
        if self._phase == "over":
            return
        chapter = self._script[self._number]
        if self._phase == "waiting" and chapter.when(self._app):
            self._phase, self._since, self._pressed = "telling", now, 0
            if self.is_led:
                chapter.prepare(self._app)
        elif self._phase == "telling":
            self._tell(chapter)
        elif self._phase in ("pressing", "settling") and self.is_led:
            self._play(chapter)
        elif self._phase != "waiting" and chapter.until(self._app):
            self._next()

    def _tell(self, chapter: Chapter) -> None:
        is_read = self._now - self._since >= chapter.seconds
        if chapter.presses and chapter.until(self._app):
            self._next()  # the person did it already
        elif is_read and self.is_led:
            self._start_pressing()
        elif is_read and not chapter.presses and chapter.until(self._app):
            self._next()

    def _start_pressing(self) -> None:
        self._phase, self._since = "pressing", self._now

    def _play(self, chapter: Chapter) -> None:
        presses = chapter.presses
        if self._pressed < len(presses):
            is_letter = len(chapter.keys) < self._pressed < len(chapter.keys) + len(chapter.text)
            if self._now - self._since >= (LETTER_SECONDS if is_letter else KEY_SECONDS):
                self._press(presses[self._pressed])
                self._pressed, self._since = self._pressed + 1, self._now
        elif chapter.until(self._app):
            self._next()
        elif presses and self._now - self._since >= AGAIN_SECONDS:
            self._phase, self._since = "settling", self._now
            if not chapter.text or chapter.last:
                self._press(presses[-1])

    def _next(self) -> None:
        self._number += 1
        self._pressed, self._since = 0, self._now
        self._phase = "waiting" if self._number < len(self._script) else "over"
