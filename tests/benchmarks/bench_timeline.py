"""How fast the timeline is: opening a long run, keys, resizing, and live lanes.

Run it with `python -m tests.benchmarks screen`. A headless Textual app at 160×48 shows the timeline alone, and
each figure stands beside its target. The same is measured with a widget that draws nothing but plain lines: that is
the floor of this machine at this moment, and what to compare with. Targets of keys are held against the time of the
processor, not of the clock on the wall, in which other programs have a part; garbage is collected as rarely as the
program has it.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Callable
from typing import Any

os.environ["TEXTUAL_ANIMATIONS"] = "none"
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tests.benchmarks.measure import Row, median, now, percentile
from tests.builders import live_run, long_run
from workbench.__main__ import collect_rarely
from workbench.debugger.find import Needle
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.tui.safety import SafetyFilter
from workbench.tui.themes import VARIABLE_DEFAULTS
from workbench.tui.widgets.timeline import Timeline
from workbench.views.filter import Filter
from workbench.views.find import Search
from workbench.views.timeline import TimelineLayout

SIZE = (160, 48)
STEPS, CALLS, LANES = 5_000, 4, 32
STYLES = (Style(color="#7aa8f0", bgcolor="#181d25"), Style(color="#d6dce6", bgcolor="#181d25"))


class Floor(ScrollView, can_focus=True):
    """Plain lines, as many as a long run has: what Textual itself costs."""

    picture = 0

    def on_mount(self) -> None:
        """Be as high as a long timeline."""
        self.virtual_size = Size(SIZE[0] - 2, 50_000)

    def render_line(self, y: int) -> Strip:
        """Draw four pieces, one of them new in every picture."""
        words = f"line {self.scroll_offset.y + y:>6} picture {self.picture:>6}"
        return Strip([Segment(words.ljust(40), STYLES[lane % 2]) for lane in range(4)], SIZE[0])


class Bench(App[None]):
    """One widget and nothing else; remembers when it was painted last."""

    def __init__(self, state: RunState | None = None, widget: type[Widget] = Timeline) -> None:
        super().__init__()
        self._state, self._widget = state, widget
        self.painted = asyncio.Event()
        self.painted_at = self.used_by = 0.0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours of the default theme."""
        return dict(VARIABLE_DEFAULTS)

    def get_line_filters(self) -> Any:
        """Return the filters of the real app."""
        return [*super().get_line_filters(), SafetyFilter()]

    def compose(self) -> ComposeResult:
        """Show the widget."""
        yield self._widget()

    def on_mount(self) -> None:
        """Show the run at once, as an app does that opens one."""
        self.query_one(self._widget).focus()
        if self._state is not None:
            self.query_one(Timeline).show(self._state)

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        self.painted_at, self.used_by = now(), time.process_time()
        self.painted.set()

    async def latency(self, act: Callable[[], object]) -> tuple[float, float]:
        """Return milliseconds from `act` to the end of the next paint: on the wall, and of the processor."""
        await asyncio.sleep(0.02)
        self.painted.clear()
        begin, used = now(), time.process_time()
        act()
        await asyncio.wait_for(self.painted.wait(), 10)
        return (self.painted_at - begin) * 1000, (self.used_by - used) * 1000

    def key(self, name: str) -> Callable[[], object]:
        """Return what presses a key."""
        return lambda: self.post_message(events.Key(name, name if len(name) == 1 else None))


