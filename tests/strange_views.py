"""Every pure view of a run, as lines: for tests of what must hold of each line, whatever the run says.

`views_of` names each view and says how wide its lines are; where a view promises no more than a largest width, that
is said too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from tests.run_log import RunLog
from tests.strange_results import Deck
from tests.tui.fake_driver import row_of
from workbench.cli.narrator import Narrator
from workbench.conversation.weights import weigh
from workbench.debugger.checks import Verdict
from workbench.debugger.cost import ForkCost
from workbench.debugger.divergence import Comparer
from workbench.debugger.find import Needle
from workbench.debugger.fork import ForkPreview
from workbench.debugger.metrics import Meter
from workbench.debugger.race import racer_of, standings
from workbench.debugger.requests import SentRequest, rebuild, sent_turns
from workbench.driver.commands import BreakpointSetting, FoundRun
from workbench.driver.feed import Draft
from workbench.events.call import ResultEvent
from workbench.events.content import Content
from workbench.state.fold import apply
from workbench.state.history import History
from workbench.state.parts import ResultRef
from workbench.state.run_state import RunState
from workbench.store.model import RunRow, SearchHit
from workbench.tui.previews import call_facts, fork_lines
from workbench.views import compare_head, race
from workbench.views.breadcrumb import breadcrumb
from workbench.views.breakpoints import breakpoint_lines
from workbench.views.compare_detail import detail_lines, detail_sections, detail_title
from workbench.views.compare_layout import ComparisonLayout
from workbench.views.context_meter import meter_lines
from workbench.views.diff import Side, diff_lines
from workbench.views.differ import below_each_other, compare_texts, side_by_side
from workbench.views.exact import barred, exact_input
from workbench.views.filter import Filter
from workbench.views.find import Search, found_line
from workbench.views.found import found_lines
from workbench.views.inspector import inspector_lines
from workbench.views.messages import message_line, message_text
from workbench.views.metrics import metrics_lines
from workbench.views.playhead import Moment, playhead_line
from workbench.views.request_parts import lay_out, request_head, request_parts, response_head, response_parts
from workbench.views.run_detail import run_detail
from workbench.views.run_tree import tree_rows
from workbench.views.segments import Line, Segment
from workbench.views.selection import Selection
from workbench.views.show import show_lines
from workbench.views.status import status_line
from workbench.views.timeline import TimelineLayout

Contents = Mapping[tuple[str, int], Content]


class View(NamedTuple):
    """Lines of one view, and the width that it promises."""

    name: str
    lines: Iterable[Line]
    width: int
    is_exact: bool = True
    """Whether each line has that width, or no more than that."""


def contents_of(log: RunLog) -> Contents:
    """Return all results of a run."""
    return {(each.run, each.seq): each.event.result for each in log.records if isinstance(each.event, ResultEvent)}


def history_of(log: RunLog) -> History:
    """Return a log's history."""
    history = History()
    for record in log.records:
        history.append(record)
    return history


def views_of(log: RunLog, other: RunLog, child: RunLog, deck: Deck, width: int) -> Iterator[View]:
    """Return every view of a run; `other` is what it is compared with, `child` its subagent."""
    yield from _of_the_run(log, child, deck, width)
    yield from _of_results(log, deck, width)
    yield from _of_the_list(log, child, deck, width)
    yield from _of_a_comparison(log, other, width)
    yield from _of_a_race(log, other, deck, width)
    yield from _of_requests(log, width)
    yield from _of_dialogs(log, deck, width)
    yield from _of_the_command_line(log, max(width, 60))


def _timeline(layout: TimelineLayout) -> list[Line]:
    return [layout.line(y) for y in range(layout.height)]


def _of_the_run(log: RunLog, child: RunLog, deck: Deck, width: int) -> Iterator[View]:
    state = log.state
    layout = TimelineLayout(max(width, 40))
    draft = Draft(log.run, len(state.steps) - 1, "step", deck.deal(), deck.deal())
    layout.update(state, drafts={draft.step: draft}, now=log.at, children={child.run: child.state})
    yield View("timeline", _timeline(layout), layout.width)
    layout.choose(Filter(frozenset(call.tool for call in list(state.steps[0].calls.values())[:2])))
    search = Search(Needle(deck.safe()[:4] or "o"))
    list(search.scan(state))
    search.take(search.unread, {(ref.run, ref.seq): 1 for ref in search.unread})
    found = search.found(state)
    layout.mark(found)
    yield View("timeline, marked and filtered", _timeline(layout), layout.width)
    hit = found.hits[0] if found.hits else None
    line = found_line(len(found.hits), 0, hit, looked_into=(1, 2), hidden=1, wrapped=True)
    yield View("what was found", [line], width=400, is_exact=False)
    yield View("playhead", [playhead_line(state, Moment(4, state.seq), width)], width)
    crumbs = breadcrumb(child.state, [row_of(log)])
    yield View("status", [status_line(state, width, log.at), status_line(child.state, width, None, crumbs)], width)
    meter = Meter(log.run)
    for record in log.records:
        meter.take(record)
    yield View("metrics", metrics_lines(meter.figures, width, title="run"), width)
    yield View("context", meter_lines(weigh(state, deck.safe()), width, 900), width)


def _of_results(log: RunLog, deck: Deck, width: int) -> Iterator[View]:
    state, contents, weights = log.state, contents_of(log), weigh(log.state)
    needle = Needle(deck.safe()[:3] or "e")
    things = [Selection("call", step=step.index, call=call) for step in state.steps for call in step.calls]
    things += [Selection("step", step=step.index) for step in state.steps]
    things += [Selection("plan"), Selection("message", index=1), Selection("answer")]
    for number, thing in enumerate(things):
        looked_for = needle if number % 4 == 0 else None
        lines = inspector_lines(state, thing, contents, width, weights=weights, needle=looked_for)
        yield View("inspector", lines, width)


