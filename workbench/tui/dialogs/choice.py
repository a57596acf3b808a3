"""A question with a few answers, none of which is chosen by itself.

What the question is about may come from a model or a tool. It stands behind a bar in a box of its own, every line of
it, so that nothing in it can look like a part of the dialog.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import content, contents
from workbench.views.segments import Line, Segment


class Choice(NamedTuple):
    """One answer."""

    id: str
    key: str
    """A letter that gives it at once."""
    label: str
    help: str = ""


class ChoiceDialog(Dialog[str]):
    """Answers with the id of what was chosen, or None.

    `facts` are lines of ours, `fenced` the lines of data. Enter chooses what is highlighted, and nothing is at first.
    """

    DEFAULT_CSS = """
    ChoiceDialog #facts {
        height: auto;
    }
    ChoiceDialog #fence {
        height: auto;
        max-height: 14;
        margin-top: 1;
        background: $background;
        border-left: outer $wb-waiting;
        padding: 0 1;
    }
    ChoiceDialog #choices {
        height: auto;
        margin-top: 1;
        border: none;
        padding: 0;
    }
    ChoiceDialog #choices:focus {
        border: none;
    }
    """

    def __init__(
        self, heading: str, facts: Sequence[Line], choices: Sequence[Choice], *, fenced: Sequence[Line] = ()
    ) -> None:
        super().__init__(heading)
        self._facts, self._choices, self._fenced = facts, choices, fenced
        self._bindings = self._bindings.copy()
        for choice in choices:
            self.bind_choice(choice)

    def bind_choice(self, choice: Choice) -> None:
        """Let a letter give an answer."""
        binding: BindingType = Binding(choice.key, f"choose('{choice.id}')", choice.label, show=False)
        for made in Binding.make_bindings([binding]):
            self._bindings.key_to_bindings.setdefault(made.key, []).append(made)

    def body(self) -> ComposeResult:
        """Build the facts, the data and the answers."""
        yield Static(contents(self._facts), id="facts", markup=False)
        if self._fenced:
            with VerticalScroll(id="fence", can_focus=True):
                yield Static(contents(self._fenced), markup=False)
        yield OptionList(
            *(Option(self._option(choice), id=choice.id) for choice in self._choices), id="choices", markup=False
        )

    def _option(self, choice: Choice) -> Content:
        width = max(len(item.label) for item in self._choices) + 2
        return content(
            [
                Segment(f" {choice.key} ", "key"),
                Segment(f" {choice.label:<{width}}"),
                Segment(choice.help, "muted"),
            ]
        )

    def on_mount(self) -> None:
        """Highlight nothing: an answer is a decision."""
        super().on_mount()
        choices = self.query_one("#choices", OptionList)
        choices.highlighted = None
        choices.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with what was chosen."""
        event.stop()
        self.dismiss(event.option_id)

    def action_choose(self, choice: str) -> None:
        """Answer with what a letter stands for."""
        self.dismiss(choice)
