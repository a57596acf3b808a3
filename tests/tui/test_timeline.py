"""The timeline on a screen: cursor, place, the live end, and what it costs to draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.builders import Call, RunLog, agent_record, live_run, long_run, researched_run, troubled_run
from tests.tui.timeline_kit import Frame, stage
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.tui.safety import SafetyFilter
from workbench.tui.themes import DEFAULT_THEME
from workbench.tui.widgets.timeline import MORE_BELOW, Timeline
from workbench.views.selection import NOTHING, Selection


def step(index: int) -> Selection:
    """Return what names a step."""
    return Selection("step", step=index)


def call(address: str) -> Selection:
    """Return what names a call."""
    return Selection("call", step=int(address.split(".", maxsplit=1)[0]), call=address)


async def test_an_empty_timeline_says_what_to_do() -> None:
    """A first look is no dead end."""
    async with stage() as seen:
        assert any("Nothing here yet." in row for row in seen.rows())
        await seen.press("down", "up", "home", "end", "pagedown", "left", "enter")
        assert seen.timeline.selection == NOTHING
        assert seen.app.said == []


async def test_a_run_that_is_opened_is_read_from_its_start() -> None:
    """A run that rests opens at its question, with the cursor on it."""
    async with stage() as seen:
        await seen.show(researched_run().state)
        assert seen.timeline.scroll_offset.y == 0
        assert seen.timeline.selection == Selection("message", index=0)
        assert "❯ How does PgBouncer" in seen.rows()[0]
        assert not seen.follows()


async def test_a_run_that_was_given_before_there_was_a_screen_is_shown() -> None:
    """An app may show a run while it is still being put together."""

    class Early(Frame):
        def on_mount(self) -> None:
            self.query_one(Timeline).show(researched_run().state)

    app = Early()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "❯ How does PgBouncer" in app.query_one(Timeline).render_line(0).text


async def test_keys_move_between_things() -> None:
    """Up and down go from thing to thing, left and right between calls that ran at once."""
    async with stage() as seen:
        await seen.show(researched_run().state)
        visited = []
        for key in ["down"] * 6 + ["right", "right", "right", "left", "down", "down", "down", "down"]:
            await seen.press(key)
            visited.append(seen.timeline.selection)
        assert visited == [
            Selection("plan"),
            *[Selection("plan_step", index=index) for index in range(3)],
            step(0),
            *[call(address) for address in ("0.0", "0.1", "0.2", "0.2", "0.1")],
            step(1),
            call("1.0"),
            Selection("answer"),
            Selection("answer"),
        ]


async def test_every_move_is_said_once() -> None:
    """Other panes learn where the cursor is, and hear nothing where it did not move."""
    async with stage() as seen:
        await seen.show(researched_run().state)
        await seen.press("down", "down", "enter", "home", "home")
        assert seen.app.said == [
            ("selected", Selection("message", index=0)),
            ("selected", Selection("plan")),
            ("selected", Selection("plan_step", index=0)),
            ("opened", Selection("plan_step", index=0)),
            ("selected", Selection("message", index=0)),
        ]


async def test_the_cursor_stays_in_view() -> None:
    """Wherever keys lead, what is selected is seen, whole where it fits."""
    async with stage(80, 24) as seen:
        await seen.show(fold(long_run(12, 5)))
        for key in [*["down"] * 40, *["up"] * 15, "pagedown", "pagedown", "pageup", "end", "up", "home", "down"]:
            await seen.press(key)
            place = seen.timeline._timeline.locate(seen.timeline.selection)
            assert place is not None
            top = seen.timeline.scroll_offset.y
            height = seen.timeline.scrollable_content_region.height
            assert top <= place.y
            assert place.y + place.height <= top + height


async def test_a_text_taller_than_the_screen_can_be_read_with_the_arrows() -> None:
    """A long answer is scrolled through, not jumped over."""
    async with stage(60, 20) as seen:
        log = RunLog(agent=agent_record(plan="off"))
        log.step([Call("a")])
        log.answer("\n".join(f"line {number} of the answer" for number in range(100)), [("x::1", "")])
        await seen.show(log.state)
        read: set[str] = set()
        for _ in range(40):
            read.update(row.strip(" ▌") for row in seen.rows())
            await seen.press("down")
        assert {f"line {number} of the answer" for number in range(100)} <= read
        assert seen.is_at_end


async def test_a_click_selects_and_two_open() -> None:
    """The mouse does what the keys do."""
    async with stage() as seen:
        await seen.show(researched_run().state)
        y = seen.row_of("fetch_doc") + 2
        x = seen.rows()[seen.row_of("fetch_doc")].index("fetch_doc") + 3
        await seen.pilot.click(Timeline, offset=(x + 1, y + 1))
        await seen.pilot.pause()
        assert seen.timeline.selection == call("0.2")
        await seen.pilot.click(Timeline, offset=(4, seen.row_of("STEP 0") + 1), times=2)
        await seen.pilot.pause()
        assert seen.app.said[-2:] == [("selected", step(0)), ("opened", step(0))]


async def test_a_live_run_is_followed() -> None:
    """What is new comes into view, with the cursor on it."""
    async with stage(80, 24) as seen:
        history = History()
        for record in long_run(8, 3)[:-4]:
            history.append(record)
            seen.timeline.show(history.live, live=True, now=history.live.at)
        await seen.pilot.pause()
        assert seen.follows()
        assert seen.is_at_end
        assert seen.timeline.selection == step(history.live.steps[-1].index)


@pytest.mark.parametrize(("key", "follows"), [("end", True), ("home", False)])
async def test_a_run_that_goes_on_is_followed_by_whoever_stands_at_its_end(key: str, follows: bool) -> None:
    """Resuming a run does not tear away who reads further up."""
    async with stage(80, 24) as seen:
        records = long_run(8, 3)
        state = fold(records[:40])
        await seen.show(state)
        await seen.press(key)
        fold(records[40:42], state)
        await seen.show(state, live=True)
        assert seen.follows() is follows
        assert seen.is_at_end is follows


async def test_moving_away_stops_following_until_end_is_pressed() -> None:
    """Who reads further up is not torn away, sees that there is more, and returns with one key."""
    async with stage(80, 24) as seen:
        records = long_run(8, 3)
        state = fold(records[:40])
        await seen.show(state, live=True)
        await seen.press("up", "up", "up", "up", "up")
        assert not seen.follows()
        before = seen.rows()
        for record in records[40:60]:
            fold([record], state)
            seen.timeline.show(state, live=True, now=state.at)
        await seen.pilot.pause()
        assert seen.rows()[:-1] == before[:-1]
        assert seen.timeline.has_more_below
        assert seen.rows()[-1].endswith(MORE_BELOW)
        await seen.press("end")
        assert seen.follows()
        assert seen.is_at_end
        assert not any(MORE_BELOW in row for row in seen.rows())


async def test_the_wheel_leaves_the_end_and_comes_back() -> None:
    """Scrolling back down to the end is a way to follow again."""
    async with stage(80, 24) as seen:
        await seen.show(fold(long_run(8, 3)[:40]), live=True)
        seen.timeline.scroll_to(y=5, animate=False)
        await seen.pilot.pause()
        assert not seen.follows()
        seen.timeline.scroll_to(y=seen.timeline.max_scroll_y, animate=False)
        await seen.pilot.pause()
        assert seen.follows()


async def test_the_sign_of_more_can_be_clicked() -> None:
    """It says which key returns, and is a way back itself."""
    async with stage(80, 24) as seen:
        await seen.show(fold(long_run(8, 3)[:40]), live=True)
        await seen.press("home")
        assert seen.rows()[-1].endswith(MORE_BELOW)
        await seen.pilot.click(Timeline, offset=(70, 22))
        await seen.pilot.pause()
        assert seen.follows()


async def test_a_run_at_rest_has_no_sign_of_more() -> None:
    """There is nothing to return to where nothing goes on."""
    async with stage(80, 24) as seen:
        state = fold(long_run(8, 3)[:40])
        await seen.show(state, live=True)
        await seen.press("home")
        seen.timeline.show(state, live=False)
        await seen.pilot.pause()
        assert not seen.timeline.has_more_below
        assert not any(MORE_BELOW in row for row in seen.rows())


@pytest.mark.parametrize("target", [call("7.1"), step(3)])
async def test_resizing_keeps_the_place(target: Selection) -> None:
    """What the cursor is on stays on the screen, on the same row, however wide the window becomes."""
    async with stage(120, 40) as seen:
        await seen.show(fold(long_run(20, 4)))
        seen.timeline.select(target)
        await seen.pilot.pause()
        place = seen.timeline._timeline.locate(target)
        assert place is not None
        row = place.y - seen.timeline.scroll_offset.y
        for width in (60, 200, 43, 120):
            await seen.pilot.resize_terminal(width, 40)
            await seen.pilot.pause()
            place = seen.timeline._timeline.locate(target)
            assert place is not None
            assert place.y - seen.timeline.scroll_offset.y == row
            assert seen.timeline.selection == target


async def test_resizing_keeps_what_is_read_away_from_the_cursor() -> None:
    """A line that was scrolled to stays at the top."""
    async with stage(120, 30) as seen:
        await seen.show(fold(long_run(20, 4)))
        seen.timeline.select(step(10))
        await seen.pilot.pause()
        seen.timeline.select(Selection("message", index=0))
        place = seen.timeline._timeline.locate(step(10))
        assert place is not None
        seen.timeline.scroll_to(y=place.y, animate=False)
        await seen.pilot.pause()
        for width in (70, 150):
            await seen.pilot.resize_terminal(width, 30)
            await seen.pilot.pause()
            assert "STEP 10" in seen.rows()[0]


async def test_a_live_end_is_followed_through_a_resize() -> None:
    """The window may change while a run goes on."""
    async with stage(120, 30) as seen:
        await seen.show(fold(long_run(10, 4)[:60]), live=True)
        await seen.pilot.resize_terminal(70, 24)
        await seen.pilot.pause()
        assert seen.is_at_end
        assert seen.follows()


async def test_looking_back_keeps_the_place_and_finds_another_where_it_is_gone() -> None:
    """Scrubbing moves the cursor only where what it was on had not happened yet."""
    async with stage() as seen:
        history = History()
        for record in long_run(6, 3):
            history.append(record)
        await seen.show(history.live)
        seen.timeline.select(call("4.1"))
        await seen.show(history.at(history.live.seq - 3))
        assert seen.timeline.selection == call("4.1")
        await seen.show(history.at(12))
        assert seen.timeline.selection != call("4.1")
        assert seen.timeline._timeline.locate(seen.timeline.selection) is not None


async def test_another_run_starts_at_its_own_beginning() -> None:
    """Opening another run does not land in the middle of it."""
    async with stage(80, 24) as seen:
        await seen.show(researched_run().state)
        await seen.press("end")
        other = RunLog("b" * 16, "Which port does Postgres use?", agent=agent_record(plan="off"))
        other.step([Call("a")] * 5)
        await seen.show(other.state)
        assert seen.timeline.scroll_offset.y == 0
        assert seen.timeline.selection == Selection("message", index=0)


async def test_a_fork_opens_where_its_parent_was_read() -> None:
    """Whoever forks keeps looking at the same step."""
    async with stage(80, 24) as seen:
        log = researched_run()
        await seen.show(log.state)
        seen.timeline.select(call("0.1"))
        await seen.pilot.pause()
        forked = log.fork("b" * 16, log.state.steps[0].finished_seq or 0, address="0.1")
        await seen.show(forked.state)
        assert seen.timeline.selection == call("0.1")


async def test_nothing_is_painted_where_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live run that only ticks repaints the rows with timers and bars."""
    async with stage() as seen:
        log = live_run(4)
        now = float(int(log.at)) + 5
        await seen.show(log.state, live=True, now=now)
        drawn: list[int] = []
        draw = Timeline.render_line

        def remembered(self: Timeline, y: int) -> object:
            drawn.append(y)
            return draw(self, y)

        monkeypatch.setattr(Timeline, "render_line", remembered)
        await seen.show(log.state, live=True, now=now + 0.04)
        assert drawn == []
        await seen.show(log.state, live=True, now=now + 0.3)
        assert drawn
        moving = [y for y in set(drawn) if set(draw(seen.timeline, y).text) & set("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏▸")]
        assert sorted(moving) == sorted(set(drawn))


