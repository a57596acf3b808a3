"""A race as lines: a table of its variants with the spread of each figure, its runs, and the head of each run.

Pure: rows and histories in, lines out. What the figures are, `debugger.race` says.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from workbench.debugger.checks import Verdict
from workbench.debugger.race import Fate, Racer, Rate, Spread, Standing, racer_of
from workbench.driver.commands import ForkEdits
from workbench.state.history import History
from workbench.store.model import RunRow
from workbench.views.marks import Mark
from workbench.views.segments import Line, Segment, Style, line_width, row, split_row
from workbench.views.text import cell_width, counted, fit, human_cost, human_seconds, human_tokens, one_line

FATES: Final[dict[Fate, Mark]] = {
    "completed": Mark("✓", "completed", "ok"),
    "failed": Mark("✗", "failed", "error"),
    "limit": Mark("⏹", "reached a limit", "waiting"),
    "stopped": Mark("⏸", "stopped", "cancelled"),
    "asks": Mark("?", "asks you", "waiting"),
    "runs": Mark("⏵", "runs", "running"),
    "waits": Mark("○", "waits its turn", "muted"),
}
"""How each fate is shown, in the order in which a summary tells them."""
ONE_EACH: Final = "One run of each variant: one sample of a model proves nothing. a adds repeats."
NONE_OVER: Final = "–"
_RANGE: Final = "  from – to"
_MIDDLE: Final = "  middle half"
_LONGEST_NAME: Final = 28
_SHORTEST_NAME: Final = 13


def variant_name(edits: ForkEdits) -> str:
    """Return a name for a variant, from what it changes."""
    parts = [
        *([f"model {edits.model}"] if edits.model else []),
        *(f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in (edits.parameters or {}).items()),
        *(f"result {call}" for call in edits.results),
        *(f"input {call}" for call in edits.inputs),
        *(f"again {call}" for call in edits.reruns),
        *(["text"] if edits.text is not None else []),
        *(["plan"] if edits.plan is not None else ["no plan"] if edits.skip_plan else []),
        *(["instructions"] if edits.instructions is not None else []),
        *([f"say {edits.say}"] if edits.say else []),
    ]
    return one_line(", ".join(parts) or "as it is", 60)


def racers_of(rows: Sequence[RunRow], histories: Mapping[str, History]) -> list[Racer]:
    """Return the runs of a race that are not hidden, with their figures; those without a history have none yet.

    Each is numbered within its variant, hidden ones counted, so that a number always means the same run.
    """
    counts: Counter[str] = Counter()
    racers: list[Racer] = []
    for one in rows:
        counts[one.variant] += 1
        if one.hidden:
            continue
        number, history = counts[one.variant], histories.get(one.id)
        verdict = Verdict(one.passed, one.why) if one.is_judged else None
        if history is None:
            racers.append(Racer(one.id, one.variant, number, "waits", verdict=verdict))
        else:
            racers.append(racer_of(history, one.variant, number, is_live=one.live, verdict=verdict))
    return racers


def racer_name(racer: Racer, width: int = _LONGEST_NAME) -> str:
    """Return the name of a run: its variant, and which of its repeats it is."""
    number = f" · {racer.number}"
    return one_line(racer.variant, max(4, width - cell_width(number))) + number


def verdict_mark(verdict: Verdict | None) -> Mark:
    """Return the mark of a verdict."""
    if verdict is None:
        return Mark("", "", "muted")
    if verdict.passed is None:
        return Mark("?", "unchecked", "unknown")
    return Mark("✓", "passes", "ok") if verdict.passed else Mark("✗", "fails", "error")


# Figures


def value_text(spread: Spread | None, words: Callable[[float], str]) -> str:
    """Return the median of a figure."""
    return NONE_OVER if spread is None else words(spread.median)


def range_text(low: float, high: float, words: Callable[[float], str]) -> str:
    """Return two values as a range that names their common unit once."""
    one, other = words(low), words(high)
    if one == other:
        return one
    number, _, unit = one.partition(" ")
    if unit and other.endswith(f" {unit}"):
        one = number
    return f"{one}–{other.removeprefix('$') if one.startswith('$') else other}"


def rate_text(rate: Rate | None) -> str:
    """Return how many of how many passed."""
    return NONE_OVER if rate is None else f"{rate.hits}/{rate.count}"


def interval_text(rate: Rate | None) -> str:
    """Return between what the true share lies."""
    return "" if rate is None else f"{rate.low * 100:.0f}–{rate.high * 100:.0f} %"


def count_text(value: float) -> str:
    """Return a number of steps or calls; medians may lie between two."""
    return f"{value:g}"


def tokens_text(value: float) -> str:
    """Return a number of tokens."""
    return human_tokens(round(value))


FIGURES: Final[tuple[tuple[str, Callable[[Standing], Spread | None], Callable[[float], str]], ...]] = (
    ("steps", lambda standing: standing.steps, count_text),
    ("calls", lambda standing: standing.calls, count_text),
    ("errors", lambda standing: standing.errors, count_text),
    ("tokens", lambda standing: standing.tokens, tokens_text),
    ("cost", lambda standing: standing.cost, human_cost),
    ("time", lambda standing: standing.seconds, human_seconds),
)
"""What is told of each variant with its spread: a heading, the figure, and how it is written."""


# The table


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cells: tuple[tuple[Segment, ...], ...]
    """For each variant: its median, its range, its middle half."""
    rank: int
    """Where there is no room, the columns of the highest rank go first."""

    @property
    def width(self) -> int:
        return max(cell_width(self.heading), *(line_width([cell]) for cells in self.cells for cell in cells))


_RANKS: Final = {"runs": 0, "ended": 0, "passed": 0, "time": 1, "cost": 2, "steps": 3, "tokens": 4, "answers": 5}


@dataclass(frozen=True, slots=True)
class _Grid:
    """Columns beside the names of variants, and the spaces between them."""

    columns: tuple[_Column, ...]
    names: int
    """Cells of a variant's name."""
    gap: int = 2

    @property
    def width(self) -> int:
        return self.names + sum(column.width + self.gap for column in self.columns)

    def line(self, head: Segment, cells: Sequence[Segment]) -> Line:
        """Return one line: a name at the left, figures at the right of their columns."""
        pieces = [Segment(fit(head.text, self.names), head.style)]
        for cell, column in zip(cells, self.columns, strict=True):
            pieces += [Segment(" " * (self.gap + column.width - cell_width(cell.text))), cell]
        return tuple(pieces)


