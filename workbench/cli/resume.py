"""`workbench resume`: let a run go on, with the answers that it waits for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from workbench.cli.answers import Answers, check, commands, read_answers
from workbench.cli.headless import Headless
from workbench.cli.run import printer
from workbench.cli.screen import show_screen
from workbench.cli.workplace import Workplace, find_workplace, limits_only, on_screen
from workbench.driver.commands import AgentOptions, Command, OpenedRun, OpenRun, ResumeRun, Say, SwitchTools
from workbench.driver.driver import Driver
from workbench.engine.decide import cut_words
from workbench.errors import EditRefusedError
from workbench.state.fold import fold
from workbench.state.run_state import RunState


def execute(args: argparse.Namespace) -> int:
    """Give the answers and drive the run, on the screen or as text."""
    answers = read_answers(args)
    place = find_workplace(args)
    options = limits_only(args, place.settings)
    if on_screen(args):

        def first(driver: Driver) -> str:
            return go_on(driver.ask_blocking, args.run, answers, options, place)[0].run

        return show_screen(place, first=first, record=args.record, breaks=args.breaks)
    with Headless(place, printer(args), args.record) as headless:
        headless.stop_at(args.breaks)
        opened, upto = go_on(headless.ask, args.run, answers, options, place)
        return headless.follow(opened, upto=upto, denies_asks=options.deny_asks)


def go_on(
    ask: Callable[[Command], Any], name: str, answers: Answers, options: AgentOptions, place: Workplace
) -> tuple[OpenedRun, int]:
    """Give the answers; return the run to watch as it was before, and its last event that is not news.

    A subagent goes on inside its caller, so it is the caller that is watched. A further question to a completed run is
    a fork of it.
    """
    opened: OpenedRun = ask(OpenRun(name))
    state = fold(opened.records)
    check(answers, state, place)
    given = wanted(answers, state, options)
    if opened.imported and any(isinstance(command, ResumeRun) for command in given):
        fork = place.command("fork", state.run[:8], "--at", "end")
        said = f"run {state.run[:8]} was imported; fork it instead: {fork} {place.reach.reminder}"
        raise EditRefusedError(said.rstrip())
    watched = opened if state.caller is None else ask(OpenRun(state.caller.run))
    answered: Any = None
    for command in given:
        answered = ask(command)
    if isinstance(given[-1], Say) and answered != state.run:
        watched = ask(OpenRun(answered))
        return watched, inherited(watched)
    return watched, watched.records[-1].seq


def inherited(opened: OpenedRun) -> int:
    """Return the seq of the last event that a run has from its parent; -1 where it has none."""
    return max((record.seq for record in opened.records if record.run != opened.run), default=-1)


def wanted(answers: Answers, state: RunState, options: AgentOptions) -> list[Command]:
    """Return the commands that let the run go on with these answers."""
    given = commands(answers, state)
    has_said_all = state.end is not None and (state.end[0] == "completed" or cut_words(state) is not None)
    if has_said_all and answers.say is not None and not answers.decides:
        return given
    before = [SwitchTools(state.run, answers.tools)] if answers.tools else []
    return [*before, ResumeRun(state.run, options), *given]
