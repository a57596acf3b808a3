"""What was said, to be read again: the list, and below it all of the one that is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.tui.dialogs.base import Dialog
from workbench.tui.messages import Message
from workbench.tui.paint import content, contents, plain
from workbench.views.messages import message_line, message_text


class MessagesDialog(Dialog[None]):
    """Shows the messages, the newest first."""

    DEFAULT_CSS = """
    MessagesDialog > #frame {
        height: 96%;
    }
    MessagesDialog #messages, MessagesDialog #messages:focus {
        height: 1fr;
        border: none;
        padding: 0;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    MessagesDialog #whole {
        height: 1fr;
        border-top: solid $border-blurred;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    MessagesDialog #whole:focus {
        border-top: solid $border;
    }
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        super().__init__("Messages")
        self._messages = messages

    def body(self) -> ComposeResult:
        """Build the list and the whole."""
        if not self._messages:
            yield Static(plain("Nothing was said yet.", "muted"), markup=False)
            return
        yield OptionList(id="messages", markup=False)
        with VerticalScroll(id="whole", can_focus=True):
            yield Static(id="text", markup=False)

    def on_mount(self) -> None:
        """Choose the newest."""
        super().on_mount()
        if self._messages:
            self.query_one("#messages").focus()

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if not self._messages:
            return
        listed = self.query_one("#messages", OptionList)
        at, width = listed.highlighted or 0, max(listed.content_size.width - 1, 20)
        lines = [
            message_line(each.at, each.severity, each.sentence, width, has_detail=bool(each.detail))
            for each in self._messages
        ]
        listed.set_options(Option(content(line)) for line in lines)
        listed.highlighted = at

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show all of the message under the cursor."""
        event.stop()
        whole, message = self.query_one("#whole"), self._messages[event.option_index]
        width = max(whole.content_size.width - 2, 20)
        self.query_one("#text", Static).update(contents(message_text(message.sentence, message.detail, width)))
        whole.scroll_to(y=0, animate=False)
