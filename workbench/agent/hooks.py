"""`Hooks`: what an agent's author wants to see of a run, and to change, on its way.

A hook is live code. It gets values that cannot be changed and may return another one; what it changed is an event, and
the run follows from the log. So a run that goes on without the code of its hooks is the same run up to there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue

from workbench.events.content import Content
from workbench.events.request import Message
from workbench.events.run import Citation
from workbench.tools.base import ToolResult


@dataclass(frozen=True, slots=True)
class Context:
    """What the model is about to be asked."""

    step: int
    task: str
    messages: tuple[Message, ...]
    """The conversation as it will be sent, the last of them the newest."""
    tokens: int
    """Size of the request, estimated."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the model asks for."""

    tool: str
    input: Mapping[str, JsonValue]
    id: str = ""
    """`STEP.CALL`; empty for one that a hook adds to a turn."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model said, and what it wants done."""

    step: int
    text: str
    calls: tuple[Call, ...] = ()
    thinking: str = ""
    """To read only: a hook cannot change it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a run."""

    text: str
    output: Mapping[str, JsonValue] | None = None
    """The answer as an object, where the agent wants one; then the text is made of it."""
    citations: tuple[Citation, ...] = ()


class Hooks:
    """Override what you want to see. Every method may be `async` or not, and may return None for no change.

    Methods that are not async run on a thread, so that they do not hold up the run. One that raises, or takes longer
    than a minute, changes nothing, and the run says so and goes on. Subagents pass through the same hooks.
    """

    @property
    def name(self) -> str:
        """What events call it: the name of its class, unless you say otherwise. A resumed run finds it by this name."""
        return type(self).__name__

    def before_run(self, task: str) -> Any:
        """See the task before anything is asked. Return another text of it."""

    def after_run(self, answer: Answer) -> Any:
        """See the answer before the run ends with it. Return an `Answer`, its text, or its object.

        Not called for a run that fails or stops. Where the agent wants an object, another one has to fit as well.
        """

    def before_turn(self, context: Context) -> Any:
        """See what the model is about to be asked. Return text (or content blocks) that is said to it beside that.

        It stays in the conversation. Plans and summaries are turns that no hook sees.
        """

    def after_turn(self, turn: Turn) -> Any:
        """See a turn before it counts. Return another `Turn`, or another text of it.

        Calls that are left out are not run; one without an id is new.
        """

    def before_call(self, call: Call) -> Any:
        """See a call before it runs, and before a person is asked. Return another input, or a `Call` of the same tool.

        Raise `ToolError` to deny it; the model reads why.
        """

    def after_call(self, call: Call, result: ToolResult) -> Any:
        """See what a tool gave before the model does. Return another result: a `ToolResult`, a text, or any JSON.

        Not called where no tool ran: a call that was refused, denied, cancelled, or answered by a person.
        """

    def on_message(self, content: Content) -> Any:
        """See what comes in: what a person says after the task, and what a subagent gives back. Return another text."""

    def on_output(self, text: str) -> Any:
        """See what is to be shown of a turn's text, also while it is being written, and of the answer.

        Return what is shown instead; the model and the log keep what was said.
        """


METHODS: Final = (
    "before_run", "after_run", "before_turn", "after_turn", "before_call", "after_call", "on_message", "on_output",
)  # fmt: skip
CHANGE_CALLS: Final = ("before_call", "after_call", "after_turn")
"""Where one of these is overridden, no call starts before its turn is written."""


def overrides(hook: Hooks, method: str) -> bool:
    """Return whether a hook wants to see what a method shows."""
    return getattr(type(hook), method, None) is not getattr(Hooks, method)
