"""The public `Agent`: runs without a screen, in memory and in a store, with events beside, approvals, and errors."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
import weakref
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

import workbench
from tests import user_program
from tests.fork_kit import everything_said
from tests.harness import WAIT, answer
from workbench import Agent, AgentError, RunResult, Store, ToolError, UserError, WaitingCall, tool
from workbench.api import memory
from workbench.api.result import result_of
from workbench.errors import StoreError
from workbench.events.call import CallFinished
from workbench.events.request import AssistantMessage, Request
from workbench.events.run import RunFinished, RunStarted
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.run_state import RunState


@tool(read_only=True)
async def look(city: str) -> str:
    """Look at the weather of a city."""
    return f"rain in {city}"


@tool(permission="ask")
def send(text: str) -> str:
    """Send a text."""
    return f"sent {text}"


def answering(*calls: tuple[str, dict[str, Any]]) -> ScriptedProvider:
    """Return a model that asks for calls once and then answers."""
    return ScriptedProvider([Turn("first", calls), Turn("", [("submit_answer", {"answer": "done"})])])


def agent(*calls: tuple[str, dict[str, Any]], **options: Any) -> Agent:
    """Return an agent with two tools and a scripted model."""
    return Agent(model=answering(*calls), tools=[look, send], **options)


PROGRAM = Path(user_program.__file__).read_text("utf-8")
PLACES = pytest.mark.parametrize("kept", [False, True], ids=["in memory", "in a store"])


def place(kept: bool, folder: Path) -> Path | None:
    """Return where the run is kept."""
    return folder / "runs.db" if kept else None


@PLACES
async def test_a_run_gives_its_answer(kept: bool, tmp_path: Path) -> None:
    """Answer, status, id and usage are there, and the tool was called."""
    result = await agent(("look", {"city": "Oslo"})).run("What is the weather?", store=place(kept, tmp_path))
    assert (result.answer, result.status, result.reason) == ("done", "completed", "answered")
    assert result.is_completed
    assert (result.usage.input_tokens, result.steps, len(result.run_id) > 7) == (20, 2, True)
    call = result.state.call("0.0")
    assert call is not None
    assert call.result is not None
    assert call.result.first_line == "rain in Oslo"


@PLACES
async def test_the_events_come_beside_the_result(kept: bool, tmp_path: Path) -> None:
    """Each event once, in order, from the start of the run to its end; then the result needs no waiting."""
    running = agent(("look", {"city": "Oslo"})).stream("What?", store=place(kept, tmp_path))
    events = [record async for record in running]
    assert [record.seq for record in events] == list(range(len(events)))
    assert isinstance(events[0].event, RunStarted)
    assert isinstance(events[-1].event, RunFinished)
    assert any(isinstance(record.event, CallFinished) for record in events)
    assert (await running).answer == "done"


@PLACES
async def test_an_approval_is_asked_for_and_counts(kept: bool, tmp_path: Path) -> None:
    """What the function allows runs, what it denies is a result that says so; it may be async."""
    asked: list[WaitingCall] = []

    async def approve(call: WaitingCall) -> bool:
        asked.append(call)
        return call.input["text"] == "yes"

    both = agent(("send", {"text": "yes"}), ("send", {"text": "no"}))
    result = await both.run("Send.", store=place(kept, tmp_path), approve=approve)
    assert [(call.call, call.tool) for call in asked] == [("0.0", "send"), ("0.1", "send")]
    outcomes = {call.id: call.outcome for call in result.state.steps[0].asked_calls}
    assert (result.status, outcomes) == ("completed", {"0.0": "ok", "0.1": "denied"})


@PLACES
async def test_without_anybody_to_ask_the_run_rests(kept: bool, tmp_path: Path) -> None:
    """The result says which call waits, and why."""
    result = await agent(("send", {"text": "x"})).run("Send.", store=place(kept, tmp_path))
    assert (result.status, result.reason, result.answer) == ("awaiting_approval", "permission", None)
    assert [(call.call, call.tool, call.input) for call in result.waiting] == [("0.0", "send", {"text": "x"})]


@PLACES
@pytest.mark.parametrize("answers", [True, False])
async def test_a_subagent_asks_through_its_caller(kept: bool, answers: bool, tmp_path: Path) -> None:
    """What a subagent asks is answered as what its caller asks; with nobody there it is denied, and nothing hangs."""

    def turn(request: Request) -> Turn:
        is_child = "Send it." in str(request.messages[0])
        turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if is_child and not turns:
            return Turn("", [("send", {"text": "hi"})])
        if not turns:
            return Turn("", [("spawn_subagent", {"task": "Send it."})])
        return Turn("", [("submit_answer", {"answer": str(request.messages[-1])})])

    asked: list[WaitingCall] = []

    def approve(call: WaitingCall) -> bool:
        asked.append(call)
        return True

    one = Agent(model=ScriptedProvider(turn), tools=[send], subagents=True)
    result = await one.run("Go.", store=place(kept, tmp_path), approve=approve if answers else None)
    assert result.status == "completed"
    assert result.answer is not None
    assert ("sent hi" in result.answer) == answers
    assert ("denied" in result.answer) != answers
    assert [call.run != result.run_id for call in asked] == [True] * answers


async def test_a_run_in_a_store_goes_on_later(tmp_path: Path) -> None:
    """What waited is answered in another process' time, with the agent's own tools; then it can be asked further."""
    database = tmp_path / "runs.db"
    one = agent(("send", {"text": "x"}))
    first = await one.run("Send.", store=database)
    went_on = await one.resume(first.run_id[:8], store=database, approve=lambda call: True)
    assert (went_on.run_id, went_on.answer) == (first.run_id, "done")
    further = await agent(("look", {"city": "Rome"})).resume(first.run_id, store=database, say="And Rome?")
    assert further.run_id != first.run_id
    assert (further.answer, further.steps) == ("done", 4)


async def test_a_subagent_that_goes_on_can_ask(tmp_path: Path) -> None:
    """A subagent that was interrupted with its caller, and asks for permission after both were resumed, is answered."""
    began, asked = asyncio.Event(), list[str]()

    @tool(read_only=True)
    async def hold() -> str:
        if not began.is_set():
            began.set()
            await asyncio.Event().wait()
        return "held"

    def script(request: Request) -> Turn:
        said = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if not everything_said(request).startswith("task"):
            return Turn(calls=[("spawn_subagent", {"task": "task"})]) if said == 0 else answer("done")
        return [Turn(calls=[("hold", {})]), Turn(calls=[("send", {"text": "x"})]), answer("sent")][said]

    def approve(call: WaitingCall) -> bool:
        asked.append(call.tool)
        return True

    one = Agent(model=ScriptedProvider(script), tools=[hold, send], subagents=True, subagent="")
    async with Store(tmp_path / "runs.db") as store, asyncio.timeout(WAIT):
        running = one.stream("What?", store=store)
        task = asyncio.ensure_future(running)
        await began.wait()
        await running.stop()
        ended = await one.resume((await task).run_id, store=store, approve=approve)
    assert (ended.answer, asked) == ("done", ["send"])


async def test_many_runs_share_a_store(tmp_path: Path) -> None:
    """Runs at the same time write to one database, opened once by its path or by the caller."""
    database = tmp_path / "runs.db"
    results = await asyncio.gather(*(agent(("look", {"city": str(n)})).run("?", store=database) for n in range(5)))
    assert {result.answer for result in results} == {"done"}
    async with Store(database) as store:
        again = await asyncio.gather(*(agent(("look", {"city": "x"})).run("?", store=store) for _ in range(3)))
        rows = await store.session.rows.listed(hidden=False)
    assert {row.id for row in rows} == {result.run_id for result in (*results, *again)}


async def test_a_store_does_not_keep_the_agents_of_its_runs(tmp_path: Path) -> None:
    """A program may make one for each question; a run that goes on names its agent again."""
    kept = []
    async with Store(tmp_path / "runs.db") as store:
        for _ in range(2):
            asked = agent(("send", {"text": "x"}))
            run = (await asked.run("?", store=store)).run_id
            assert (await asked.resume(run, store=store, approve=lambda _: True)).answer == "done"
            kept.append(weakref.ref(asked))
            del asked
        gc.collect()
        assert [one() for one in kept] == [None, None]


@pytest.mark.parametrize("on_thread", [False, True])
async def test_a_run_in_memory_leaves_nothing_to_be_cleared_away(*, on_thread: bool) -> None:
    """Its state, and those of its subagents, go with it: a program that begins many runs does not grow until Python
    looks for garbage.
    """

    async def waiting() -> str:
        return "seen"

    def blocking() -> str:
        return "seen"

    look = tool(blocking if on_thread else waiting, name="look", read_only=True)
    script = [Turn("", [("spawn_subagent", {"task": "t"}), ("look", {})]), answer("seen"), answer("done")]
    alive: list[weakref.ref[Any]] = []
    gc.collect()
    gc.disable()
    try:
        async for record in Agent(model=ScriptedProvider(script), tools=[look], subagents=True).stream("?"):
            alive.append(weakref.ref(record.event))
        del record
        for _ in range(100):  # the thread of a tool may not have come to its end yet
            await asyncio.to_thread(lambda: None)
        assert len(alive) > 8
        assert not [reference() for reference in alive if reference() is not None]
    finally:
        gc.enable()


async def test_a_shared_store_is_reached_in_one_way(tmp_path: Path) -> None:
    """A second run that says how providers are reached is refused where the first said it otherwise."""
    database, gate = tmp_path / "runs.db", asyncio.Event()
    waits = ScriptedProvider([Turn("done", gate=gate)])
    running = Agent(model=waits).stream("?", store=database)
    await anext(aiter(running))  # it has begun
    first = asyncio.ensure_future(running._result())
    elsewhere = {"anthropic": workbench.Endpoint(base_url="http://127.0.0.1:9")}
    with pytest.raises(UserError, match="is open with other endpoints"):
        await agent().run("?", store=database, endpoints=elsewhere)
    gate.set()
    assert (await first).answer == "done"


@PLACES
async def test_cancelling_who_waits_stops_the_run(kept: bool, tmp_path: Path) -> None:
    """The tool is cancelled too, and a run in a store is left where it can be resumed."""
    began, ended = asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def wait() -> str:
        """Wait for ever."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    model = ScriptedProvider([Turn("", [("wait", {})])])
    running = Agent(model=model, tools=[wait]).stream("?", store=place(kept, tmp_path))
    task = asyncio.ensure_future(running._result())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


