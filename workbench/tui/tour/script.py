"""What the tour tells and does, chapter by chapter.

A chapter waits for its moment, tells what there is to see, presses its keys, and is over when that has happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from workbench.state.run_state import RunState
from workbench.tui.actions import ACTIONS, key_of
from workbench.tui.dialogs.edit import EditDialog
from workbench.views.selection import Selection

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

QUESTION: Final = "How do context managers interact with exceptions and generators?"
PACE: Final = 0.6
"""How slow the embedded model is on the tour: a turn takes a little more than a second."""
STEP: Final = "SEARCH: coroutines"
EDITED_CALL: Final = "1.0"
SENTENCE: Final = (
    "A generator that is used as a context manager gets the exception at its yield: "
    "it may catch the exception there, or let the exception go on."
)

Moment = Callable[["WorkbenchApp"], bool]
"""Whether something is so on the screen."""


def _always(_: WorkbenchApp) -> bool:
    return True


class _Keys(dict[str, str]):
    """The key of each action, as people read it."""

    def __missing__(self, action: str) -> str:
        return key_of(action)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One thing to see, and the keys that show it."""

    title: str
    told: str
    """What is told; `{edit}` stands for the key of that action."""
    when: Moment = _always
    """When it makes sense to tell it."""
    deeds: tuple[str, ...] = ()
    """Actions whose keys are pressed one after the other, or keys that every person has; the last again and again
    until the chapter is over."""
    text: str = ""
    """Typed after the keys."""
    last: str = ""
    """Pressed after the text, again and again until the chapter is over."""
    until: Moment = _always
    """When it is over."""
    prepare: Callable[[WorkbenchApp], None] = field(default=lambda _: None)
    """Puts the cursor where the chapter plays."""
    seconds: float = 6.0
    """What reading the words takes."""

    @property
    def words(self) -> str:
        """What is told, with the keys that this person has."""
        return self.told.format_map(_Keys())

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys to press, before the text."""
        return tuple(ACTIONS[deed].keys[0] if deed in ACTIONS else deed for deed in self.deeds)

    @property
    def presses(self) -> tuple[str, ...]:
        """Every key of the chapter in order."""
        return (*self.keys, *self.text, *((self.last,) if self.last else ()))


# Moments


def _state(app: WorkbenchApp) -> RunState | None:
    watched = app.main.bridge.watched
    return watched.history.live if watched is not None and app.is_begun else None


def _plan_waits(app: WorkbenchApp) -> bool:
    return app.main.plan_editor.is_shown and app.main.context().waits_for == "plan"


def _step_is_replaced(app: WorkbenchApp) -> bool:
    editor = app.main.plan_editor
    return not _plan_waits(app) or any(str(step) == STEP for step in editor.steps)


def _plan_is_decided(app: WorkbenchApp) -> bool:
    state = _state(app)
    return state is not None and state.plan is not None and state.plan.status != "proposed"


def _calls_run(app: WorkbenchApp) -> bool:
    state = _state(app)
    step = state.steps[-1] if state is not None and state.steps else None
    return step is not None and sum(call.status == "running" for call in step.calls.values()) > 1


def _rests(app: WorkbenchApp) -> bool:
    state = _state(app)
    return state is not None and state.end is not None


def _moves(app: WorkbenchApp) -> bool:
    return not _rests(app)


def _is_completed(app: WorkbenchApp) -> bool:
    state = _state(app)
    return state is not None and state.status == "completed"


def _edits(app: WorkbenchApp) -> bool:
    return isinstance(app.screen, EditDialog) or _is_fork(app)


def _is_written(app: WorkbenchApp) -> bool:
    return _is_fork(app) or (isinstance(app.screen, EditDialog) and app.screen.text == SENTENCE) or _previews(app)


def _previews(app: WorkbenchApp) -> bool:
    return _is_fork(app) or (isinstance(app.screen, EditDialog) and app.screen.has_class("-previewing"))


def _is_fork(app: WorkbenchApp) -> bool:
    state = _state(app)
    return state is not None and state.parent is not None


def _fork_is_completed(app: WorkbenchApp) -> bool:
    return _is_fork(app) and _is_completed(app)


def _scrubs(app: WorkbenchApp) -> bool:
    watched = app.main.bridge.watched
    return watched is not None and watched.is_scrubbing


def _is_at_the_end(app: WorkbenchApp) -> bool:
    return not _scrubs(app)


def _compares(app: WorkbenchApp) -> bool:
    return "compare" in getattr(app.screen, "SCOPES", ())


def _is_home(app: WorkbenchApp) -> bool:
    return app.screen is app.main


# Places


def _select_call(app: WorkbenchApp) -> None:
    step = int(EDITED_CALL.partition(".")[0])
    app.main.panes.show("timeline", focus=True)
    app.main.timeline.select(Selection("call", step=step, call=EDITED_CALL))


SCRIPT: Final = (
    Chapter(
        "The plan",
        "An agent made of rules is asked about the Python reference. It proposes a plan, and waits for you. "
        "{plan_edit} edits it, {plan_replace} replaces a step.",
        when=_plan_waits,
        deeds=("plan_edit", "plan_down", "plan_down", "plan_replace", "ctrl+u"),
        text=STEP,
        last="enter",
        until=_step_is_replaced,
        seconds=8.0,
    ),
    Chapter(
        "Approve it",
        "{plan_keep} keeps a step, and on the last line approves. "
        "The plan in the conversation is the one that you see.",
        deeds=("plan_keep",),
        until=_plan_is_decided,
        seconds=4.0,
    ),
    Chapter(
        "Interrupt",
        "The calls of a step run at once, each in a lane. {toggle} stops everything in the middle.",
        when=_calls_run,
        deeds=("toggle",),
        until=_rests,
        seconds=0.8,
    ),
    Chapter(
        "Resume",
        "Stopped: what was cut off is recorded, and nothing is lost. The bars of a step share one time axis. "
        "{toggle} again goes on; calls that only read run again.",
        when=_rests,
        deeds=("toggle",),
        until=_moves,
        seconds=8.0,
    ),
    Chapter(
        "The answer",
        "Now it searches, reads and answers, with sentences quoted from what its tools returned.",
        until=_is_completed,
        seconds=1.0,
    ),
    Chapter(
        "Edit what one tool said",
        f"What if call {EDITED_CALL} had returned something else? The cursor is on it. {{edit}} edits its result.",
        when=_is_completed,
        prepare=_select_call,
        deeds=("edit",),
        until=_edits,
        seconds=6.0,
    ),
    Chapter(
        "Write another result",
        "This is the editor, with the recorded result in it. {external} would open your own.",
        when=_edits,
        deeds=("f7",),
        text=SENTENCE,
        until=_is_written,
        seconds=3.0,
    ),
    Chapter(
        "Fork",
        "{apply} shows what changes and what the fork does, before it takes effect.",
        deeds=("apply",),
        until=_previews,
        seconds=3.0,
    ),
    Chapter(
        "Let it take effect",
        "{take} makes the fork. The run before stays as it was; the other results are kept, and not paid for again.",
        when=_previews,
        deeds=("take",),
        until=_is_fork,
        seconds=7.0,
    ),
    Chapter(
        "The fork goes on",
        "It stands under its parent in the list, and answers from what you wrote.",
        when=_is_fork,
        until=_fork_is_completed,
        seconds=2.0,
    ),
    Chapter(
        "Back in time",
        "{event_back} and {event_on} move the playhead through the log, event by event. "
        "The whole screen is the run as of then.",
        when=_fork_is_completed,
        deeds=("event_back",) * 6,
        until=_scrubs,
        seconds=6.0,
    ),
    Chapter(
        "To the end",
        "{end} returns to the newest event.",
        deeds=("end",),
        until=_is_at_the_end,
        seconds=2.0,
    ),
    Chapter(
        "Compare",
        "{compare} lays the fork beside its parent: where they part and why, what follows from it, and what each cost.",
        deeds=("compare",),
        until=_compares,
        seconds=5.0,
    ),
    Chapter(
        "From difference to difference",
        "{next_difference} goes to the next difference, {open_difference} shows it whole. {leave_comparison} leaves.",
        when=_compares,
        deeds=("next_difference", "next_difference", "leave_comparison"),
        until=_is_home,
        seconds=8.0,
    ),
    Chapter(
        "That was it",
        "{help} lists every key, {palette} finds any action by name, {new} asks a question of your own, {quit} leaves.",
        seconds=20.0,
    ),
)
"""The tour, which takes about two minutes."""