class Table:
    """The figures, printed as they come."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, name: str, value: float, unit: str, target: float | None = None) -> None:
        """Take in one figure; it should be `target` at the most."""
        wanted = "–" if target is None else f"≤ {target:g} {unit}"
        self.rows.append(Row(name, wanted, f"{value:.2f} {unit}", None if target is None else value <= target))
        print(self.rows[-1].line(), flush=True)


async def open_long(table: Table, state: RunState) -> None:
    """Measure opening, moving in and resizing a long run."""
    begin = now()
    layout = TimelineLayout(SIZE[0])
    layout.update(state)
    table.add(f"lay out {STEPS} steps x {CALLS} calls ({layout.height} lines)", now() - begin, "s")
    begin = now()
    app = Bench(state)
    async with app.run_test(size=SIZE) as pilot:
        await app.painted.wait()
        await pilot.pause()
        table.add("start, layout and first paint", app.painted_at - begin, "s", 1.0)
        for name, keys in {
            "down": ["down"] * 60,
            "up": ["up"] * 30,
            "right and left": ["right", "left"] * 20,
            "pagedown": ["pagedown"] * 60,
            "home and end": ["end", "home"] * 30,
        }.items():
            await press(table, app, name, keys, 16.0)
        times = []
        for width in (150, 140, 130, 150):
            begin = now()
            await pilot.resize_terminal(width, SIZE[1])
            times.append((now() - begin) * 1000)
        table.add("resize: median", median(times), "ms")
        begin = now()
        for _ in range(100):
            app.query_one(Timeline).show(state)
        table.add("show again, nothing new", (now() - begin) * 10, "ms")


async def press(table: Table, app: Bench, name: str, keys: list[str], target: float | None = None) -> None:
    """Measure keys until they are painted."""
    times = [await app.latency(app.key(key)) for key in keys]
    table.add(f"key to paint, {name}: median", median([wall for wall, _ in times]), "ms")
    table.add(f"key to paint, {name}: p95", percentile([wall for wall, _ in times], 0.95), "ms")
    table.add(
        f"key to paint, {name}: p95 of the processor", percentile([used for _, used in times], 0.95), "ms", target
    )


async def floor(table: Table) -> None:
    """Measure the same with plain lines."""
    app = Bench(widget=Floor)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await press(table, app, "floor, pagedown", ["pagedown"] * 60)
        widget = app.query_one(Floor)

        def tick(_: float) -> None:
            widget.picture += 1
            widget.refresh()

        table.add("floor: 48 plain lines redrawn at 20 Hz", await share(tick), "%")


async def share(tick: Callable[[float], None], seconds: float = 5.0) -> float:
    """Return the share of a core (in percent) that is used while `tick` is called at 20 Hz."""
    ticks = 0
    begin, used = now(), time.process_time()
    while (gone := now() - begin) < seconds:
        tick(gone)
        ticks += 1
        await asyncio.sleep(max(0.0, begin + ticks / 20 - now()))
    return (time.process_time() - used) / (now() - begin) * 100


async def live(table: Table, change: Callable[[RunState, float], None] | None, name: str, target: float | None) -> None:
    """Measure the share of a core that live lanes take when they are shown at 20 Hz."""
    state = live_run(LANES).state
    app = Bench()
    async with app.run_test(size=SIZE) as pilot:
        timeline = app.query_one(Timeline)
        timeline.show(state, now=state.at, live=True)
        await pilot.pause()

        def tick(gone: float) -> None:
            if change is not None:
                change(state, gone)
            timeline.show(state, now=state.at + gone, live=True)

        table.add(f"{LANES} live lanes at 20 Hz, {name}", await share(tick), "%", target)


def progress(state: RunState, gone: float) -> None:
    """Let four calls report progress, as events would."""
    state.seq += 1
    for number, call in enumerate(state.steps[-1].calls.values()):
        if call.status == "running" and (number + state.seq) % 8 == 0:
            call.progress = f"read {gone:.2f} of 900 passages"


async def measure(table: Table) -> None:
    """Take all figures."""
    state = fold(long_run(STEPS, CALLS))
    await floor(table)
    await open_long(table, state)
    await live(table, None, "timers and bars", 8.0)
    await live(table, progress, "and progress of 4 a tick", None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.add("memory of the whole process, at most", peak, "MB", 250)
    search(table, state)
    scrub(table)


def scrub(table: Table) -> None:
    """Measure what one event back and forth costs in a run of 100,000 events: its state, its layout, its lines."""
    history = History()
    for record in long_run(2 * STEPS, CALLS):
        history.append(record)
    layout = TimelineLayout(SIZE[0])
    layout.update(history.live)
    times = []
    last = history.live.seq
    for seq in [
        *range(last - 1, last - 40, -1),
        *range(last // 2, last // 2 - 40, -1),
        *range(last // 3, last // 3 + 40),
    ]:
        used = time.process_time()
        layout.update(history.at(seq))
        for y in range(max(0, layout.height - SIZE[1]), layout.height):
            layout.line(y)
        times.append((time.process_time() - used) * 1000)
    table.add(f"one event back or on, of {last + 1}: p95 of the processor", percentile(times, 0.95), "ms", 30.0)


def search(table: Table, state: RunState) -> None:
    """Measure looking for a word in what the screen has of a long run, and the longest it keeps others waiting."""
    looked = Search(Needle("topic 4999.3"))
    begin = last = time.process_time()
    slices = []
    for _ in looked.scan(state):
        slices.append((time.process_time() - last) * 1000)
        last = time.process_time()
    table.add(f"find in {STEPS} steps, results apart", (time.process_time() - begin) * 1000, "ms")
    table.add("the longest of its slices, p95 of the processor", percentile(slices, 0.95), "ms", 16.0)
    layout = TimelineLayout(SIZE[0])
    layout.update(state)
    begin = time.process_time()
    layout.choose(Filter(kinds=frozenset({"error"})))
    table.add("filter all of them", (time.process_time() - begin) * 1000, "ms")


def rows() -> list[Row]:
    """Measure and return the table."""
    collect_rarely()
    table = Table()
    asyncio.run(measure(table))
    return table.rows


if __name__ == "__main__":
    rows()
