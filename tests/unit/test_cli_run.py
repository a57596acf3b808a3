"""`workbench run` without a screen: the run as text or JSON, its exit code, what it waits for, its recording."""

from __future__ import annotations

import asyncio
import io
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import QUESTION, Shell, by_step, ctrl_c, use_script
from tests.harness import answer
from workbench.agent.spec import AgentSpec, researcher
from workbench.cli.headless import Headless
from workbench.cli.paper import Paper
from workbench.cli.printers import JsonPrinter
from workbench.cli.workplace import Workplace
from workbench.config.settings import find_places
from workbench.driver.commands import Command, OpenRun, StartRun
from workbench.driver.driver import Driver
from workbench.driver.settings import DriverSettings
from workbench.driver.works import Work
from workbench.errors import PermanentModelError, Retry, TransientModelError
from workbench.events.base import Recorded
from workbench.events.request import Request, Usage
from workbench.events.turn import TurnText
from workbench.interchange.session_file import read_session
from workbench.providers.scripted import Turn
from workbench.state.run_state import RunState
from workbench.tools.declaring import declared_anew, tool
from workbench.tools.library import Library, Notebook


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


@tool(permission="ask")
async def send(text: str) -> str:
    """Send a message."""
    return f"sent {text}"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


def test_a_run_is_told_as_text(shell: Shell) -> None:
    """Without a terminal the question's whole way is printed: plan, steps, calls at once, answer, sources."""
    printed = shell("run", QUESTION)
    lines = printed.out.splitlines()
    assert (printed.code, printed.err) == (0, "")
    assert lines[0] == QUESTION
    assert "offline (rules, not a language model)" in lines[1]
    assert "PLAN ✓ approved" in lines
    assert any(line.startswith("STEP 0 · ") for line in lines)
    assert "  → 0.0 search_docs  context managers" in printed.out
    assert any(" calls ∥ " in line and "(one by one " in line for line in lines)
    assert "ANSWER" in lines
    assert any("::" in line and "“" in line for line in lines)
    run = shell.last()
    steps = shell("show", run, "--json").json["steps"]
    assert lines[-3] == f"answered ({len(steps)} steps)"
    assert lines[-1] == f"look at it with: workbench --db {shell.database} open {run[:8]}"