def table_lines(standings: Sequence[Standing], width: int) -> list[Line]:
    """Return a table of variants: of each a line of medians, one of ranges, and one of middle halves where known."""
    if not standings:
        return []
    columns = _columns(standings)
    grid = _fitting(columns, [one.variant for one in standings], width)
    lines = [grid.line(Segment("variant", "muted"), [Segment(one.heading, "muted") for one in grid.columns])]
    for number, one in enumerate(standings):
        name = Segment(one_line(one.variant, grid.names), "title")
        heads = (name, Segment(_RANGE, "muted"), Segment(_MIDDLE, "muted"))
        for line, head in enumerate(heads[: _lines_of(one)]):
            lines.append(grid.line(head, [column.cells[number][line] for column in grid.columns]))
    if missing := [column.heading for column in columns if column not in grid.columns]:
        words = f"A wider window shows {', '.join(missing)}, too; an export has everything."
        lines.append((Segment(one_line(words, width), "muted"),))
    return lines


def _fitting(columns: Sequence[_Column], variants: Sequence[str], width: int) -> _Grid:
    """Return the grid that fits: spaces go first, then the ends of names, then what matters least."""
    longest = max(cell_width(one_line(variant, _LONGEST_NAME)) for variant in variants)
    grid = _Grid(tuple(columns), max(len(_MIDDLE), longest))
    if grid.width > width:
        grid = replace(grid, gap=1)
    if grid.width > width:
        grid = replace(grid, names=max(_SHORTEST_NAME, grid.names - (grid.width - width)))
    while grid.width > width and len(grid.columns) > 1:
        least = max(reversed(grid.columns), key=lambda column: column.rank)
        grid = replace(grid, columns=tuple(column for column in grid.columns if column is not least))
    return grid


def _columns(standings: Sequence[Standing]) -> list[_Column]:
    passed = [(rate_text(one.passed), interval_text(one.passed), "") for one in standings]
    answers = [(f"{one.answers} of {one.answered}" if one.answered else NONE_OVER, "", "") for one in standings]
    given = [
        ("runs", [(str(one.runs), "", "") for one in standings]),
        ("ended", [(_fates_text(one), "", "") for one in standings]),
        *([("passed", passed)] if any(one.passed is not None for one in standings) else []),
        *((heading, [_figure(get(one), words) for one in standings]) for heading, get, words in FIGURES),
        ("answers", answers),
    ]
    return [
        _Column(
            heading,
            tuple(
                (Segment(first, _style(heading, one)), Segment(second, "muted"), Segment(third, "muted"))
                for one, (first, second, third) in zip(standings, texts, strict=True)
            ),
            _RANKS.get(heading, 9),
        )
        for heading, texts in given
    ]


