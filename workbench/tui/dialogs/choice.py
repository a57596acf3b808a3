"""A question with a few answers, none of which is chosen by itself.

What the question is about may come from a model or a tool. It stands behind a bar in a box of its own, every line of
it, so that nothing in it can look like a part of the dialog.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.clock import Clock
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import content, contents
from workbench.views.segments import Line, Segment

GUARD_SECONDS: Final = 0.5
"""How long a question stands before a key answers it."""


_SHARE: Final = 0.96
"""How much of the screen the dialog may take."""
_LEAST_LINES: Final = 3
_FRAME_LINES: Final = 10
"""Border, padding, the margins between the parts, a sentence, the line of keys."""
_EMPTY_LINES: Final = 4
"""Those of them that hold nothing."""


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

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page(-1)", "scroll the data", show=False, priority=True),
        Binding("pagedown", "page(1)", "scroll the data", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    ChoiceDialog #facts {
        height: auto;
    }
    ChoiceDialog #fence {
        height: auto;
        margin-top: 1;
        background: $background;
        border-left: outer $wb-waiting;
        padding: 0 1;
    }
    ChoiceDialog #more {
        height: 1;
        color: $wb-waiting;
        display: none;
    }
    ChoiceDialog #more.-shown {
        display: block;
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
    ChoiceDialog.-tight > #frame {
        padding: 0 2;
    }
    ChoiceDialog.-tight #fence, ChoiceDialog.-tight #choices, ChoiceDialog.-tight > #frame > #keys {
        margin-top: 0;
    }
    """

    def __init__(
        self,
        heading: str,
        facts: Sequence[Line],
        choices: Sequence[Choice],
        *,
        fenced: Sequence[Line] = (),
        clock: Clock | None = None,
    ) -> None:
        """With a `clock`, nothing is answered until a person has had the time to see the question."""
        super().__init__(heading)
        self._facts, self._choices, self._fenced = facts, choices, fenced
        self._clock, self._opened = clock, 0.0
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
            with VerticalScroll(id="fence", can_focus=False):
                yield Static(contents(self._fenced), markup=False)
            yield Static(id="more", markup=False)
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
        self._opened = self._clock.monotonic() if self._clock is not None else 0.0
        choices = self.query_one("#choices", OptionList)
        choices.highlighted = None
        choices.focus()
        for fence in self.query("#fence"):
            self.watch(fence, "scroll_y", self._tell_more, init=False)
            self.watch(fence, "show_vertical_scrollbar", self._tell_more, init=False)

    def on_resize(self) -> None:
        """Leave the data as much room as the rest does not need: the answers are never pushed off the screen."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        rest = self.query_one("#facts").outer_size.height + self.query_one("#choices").outer_size.height + _FRAME_LINES
        room = int(self.size.height * _SHARE) - rest
        for fence in self.query("#fence"):
            is_tight = fence.virtual_size.height > room
            self.set_class(is_tight, "-tight")
            fence.styles.max_height = max(_LEAST_LINES, room + _EMPTY_LINES * is_tight)
        self.call_after_refresh(self._tell_more)

    def _tell_more(self) -> None:
        """Say how much of the data is not in sight."""
        for fence in self.query(VerticalScroll):
            above, below = round(fence.scroll_y), round(fence.max_scroll_y - fence.scroll_y)
            words = [f"▲ {above}" if above else "", f"▼ {below}" if below else ""]
            more = self.query_one("#more", Static)
            more.update(content([Segment(f"{' '.join(filter(None, words))} more lines: PgUp PgDn", "waiting")]))
            more.set_class(bool(above or below), "-shown")

    def action_page(self, direction: int) -> None:
        """Scroll the data."""
        for fence in self.query("#fence"):
            fence.scroll_relative(y=direction * max(1, fence.size.height - 1), animate=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with what was chosen."""
        event.stop()
        if event.option_id is not None:
            self.action_choose(event.option_id)

    def action_choose(self, choice: str) -> None:
        """Answer with what a letter stands for; a key that was meant for what stood here before answers nothing."""
        if self._clock is not None and self._clock.monotonic() - self._opened < GUARD_SECONDS:
            self.show_problem("That key came as this question did, so it does not count; press it again.")
        else:
            self.dismiss(choice)
