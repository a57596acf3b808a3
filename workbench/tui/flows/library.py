"""What a person says about a run of the list, and hiding it: an event of the library log each, and a way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.driver.commands import Label
from workbench.errors import UserError
from workbench.events.library import LibraryEvent, RunHidden, RunMarked, RunNamed, RunNoted, RunTagged, tags_in
from workbench.store.model import RunRow
from workbench.tui.actions import key_of
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.dialogs.note import NoteDialog
from workbench.tui.widgets.run_tree import RunTree
from workbench.views.show import short
from workbench.views.text import inert

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


def meant_row(screen: MainScreen) -> RunRow:
    """Return the run that is meant: the one under the cursor of the list, elsewhere the one on the screen."""
    row = screen.context().row
    if row is None:
        raise UserError(f"No run is chosen any more: {key_of('runs')} goes to the list, the arrow keys choose.")
    return row


async def rename(screen: MainScreen) -> None:
    """Give a run a name; an empty one takes it back."""
    row = meant_row(screen)
    label = "A name in place of the question; an empty one takes it back."
    name = await screen.ask_in(LineDialog(f"Name run {short(row.id)}", label, value=row.name, may_be_empty=True))
    if name is not None and name != row.name:
        await _say(screen, RunNamed(run=row.id, name=name), RunNamed(run=row.id, name=row.name))


async def note(screen: MainScreen) -> None:
    """Write a note on a run; an empty one takes it back."""
    row = meant_row(screen)
    text = await screen.ask_in(NoteDialog(f"A note on run {short(row.id)}", row.note))
    if text is not None and text != row.note:
        await _say(screen, RunNoted(run=row.id, note=text), RunNoted(run=row.id, note=row.note))


async def tag(screen: MainScreen) -> None:
    """Set the tags of a run."""
    row = meant_row(screen)
    label = "Tags, separated by commas; an empty line takes them back."
    typed = await screen.ask_in(
        LineDialog(f"Tags of run {short(row.id)}", label, value=", ".join(row.tags), may_be_empty=True)
    )
    if typed is not None and (tags := tags_in(typed)) != row.tags:
        await _say(screen, RunTagged(run=row.id, tags=tags), RunTagged(run=row.id, tags=row.tags))


async def mark(screen: MainScreen) -> None:
    """Mark a run, or take the mark back."""
    row = meant_row(screen)
    await _say(screen, RunMarked(run=row.id, marked=not row.marked), RunMarked(run=row.id, marked=row.marked))


async def hide(screen: MainScreen) -> None:
    """Hide a run, or show a hidden one again."""
    row = meant_row(screen)
    root = screen.bridge.row(row.root)
    if row.hidden and root is not None and root.hidden:
        row = root  # a subagent goes with the run that called it
    event = RunHidden(run=row.id, hidden=not row.hidden)
    await _say(screen, event, RunHidden(run=row.id, hidden=row.hidden))
    if row.hidden:
        screen.say(f"Run {short(row.id)} is in the list again.")
    else:
        goes_on = " It goes on running." if row.live else ""
        back = f"{key_of('take_back')} brings it back, {key_of('hidden')} shows it"
        screen.say(f"Run {short(row.id)} is hidden; its forks stay. In the list {back}.{goes_on}")


async def _say(screen: MainScreen, event: LibraryEvent, before: LibraryEvent) -> None:
    """Write an event down, and remember what takes it back."""
    await screen.bridge.ask(Label(event))
    screen.taken_back.append(before)
    await screen.list_runs()


async def take_back(screen: MainScreen) -> None:
    """Take back the last thing that was done to a run of the list since the start."""
    if not screen.taken_back:
        screen.say("There is nothing to take back: no run of the list was changed since the start.")
        return
    event = screen.taken_back.pop()
    await screen.bridge.ask(Label(event))
    await screen.list_runs()
    screen.query_one(RunTree).choose(event.run)
    screen.say(f"Taken back: {_words(event)}")


def _words(event: LibraryEvent) -> str:
    """Say how things stand after an event."""
    run = short(event.run)
    match event:
        case RunNamed(name=name):
            return f"run {run} is named {inert(name)!r}." if name else f"run {run} has no name."
        case RunNoted(note=text):
            return f"the note on run {run} is as it was." if text else f"run {run} has no note."
        case RunTagged(tags=tags):
            return f"run {run} has the tags {inert(', '.join(tags))}." if tags else f"run {run} has no tags."
        case RunMarked(marked=marked):
            return f"run {run} is {'marked' if marked else 'not marked'}."
        case RunHidden(hidden=hidden):
            return f"run {run} is {'hidden' if hidden else 'in the list'}."
        case _:
            return f"run {run} is as it was."


async def show_hidden(screen: MainScreen) -> None:
    """Show the hidden runs in the list too, or no more."""
    screen.bridge.lists_hidden = not screen.bridge.lists_hidden
    await screen.list_runs()
    if not screen.bridge.lists_hidden:
        screen.say("Hidden runs are not listed.")
        return
    count = sum(row.hidden for row in screen.bridge.rows)
    found = f"{count} hidden {'run is' if count == 1 else 'runs are'} listed, dimmed; {key_of('hide')} shows one again."
    screen.say(found if count else "No run is hidden.")