@PLACES
async def test_an_error_of_who_approves_stops_the_run(kept: bool, tmp_path: Path) -> None:
    """Nobody could answer its calls any more, so nothing of it goes on behind the back of the program."""
    began, ended = asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def wait() -> str:
        """Wait for ever."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    async def approve(call: WaitingCall) -> bool:
        await began.wait()
        raise ValueError(call.tool)

    model = answering(("wait", {}), ("send", {"text": "x"}))
    async with Store(tmp_path / "runs.db") as store:
        with pytest.raises(ValueError, match="send"):
            await Agent(model=model, tools=[wait, send]).run("?", store=store if kept else None, approve=approve)
        assert ended.is_set()
        assert not any(live.is_moving for live in store.session.live.values())


async def test_stopping_a_run_in_memory_stops_the_effects_of_its_subagents() -> None:
    """As in a store: at once means at once, below as well."""
    began, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def act() -> str:
        """Act for ever."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    script = [Turn("", [("spawn_subagent", {"task": "t"})]), Turn("", [("act", {})])]
    running = Agent(model=ScriptedProvider(script), tools=[act], subagents=True).stream("?")
    result = asyncio.ensure_future(running._result())
    await began.wait()
    await running.stop()
    async with asyncio.timeout(30):
        assert (await result).reason == "paused"
    assert ended.is_set()


