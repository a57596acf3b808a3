"""Every widget class of ours with strange texts in all its places, for `test_strange_widgets.py`.

A sample is a generator: it yields what is shown, fills it, and yields again whenever there is something new to look
at. `Sample.room` is in how many cells each text stands there by itself; 0 where it stands among others, or in parts.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, cast

from textual.screen import Screen
from textual.widget import Widget

from tests.run_log import RunLog
from tests.strange_results import Deck, strange_run
from tests.strange_views import contents_of, history_of
from tests.tui.fake_driver import PREVIEW, row_of
from workbench import tui
from workbench.clock import ManualClock
from workbench.debugger.divergence import Comparer
from workbench.debugger.race import racer_of
from workbench.debugger.requests import sent_turns
from workbench.driver.commands import AgentOptions, BreakpointSetting, FoundRun, OpenedRun, SearchRuns
from workbench.driver.feed import Progress
from workbench.events.plan import PlanStep
from workbench.store.model import RunRow, SearchHit
from workbench.tui.bridge import Bridge
from workbench.tui.dialogs.breakpoints import BreakpointsDialog
from workbench.tui.dialogs.by_hand import ByHandDialog
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.dialogs.difference import DifferenceDialog
from workbench.tui.dialogs.edit import Draft, EditDialog
from workbench.tui.dialogs.export import ExportDialog
from workbench.tui.dialogs.filter import FilterDialog
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.dialogs.line import LineDialog
from workbench.tui.dialogs.messages import MessagesDialog
from workbench.tui.dialogs.note import NoteDialog
from workbench.tui.dialogs.question import QuestionDialog
from workbench.tui.dialogs.race import RaceDialog
from workbench.tui.dialogs.run_choice import RunChoiceDialog
from workbench.tui.dialogs.search import SearchDialog
from workbench.tui.dialogs.theme import ThemeDialog
from workbench.tui.flows.answers import PERMISSIONS
from workbench.tui.fork_draft import ForkDraft
from workbench.tui.messages import Message
from workbench.tui.previews import call_facts
from workbench.tui.race_draft import RaceDraft
from workbench.tui.watching import Watched
from workbench.tui.widgets.comparison import Comparison
from workbench.tui.widgets.field import Editor, Field, Tick
from workbench.tui.widgets.find_line import FindLine
from workbench.tui.widgets.folds import Folds
from workbench.tui.widgets.inspector import Inspector
from workbench.tui.widgets.lines import Text
from workbench.tui.widgets.plan_editor import PlanEditor
from workbench.tui.widgets.progress import ProgressLine
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.race_column import RaceColumn
from workbench.tui.widgets.run_detail import RunDetail
from workbench.tui.widgets.run_tree import RunTree
from workbench.tui.widgets.status_bar import StatusBar
from workbench.tui.widgets.timeline import Timeline
from workbench.views.compare_detail import Section
from workbench.views.exact import exact_input
from workbench.views.request_parts import response_head, response_parts
from workbench.views.segments import Segment, row
from workbench.views.selection import Selection
from workbench.views.text import inert, one_line

A_LOOK: Final = 100
"""Texts that are shown at once."""
Shown = list[Widget] | Screen[Any] | None
"""What to show from now on; None to look at it again."""


class Packs:
    """Texts, as many at a time as are shown at once; `now` are those that were given last."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self.now: Sequence[str] = ()

    def __iter__(self) -> Iterator[Sequence[str]]:
        """Yield a pack after the other."""
        for first in range(0, len(self._texts), A_LOOK):
            self.now = self._texts[first : first + A_LOOK]
            yield self.now


class Sample(NamedTuple):
    """How a class is shown with texts in it."""

    make: Callable[[Packs], Iterator[Shown]]
    room: int = 0


def _each(make: Callable[[Sequence[str]], Iterator[Shown]]) -> Callable[[Packs], Iterator[Shown]]:
    """Make it anew for each pack."""

    def over(packs: Packs) -> Iterator[Shown]:
        for texts in packs:
            yield from make(texts)

    return over