def _labelled(log: RunLog, deck: Deck) -> RunRow:
    return replace(
        row_of(log),
        name=deck.safe(),
        note=deck.safe(),
        tags=(deck.safe(), deck.safe()),
        marked=True,
        edited=deck.safe(),
    )


def _of_the_list(log: RunLog, child: RunLog, deck: Deck, width: int) -> Iterator[View]:
    named = _labelled(log, deck)
    fork = replace(named, id="f" * 16, parent=log.run, made_from=log.run, name="", address=deck.safe(), hidden=True)
    rows = [named, fork, replace(row_of(log), id="e" * 16), row_of(child)]
    yield View("list of runs", [each.line for each in tree_rows(rows, width)], width)
    for row in rows:
        yield View("run", run_detail(row, width), width)
    hits = tuple(SearchHit(log.run, 3, "0.1", deck.safe()[:200], "call_finished") for _ in range(3))
    found = [FoundRun(named, hits, deck.safe()), FoundRun(fork, (), f"#{deck.safe()}")]
    yield View("search", [each.line for each in found_lines(found, deck.safe(), width)], width)


def _of_a_comparison(a: RunLog, b: RunLog, width: int) -> Iterator[View]:
    comparison = Comparer(history_of(a), history_of(b)).compare()
    layout = ComparisonLayout(max(width, 60))
    layout.update(a.state, b.state, comparison)
    layout.fold()
    yield View("comparison", [layout.line(y) for y in range(layout.height)], layout.width)
    yield View("compared runs", compare_head.head_lines(a.state, b.state, "a", width), width)
    contents = {**contents_of(a), **contents_of(b)}
    for number, item in enumerate(comparison.differences):
        yield View("difference", [compare_head.difference_line(comparison, number, width)], width)
        if number % 5 == 0:
            sections = detail_sections(item.spot, a.state, b.state, contents)
            yield View("both texts", detail_lines(sections, width), width)
            yield View("what is compared", [(Segment(detail_title(item.spot, a.state, b.state)),)], 200, is_exact=False)
    sides = Side(a.state, contents), Side(b.state, contents)
    yield View("diff", diff_lines(*sides, comparison, max(width, 60)), max(width, 60), is_exact=False)
    texts = compare_texts(a.state.answer or a.state.task, b.state.answer or b.state.task)
    yield View("texts", below_each_other(texts, width), width)
    yield View("texts side by side", side_by_side(texts, width), width)


def _of_a_race(a: RunLog, b: RunLog, deck: Deck, width: int) -> Iterator[View]:
    racers = [
        replace(
            racer_of(history_of(log), deck.safe(), number, is_live=False, verdict=Verdict(number == 1, deck.safe())),
            doing=deck.safe() if number == 1 else "",
        )
        for number, log in enumerate((a, b), 1)
    ]
    yield View("race table", race.table_lines(standings(racers), width), max(width, 30), is_exact=False)
    for racer in racers:
        yield View("race column", race.head_lines(racer, width, is_checked=True), width)
        yield View("race run", [race.run_line(racer, width)], width)
    title = race.title_line(deck.safe(), racers, width, place=deck.safe(), task=deck.safe(), checks=[deck.safe()])
    yield View("race", [title], width)


def _of_requests(log: RunLog, width: int) -> Iterator[View]:
    contents, history = contents_of(log), history_of(log)

    async def load(refs: Iterable[ResultRef]) -> dict[tuple[str, int], Content]:
        return {(ref.run, ref.seq): contents[ref.run, ref.seq] for ref in refs}

    turn = sent_turns(log.records)[-1]
    sent: SentRequest = asyncio.run(rebuild(history, turn.seq, load))
    for head, parts in (
        (request_head(sent, turn, 0.0), request_parts(sent.request)),
        (response_head(turn, 0.0), response_parts(turn)),
    ):
        opened = {part.id for part in parts}
        yield View("request", [placed.line for placed in lay_out(head, parts, opened, width)], width - 2)


def _of_dialogs(log: RunLog, deck: Deck, width: int) -> Iterator[View]:
    call = next(iter(log.state.steps[-1].calls.values()))
    exact = exact_input(call.input)
    yield View("what would run", [*exact.lines, *exact.facts], 1_000_000, is_exact=False)
    yield View("what would run, on paper", barred(exact.lines, width), max(width, 24), is_exact=False)
    yield View("call", call_facts(call), 200, is_exact=False)
    cost = ForkCost(deck.safe(), 1900, 1500, (), None, None, 4, 0.12)
    preview = ForkPreview("0.1", 12, "", 1, 2, (), (deck.safe(),), True, (deck.safe(),), cost, (deck.safe(),))
    yield View("fork", fork_lines(preview, max(width, 40)), max(width, 40), is_exact=False)
    for setting in (BreakpointSetting(deck.safe()), BreakpointSetting(deck.safe(), trouble=deck.safe())):
        yield View("breakpoint", breakpoint_lines(setting, 2, max(width, 40)), max(width, 40))
    yield View("message", [message_line(0.0, "warning", deck.safe(), width, has_detail=True)], width)
    yield View("message, whole", message_text(deck.safe(), deck.safe(), width), width, is_exact=False)


def _of_the_command_line(log: RunLog, width: int) -> Iterator[View]:
    yield View("show", show_lines(log.state, contents_of(log), width), width, is_exact=False)
    narrator, state = Narrator(width), RunState()
    told: list[Line] = []
    for record in log.records:
        apply(state, record)
        told += narrator.lines(record, state)
    yield View("narration", told, width, is_exact=False)
