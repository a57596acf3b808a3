"""What screens that follow runs have in common: they are told what came in, and what a person does may wait.

A screen of this kind is given the bridge and shows runs in its own way. The app looks at the feed for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.screen import Screen
from textual.widgets import Input, TextArea

from workbench.errors import OperationCancelledError, WorkbenchError
from workbench.tui.actions import ACTIONS, keys_of_screen
from workbench.tui.bridge import Bridge, Changes
from workbench.tui.context import Context, Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.messages import Severity
from workbench.tui.widgets.keys import Keys

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

Answer = TypeVar("Answer")


class LiveScreen(Screen[None]):
    """A screen that follows runs. Its actions are `do_` and their id, unless it says otherwise."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ()
    """Whose actions it does."""
    AUTO_FOCUS = ""

    DEFAULT_CSS = """
    LiveScreen {
        background: $background;
        layout: vertical;
    }
    """

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    @property
    def workbench(self) -> WorkbenchApp:
        """The app."""
        return cast("WorkbenchApp", self.app)

    def look(self, changes: Changes) -> None:
        """Take in what changed since the last look; called about twenty times a second, changes or not."""
        raise NotImplementedError

    # What a person does

    def context(self) -> Context:
        """Return what decides which actions make sense now."""
        return Context(scope=self.SCOPES[0])

    def show_keys(self) -> None:
        """Offer the keys that hold now."""
        context = self.context()
        self.query_one(Keys).show(keys_of_screen(self.SCOPES, context), context)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let keys hold where they belong; those that win over a focused widget, only where they mean something."""
        if action != "do":
            return True
        wanted = ACTIONS[str(parameters[0])]
        if wanted.priority:
            return not isinstance(self.focused, Input | TextArea) and not wanted.refusal(self.context())
        return wanted.scope in self.scopes

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys hold now."""
        return self.SCOPES

    async def action_do(self, action: str) -> None:
        """Do an action of the registry, or say why not."""
        wanted = ACTIONS[action]
        if why := wanted.refusal(self.context()):
            if not wanted.is_quiet:
                self.say(why)
        else:
            self.work(self.deed(action), group="flow")

    def deed(self, action: str) -> Callable[[], Coroutine[Any, Any, None]]:
        """Return what does an action."""
        return cast("Callable[[], Coroutine[Any, Any, None]]", getattr(self, f"do_{action}"))

    def work(self, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = False) -> None:
        """Do something that may wait; what a person can mend becomes a sentence."""
        # The function itself is given, not its coroutine: one that is never started would be complained about.
        self.run_worker(cast("Any", partial(self._guarded, work)), group=group, exclusive=exclusive)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except OperationCancelledError as given_up:
            self.say(str(given_up))
        except WorkbenchError as error:
            if not self.workbench.is_leaving:
                self.say(str(error), "error")
        except Exception as error:  # noqa: BLE001 - a worker's top: a bug must not take the screen away
            if self.app.is_running and self.is_attached:  # else the screen went away while this waited
                self.workbench.say_bug(error)

    def open_in_main(self, run: str) -> None:
        """Leave for the main screen, with a run open in it; every screen above it is left, too."""
        main = self.workbench.main
        main.work(partial(main.open_run, run), group="flow")
        above = self.app.screen_stack[self.app.screen_stack.index(main) + 1 :]
        for screen in reversed(above):
            screen.dismiss(None)

    def say(self, sentence: str, severity: Severity = "information") -> None:
        """Show a sentence for a while."""
        self.workbench.say(sentence, severity)

    async def ask_in(self, dialog: Dialog[Answer]) -> Answer | None:
        """Ask in a dialog and wait for the answer."""
        return await self.app.push_screen_wait(dialog)
