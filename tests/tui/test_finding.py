"""Finding and filtering in the run on the screen, by keys."""

from __future__ import annotations

from pathlib import Path

from tests.builders import Call, RunLog, agent_record, live_run, long_run, researched_run, subagents_run
from tests.harness import Rig, answer
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, driven, select, stage
from workbench.driver.commands import FindInResults, PauseRun, StartRun
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.dialogs.filter import FilterDialog
from workbench.tui.dialogs.question import QuestionDialog
from workbench.tui.widgets.field import Tick
from workbench.tui.widgets.find_line import FindLine
from workbench.tui.widgets.inspector import Inspector
from workbench.tui.widgets.timeline import Timeline
from workbench.views.selection import Selection


def found(acted: Stage) -> str:
    """Return what the line says that was found."""
    return str(acted.main.query_one("#find-found").render())


def call(name: str) -> Selection:
    """Return what names a call."""
    return Selection("call", step=int(name.partition(".")[0]), call=name)


async def find(acted: Stage, text: str, says: str = "") -> None:
    """Look for a text, and go to its hits."""
    await acted.press("/")
    await acted.write(text)
    await acted.press("enter")
    await acted.until(lambda: found(acted) and "results" not in found(acted), found(acted))
    assert says in found(acted)


def marked(widget: Timeline | Inspector) -> list[str]:
    """Return the texts that a widget draws as hits."""
    colour = widget.app.theme_variables["wb-match"].lower()
    height = widget.scrollable_content_region.height
    pieces = [piece for y in range(height) for piece in widget.render_line(y)]
    return [
        piece.text
        for piece in pieces
        if piece.style and piece.style.bgcolor and piece.style.bgcolor.name.lower() == colour
    ]


# Finding


async def test_a_place_is_found_by_its_name() -> None:
    """`step 7` and `7.1` go there, whatever else has these letters, and what is there can be edited at once."""
    log = RunLog(agent=agent_record(plan="off"))
    for number in range(12):
        log.step([Call("look", {"at": f"step 7 and 7.{lane}"}, f"{number}.{lane}") for lane in range(2)])
    async with stage(FakeDriver(log)) as acted:
        await find(acted, "step 7", "its place")
        assert acted.main.selection == Selection("step", step=7)
        await acted.press("enter")
        await find(acted, "7.1", "its place")
        assert acted.main.selection == call("7.1")
        await acted.press("e")
        await acted.opens(EditDialog)


async def test_hits_are_marked_while_one_types() -> None:
    """Each letter finds at once, and the cursor is on the first hit."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("/")
        await acted.write("pg_hba")
        await acted.until(lambda: acted.main.timeline.selection == Selection("plan_step", index=0))
        assert "pg_hba" in marked(acted.main.timeline)
        await acted.shows("1/1  plan")


async def test_n_goes_from_hit_to_hit_and_around() -> None:
    """n and N walk the hits in the order of the timeline; beyond the last comes the first, and the line says so."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        await find(acted, "prepared statements", "1/4  task")
        hits = [
            Selection("message", index=0),
            Selection("plan_step", index=1),
            call("0.1"),
            Selection("answer"),
        ]
        for number, hit in enumerate(hits, 1):
            assert f"{number}/4" in found(acted)
            assert "other end" not in found(acted)
            assert acted.main.timeline.selection == hit
            await acted.press("n")
        assert "1/4  task  from the other end" in found(acted)
        await acted.press("N")
        assert acted.main.timeline.selection == hits[-1]
        await acted.press("N")
        assert acted.main.timeline.selection == hits[-2]


