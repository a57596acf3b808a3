"""`workbench run`: ask a question and watch the run."""

from __future__ import annotations

import argparse
from typing import Final

from workbench.cli.headless import Headless
from workbench.cli.paper import err, out
from workbench.cli.printers import JsonPrinter, Printer, TextPrinter
from workbench.cli.screen import show_screen
from workbench.cli.workplace import find_workplace, new_agent, on_screen, require_usable
from workbench.driver.attaching import attached
from workbench.driver.commands import OpenRun, StartRun
from workbench.errors import UserError
from workbench.events.content import normalise_text

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
    if screen:
        start = StartRun(question, options, attached=files) if question or is_recorded else None
        return show_screen(place, start=start, options=options, record=args.record, breaks=args.breaks)
    with Headless(place, printer(args), args.record) as headless:
        headless.stop_at(args.breaks)
        run = headless.ask(StartRun(question, options, attached=files))
        return headless.follow(headless.ask(OpenRun(run)), upto=-1)


def printer(args: argparse.Namespace) -> Printer:
    """Return how the run is told."""
    if args.json:
        return JsonPrinter(out(), err(), streamed=args.streamed)
    return TextPrinter(out(), err())
