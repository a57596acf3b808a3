"""What an empty list of runs shows: what this is, questions to try, a line for one's own, and other ways to begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.tui.paint import content, contents
from workbench.tui.widgets.field import Field
from workbench.views.segments import Line, Segment

QUESTIONS: Final = (
    ("How do context managers interact with exceptions and generators?", "a plan to approve, searches side by side"),
    ("Compare list comprehensions and generator expressions", "two subagents at once"),
    ("What does the with statement do?", "a simple question: no plan"),
)
"""Questions that the built-in library answers, each with what it shows."""
Way = Literal["tour", "session", "agent"]
WAYS: Final[tuple[tuple[Way, str, str], ...]] = (
    ("tour", "Take the guided tour", "plan, stop, edit, fork, compare: two minutes"),
    ("session", "Open a recorded session", "subagents and forks, to look around in"),
    ("agent", "Bring your own agent", "how to run it here"),
)
"""Other ways to begin."""
_WORDS: Final[list[Line]] = [
    (Segment("Watch an agent work.", "title"),),
    (Segment("Stop it anywhere, change what a tool said, see what would have happened."),),
    (),
    (Segment("The embedded model is made of rules and reads the Python reference:", "muted"),),
    (Segment("no key, no network, no cost.", "muted"),),
]


class Invitation(Vertical):
    """The first thing a person sees."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    DEFAULT_CSS = """
    Invitation {
        align: center middle;
    }
    Invitation > Static, Invitation > OptionList, Invitation > Input {
        width: 76;
        max-width: 96%;
    }
    Invitation > Static {
        height: auto;
        padding: 0 2;
        margin-bottom: 1;
    }
    Invitation > Input {
        height: 3;
        border: round $border-blurred;
        background: $background 0%;
        padding: 0 1;
        margin-bottom: 1;
    }
    Invitation > Input:focus {
        border: round $border;
        background-tint: $foreground 0%;
    }
    Invitation > OptionList, Invitation > OptionList:focus {
        height: auto;
        border: none;
        padding: 0 2;
        background: $background 0%;
        background-tint: $foreground 0%;
    }
    Invitation > OptionList > .option-list--option-highlighted {
        background: $background 0%;
    }
    Invitation > OptionList:focus > .option-list--option-highlighted {
        background: $block-cursor-background;
    }
    """

    @dataclass
    class Asked(Message):
        """A person asks a question."""

        text: str

    @dataclass
    class Chosen(Message):
        """A person begins in another way."""

        way: Way

    def compose(self) -> ComposeResult:
        """Build the words, the line and the questions."""
        yield Static(contents(_WORDS), markup=False)
        yield Field(id="ask", placeholder="Ask a question, or choose one below")
        yield OptionList(
            *(
                Option(contents([(Segment(question),), (Segment(f"  {shows}", "muted"),)]), id=str(index))
                for index, (question, shows) in enumerate(QUESTIONS)
            ),
            None,
            *(Option(_way_line(words, shows), id=way) for way, words, shows in WAYS),
            id="suggestions",
            markup=False,
        )

    @property
    def line(self) -> Input:
        """Where a question is typed."""
        return self.query_one("#ask", Input)

    @on(Input.Submitted, "#ask")
    def _ask(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.post_message(self.Asked(event.value.strip()))

    @on(OptionList.OptionSelected, "#suggestions")
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        way = next((way for way, *_ in WAYS if way == event.option_id), None)
        message = self.Chosen(way) if way else self.Asked(QUESTIONS[event.option_index][0])
        self.post_message(message)


def _way_line(words: str, shows: str) -> Content:
    return content((Segment(f"{words:<26}"), Segment(shows, "muted")))