async def test_results_are_found_whole() -> None:
    """What stands far down in a result is found, told on its lane, and shown in the inspector."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("fetch", {"n": 1}, "nothing"), Call("fetch", {"n": 2}, "line\n" * 900 + "the needle is here")])
    log.answer("done")
    async with stage(FakeDriver(log), size=(150, 40)) as acted:
        await find(acted, "needle", "1/1  result")
        assert acted.main.timeline.selection == call("0.1")
        assert " result " in marked(acted.main.timeline)
        inspector = acted.main.query_one(Inspector)
        await acted.until(lambda: "needle" in marked(inspector), "the hit is not in view")


async def test_capitals_count_once_there_are_some() -> None:
    """Small letters find both, a capital is meant."""
    log = RunLog(task="Pool and pool", agent=agent_record(plan="off"))
    log.step(text="pool")
    async with stage(FakeDriver(log)) as acted:
        await find(acted, "pool", "/2")
        await find(acted, "Pool", "1/1")


async def test_escape_returns_to_the_place_and_n_asks_again() -> None:
    """Leaving gives back the place and the key n; nothing stays marked."""
    log = researched_run()
    async with stage(FakeDriver(log), size=(120, 30)) as acted:
        await select(acted, call("0.2"))
        top = acted.main.timeline.scroll_offset.y
        await find(acted, "PgBouncer tracks")
        await acted.until(lambda: acted.main.timeline.selection != call("0.2"))
        await acted.press("escape")
        assert acted.main.timeline.selection == call("0.2")
        assert acted.main.timeline.scroll_offset.y == top
        assert not acted.main.query_one(FindLine).is_shown
        assert not marked(acted.main.timeline)
        await acted.press("n")
        await acted.opens(QuestionDialog)


async def test_escape_while_typing_returns_too() -> None:
    """Whoever changes their mind is where they were."""
    async with stage(FakeDriver(researched_run())) as acted:
        await select(acted, call("0.0"))
        await acted.press("/")
        await acted.write("answer")
        await acted.press("escape")
        assert acted.main.timeline.selection == call("0.0")
        assert acted.main.timeline.has_focus


async def test_enter_stays_at_the_hit() -> None:
    """Whoever found it stays there, and goes on from there."""
    async with stage(FakeDriver(researched_run())) as acted:
        await find(acted, "feature map", "1/1")
        await acted.press("enter")
        assert acted.main.timeline.selection == call("0.2")
        assert not acted.main.query_one(FindLine).is_shown
        await acted.press("enter")
        assert acted.main.panes.current == "inspector"


async def test_nothing_found_says_so() -> None:
    """The cursor stays where it is."""
    async with stage(FakeDriver(researched_run())) as acted:
        await select(acted, call("0.1"))
        await find(acted, "zebra", "not found")
        await acted.press("n")
        assert acted.main.timeline.selection == call("0.1")


async def test_what_was_looked_for_before_comes_back() -> None:
    """Up in the line brings earlier searches; an empty one leaves."""
    async with stage(FakeDriver(researched_run())) as acted:
        await find(acted, "pool")
        await find(acted, "session")
        await acted.press("escape", "/", "up", "up")
        assert acted.main.query_one(FindLine).line.value == "pool"
        await acted.press("down")
        assert acted.main.query_one(FindLine).line.value == "session"
        acted.main.query_one(FindLine).line.value = ""
        await acted.press("enter")
        assert not acted.main.query_one(FindLine).is_shown


async def test_new_events_extend_the_hits() -> None:
    """A live run brings more hits while one walks through them, and the cursor stays on its own."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await find(acted, "two separate", "1/1")
        here = acted.main.timeline.selection
        since = len(log.records)
        log.say("Two separate questions, really.")
        driver.publish(log, since)
        await acted.until(lambda: "1/2" in found(acted), found(acted))
        assert acted.main.timeline.selection == here


async def test_a_run_is_driven_while_one_finds() -> None:
    """The keys of the run go on to work; only n and N mean something else."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await find(acted, "modes")
        await acted.press("space")
        await acted.gives(driver, [PauseRun(log.run)])


async def test_finding_looks_at_the_moment_that_is_shown() -> None:
    """In the past only what had happened is found."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        await find(acted, "PgBouncer tracks", "1/1")
        await acted.press("{")
        await acted.until(lambda: "not found" in found(acted), found(acted))
        await acted.press("end")
        await acted.until(lambda: "1/1" in found(acted), found(acted))


async def test_opening_another_run_ends_finding() -> None:
    """What was looked for belongs to its run."""
    log, other = researched_run(), RunLog("5d00aa11bb22cc33", "What is a decorator?")
    async with stage(FakeDriver(log, other), run=log.run) as acted:
        await find(acted, "pool")
        await acted.press("1", "home", "enter")
        await acted.until(lambda: acted.watched.run == other.run)
        assert not acted.main.query_one(FindLine).is_shown


async def test_a_long_run_is_searched_in_batches_that_are_shown() -> None:
    """Thousands of results are looked into some at a time; how far that is stands in the line."""
    log = RunLog(agent=agent_record(plan="off"))
    log.records = long_run(700, 2)
    driver = FakeDriver(log)
    asked: list[int] = []
    said: list[str] = []
    async with stage(driver) as acted:
        answer_of = driver._answer

        def counted(command: object) -> object:
            if isinstance(command, FindInResults):
                asked.append(len(command.refs))
                said.append(found(acted))
            return answer_of(command)  # type: ignore[arg-type]

        driver._answer = counted  # type: ignore[method-assign]
        await acted.press("/")
        acted.main.query_one(FindLine).line.value = "topic-699::1"
        await acted.until(lambda: "1/1" in found(acted) and "results" not in found(acted))
        assert sum(asked) >= 1401
        assert max(asked) <= 512
        assert any("results 512/1,4" in line for line in said)


