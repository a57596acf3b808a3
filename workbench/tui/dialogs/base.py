"""What all dialogs share: a frame whose words are ours, a title, a body, and the keys that leave it.

Nothing that comes from outside is ever drawn as part of the frame, and no dialog does anything on its own: it answers
with a value, and whoever opened it acts.
"""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.tui.actions import ACTIONS, bindings, in_scope, offered
from workbench.tui.bridge import Changes
from workbench.tui.context import Context, Scope
from workbench.tui.widgets.keys import Keys

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """A modal screen with a title and a line of keys; Escape leaves with None."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("dialog",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog")]

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
    }
    Dialog > #frame {
        width: 90%;
        max-width: 104;
        height: auto;
        max-height: 96%;
        border: round $border;
        border-title-color: $foreground;
        border-title-style: bold;
        background: $surface;
        padding: 1 2 0 2;
    }
    Dialog > #frame > #keys {
        margin-top: 1;
        background: $surface;
        padding: 0;
    }
    Dialog .field-label {
        color: $wb-muted;
        margin-top: 1;
    }
    Dialog .problem {
        color: $wb-error;
        display: none;
    }
    Dialog .problem.-shown {
        display: block;
    }
    Dialog Input, Dialog TextArea, Dialog Select, Dialog OptionList {
        border: round $border-blurred;
        background: $surface;
        padding: 0 1;
    }
    Dialog Input {
        height: 3;
    }
    Dialog Input:focus, Dialog TextArea:focus, Dialog OptionList:focus {
        border: round $border;
        background-tint: $foreground 0%;
    }
    Dialog TextArea {
        padding: 0;
    }
    """

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading

    def compose(self) -> ComposeResult:
        """Build the frame around `body`."""
        with Vertical(id="frame") as frame:
            frame.border_title = Content(f" {self._heading} ")
            yield from self.body()
            yield Static(id="problem", classes="problem", markup=False)
            yield Keys(last="leave", id="keys")

    def body(self) -> ComposeResult:
        """Build what is inside; for subclasses."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the keys of this dialog."""
        self.show_keys()

    def look(self, changes: Changes) -> None:
        """Take in what changed since the last look; most dialogs show nothing of it."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys hold now."""
        return self.SCOPES

    def show_keys(self) -> None:
        """Show the keys that hold now."""
        context = Context(scope=self.scopes[0])
        for keys in self.query(Keys):  # none where the dialog was left before it was there
            keys.show(offered(in_scope(*self.scopes), context), context)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let only those keys hold that are shown."""
        return action != "do" or ACTIONS[str(parameters[0])].scope in self.scopes

    def show_problem(self, sentence: str) -> None:
        """Say what is wrong with what was given; an empty sentence takes it back."""
        problem = self.query_one("#problem", Static)
        problem.update(Content(sentence))
        problem.set_class(bool(sentence), "-shown")

    async def action_do(self, action: str) -> None:
        """Do an action of the registry, `do_` and its id, after what was typed before it has arrived in its field."""
        deed = getattr(self, f"do_{action}")
        if self.focused is None:
            await deed()
        else:
            self.focused.call_later(deed)

    async def do_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)