async def test_a_theme_repaints_everything() -> None:
    """Colours follow the theme at once, even where only a mark has another one."""
    async with stage() as seen:
        await seen.show(researched_run().state)
        styles = []
        for name, colour in (("one", "#00ff00"), ("two", "#0000ff")):
            seen.app.register_theme(replace(DEFAULT_THEME, name=name, variables={"wb-ok": colour}))
            seen.app.theme = name
            await seen.pilot.pause()
            await seen.pilot.pause()
            row = seen.timeline.render_line(seen.row_of("PLAN ✓"))
            styles.append(next(segment.style for segment in row if segment.text.startswith("✓")))
        assert [style.color.name for style in styles if style and style.color] == ["#00ff00", "#0000ff"]


@pytest.mark.parametrize("scene", [researched_run, troubled_run, live_run])
async def test_rows_are_as_wide_as_the_timeline(scene: Callable[[], RunLog]) -> None:
    """No row pushes its neighbours aside, in any window."""
    async with stage() as seen:
        await seen.show(scene().state)
        for width in (20, 34, 61, 100, 180):
            await seen.pilot.resize_terminal(width, 30)
            await seen.pilot.pause()
            wide = seen.timeline.scrollable_content_region.width
            assert {seen.timeline.render_line(y).cell_length for y in range(30)} == {wide}


async def test_hostile_text_reaches_no_filter() -> None:
    """What strangers write is harmless before the last net sees it."""
    log = RunLog(task="\x1b]0;owned\x07 \u202eevil [red]x[/red]", agent=agent_record(plan="off"))
    evil = "\x1b[2J\x9b31m\u200b\u202e\r\n\ta"
    log.step([Call(evil, {evil: evil}, evil, progress=evil, attempts=((evil, 0.1, 0.1),))], text=evil, thinking=evil)
    log.answer(evil, [(evil, evil)])
    async with stage() as seen:
        await seen.show(log.state)
        net = SafetyFilter()
        for y in range(28):
            row = list(seen.timeline.render_line(y))
            assert net.apply(row, seen.timeline.background_colors[1]) is row
        assert any("[red]x[/red]" in row for row in seen.rows())
