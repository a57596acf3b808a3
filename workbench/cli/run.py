"""`workbench run`: ask a question and watch the run."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Final

from workbench.cli.headless import Headless
from workbench.cli.paper import err, out
from workbench.cli.printers import JsonPrinter, Printer, TextPrinter
from workbench.cli.reading import with_store
from workbench.cli.screen import show_screen
from workbench.cli.workplace import Workplace, find_workplace, new_agent, on_screen, require_usable
from workbench.driver.attaching import attached
from workbench.driver.commands import AgentOptions, OpenRun, StartRun
from workbench.errors import UserError
from workbench.events.agent import PlanMode
from workbench.events.content import normalise_text
from workbench.state.fold import fold
from workbench.store import Store

_RECORDED: Final = "recorded:"
"""How a model begins that is a recorded run."""


def execute(args: argparse.Namespace) -> int:
    """Start the run, on the screen or as text."""
    screen = on_screen(args)
    place = find_workplace(args)
    options = new_agent(args, place.settings, screen=screen)
    is_recorded = (options.model or "").startswith(_RECORDED)  # then it is asked what was asked then
    if args.question is None and not screen and not is_recorded:
        raise UserError('a question is needed without a screen: workbench run "What is a context manager?"')
    question = normalise_text(args.question or "").strip()
    if args.question is not None and not question:
        raise UserError("the question is empty; write what you want to know")
    if args.attach and not question:
        raise UserError("--attach is for files that belong to a question; write the question too")
    files = attached(args.attach)
    require_usable(options, place)
    if is_recorded and args.plan is None:
        options = replace(options, plan=_plan_as_recorded(options, place, screen=screen))
    if screen:
        start = StartRun(question, options, attached=files) if question or is_recorded else None
        return show_screen(place, start=start, options=options, record=args.record, breaks=args.breaks)
    with Headless(place, printer(args), args.record) as headless:
        headless.stop_at(args.breaks)
        run = headless.ask(StartRun(question, options, attached=files))
        return headless.follow(headless.ask(OpenRun(run)), upto=-1)


def _plan_as_recorded(options: AgentOptions, place: Workplace, *, screen: bool) -> PlanMode:
    """Return whether a run that is told out of a recorded one plans, as that did; a person is asked as ever."""
    name = (options.model or "").removeprefix(_RECORDED)

    async def read(store: Store) -> PlanMode:
        agent = fold(await store.read(await store.resolve(name))).agent
        return agent.plan if agent is not None else "auto"

    if with_store(place.database, read) == "off":
        return "off"
    wanted = place.settings.plan if place.settings.plan != "off" else None
    return wanted or ("ask" if screen else "auto")


def printer(args: argparse.Namespace) -> Printer:
    """Return how the run is told."""
    if args.json:
        return JsonPrinter(out(), err(), streamed=args.streamed)
    return TextPrinter(out(), err())