@PLACES
async def test_a_run_that_is_stopped_before_it_began_rests(kept: bool, tmp_path: Path) -> None:
    """It begins, so that it can be resumed, and comes to no answer."""
    running = agent().stream("?", store=place(kept, tmp_path))
    result = asyncio.ensure_future(running._result())
    await running.stop()
    async with asyncio.timeout(30):
        assert (await result).reason == "paused"


async def test_what_does_not_stop_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that looks at the answer takes its time: nobody who stops the run waits for that."""
    monkeypatch.setattr(memory, "STOP_SECONDS", 0.01)
    began = asyncio.Event()

    class Slow(workbench.Hooks):
        async def after_run(self, answer: Any) -> None:
            began.set()
            await asyncio.Event().wait()

    running = agent(hooks=[Slow()]).stream("?")
    result = asyncio.ensure_future(running._result())
    await began.wait()
    await running.stop()
    async with asyncio.timeout(30):
        assert (await result).reason == "paused"


async def test_who_iterates_again_does_not_wait() -> None:
    """The events of a run are given once."""
    running = agent().stream("?")
    first = [record async for record in running]
    async with asyncio.timeout(30):
        assert (bool(first), [record async for record in running]) == (True, [])


async def test_a_database_that_cannot_be_written_any_more_is_an_error(tmp_path: Path) -> None:
    """No result could say it: what happened is in no log."""

    async def full(*_: Any, **__: Any) -> None:
        raise StoreError("the disk is full")

    async with Store(tmp_path / "runs.db") as store:

        @tool(read_only=True)
        async def fill() -> str:
            """Fill the disk."""
            store.session.store.append = full  # type: ignore[method-assign]
            return "full"

        with pytest.raises(StoreError, match="stopped and can be resumed: the disk is full"):
            await Agent(model=answering(("fill", {})), tools=[fill]).run("?", store=store)


class Booking(BaseModel):
    """An answer that JSON can hold only in other words."""

    model_config = ConfigDict(strict=True)
    day: date
    places: tuple[int, int]


async def test_an_answer_is_read_as_it_was_judged() -> None:
    """A strict model takes from JSON what it would not take from Python."""
    given = {"day": "2026-09-21", "places": [1, 2]}
    model = ScriptedProvider([Turn("", [("submit_answer", given)])])
    result = await Agent(model=model, output=Booking).run("?")
    assert result.output == Booking(day=date(2026, 9, 21), places=(1, 2))


def test_an_answer_that_its_class_does_not_take_is_an_object() -> None:
    """It was accepted under another form: that is no reason to lose it."""
    state = RunState(end=("completed", "answered"), output={"day": "tomorrow"})
    assert result_of(state, Booking).output == {"day": "tomorrow"}


async def test_what_tools_and_models_do_wrong_is_part_of_the_result() -> None:
    """A failing tool is a result for the model; a failing model ends the run as failed; nothing is raised."""

    @tool
    def fails() -> str:
        """Fail."""
        raise ToolError("no luck")

    model = ScriptedProvider([Turn("", [("fails", {})])])
    result = await Agent(model=model, tools=[fails]).run("?")
    assert (result.status, result.reason) == ("failed", "error")
    assert result.error is not None
    assert "the script has 1 turns" in result.error
    call = result.state.call("0.0")
    assert call is not None
    assert call.result is not None
    assert call.result.first_line == "no luck"


async def test_what_cannot_begin_is_raised(tmp_path: Path) -> None:
    """An empty question, a model that nobody knows, a file that is not there; nothing is written."""
    with pytest.raises(UserError, match="the question is empty"):
        await agent().run("  ")
    with pytest.raises(UserError, match="there is no model 'nobody:x'"):
        await Agent(model="nobody:x").run("?")
    with pytest.raises(UserError, match="not-there"):
        async for _ in agent().stream("?", attach=[tmp_path / "not-there.png"]):
            pass


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tools": [3]}, "3 is no tool"),
        ({"tools": ["serach"]}, "there is no built-in tool 'serach'"),
        ({"tools": look}, "tools is a list"),
        ({"tools": [look, look]}, "two tools are named 'look'"),
        ({"model": 7}, "'int' is no model"),
        ({"name": ""}, "an agent's name"),
        ({"output": int}, "'int'> is no form of an answer"),
        ({"hooks": workbench.Hooks()}, "hooks is a list"),
        ({"limits": {"steps": 3}}, r"limits: \{.steps.: 3\} is no Limits; write Limits\(…\)"),
        ({"roles": [{"name": "a"}]}, r"roles: \{.name.: .a.\} is no Role; write Role\(…\)"),
        ({"plan": "never"}, "plan: Input should be 'ask', 'auto' or 'off'"),
        ({"roles": [workbench.Role(name="a", good_at="x"), workbench.Role(name="a", good_at="y")]}, "two roles"),
        ({"roles": [workbench.Role(name="a", good_at="x", tools=("lok",))]}, "role 'a' has a tool 'lok'"),
        ({"roles": [workbench.Role(name="a", good_at="x", ensemble=0)]}, "ensemble = 0 cannot be used"),
        ({"mcp": ["docs"]}, r"mcp: .docs. is no McpServer; write McpServer\(…\)"),
        ({"limits": workbench.Limits(calls_at_once=0)}, "calls_at_once = 0 cannot be used"),
        ({"parameters": workbench.ModelParameters(tool_choice="lok")}, "tool_choice = 'lok' cannot be used"),
        ({"retries": workbench.ModelRetries(attempts=0)}, "attempts = 0 cannot be used"),
        ({"instructions": 5}, "instructions: Input should be a valid string"),
    ],
)
def test_what_cannot_be_an_agent_is_refused_where_it_stands(options: dict[str, Any], said: str) -> None:
    """The error comes from the line that makes the agent."""
    with pytest.raises(AgentError, match=said):
        Agent(**options)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (workbench.PermissionRules, {"denny": ("shell",)}, "PermissionRules has no 'denny'; did you mean 'deny'?"),
        (workbench.Limits, {"most_steps": 3}, "Limits has no 'most_steps'; "),
        (workbench.Role, {"name": "a", "good_at": "b", "tool": ()}, "Role has no 'tool'; did you mean 'tools'?"),
        (workbench.ModelParameters, {"heat": 1}, "ModelParameters has no 'heat'; there are max_tokens"),
        (workbench.ModelRetries, {"atempts": 1}, "ModelRetries has no 'atempts'; did you mean 'attempts'?"),
    ],
)
def test_a_misspelled_name_is_refused(kind: Callable[..., object], given: dict[str, Any], said: str) -> None:
    """Nothing that was said is ignored; what a newer log says more is."""
    with pytest.raises(AgentError, match=re.escape(said)):
        kind(**given)
    assert workbench.Limits.model_validate({"steps": 3, "of_later": 1}).steps == 3


@pytest.mark.parametrize(("tools", "researches"), [([look], False), (["documents"], True)])
async def test_an_agent_is_told_of_no_tools_that_it_has_not(tools: list[Any], researches: bool) -> None:
    """Without instructions of its own it is told how to work with tools; with documents, how to research."""
    model = ScriptedProvider([Turn("done")])
    await Agent(model=model, tools=tools).run("?")
    assert ("fetch_doc" in model.requests[0].instructions) is researches
    assert "submit_answer" in model.requests[0].instructions


def test_it_runs_without_an_event_loop() -> None:
    """`run_sync` is for scripts."""
    assert agent(("look", {"city": "Oslo"})).run_sync("?").answer == "done"


def test_a_tool_that_ignores_its_end_holds_no_script_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its call times out, the run has its answer, and `run_sync` returns."""
    monkeypatch.setattr("workbench.driver.leaving.STOP_SECONDS", 0.01)
    ended = threading.Event()

    @tool(timeout=0.02)
    async def stay() -> str:
        while not ended.is_set():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
        return "late"

    results: list[RunResult] = []
    stubborn = Agent(model=answering(("stay", {})), tools=[stay])
    script = threading.Thread(target=lambda: results.append(stubborn.run_sync("?")), daemon=True)
    script.start()
    script.join(20)
    ended.set()
    assert [result.answer for result in results] == ["done"]
    call = results[0].state.call("0.0")
    assert call is not None
    assert call.outcome == "timeout"


