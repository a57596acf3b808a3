"""A program for a terminal of its own: the workbench on strange runs, with or without what makes them harmless.

`python -m tests.strange_app NUMBER RUN SEEN` shows run `RUN` of the tours on `A_TERMINAL` strange results, the
`NUMBER`th of such packs. F9 writes what stands on the screen to descriptor `SEEN`, and a NUL, once all keys before it
were taken in. With a last word, `bare`, neither sanitiser nor filter holds anything back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter

from tests.faults.unguarded import without_sanitiser
from tests.strange_results import strange_results
from tests.strange_tour import say_strange_things, strange_driver
from workbench.clock import SystemClock
from workbench.driver.settings import DriverSettings
from workbench.tui.app import WorkbenchApp

A_TERMINAL: Final = 150
"""Results that one program shows."""


class TellingApp(WorkbenchApp):
    """The workbench, which also says what it shows."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f9", "tell", show=False, priority=True)]
    seen = 1

    def action_tell(self) -> None:
        """Write what stands on the screen."""
        shown = "\n".join(strip.text for strip in self.screen._compositor.render_strips())
        os.write(self.seen, shown.replace("\0", "").encode("utf-8", "replace") + b"\0")


class BareApp(TellingApp):
    """The workbench without its filter."""

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's own."""
        return App.get_line_filters(self)


def show(number: int, run: str, seen: int, *, is_bare: bool = False) -> None:
    """Show a run until a person leaves."""
    if is_bare:
        without_sanitiser()
    texts = strange_results(A_TERMINAL * (number + 1), seed=7719)[A_TERMINAL * number :]
    driver = strange_driver(texts)
    settings = DriverSettings(Path("unused.db"), Path("unused"), clock=SystemClock())
    app = (BareApp if is_bare else TellingApp)(settings, None, run, desk=driver)
    app.seen = seen
    say_strange_things(driver, texts)
    app.run()
    print("left")


if __name__ == "__main__":
    show(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), is_bare="bare" in sys.argv[4:])