async def test_a_real_driver_finds_in_what_it_stored(tmp_path: Path) -> None:
    """The whole way: typed on the screen, found in the database, marked on the screen."""

    @tool(read_only=True)
    async def look() -> str:
        """Look."""
        return "first\n" + "hay\n" * 50 + "needle"

    with Rig(tmp_path, [Turn(calls=[("look", {})]), answer("done")], [look]) as rig:
        async with stage(rig.driver, start=StartRun("What?")) as acted:
            await acted.until(lambda: acted.main.bridge.watched and acted.watched.history.live.end is not None)
            await acted.press("/")
            await acted.write("needle")
            await acted.until(lambda: "1/1  result" in found(acted), found(acted))
            assert acted.main.timeline.selection == call("0.0")


# Showing only some calls


async def test_a_filter_is_chosen_named_and_taken_away() -> None:
    """F asks for tools and kinds; the frame names the choice; F or Esc shows all again."""
    log = researched_run()
    async with stage(FakeDriver(log)) as acted:
        for away in ("F", "escape"):
            await acted.press("F")
            dialog: FilterDialog = await acted.opens(FilterDialog)
            assert str(dialog.query(Tick).first().label).split() == ["search_docs", "2"]
            await acted.press("down", "space", "enter")
            await acted.closes()
            await acted.shows("filter: fetch_doc · F shows all")
            await acted.shows("2 more calls hidden by the filter")
            await acted.shows("1 step hidden by the filter")
            assert acted.shown().count("╭ search_docs") == 0
            await acted.press(away)
            await acted.until(lambda: "hidden by the filter" not in acted.shown())
            assert acted.shown().count("╭ search_docs") == 2


async def test_several_choices_hold_together() -> None:
    """Tools are one or the other, kinds are required beside them."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a"), Call("a", {}, "boom", is_error=True), Call("b"), Call("c", {}, "bang", is_error=True)])
    async with stage(FakeDriver(log)) as acted:
        await acted.press("F")
        dialog: FilterDialog = await acted.opens(FilterDialog)
        labels = [str(tick.label).split()[0] for tick in dialog.query(Tick)]
        assert labels == ["a", "b", "c", "errors"]
        await acted.press("space", "up", "up", "space", "down", "space", "enter")
        await acted.closes()
        chosen = acted.main.timeline.chosen
        assert chosen is not None
        assert str(chosen) == "a, c, errors"
        shown = [name for name in ("0.0", "0.1", "0.2", "0.3") if acted.main.timeline.place_of(call(name))[0] >= 0]
        assert shown == ["0.1", "0.3"]


async def test_leaving_the_dialog_changes_nothing() -> None:
    """Esc shows all calls as before."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("F")
        await acted.opens(FilterDialog)
        await acted.press("space", "escape")
        await acted.closes()
        assert acted.main.timeline.chosen is None


async def test_finding_says_what_the_filter_hides() -> None:
    """A hit that is not shown is counted, and n does not go there."""
    async with stage(FakeDriver(researched_run())) as acted:
        await acted.press("F")
        await acted.opens(FilterDialog)
        await acted.press("down", "enter")
        await acted.closes()
        await find(acted, "pgbouncer-")
        assert "hidden by the filter" in found(acted)
        for _ in range(4):
            await acted.press("n")
            assert acted.main.timeline.place_of(acted.main.timeline.selection)[0] >= 0
            assert acted.main.timeline.selection not in (call("0.0"), call("0.1"))


async def test_a_subagent_opens_without_its_callers_filter() -> None:
    """A filter names tools of its own run."""
    log, children = subagents_run()
    async with stage(FakeDriver(log, *children), run=log.run) as acted:
        await acted.press("F")
        await acted.opens(FilterDialog)
        await acted.press("enter")
        await acted.closes()
        await select(acted, call("0.0"))
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == children[0].run)
        assert acted.main.timeline.chosen is None


async def test_a_run_without_calls_has_nothing_to_filter() -> None:
    """A key that cannot do anything says why."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step(text="Nothing to look up.")
    async with stage(FakeDriver(log)) as acted:
        await acted.press("F")
        await acted.until(lambda: "This run has no calls yet." in acted.notices)
