"""The metrics of a run, or of many, as lines: percentiles with charts and target lines, figures, tools. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from workbench.config.targets import DEFAULTS, Targets
from workbench.debugger.metrics import Alarm, Figures, Percentiles, percentiles
from workbench.views.segments import Line, Segment, Style, row
from workbench.views.text import human_cost, human_seconds, human_tokens, one_line

CHART_ROWS: Final = 3
_LEFT: Final = 50
"""Cells of the figures at the left of a chart."""
_LEAST_CHART: Final = 12
_NAME: Final = 24
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_TARGET: Final = "╌"
_FIELD: Final = 14


class _Measure(NamedTuple):
    name: str
    values: Sequence[float]
    target: float | None
    note: str


def metrics_lines(
    figures: Figures, width: int, *, title: str, pace: float = 0.0, targets: Targets = DEFAULTS
) -> list[Line]:
    """Return the lines of a page of metrics; `pace` is by how much the embedded model slows down on purpose."""
    lines = [row([Segment(title, "title")], width)]
    lines += [row(pieces, width) for pieces in _verdict(figures, pace, targets)]
    for measure in _measures(figures, targets):
        lines.append(row((), width))
        lines += _measure_lines(measure, width)
    lines.append(row((), width))
    lines += [row([Segment(f"{name:<{_FIELD}}", "muted"), *value], width) for name, value in _fields(figures)]
    if figures.tools:
        lines += [row((), width), *_tool_lines(figures, width, targets)]
    return lines


def _measures(figures: Figures, targets: Targets) -> list[_Measure]:
    return [
        _Measure("turns", figures.turns, None, "request to last byte"),
        _Measure("calls", figures.calls, targets.call, "start to result"),
        _Measure("aggregation", figures.aggregations, targets.aggregation, "last result to next request"),
        _Measure("calls to results", figures.wholes, targets.whole, "end of turn to next request"),
        _Measure("of it the engine's", figures.owns, None, "no call was running"),
    ]


def alarm_words(alarm: Alarm) -> str:
    """Return what the alarm says outside of the metrics; nothing where it is not the engine's."""
    return f"⚠ engine slow, p95 {human_seconds(alarm.own)}" if alarm.whose == "engine" else ""


def _verdict(figures: Figures, pace: float, targets: Targets) -> list[list[Segment]]:
    alarm, limit = figures.alarm(targets), human_seconds(targets.alarm)
    if alarm is None:
        known = f"✓ p95 of calls to results is within {limit}" if figures.wholes else "○ nothing to judge yet"
        return [[Segment(known, "ok" if figures.wholes else "muted")]]
    said = f"p95 of calls to results is {human_seconds(alarm.p95)}, over {limit}"
    own = human_seconds(alarm.own)
    if alarm.whose == "engine":
        return [
            [Segment(f"⚠ {said}", "error")],
            [Segment(f"  The engine is slow: p95 of its own part is {own}.", "error")],
        ]
    why = (
        f"  Slow are the tools{f', on purpose (pace {pace:g} s)' if pace > 0 else ''}; the engine's own part is {own}."
    )
    return [[Segment(f"▲ {said}", "waiting")], [Segment(why, "muted")]]


def _measure_lines(measure: _Measure, width: int) -> list[Line]:
    found = percentiles(measure.values)
    left = [_name(measure), *_figures_of(measure, found)]
    room = width - _LEFT - 2
    if room < _LEAST_CHART:
        return [row(pieces, width) for pieces in left]
    charts = chart(measure.values, room, CHART_ROWS, measure.target)
    return [(*row(pieces, _LEFT), Segment("  "), *drawn) for pieces, drawn in zip(left, charts, strict=True)]


def _name(measure: _Measure) -> list[Segment]:
    return [
        Segment(measure.name, "title"),
        Segment(f" {len(measure.values)}", "text"),
        Segment(f" · {measure.note}", "muted"),
    ]


def _figures_of(measure: _Measure, found: Percentiles | None) -> list[list[Segment]]:
    if found is None:
        return [[Segment("  none yet", "muted")], []]
    figures = [Segment("  ")]
    for name, value in zip(found._fields, found, strict=True):
        is_over = name == "p95" and measure.target is not None and value > measure.target
        figures += [
            Segment(f"{name} ", "muted"),
            Segment(f"{human_seconds(value):<9}", "waiting" if is_over else "text"),
        ]
    if measure.target is None:
        return [figures, []]
    target = human_seconds(measure.target)
    met = found.p95 <= measure.target
    verdict = Segment(f"  ✓ p95 within {target}" if met else f"  ▲ p95 over {target}", "ok" if met else "waiting")
    return [figures, [verdict]]