def test_subagents_are_told_in_lines_of_their_own(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a subagent does stands under the call that it is, and its steps are counted apart."""
    spawn = Turn("Asking.", [("spawn_subagent", {"task": "Find a."})])
    steps = by_step([spawn, answer("done")])

    def script(request: Any) -> Turn:
        is_child = "Find a." in str(request.messages[0].content)
        return (
            by_step([Turn("I look.", [("look", {"word": "a"})]), answer("a")])(request) if is_child else steps(request)
        )

    use_script(monkeypatch, script, [look])
    printed = shell("run", "Delegate.", "--plan", "off")
    assert printed.code == 0
    assert "0.0 │   → 0.0 look  a\n" in printed.out
    assert "0.0 │   ✓ 0.0 " in printed.out
    assert "\nanswered (2 steps; subagents ran 2)\n" in printed.out


def test_json_is_events_and_nothing_else(shell: Shell) -> None:
    """`--json` is for programs: one event a line with its envelope, whole results, and nothing else on stdout."""
    printed = shell("run", "--json", QUESTION)
    events = printed.events
    assert (printed.code, printed.err) == (0, "")
    assert [event["seq"] for event in events] == [event["seq"] for event in shell.log(shell.last())]
    assert all(list(event)[:4] == ["run", "seq", "at", "kind"] for event in events)
    assert {event["kind"] for event in events} >= {"run_started", "plan_proposed", "call_started", "run_finished"}
    assert "turn_text" not in {event["kind"] for event in events}
    started = next(event for event in events if event["kind"] == "call_started")
    assert started["call"].startswith("0.")
    assert started["tool"] == "search_docs"
    assert isinstance(started["input"]["query"], str)
    finished = next(event for event in events if event["kind"] == "call_finished")
    assert "::" in finished["result"][0]["text"]
    end = events[-1]
    assert (end["status"], end["reason"], end["subagent_steps"]) == ("completed", "answered", 0)
    assert end["steps"] > 1
    assert end["answer"]
    assert end["citations"][0]["source"]


def test_json_has_subagents_events_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subagent's events carry its own run and seq, and the event that starts it names it as `child`."""
    spawn = Turn("Asking.", [("spawn_subagent", {"task": "Find a."})])

    def script(request: Any) -> Turn:
        is_child = "Find a." in str(request.messages[0].content)
        return answer("a") if is_child else by_step([spawn, answer("done")])(request)

    use_script(monkeypatch, script)
    events = shell("run", "--json", "--plan", "off", "Delegate.").events
    child = next(event["child"] for event in events if event["kind"] == "subagent_started")
    assert child != events[0]["run"]
    own = [event for event in events if event["run"] == child]
    assert [event["seq"] for event in own] == list(range(len(own)))
    assert own[0]["caller"] == {"run": events[0]["run"], "call": "0.0"}
    assert own[-1]["kind"] == "run_finished"


@pytest.mark.parametrize("streamed", [True, False])
def test_streamed_text_is_printed_when_asked_for(streamed: bool) -> None:
    """Pieces of text that are still streaming are only for those who ask for them."""
    stream = io.StringIO()
    printer = JsonPrinter(Paper(stream), Paper(io.StringIO()), streamed=streamed)
    printer.event(Recorded("a" * 16, 3, 1.0, TurnText(step=0, attempt=0, text="So")), RunState(), is_child=False)
    assert stream.getvalue().count('"kind":"turn_text"') == streamed


def test_a_simple_question_has_no_plan(shell: Shell) -> None:
    """Where there is nothing to plan, no plan is shown."""
    printed = shell("run", "What is a context manager?")
    assert printed.code == 0
    assert "PLAN" not in printed.out


def test_a_plan_that_waits_is_exit_3_with_the_commands(shell: Shell) -> None:
    """`--plan ask` without a screen stops at the plan and prints the very commands that answer it."""
    printed = shell("run", "--plan", "ask", QUESTION)
    name = shell.last()[:8]
    assert printed.code == 3
    assert "The plan waits for you:" in printed.out
    assert "○ 0 SEARCH: context managers" in printed.out
    for answered in ("approve", "skip", "@FILE"):
        assert f"workbench --db {shell.database} resume {name} --plan {answered}" in printed.out
    assert not any(line.startswith("STEP") for line in printed.out.splitlines())


def test_in_json_mode_what_it_waits_for_is_on_stderr(shell: Shell) -> None:
    """A program gets events on stdout; the person beside it gets the sentences on stderr."""
    printed = shell("run", "--json", "--plan", "ask", QUESTION)
    assert printed.code == 3
    assert printed.events[-1]["kind"] == "plan_proposed"
    assert "--plan approve" in printed.err


def test_a_permission_is_exit_3_with_the_commands(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that asks stops a headless run; its sibling has its result, and the commands name the call."""
    use_script(
        monkeypatch,
        by_step([Turn("Both.", [("look", {"word": "a"}), ("send", {"text": "hi"})]), answer()]),
        [look, declared_anew(send, {"preview": lambda arguments: f"- nothing\n+ {arguments['text']}"})],
    )
    printed = shell("run", "--plan", "off", "Send it.")
    assert printed.code == 3
    assert "Call 0.1 send asks for permission" in printed.out
    assert "  | - nothing\n  | + hi\n" in printed.out
    assert "--approve 0.1" in printed.out
    assert "--deny 0.1=REASON" in printed.out
    assert "✓ 0.0 " in printed.out


def test_asks_can_be_denied_beforehand(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--deny-asks` nothing waits: the model is told that the call was denied."""
    use_script(monkeypatch, by_step([Turn("Now.", [("send", {"text": "hi"})]), answer()]), [send])
    printed = shell("run", "--plan", "off", "--deny-asks", "Send it.")
    assert printed.code == 0
    assert "⊘ 0.0 denied" in printed.out


def test_a_limit_is_exit_3_with_the_command(shell: Shell) -> None:
    """A run at its limit is not lost: the command that goes on with a higher one is printed."""
    printed = shell("run", "--max-steps", "1", "--plan", "off", QUESTION)
    assert printed.code == 3
    assert "interrupted: step limit (1 step)" in printed.out
    assert f"resume {shell.last()[:8]} --max-steps 2" in printed.out


def test_a_failed_run_is_exit_1_with_its_error(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went wrong with the model is told, and how to try again."""
    use_script(monkeypatch, by_step([Turn("I", error=RuntimeError("boom"))]))
    printed = shell("run", "--plan", "off", "What?")
    assert printed.code == 1
    assert "boom" in printed.out + printed.err


def test_a_cut_answer_is_told_with_what_mends_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """More tokens, or a word to go on; resumed without either it would only fail again, so that is refused."""
    use_script(monkeypatch, by_step([Turn("A long answer that is", stop_reason="max_tokens"), answer("whole")]))
    printed = shell("run", "--plan", "off", "What?")
    run = shell.last()[:8]
    assert printed.code == 1
    assert "the answer was cut at its limit of 4096 tokens" in printed.out
    assert f"fork {run} --at 0 --param max_tokens=N" in printed.out
    assert f"resume {run} --say 'Go on.'" in printed.out
    assert "would not ask its model again" in shell.refused("resume", "@last")
    assert shell("resume", "@last", "--say", "Go on.").code == 0


def test_a_larger_limit_is_printed_in_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command can be pasted, however large the number is."""
    use_script(monkeypatch, by_step([Turn("Hm.", [("gone", {})], usage=Usage(input_tokens=600_000)), answer()]))
    printed = shell("run", "--max-tokens", "600000", "--plan", "off", "What?")
    assert printed.code == 3
    assert f"resume {shell.last()[:8]} --max-tokens 1200000" in printed.out


def test_retries_are_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt is visible, also in a pipe."""
    tries: list[int] = []

    @tool(read_only=True)
    async def shaky() -> str:
        """Fail once."""
        tries.append(1)
        if len(tries) == 1:
            raise Retry("not yet")
        return "there"

    use_script(monkeypatch, by_step([Turn("Now.", [("shaky", {})]), answer()]), [shaky])
    printed = shell("run", "--plan", "off", "Try.")
    assert printed.code == 0
    assert "↻ 0.0 " in printed.out
    assert "not yet" in printed.out


LONG = (
    "the provider takes no more requests for the moment (429): " + "wait a little, and then ask again, " * 4 + "please."
)


def failing(times: int, *then: Turn) -> Callable[[Request], Turn]:
    """Return a script that fails in passing so often, at once, before it says `then`."""
    turns = iter([*[Turn(error=TransientModelError(LONG, kind="rate_limited", retry_after=0.0))] * times, *then])
    return lambda _: next(turns)


def test_a_retry_of_the_model_is_told_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed in whole, which attempt comes next, and when; a model that is overloaded broke nothing."""
    use_script(monkeypatch, failing(2, answer("now")))
    printed = shell("run", "--plan", "off", "Try.")
    told = " ".join(printed.out.split())
    assert printed.code == 0
    assert told.count("takes no more requests") == 2
    assert f"↻ {LONG.rstrip('.')}; attempt 2 of 5 in 0 ms ↻" in told
    assert "; attempt 3 of 5 in " in told
    assert "broken" not in told
    assert max(map(len, printed.out.splitlines()[:-1])) <= 100


def test_a_turn_that_is_given_up_is_told_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last attempt the error stands at the end, in whole; a resumed run counts its attempts anew."""
    use_script(monkeypatch, failing(10))
    printed = shell("run", "--plan", "off", "Try.")
    again = shell("resume", "@last")
    for failed in (printed, again):
        told = " ".join(failed.out.split())
        assert failed.code == 1
        assert told.count("takes no more requests") == 5
        assert "attempt 5 of 5" in told
        assert f"turn given up after 5 attempts {LONG} failed (0 steps)" in told


def test_a_subagents_turn_that_failed_says_why(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else tells it in whole: its caller only has the beginning."""
    spawn = Turn("Asking.", [("spawn_subagent", {"task": "Find a."})])

    def script(request: Any) -> Turn:
        if "Find a." in str(request.messages[0].content):
            return Turn(error=PermanentModelError(LONG, kind="bad_request"))
        return by_step([spawn, answer("done")])(request)

    use_script(monkeypatch, script)
    printed = shell("run", "--plan", "off", "Delegate.")
    below = [line.removeprefix("0.0 │ ") for line in printed.out.splitlines() if line.startswith("0.0 │ ")]
    assert f"turn given up: {LONG}" in " ".join(" ".join(below).split())


def test_sequential_says_so(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--sequential` runs calls one by one and claims nothing else."""
    turn = Turn("Both.", [("look", {"word": "a"}), ("look", {"word": "b"})])
    use_script(monkeypatch, by_step([turn, answer()]), [look])
    printed = shell("run", "--sequential", "--plan", "off", "Look.")
    assert "2 calls one by one " in printed.out
    assert "∥" not in printed.out


def test_settings_hold_where_nothing_was_typed(
    shell: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The settings file changes the defaults, an option wins over it, and a wrong key stops everything."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "workbench").mkdir()
    settings = tmp_path / "workbench" / "settings.toml"
    settings.write_text('max_steps = 1\nplan = "off"\n')
    assert shell("run", QUESTION).code == 3
    assert shell("run", "--max-steps", "20", QUESTION).code == 0
    settings.write_text("max_stesp = 1\n")
    assert "did you mean 'max_steps'?" in shell.refused("run", QUESTION)


# Recording.


def test_a_recording_is_what_an_export_would_be(shell: Shell, tmp_path: Path) -> None:
    """`--record` leaves the file that `export` would write for this run, subagents included."""
    path = tmp_path / "x.jsonl"
    assert shell("run", "--record", str(path), "Compare generators and coroutines").code == 0
    assert path.read_text() == shell("export", "@last").out
    assert len(read_session(path).runs) == 3


def test_a_recording_that_cannot_be_made_stops_the_run(shell: Shell, tmp_path: Path) -> None:
    """A wrong file name is told before anything is spent."""
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    assert "is not a session file; choose another name" in shell.refused("run", "--record", str(notes), QUESTION)
    assert "there is no folder" in shell.refused("run", "--record", str(tmp_path / "no" / "x"), QUESTION)
    assert notes.read_text() == "mine"
    assert not shell.database.exists()


# Ctrl-C.


def test_ctrl_c_pauses_and_says_how_to_go_on(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first Ctrl-C stops the run where it is: exit 130, one sentence, and the run can be resumed."""

    press = ctrl_c(monkeypatch)

    presses: list[int] = []

    @tool(read_only=True)
    async def hang() -> str:
        """Press Ctrl-C, and never come back; the second time come back."""
        presses.append(1)
        if len(presses) == 1:
            await press()
            await asyncio.Event().wait()
        return ""

    turns = [Turn("First.", [("look", {"word": "a"})]), Turn("Now.", [("hang", {})]), answer()]
    use_script(monkeypatch, by_step(turns), [look, hang])
    path = tmp_path / "x.jsonl"
    printed = shell("run", "--plan", "off", "--record", str(path), "Look.")
    run = shell.last()
    assert printed.code == 130
    last = printed.out.splitlines()[-1]
    assert last == f"Interrupted at step 1. Run {run[:8]}; go on with: workbench --db {shell.database} resume {run[:8]}"
    shown = shell("show", run, "--json").json
    assert (shown["status"], shown["reason"]) == ("interrupted", "paused")
    assert shown["steps"][1]["calls"][0]["status"] == "interrupted"
    assert path.read_text() == shell("export", run).out
    assert "  goes on at step 1" in shell("resume", run).out.splitlines()


@pytest.mark.parametrize("during", [StartRun, OpenRun])
def test_ctrl_c_as_the_run_begins_pauses_it(shell: Shell, monkeypatch: pytest.MonkeyPatch, during: type) -> None:
    """Pressed when the run moves already and nobody follows it yet, it stops the run like later, with the sentence."""
    submit, listen, asked = Driver.submit, Headless._listen, list[Future[Any]]()

    def submitted(driver: Driver, command: Command) -> Future[Any]:
        answer = submit(driver, command)
        if isinstance(command, during) and not pressed:
            asked.append(answer)
        return answer

    def listening(headless: Headless) -> None:
        listen(headless)
        if asked and not pressed:
            asked[0].result()
            pressed.append(1)
            headless._press(signal.SIGINT, None)

    @tool(read_only=True)
    async def hang() -> str:
        """Never come back."""
        await asyncio.Event().wait()
        return ""

    pressed: list[int] = []
    monkeypatch.setattr(Driver, "submit", submitted)
    monkeypatch.setattr(Headless, "_listen", listening)
    use_script(monkeypatch, by_step([Turn("Now.", [("hang", {})]), answer()]), [hang])
    printed = shell("run", "--plan", "off", "Look.")
    assert printed.code == 130
    assert "go on with: workbench" in printed.out.splitlines()[-1]
    assert shell("show", "@last", "--json").json["reason"] == "paused"


def test_a_second_ctrl_c_leaves_at_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """An effectful call that does not end holds nobody up: the second Ctrl-C leaves it behind."""

    press = ctrl_c(monkeypatch)

    @tool
    async def act() -> str:
        """Press Ctrl-C twice, and go on for ever."""
        await press()
        await press()
        await asyncio.Event().wait()
        return ""

    use_script(monkeypatch, by_step([Turn("Now.", [("act", {})]), answer()]), [act])
    printed = shell("run", "--plan", "off", "Act.")
    assert printed.code == 130
    # On a busy machine both presses can come before anything was told.
    assert not printed.out or printed.out.splitlines()[-1].startswith("Interrupted at step 0. Run ")
    shown = shell("show", "@last", "--json").json
    assert shown["status"] != "completed"


def test_the_handler_of_ctrl_c_is_put_back(shell: Shell) -> None:
    """A program that calls the workbench keeps its own way with Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    shell("run", "What is a context manager?")
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_run_began_gives_it_up(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """While documents are being indexed Ctrl-C ends the command, with nothing printed on stdout."""
    press = ctrl_c(monkeypatch)

    def make_agent(library: Library, notebook: Notebook, path: str | None) -> AgentSpec:
        asyncio.run_coroutine_threadsafe(press(), loop).result()
        return researcher(library, notebook, path)

    def settings(place: Workplace) -> DriverSettings:
        return DriverSettings(database=place.database, cache=place.places.cache, make_agent=make_agent)

    monkeypatch.setattr(Workplace, "driver_settings", settings)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    printed = shell("run", "What is a context manager?")
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert (printed.code, printed.out, printed.err) == (130, "", "")


def test_ctrl_c_while_indexing_leaves_nothing_half_written(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was indexed so far is removed before the command ends, and no run begins."""
    press = ctrl_c(monkeypatch)
    tell, pressed = Work.tell, list[int]()
    loop = asyncio.new_event_loop()
    (tmp_path / "docs").mkdir()
    for number in range(9):
        (tmp_path / "docs" / f"{number}.md").write_text(f"# Part {number}\n\nmarmalade")

    def telling(work: Work, done: int, total: int) -> None:
        pressed.append(done)
        if len(pressed) == 1:
            loop.run_until_complete(press())
            work._is_given_up.wait()
        tell(work, done, total)

    monkeypatch.setattr(Work, "tell", telling)
    printed = shell("run", "--docs", str(tmp_path / "docs"), "What is marmalade?")
    loop.close()
    cache = find_places(str(shell.database)).cache
    assert (printed.code, printed.out) == (130, "")
    assert not list(cache.glob("*.tmp"))
    assert shell.runs() == []
