"""`workbench fork`: go on from a place in a run, with something changed."""

from __future__ import annotations

import argparse
from dataclasses import replace

from workbench.cli.headless import Headless
from workbench.cli.paper import Paper, err, out
from workbench.cli.racing import is_race, race
from workbench.cli.resume import inherited
from workbench.cli.run import printer
from workbench.cli.screen import show_screen
from workbench.cli.values import call_id, call_value, files_of, json_object, parameter, plan_file, text_or_file
from workbench.cli.waiting import COMPLETED
from workbench.cli.workplace import changed_agent, find_workplace, limits_only, on_screen
from workbench.debugger.fork import ForkPreview
from workbench.driver.commands import ForkEdits, ForkRun, OpenedRun, OpenRun, PreviewFork
from workbench.errors import UserError
from workbench.state.fold import fold
from workbench.views.fork_cost import cost_words


def execute(args: argparse.Namespace) -> int:
    """Make the fork, and drive it unless that is not wanted."""
    if is_race(args):
        return race(args, read_edits)
    edits = read_edits(args)
    if args.no_drive and args.breaks:
        raise UserError("--break is for a fork that goes on at once; give it to `workbench resume` later")
    place = find_workplace(args)
    deny_asks = limits_only(args, place.settings).deny_asks
    edits = replace(edits, options=replace(edits.options, deny_asks=deny_asks))
    if on_screen(args) and not args.no_drive:
        fork = ForkRun(args.run, args.at, edits)
        return show_screen(
            place, first=lambda driver: str(driver.ask_blocking(fork)), record=args.record, breaks=args.breaks
        )
    with Headless(place, printer(args), args.record) as headless:
        headless.stop_at(args.breaks)
        preview: ForkPreview = headless.ask(PreviewFork(args.run, args.at, edits, drive=not args.no_drive))
        tell_preview(preview, err())
        headless.told.update(preview.problems)
        run: str = headless.ask(ForkRun(args.run, args.at, edits, drive=not args.no_drive))
        if not args.json:
            out().say(run)
        if args.no_drive:
            return COMPLETED
        opened: OpenedRun = headless.ask(OpenRun(run))
        caller = fold(opened.records).caller
        if caller is not None:
            opened = headless.ask(OpenRun(caller.run))  # a fork inside a subagent forks its caller too
        return headless.follow(opened, upto=inherited(opened))


def read_edits(args: argparse.Namespace) -> ForkEdits:
    """Return what the fork changes; raises `UserError` where it is written wrongly."""
    results = [call_value("--result", text, "TEXT or CALL=@FILE") for text in args.result]
    inputs = [call_value("--input", text, "JSON") for text in args.input]
    reruns = tuple(call_id("--rerun", call) for call in args.rerun)
    calls = [call for call, _ in (*results, *inputs)] + list(reruns)
    for call in calls:
        if calls.count(call) > 1:
            raise UserError(f"call {call} is changed twice; give one result, input or rerun for each call")
    return ForkEdits(
        results={call: text_or_file("--result", value) for call, value in results},
        inputs={call: json_object("--input", value) for call, value in inputs},
        reruns=reruns,
        text=None if args.turn_text is None else text_or_file("--text", args.turn_text),
        plan=None if args.plan in (None, "skip") else plan_file("--plan", args.plan, "skip or @FILE"),
        skip_plan=args.plan == "skip",
        model=args.model,
        parameters=dict(parameter(text) for text in args.param) or None,
        instructions=None if args.instructions is None else text_or_file("--instructions", args.instructions),
        say=args.say,
        attached=files_of(args),
        options=changed_agent(args),
    )


def tell_preview(preview: ForkPreview, notes: Paper) -> None:
    """Say what is kept, what runs again and what cannot be undone."""
    words = cost_words(preview.cost)
    notes.say(f"fork at {preview.address}: {preview.kept}", "muted")
    notes.say(f"sent again: {words.sends}; cost: {words.cost}; the rest: {words.rest}", "muted")
    if preview.reruns:
        notes.say(f"runs again: {', '.join(preview.reruns)}", "muted")
    for effect in preview.effects:
        notes.say(f"simulated: {effect}, and that is not undone", "waiting")
    for dropped in preview.dropped:
        notes.say(f"dropped: {dropped}", "waiting")
    for problem in preview.problems:
        notes.say(problem, "waiting")
