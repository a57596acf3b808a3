"""What a run that rests needs from a person, with the very command lines that give it; and exit codes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from workbench.cli.mending import mending
from workbench.cli.tree import RunTree
from workbench.cli.workplace import Workplace
from workbench.driver.commands import LIMITS
from workbench.engine.limits import raised_limit
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.views.brief import brief_input
from workbench.views.exact import barred, exact_input, preview_lines
from workbench.views.segments import Line, Segment
from workbench.views.show import short
from workbench.views.show_plan import plan_step_lines
from workbench.views.text import cell_width, one_line, wrap

COMPLETED: Final = 0
FAILED: Final = 1
WAITING: Final = 3
INTERRUPTED: Final = 130


def exit_code(state: RunState) -> int:
    """Return the exit code that tells how a run at rest stands."""
    status, reason = state.status_and_reason
    if status == "completed":
        return COMPLETED
    if status == "failed":
        return FAILED
    if status == "interrupted" and reason not in LIMITS:
        return INTERRUPTED
    return WAITING


def what_next(tree: RunTree, place: Workplace, width: int, breaks: Sequence[str] = ()) -> list[Line]:
    """Return what a run that did not complete needs.

    `breaks` are the breakpoints of this command: the next one has to be told of them again.
    """
    lines = _what_next(tree, place, width, breaks)
    printed = "".join(segment.text for line in lines for segment in line)
    if not place.reach.reminder or shlex.join(place.reach.words) not in printed:
        return lines
    return [*lines, (Segment(f"  {place.reach.reminder}", "waiting"),)]


def _what_next(tree: RunTree, place: Workplace, width: int, breaks: Sequence[str]) -> list[Line]:
    if waiting := tree.waiting():
        return [line for state in waiting for line in _needs(state, place, width)]
    root, name = tree.state, short(tree.root)
    status, reason = root.status_and_reason
    if status == "failed":
        return [_commanded(what, command) for what, command in mending(root, place, tree.discarded)]
    if status != "interrupted":
        return []
    if (reached := LIMITS.get(reason or "")) is not None:
        option = f"--{reached.option.replace('_', '-')}"
        higher = place.command("resume", name, option, _higher(root, reached.limit))
        return [_commanded(f"go on with a higher limit of {reached.limit}", higher)]
    on = [_commanded("go on with", place.command("resume", name))]
    if reason == "breakpoint" and breaks:
        again = [word for rule in breaks for word in ("--break", rule)]
        on.append(_commanded("go on to the next breakpoint with", place.command("resume", name, *again)))
    return on


def interrupted_sentence(state: RunState, place: Workplace) -> str:
    """Return what a person is told who stopped a run."""
    name = short(state.run)
    said = f"Interrupted at step {present_step(state)}. Run {name}; go on with: {place.command('resume', name)}"
    return f"{said}\n{place.reach.reminder}".rstrip()


def present_step(state: RunState) -> int:
    """Return the step that a run is in: the one that is not closed, or else the next."""
    return len(state.steps) - (bool(state.steps) and not state.steps[-1].is_closed)


def _needs(state: RunState, place: Workplace, width: int) -> Iterator[Line]:
    name = short(state.run)
    if state.reason == "plan" and state.plan is not None:
        yield (Segment("The plan waits for you:", "waiting"),)
        yield from plan_step_lines(state.plan, width)
        yield _commanded("approve it", place.command("resume", name, "--plan", "approve"))
        yield _commanded("go on without", place.command("resume", name, "--plan", "skip"))
        yield _commanded("replace it by lines ACTION: text", place.command("resume", name, "--plan", "@FILE"))
        return
    step = state.open_step
    for call in step.asked_calls if step else ():
        if call.status == "waiting":
            yield from _question(call, width)
            yield _commanded("allow it", place.command("resume", name, "--approve", call.id))
            yield _commanded("deny it", place.command("resume", name, "--deny", f"{call.id}=REASON"))
        elif call.status == "unknown":
            yield _call_line(call, "was interrupted; it may have taken effect", width)
            yield _commanded("run it again", place.command("resume", name, "--rerun", call.id))
            yield _commanded("give its result", place.command("resume", name, "--result", f"{call.id}=TEXT"))
            yield _commanded("count it as failed", place.command("resume", name, "--fail", call.id))
            yield _commanded("tell the model that nobody knows", place.command("resume", name, "--unknown", call.id))


def _question(call: CallState, width: int) -> Iterator[Line]:
    """Yield what a call asks, why, and exactly what it would be given."""
    yield (Segment(f"Call {call.id} {one_line(call.tool, 40)} asks for permission:", "waiting"),)
    yield from ((Segment(f"  {line}"),) for line in wrap(one_line(call.question, 600), max(width - 2, 20)))
    exact = exact_input(call.input)
    yield from ((Segment("  "), *fact) for fact in exact.facts)
    yield from barred((*preview_lines(call.preview), *exact.lines), width)


def _call_line(call: CallState, why: str, width: int) -> Line:
    head = f"Call {call.id} {one_line(call.tool, 40)} "
    rest = one_line(f"{why}  {brief_input(call.input, width)}", width - cell_width(head))
    return (Segment(head, "waiting"), Segment(rest))


def _commanded(what: str, command: str) -> Line:
    return (Segment(f"  {what}: ", "muted"), Segment(one_line(command, 4096), "link"))


def _higher(state: RunState, limit: str) -> str:
    """Return a limit with which the run can go on."""
    value = raised_limit(state, limit)
    return f"{value:.12g}" if value else "N"
