"""What hooks changed, as the state takes it from the log."""

from __future__ import annotations

from dataclasses import replace

from workbench.events.content import Content, asked_text, plain_text
from workbench.events.run import HookChanged
from workbench.state.parts import Entry, HookNote, Said
from workbench.state.run_state import RunState

LONGEST_NOTE = 400
"""Characters of what a hook says that the state keeps."""


def fold_hook(state: RunState, event: HookChanged) -> None:
    """Change `state` by what a hook changed; what is in the log already as it became is only noted."""
    step = event.step if event.step is not None else max(0, len(state.steps) - 1)
    state.hook_notes[step] = (*state.hook_notes.get(step, ()), note_of(event))
    match event.what:
        case "missing":
            state.missing_hooks.add(event.hook)
        case "before_run" if event.content:
            state.task = asked_text(event.content)
            state.entries[0] = Said("task", event.content)
        case "on_message" if event.message is not None:
            _replace(state.entries, event.message, event.content)
            _replace(state.queued, event.message, event.content)
        case "before_turn" if event.content:
            state.entries.append(Said("notice", event.content))
        case "before_call" if event.call is not None and event.input is not None:
            _change_input(state, event.call, event)
        case "on_output" if event.step is None:
            state.shown_answer = plain_text(event.content)
        case "on_output" if step < len(state.steps):
            state.steps[step].turn.shown = plain_text(event.content)
        case _:
            pass


def note_of(event: HookChanged) -> HookNote:
    """Return what is kept of a change for people to see."""
    words = f"{event.before}: {event.after}" if event.what == "failed" else event.after
    return HookNote(event.hook, event.what, words[:LONGEST_NOTE], event.call)


def _replace(entries: list[Entry], seq: int, content: Content) -> None:
    """Put what a hook made of a message in its place; messages are shared with moments before, so it is a new one."""
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        if isinstance(entry, Said) and entry.seq == seq:
            entries[index] = replace(entry, content=content, is_hooked=True)
            return


def _change_input(state: RunState, call_id: str, event: HookChanged) -> None:
    call = state.call(call_id)
    if call is not None and event.input is not None:
        call.original_input = call.input if call.original_input is None else call.original_input
        call.input, call.invalid, call.hook = dict(event.input), None, event.hook