def _figure(spread: Spread | None, words: Callable[[float], str]) -> tuple[str, str, str]:
    if spread is None or spread.count < 2:
        return value_text(spread, words), "", ""
    middle = "" if spread.middle is None else range_text(*spread.middle, words)
    return value_text(spread, words), range_text(spread.low, spread.high, words), middle


def _style(heading: str, standing: Standing) -> Style:
    if heading == "passed" and standing.passed is not None:
        hits, count = standing.passed.hits, standing.passed.count
        return "ok" if hits == count else "error" if hits == 0 else "text"
    return "text"


def _fates_text(standing: Standing) -> str:
    return " ".join(f"{standing.fates[fate]}{mark.glyph}" for fate, mark in FATES.items() if standing.fates.get(fate))


def _lines_of(standing: Standing) -> int:
    """Return how many lines a variant takes: there is no range of one run, and no middle half of two."""
    figure = standing.steps
    if figure is None or figure.count < 2:
        return 2 if standing.passed is not None else 1
    return 2 if figure.middle is None else 3


# The runs


def run_line(racer: Racer, width: int, *, now_glyph: str = "") -> Line:
    """Return a run on one line: how it stands, what it took, and the beginning of its answer."""
    mark, verdict = FATES[racer.fate], verdict_mark(racer.verdict)
    glyph = now_glyph if racer.fate == "runs" and now_glyph else mark.glyph
    is_wide = width >= 100
    name = 24 if is_wide else 16
    judged = f"{verdict.glyph} {verdict.word}".ljust(12) if is_wide else f"{verdict.glyph:<2}"
    pieces = [
        Segment(fit(racer_name(racer, name), name)),
        Segment(f" {glyph} {mark.word:<16}", mark.style),
        Segment(judged, verdict.style),
        Segment(_figures_text(racer, with_cost=is_wide) + "  ", "muted"),
    ]
    said = racer.doing or (racer.verdict.why if racer.verdict else "") if racer.answer is None else racer.answer
    words = one_line(" ".join(said[:400].split()), max(0, width - line_width(pieces)))
    return row([*pieces, Segment(words, "running" if racer.doing else "text")], width)


def _figures_text(racer: Racer, *, with_cost: bool) -> str:
    if racer.fate == "waits":
        return ""
    cost = f"{human_cost(racer.cost):>8}" if with_cost else ""
    return f"{racer.steps:>2} st {tokens_text(racer.tokens):>7}{cost} {human_seconds(racer.seconds):>8}"


def head_lines(racer: Racer, width: int, *, is_checked: bool = False, now_glyph: str = "") -> list[Line]:
    """Return what stands above a run's own timeline.

    Who it is and how it stands, what it took so far and, in a race that is checked, the verdict on its answer.
    """
    mark = FATES[racer.fate]
    glyph = now_glyph if racer.fate == "runs" and now_glyph else mark.glyph
    stands = [Segment(f"{glyph} {mark.word}", mark.style)]
    name = Segment(racer_name(racer, max(8, width - line_width(stands) - 2)), "title")
    took = ""
    if racer.fate != "waits":
        steps = counted(racer.steps, "step")
        cost = f" · {human_cost(racer.cost)}" if racer.cost else ""
        took = f"{steps} · {human_seconds(racer.seconds)}{cost} · {tokens_text(racer.tokens)} tok"
    lines = [split_row([name], stands, width, keep_right=True), row([Segment(took, "muted")], width)]
    if is_checked:
        verdict = verdict_mark(racer.verdict)
        why = one_line(racer.verdict.why, width) if racer.verdict is not None else ""
        lines.append(row([Segment(f"{verdict.glyph} {verdict.word}  ", verdict.style), Segment(why, "muted")], width))
    return lines


def title_line(
    race: str,
    racers: Sequence[Racer],
    width: int,
    *,
    place: str,
    task: str,
    checks: Sequence[str] = (),
    hidden: int = 0,
    shows: str = "",
) -> Line:
    """Return what a race is and how far it is; `shows` is the key that shows what is hidden."""
    done = sum(racer.fate not in ("runs", "waits") for racer in racers)
    moves = any(racer.fate == "runs" for racer in racers)
    left = [
        Segment(" workbench", "title"),
        Segment(" · ", "muted"),
        Segment(f"race {one_line(race, 12)}", "title"),
        Segment(f" at {one_line(place, 16)} of: {one_line(task, width)}", "muted"),
    ]
    judged = [Segment(f"  check {one_line('; '.join(checks), max(16, width // 4))}", "muted")] if checks else []
    away = [Segment(f"  {hidden} hidden, {shows} shows them", "waiting")] if hidden else []
    far = Segment(f"  {done}/{len(racers)} done ", "running" if moves else "ok" if done == len(racers) else "waiting")
    return split_row(left, [*judged, *away, far], width, keep_right=True)