def rows_of(texts: Sequence[str]) -> list[RunRow]:
    """Return a row for each text, with others beside it."""
    base, deck = row_of(RunLog("a" * 16, "x")), Deck(texts, at=3)
    return [
        replace(
            base, id=f"{number:08x}{0:08x}", root=f"{number:08x}{0:08x}", task=text, note=deck.safe(),
            tags=(deck.safe(), deck.safe()), edited=deck.safe(), model=deck.safe(),
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip


def _run(texts: Sequence[str]) -> RunLog:
    return strange_run(texts, "a4f7c2e19b305d68")


def _text(packs: Packs) -> Iterator[Shown]:
    shown = Text()
    yield [shown]
    for texts in packs:
        shown.show(lambda width, texts=texts: [row([Segment(one_line(text, width))], width) for text in texts])  # type: ignore[misc]
        yield None


@_each
def _folds(texts: Sequence[str]) -> Iterator[Shown]:
    page = Folds()
    yield [page]
    for turn in sent_turns(_run(texts[:30]).records):
        page.show(response_head(turn, 0.0), response_parts(turn))
    page.toggle_all()
    yield None


@_each
def _inspector(texts: Sequence[str]) -> Iterator[Shown]:
    log = _run(texts[:40])
    shown = [Inspector() for _ in range(8)]
    yield list(shown)
    calls = [Selection("call", step=step.index, call=call) for step in log.state.steps for call in step.calls]
    for widget, call in zip(shown, calls[::5], strict=False):
        widget.show(log.state, call, contents_of(log))
    yield None


@_each
def _comparison(texts: Sequence[str]) -> Iterator[Shown]:
    half = len(texts) // 2
    a, b = _run(texts[:half]), strange_run(texts[half:], "b" * 16)
    widget = Comparison()
    yield [widget]
    widget.show(a.state, b.state, Comparer(history_of(a), history_of(b)).compare())
    yield None
    widget.action_last()
    yield None


@_each
def _timeline(texts: Sequence[str]) -> Iterator[Shown]:
    widget = Timeline()
    yield [widget]
    widget.show(_run(texts).state)
    yield None
    widget.follow()
    yield None


def _fields(packs: Packs) -> Iterator[Shown]:
    shown = [Field(placeholder="x") for _ in range(A_LOOK)]
    yield list(shown)
    for texts in packs:
        for field, text in zip(shown, texts, strict=False):
            field.value = text.replace("\n", " ")
        yield None


@_each
def _editor(texts: Sequence[str]) -> Iterator[Shown]:
    yield [Editor("\n".join(texts))]


@_each
def _ticks(texts: Sequence[str]) -> Iterator[Shown]:
    for number in range(3):
        yield [Tick(one_line(text, 40)) for text in texts[number::3]]


def _find_line(packs: Packs) -> Iterator[Shown]:
    lines = [FindLine() for _ in range(A_LOOK)]
    yield list(lines)
    for texts in packs:
        for widget, text in zip(lines, texts, strict=False):
            widget.add_class("-shown")
            widget.line.value = text
            widget.show((Segment(one_line(text, 40)),))
        yield None


def _run_tree(packs: Packs) -> Iterator[Shown]:
    tree = RunTree()
    yield [tree]
    for texts in packs:
        tree.show(rows_of(texts), "")
        yield None


def _progress(packs: Packs) -> Iterator[Shown]:
    lines = [ProgressLine() for _ in range(A_LOOK)]
    yield list(lines)
    for texts in packs:
        for widget, text in zip(lines, texts, strict=False):
            widget.show([Progress(text, 1, 2)])
        yield None


def _run_detail(packs: Packs) -> Iterator[Shown]:
    details = [RunDetail() for _ in range(A_LOOK // 8)]
    yield list(details)
    for texts in packs:
        for widget, shown in zip(details, rows_of(texts)[::8], strict=False):
            widget.show(shown)
        yield None


@_each
def _prompt(texts: Sequence[str]) -> Iterator[Shown]:
    prompts = [Prompt() for _ in texts[::4]]
    yield list(prompts)
    for number, widget in enumerate(prompts):
        widget.open("question", one_line(texts[4 * number], 60), texts)
        widget.line.value = texts[4 * number + 1]
    yield None


@_each
def _plan_editor(texts: Sequence[str]) -> Iterator[Shown]:
    widget = PlanEditor()
    yield [widget]
    deck = Deck(texts)
    steps = [PlanStep(action=deck.safe(), text=deck.safe()) for _ in texts[::2]]
    widget.open(steps, purpose="approve", question=texts[0])
    yield None
    widget.start_editing()
    yield None


@_each
def _race_column(texts: Sequence[str]) -> Iterator[Shown]:
    columns = [RaceColumn() for _ in range(3)]
    yield list(columns)
    for number, widget in enumerate(columns):
        log = strange_run(texts[30 * number : 30 * number + 30], f"{number}" * 16)
        racer = racer_of(history_of(log), texts[number], number, is_live=False)
        watched = Watched(log.run)
        watched.open_as(OpenedRun(log.run, tuple(log.records), live=False, mine=False, imported=False))
        widget.show(racer, watched, None, is_current=False, is_checked=True)
    yield None


def _status_bar(packs: Packs) -> Iterator[Shown]:
    bars = [StatusBar() for _ in range(A_LOOK)]
    yield list(bars)
    for texts in packs:
        for widget, text in zip(bars, texts, strict=False):
            widget.show(RunLog("a" * 16, text).state, None)
        yield None


@_each
def _choice(texts: Sequence[str]) -> Iterator[Shown]:
    for number in (0, 50):
        deck = Deck(texts, at=number)
        exact = exact_input(deck.fields(12))
        call = next(iter(_run(texts[number : number + 5]).state.steps[0].calls.values()))
        facts = call_facts(call, (Segment(one_line(deck.deal(), 300), "muted"),), *exact.facts)
        yield ChoiceDialog("May this call run?", facts, PERMISSIONS, fenced=exact.lines, clock=ManualClock())


async def _ask(*_: object) -> Any:
    return PREVIEW


async def _read(_: str) -> str:
    return ""


@_each
def _race_dialog(texts: Sequence[str]) -> Iterator[Shown]:
    state = _run(texts[:10]).state
    draft = RaceDraft(state, "0.1")
    for text in texts[:8]:
        draft.add()
        draft.variants[-1].write("say", text)
    draft.check = texts[9]
    yield RaceDialog(draft, _ask, _read)


@_each
def _fork_dialog(texts: Sequence[str]) -> Iterator[Shown]:
    draft = ForkDraft(_run(texts[:10]).state, "0.1", "\n".join(texts))
    yield ForkDialog(draft, _ask, _read, _starts_none, kind="result")


@_each
def _themes(texts: Sequence[str]) -> Iterator[Shown]:
    names = list(dict.fromkeys(texts))
    yield ThemeDialog(names, names[0], lambda _: None)


@_each
def _messages(texts: Sequence[str]) -> Iterator[Shown]:
    yield MessagesDialog([Message(0.0, "warning", text, text) for text in texts])


@_each
def _line_dialog(texts: Sequence[str]) -> Iterator[Shown]:
    for text in texts[:3]:
        yield LineDialog(f"Name run {one_line(text, 40)}", one_line(text, 40), value=text)


@_each
def _search(texts: Sequence[str]) -> Iterator[Shown]:
    deck = Deck(texts)
    found = [
        FoundRun(item, (SearchHit(item.id, 3, "0.1", deck.safe()[:200], "call_finished"),), deck.safe())
        for item in rows_of(texts[:40])
    ]

    async def answer(command: Any) -> Any:
        return found if isinstance(command, SearchRuns) else None

    bridge = cast("Bridge", SimpleNamespace(progress={}, ask=answer))
    yield SearchDialog(bridge, texts[0])
    yield None


@_each
def _export(texts: Sequence[str]) -> Iterator[Shown]:
    for text in texts[:3]:
        yield ExportDialog("a" * 16, text, forks=True)


@_each
def _breakpoints(texts: Sequence[str]) -> Iterator[Shown]:
    settings = [BreakpointSetting(text, trouble=text if number % 2 else "") for number, text in enumerate(texts[:40])]
    yield BreakpointsDialog(settings, _ask, {})


@_each
def _by_hand(texts: Sequence[str]) -> Iterator[Shown]:
    calls = [call for step in _run(texts[:15]).state.steps for call in step.calls.values()]
    for call in calls[:3]:
        yield ByHandDialog(call)


@_each
def _edit(texts: Sequence[str]) -> Iterator[Shown]:
    facts = [(Segment(one_line(text, 80)),) for text in texts[:3]]
    yield EditDialog(Draft("The result of call 0.1", "\n".join(texts), facts))
    yield EditDialog(Draft("The input of call 0.1", "\n".join(texts), facts, is_json=True))


@_each
def _filter(texts: Sequence[str]) -> Iterator[Shown]:
    yield FilterDialog(Counter(dict.fromkeys(texts[:40], 2)), Counter())


@_each
def _run_choice(texts: Sequence[str]) -> Iterator[Shown]:
    yield RunChoiceDialog("Compare a4f7c2e1 with", rows_of(texts))


@_each
def _difference(texts: Sequence[str]) -> Iterator[Shown]:
    sections = [Section("result", a, b) for a, b in zip(texts[::2], texts[1::2], strict=True)]
    yield DifferenceDialog("Call 0.1", sections)


@_each
def _note(texts: Sequence[str]) -> Iterator[Shown]:
    yield NoteDialog(f"A note on run {one_line(texts[0], 40)}", "\n".join(texts))


async def _starts_none(_: object) -> str:
    return ""


@_each
def _question(texts: Sequence[str]) -> Iterator[Shown]:
    for number in (0, 1):
        options = AgentOptions(docs=texts[2 * number], model=inert(texts[2 * number + 1]))
        yield QuestionDialog(options, _starts_none, texts)


SAMPLES: Final[dict[type[Widget], Sample]] = {
    Text: Sample(_text, 100), Folds: Sample(_folds), Inspector: Sample(_inspector), Comparison: Sample(_comparison),
    Timeline: Sample(_timeline), Field: Sample(_fields), Editor: Sample(_editor), Tick: Sample(_ticks),
    FindLine: Sample(_find_line, 40), RunTree: Sample(_run_tree, 20), ProgressLine: Sample(_progress, 30),
    RunDetail: Sample(_run_detail), Prompt: Sample(_prompt), PlanEditor: Sample(_plan_editor),
    RaceColumn: Sample(_race_column), StatusBar: Sample(_status_bar, 30), ChoiceDialog: Sample(_choice),
    RaceDialog: Sample(_race_dialog), ForkDialog: Sample(_fork_dialog), ThemeDialog: Sample(_themes),
    MessagesDialog: Sample(_messages), LineDialog: Sample(_line_dialog), SearchDialog: Sample(_search),
    ExportDialog: Sample(_export), BreakpointsDialog: Sample(_breakpoints), ByHandDialog: Sample(_by_hand),
    EditDialog: Sample(_edit), FilterDialog: Sample(_filter), RunChoiceDialog: Sample(_run_choice),
    DifferenceDialog: Sample(_difference), NoteDialog: Sample(_note), QuestionDialog: Sample(_question),
}  # fmt: skip
"""Every class that shows data, by how."""
OF_OURS: Final = {
    "Dialog", "HelpDialog", "Invitation", "Keys", "Lines", "PageDialog", "PlayheadLine", "RunHeader", "TourCard",
}  # fmt: skip
"""Classes that show words and figures of ours, or nothing by themselves."""
OF_OTHERS: Final = {
    "CompareScreen",
    "LiveScreen",
    "MainScreen",
    "MetricsScreen",
    "Panes",
    "RaceScreen",
    "RequestScreen",
}
"""Classes that hold those with data; `test_strange_screens.py` shows them whole."""


def classes() -> set[type[Widget]]:
    """Return every widget class of ours."""
    found = set()
    for module in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, Widget) and each.__module__.startswith(tui.__name__):
                found.add(each)
    return found