async def test_a_program_uses_every_public_name(tmp_path: Path) -> None:
    """It runs, and mypy finds nothing in it; a name that it does not use would be one that nobody tried."""
    assert [name for name in workbench.__all__ if not re.search(rf"\b{name}\b(?!,\n)", PROGRAM)] == []
    assert user_program.whole(tmp_path).name == "agent"
    seen = await user_program.run(tmp_path)
    assert seen[:4] == ["turn 0", "fetch", "0.0 4", "turn 1"]
    assert "It is all there." in seen
    assert seen[-1].startswith("two tools are named 'fetch'")


def test_nothing_but_the_documented_names_is_public() -> None:
    """`docs/api.md` has a heading for each public name, and each can be imported."""
    page = (Path(workbench.__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
    for name in workbench.__all__:
        assert getattr(workbench, name).__name__ == name
        assert f"`{name}" in page, name
    assert sorted(workbench.__all__) == list(workbench.__all__)
    assert set(dir(workbench)) == {*workbench.__all__, "__version__"}
    with pytest.raises(AttributeError):
        workbench.nothing  # noqa: B018


async def test_a_run_in_memory_asks_for_no_folder_that_it_does_not_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without documents nothing is indexed, so a program that starts many runs does not pay for looking where."""

    def find() -> None:
        raise AssertionError("nobody keeps anything")

    monkeypatch.setattr(memory, "find_cache", find)
    assert (await agent(("look", {"city": "Oslo"})).run("?")).answer == "done"