def chart(values: Sequence[float], width: int, rows: int, target: float | None = None) -> list[Line]:
    """Return the last values as columns, the newest at the right; of several rows, a dashed line where the target is.

    The first cell is the line's own, so that its height is seen even where every column reaches over it.
    """
    seen = list(values[-(width - 1) :])
    top = max([*(value * 1.2 for value in seen), (target or 0.0) * 1.2, 1e-9])
    has_line = target is not None and rows > 1
    line_row = rows - 1 - min(rows - 1, int((target or 0.0) / top * rows)) if has_line else -1
    lines: list[Line] = []
    for number in range(rows):
        below = (rows - 1 - number) * 8
        empty = _TARGET if number == line_row else " "
        pieces = [Segment(empty * (width - len(seen)), "waiting")]
        for value in seen:
            least = 1 if number == rows - 1 and value > 0 else 0
            eighths = min(8, max(least, round(value / top * rows * 8) - below))
            style: Style = "bar_wait" if target is not None and value > target else "bar"
            pieces.append(Segment(_EIGHTHS[eighths], style) if eighths else Segment(empty, "waiting"))
        lines.append(tuple(_joined(pieces)))
    return lines


def _joined(pieces: Sequence[Segment]) -> list[Segment]:
    """Return pieces with neighbours of one style as one."""
    joined: list[Segment] = []
    for piece in pieces:
        if joined and joined[-1].style == piece.style:
            joined[-1] = Segment(joined[-1].text + piece.text, piece.style)
        else:
            joined.append(piece)
    return joined


def _fields(figures: Figures) -> list[tuple[str, list[Segment]]]:
    usage = figures.usage
    hits = f"{100 * usage.cache_read_tokens / usage.input_tokens:.0f} %" if usage.input_tokens else "none"
    first = percentiles(figures.first_words)
    words = f"p50 {human_seconds(first.p50)} · p95 {human_seconds(first.p95)}" if first else "none"
    speed = percentiles(figures.rates)
    tokens = f"{human_tokens(usage.input_tokens)} in · {human_tokens(usage.output_tokens)} out"
    written = Segment(f" · {human_tokens(usage.cache_write_tokens)} written", "muted")
    failed = Segment(f"{figures.failures} of {figures.answered} calls", "error" if figures.failures else "text")
    return [
        ("first word", [Segment(words)]),
        ("speed", [Segment(f"p50 {speed.p50:,.0f} tokens a second" if speed else "none")]),
        ("tokens", [Segment(tokens)]),
        ("cost", [Segment(human_cost(usage.cost))]),
        ("cache hits", [Segment(f"{hits} of the input"), written]),
        ("retries", [_count(figures.model_retries, "of turns · "), _count(figures.call_retries, "of calls")]),
        ("failures", [failed]),
        ("parallel", _parallel(figures)),
    ]


def _count(number: int, of: str) -> Segment:
    return Segment(f"{number} {of}", "waiting" if number else "text")


def _parallel(figures: Figures) -> list[Segment]:
    if figures.efficiency is None or figures.speedup is None:
        return [Segment("no step had several calls", "muted")]
    return [
        Segment(f"{100 * figures.efficiency:.0f} % efficient"),
        Segment(f" · critical path {human_seconds(figures.critical)} of {human_seconds(figures.wall)}", "muted"),
        Segment(f" · {figures.speedup:.1f} times faster than one by one", "muted"),
    ]


def _tool_lines(figures: Figures, width: int, targets: Targets) -> list[Line]:
    head = f"{'by tool':<{_NAME}}{'calls':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'failed':>8}{'retried':>9}"
    lines = [row([Segment(head[:_NAME], "title"), Segment(head[_NAME:], "muted")], width)]
    room = width - len(head) - 2
    ordered = sorted(figures.tools.items(), key=lambda item: (-len(item[1].seconds), item[0]))
    for name, tool in ordered:
        found = percentiles(tool.seconds)
        shown = [human_seconds(value) for value in found] if found else ["", "", ""]
        pieces = [
            Segment(f"{one_line(name, _NAME - 1):<{_NAME}}", "key"),
            Segment(f"{len(tool.seconds):>6}{shown[0]:>9}{shown[1]:>9}{shown[2]:>9}"),
            Segment(f"{tool.failures or '':>8}", "error"),
            Segment(f"{tool.retries or '':>9}", "waiting"),
        ]
        if room >= _LEAST_CHART:
            pieces += [Segment("  "), *chart(tool.seconds, min(room, 60), 1, targets.call)[0]]
        lines.append(row(pieces, width))
    return lines
