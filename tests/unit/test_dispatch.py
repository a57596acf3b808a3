"""Calls of a step: at once up to the limits, one result each, in the model's order, whatever happens to them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tests.loop_kit import Barrier, Lab, answer, asks
from workbench.engine import progress
from workbench.events.agent import Limits
from workbench.events.call import (
    CallCancelled,
    CallFinished,
    CallProgressed,
    CallStarted,
    PermissionAsked,
    PermissionDecided,
)
from workbench.events.content import text_content
from workbench.events.edit import InputEdited
from workbench.events.run import ModeChanged
from workbench.tools.base import Tool, ToolContext, ToolResult
from workbench.tools.declaring import tool


def meeting(count: int, **options: Any) -> Tool:
    """Return a tool whose calls only finish when `count` of them are in flight."""
    barrier = Barrier(count)

    @tool(name="meet", **options)
    async def meet(who: str) -> str:
        await barrier.wait()
        return f"met {who}"

    return meet


def counting(**options: Any) -> tuple[Tool, list[int]]:
    """Return a tool that notes how many of its calls run at once."""
    running, seen = [0], [0]

    @tool(name="work", **options)
    async def work(number: int) -> str:
        running[0] += 1
        seen[0] = max(seen[0], running[0])
        for _ in range(5):
            await asyncio.sleep(0)
        running[0] -= 1
        return f"done {number}"

    return work, seen


def works(count: int) -> list[tuple[str, dict[str, int]]]:
    """Return `count` calls of `work`."""
    return [("work", {"number": number}) for number in range(count)]


async def test_calls_of_a_turn_are_all_in_flight_at_once() -> None:
    """Five calls that wait for one another all finish: none is held back while another runs."""
    lab = Lab([asks(*[("meet", {"who": name}) for name in "abcde"]), answer()], [meeting(5)])
    assert (await lab.run()).status_and_reason == ("completed", "answered")
    assert lab.sent_results() == [(f"0.{n}", f"met {name}", False) for n, name in enumerate("abcde")]


async def test_results_stand_in_the_models_order_whatever_order_they_finish_in() -> None:
    """The last call finishes first, and is still the last in the request."""
    gates = [asyncio.Event() for _ in range(3)]

    @tool()
    async def pick(number: int) -> str:
        if number < 2:
            await gates[number + 1].wait()
        gates[number].set()
        return f"picked {number}"

    lab = Lab([asks(*[("pick", {"number": n}) for n in range(3)]), answer()], [pick])
    await lab.run()
    finished = [event.call for event in lab.all(CallFinished)]
    assert finished[:3] == ["0.2", "0.1", "0.0"]
    assert [call for call, _, _ in lab.sent_results()] == ["0.0", "0.1", "0.2"]


@pytest.mark.parametrize(
    ("options", "limits", "most"),
    [
        ({}, Limits(steps=None, calls_at_once=3), 3),
        ({}, Limits(steps=None, calls_at_once=1), 1),
        ({"max_concurrency": 2}, Limits(steps=None, calls_at_once=5), 2),
        ({"exclusive": True}, Limits(steps=None), 1),
    ],
)
async def test_no_more_calls_run_at_once_than_allowed(options: dict[str, Any], limits: Limits, most: int) -> None:
    """The limit of the run, of the tool and of an exclusive tool each hold, and are used to the full."""
    work, seen = counting(**options)
    lab = Lab([asks(*works(7)), answer()], [work], limits=limits)
    await lab.run()
    assert seen == [most]
    assert [text for _, text, _ in lab.sent_results()] == [f"done {number}" for number in range(7)]


async def test_an_exclusive_lock_is_shared_between_tools_that_name_it() -> None:
    """Two tools on one notebook never run together."""
    running: list[str] = []
    most = [0]

    def locked(name: str) -> Tool:
        @tool(name=name, exclusive="notebook")
        async def use() -> str:
            running.append(name)
            most[0] = max(most[0], len(running))
            await asyncio.sleep(0)
            running.remove(name)
            return name

        return use

    lab = Lab([asks(("read", {}), ("write", {}), ("read", {})), answer()], [locked("read"), locked("write")])
    await lab.run()
    assert most == [1]
    assert [text for _, text, _ in lab.sent_results()] == ["read", "write", "read"]


async def test_a_limit_of_nothing_at_once_still_lets_one_run() -> None:
    """A nonsensical limit of 0 calls slows a run down to one by one; it never hangs."""
    work, seen = counting()
    await Lab([asks(*works(3)), answer()], [work], limits=Limits(steps=None, calls_at_once=0)).run()
    assert seen == [1]


async def test_what_cannot_run_gets_an_error_result_that_names_the_trouble() -> None:
    """Unknown tools, unreadable arguments and wrong fields are results that the model can mend; others go on."""
    work, _ = counting()
    calls = asks(
        ("wrok", {"number": 1}), ("work", '{"number": 1'), ("work", "[1]"), ("work", {"number": "x"}), *works(1)
    )
    lab = Lab([calls, answer()], [work])
    assert (await lab.run()).status == "completed"
    results = lab.sent_results()
    assert [is_error for _, _, is_error in results] == [True, True, True, True, False]
    texts = [text for _, text, _ in results]
    assert "there is no tool 'wrok'" in texts[0]
    assert "work" in texts[0]
    assert "not valid JSON" in texts[1]
    assert "must be a JSON object, not list" in texts[2]
    assert "number: Input should be a valid integer" in texts[3]
    assert [event.call for event in lab.all(CallStarted)] == ["0.4", "1.0"]


class Unreadable:
    """What a tool should not return."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


class WordlessError(Exception):
    """An error that fails at its own text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def returning(value: Any) -> Tool:
    """Return a tool that returns, or raises, `value`."""

    @tool(name="give")
    async def give() -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    return give


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (ValueError("no such page"), "give failed: ValueError: no such page"),
        (ValueError("\ud800"), "give failed: ValueError: \ufffd"),
        (WordlessError(), "give failed: WordlessError: it cannot say why"),
        (SystemExit(3), "give failed: SystemExit: 3"),
        (KeyboardInterrupt(), "give failed: KeyboardInterrupt"),
        (GeneratorExit("odd"), "give failed: GeneratorExit: odd"),
        (asyncio.CancelledError(), "give was cancelled from inside"),
        (Unreadable(), "the result cannot be read: RuntimeError: no words"),
        (ToolResult(5), "the result cannot be read"),  # type: ignore[arg-type]
    ],
)
async def test_a_failing_tool_is_an_error_result_and_never_ends_the_run(value: Any, said: str) -> None:
    """Whatever a tool raises or returns, the model gets one error result in words, and the run goes on."""
    lab = Lab([asks(("give", {})), answer()], [returning(value)])
    assert (await lab.run()).status_and_reason == ("completed", "answered")
    [(call, text, is_error)] = lab.sent_results()
    assert (call, is_error) == ("0.0", True)
    assert said in text
    assert lab.call("0.0").outcome == "exception"


async def test_odd_and_huge_results_are_kept() -> None:
    """Five megabytes, as wanted, objects, surrogates, endless nesting: one result each, which the log can hold."""
    nested: list[Any] = []
    nested.append(nested)
    values = ["x" * 5_000_000, {"a": object, 1: {2, 3}, "n": float("nan"), "big": 2**80}, "\ud800", nested, None]

    @tool(max_output=5_000_000)
    def give(index: int) -> Any:
        return values[index]

    lab = Lab([asks(*[("give", {"index": index}) for index in range(5)]), answer()], [give])
    assert (await lab.run()).status == "completed"
    texts = [text for _, text, _ in lab.sent_results()]
    assert len(texts[0]) == 5_000_000
    assert texts[1] == f'{{"a":"{object!r}","1":[2,3],"n":null,"big":"{2**80}"}}'
    assert texts[2] == "\ufffd"
    assert "[nested too deeply]" in texts[3]
    assert texts[4] == "done"


async def test_one_by_one_means_in_order_and_is_told_to_the_model() -> None:
    """With the parallel switch off each call starts after the one before it finished, and the request says so."""
    work, seen = counting()
    lab = Lab([asks(*works(4)), answer()], [work], parallel_tool_calls=False)
    await lab.run()
    assert seen == [1]
    order = [(event.kind, event.call) for event in (r.event for r in lab.journal.records) if hasattr(event, "call")]
    calls = [f"0.{number}" for number in range(4)]
    assert order[:8] == [(kind, call) for call in calls for kind in ("call_started", "call_finished")]
    assert [request.parallel_tool_calls for request in lab.requests] == [False, False]
    assert lab.state.steps[0].sequential


async def test_after_too_many_failures_calls_run_one_by_one_until_ten_are_clean() -> None:
    """Three exceptions of the last twenty calls make the run sequential; ten clean calls make it parallel again."""
    running, most = [0], dict[str, int]()

    @tool()
    async def work(fail: bool, context: ToolContext) -> str:
        step = context.call.partition(".")[0]
        running[0] += 1
        most[step] = max(most.get(step, 0), running[0])
        await asyncio.sleep(0)
        running[0] -= 1
        if fail:
            raise ValueError("broken")
        return "fine"

    bad, good = ("work", {"fail": True}), ("work", {"fail": False})
    lab = Lab([asks(bad, bad), asks(bad), asks(*[good] * 5), asks(*[good] * 5), asks(good, good), answer()], [work])
    await lab.run()
    assert most == {"0": 2, "1": 1, "2": 1, "3": 1, "4": 2}
    modes = lab.all(ModeChanged)
    assert [event.mode for event in modes] == ["sequential", "parallel"]
    assert modes[0].why == "3 of the last 3 calls failed"
    between = lab.kinds[lab.kinds.index("mode_changed") + 1 :]
    assert between[: between.index("mode_changed")].count("call_finished") == 10
    assert [step.sequential for step in lab.state.steps] == [False, False, True, True, False, False]


async def test_what_the_model_or_a_person_did_wrong_is_no_reason_to_slow_down() -> None:
    """Bad input, unknown tools and a tool's own error results never count towards the fallback."""
    work, _ = counting()

    @tool()
    async def say_no() -> ToolResult:
        return ToolResult(text_content("no"), is_error=True)

    wrong = [("work", {"number": "x"}), ("nothing", {}), ("say_no", {})]
    lab = Lab([asks(*wrong * 3), answer()], [work, say_no], limits=Limits(steps=None, calls_at_once=9))
    await lab.run()
    assert lab.all(ModeChanged) == []
    assert lab.state.mode == "parallel"


async def test_a_call_that_asks_waits_while_its_siblings_finish() -> None:
    """The loop rests when only a person can go on, and goes on when the person allowed it."""
    work, _ = counting()

    @tool(permission="ask")
    async def delete(path: str) -> str:
        return f"deleted {path}"

    lab = Lab([asks(("delete", {"path": "a"}), *works(1)), answer()], [work, delete])
    state = await lab.run()
    assert state.status_and_reason == ("awaiting_approval", "permission")
    assert lab.call("0.1").status == "finished"
    assert [event.input for event in lab.all(PermissionAsked)] == [{"path": "a"}]
    await lab.journal.append(PermissionDecided(call="0.0", verdict="allow"))
    assert (await lab.run()).status == "completed"
    assert lab.text("0.0") == "deleted a"
    assert next(event for event in lab.all(CallStarted) if event.call == "0.0").permission == "ask"


async def test_a_decision_takes_effect_while_siblings_still_run() -> None:
    """A call that is allowed, denied or answered starts or ends at once; the slow sibling goes on."""
    gate = asyncio.Event()

    @tool()
    async def slow() -> str:
        await gate.wait()
        return "slow"

    @tool(permission="ask")
    async def delete(path: str) -> str:
        return f"deleted {path}"

    lab = Lab([asks(("slow", {}), *[("delete", {"path": name}) for name in "abc"]), answer()], [slow, delete])
    task = await lab.started()
    await lab.until(lambda: lab.statuses().count("waiting") == 3)
    await lab.journal.append(
        PermissionDecided(call="0.1", verdict="allow"), PermissionDecided(call="0.2", verdict="deny", reason="keep it")
    )
    lab.loop.wake()
    lab.loop.cancel_call("0.3")
    await lab.until(lambda: all(lab.call(f"0.{number}").has_result for number in (1, 2, 3)))
    assert lab.call("0.0").status == "running"
    gate.set()
    await lab.finish(task)
    assert lab.text("0.1") == "deleted a"
    assert lab.text("0.2") == "denied by the operator: keep it."
    assert lab.text("0.3") == "cancelled by the operator before it started"


async def test_a_permission_for_the_run_is_asked_once() -> None:
    """`allow … for the run` lets later calls of that tool start unasked."""

    @tool(permission="ask")
    async def delete(path: str) -> str:
        return f"deleted {path}"

    lab = Lab([asks(("delete", {"path": "a"})), asks(("delete", {"path": "b"})), answer()], [delete])
    await lab.run()
    await lab.journal.append(PermissionDecided(call="0.0", verdict="allow", scope="run"))
    assert (await lab.run()).status == "completed"
    assert [event.call for event in lab.all(PermissionAsked)] == ["0.0"]


@pytest.mark.parametrize(("permission", "deny_asks", "said"), [("deny", False, "not allowed"), ("ask", True, "denies")])
async def test_denied_calls_are_results(permission: Any, deny_asks: bool, said: str) -> None:
    """What the agent denies, or would ask with nobody to ask, never runs, and the model hears why."""

    @tool(permission=permission)
    async def delete() -> str:
        raise AssertionError("it ran")

    lab = Lab([asks(("delete", {})), answer()], [delete], deny_asks=deny_asks)
    assert (await lab.run()).status == "completed"
    [(_, text, is_error)] = lab.sent_results()
    assert is_error
    assert said in text
    assert lab.call("0.0").outcome == "denied"


async def test_one_by_one_a_call_that_waits_holds_up_those_after_it() -> None:
    """In order means in order: the run waits for the person and does not go on with the third call meanwhile."""
    work, _ = counting()

    @tool(permission="ask")
    async def delete() -> str:
        return "deleted"

    lab = Lab([asks(*works(1), ("delete", {}), *works(1)), answer()], [work, delete], parallel_tool_calls=False)
    assert (await lab.run()).status_and_reason == ("awaiting_approval", "permission")
    assert [lab.call(f"0.{number}").status for number in range(3)] == ["finished", "waiting", "requested"]
    await lab.journal.append(PermissionDecided(call="0.1", verdict="deny"))
    assert (await lab.run()).status == "completed"
    assert [event.call for event in lab.all(CallFinished)][:3] == ["0.0", "0.1", "0.2"]


async def test_one_call_is_cancelled_and_one_answered_by_hand_while_a_third_goes_on() -> None:
    """A person settles single calls in flight; each still has exactly one result."""
    gate, stopped = asyncio.Event(), asyncio.Event()

    @tool()
    async def act(name: str) -> str:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            stopped.set()
            raise
        return f"did {name}"

    @tool(read_only=True)
    async def look() -> str:
        await gate.wait()
        return "seen"

    lab = Lab([asks(*[("act", {"name": name}) for name in "abc"], ("look", {})), answer()], [act, look], eager=False)
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running"] * 4)
    lab.loop.cancel_call("0.0")
    lab.loop.answer_call("0.1", text_content("by hand"), is_error=False)
    lab.loop.cancel_call("0.3")
    lab.loop.cancel_call("9.9")
    await lab.until(lambda: lab.call("0.1").has_result)
    await asyncio.wait_for(stopped.wait(), 5)
    gate.set()
    await lab.finish(task)
    results = {call: text for call, text, _ in lab.sent_results()}
    assert results == {
        "0.0": "cancelled by the operator. It may have taken effect: look before you try again.",
        "0.1": "by hand",
        "0.2": "did c",
        "0.3": "cancelled by the operator",
    }
    assert [event.call for event in lab.all(CallCancelled)] == ["0.0", "0.3"]
    assert lab.call("0.1").by == "operator"


async def test_a_call_that_has_no_room_yet_can_be_cancelled_and_then_never_starts() -> None:
    """Cancelling what has not started leaves it unstarted, even when room becomes free in the same moment."""
    gate = asyncio.Event()

    @tool(exclusive=True)
    async def write(name: str) -> str:
        await gate.wait()
        return name

    lab = Lab([asks(("write", {"name": "a"}), ("write", {"name": "b"})), answer()], [write])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["running", "requested"])
    lab.loop.cancel_call("0.1")
    gate.set()
    await lab.finish(task)
    assert [event.call for event in lab.all(CallStarted)] == ["0.0", "1.0"]
    assert lab.call("0.1").status == "cancelled"


async def test_a_tool_that_will_not_be_cancelled_is_left_behind_and_its_result_dropped() -> None:
    """The run goes on at once; what the tool returns later is noted and used for nothing."""
    release, begun = asyncio.Event(), asyncio.Event()

    @tool()
    async def stubborn() -> str:
        begun.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "too late"

    @tool()
    async def hold() -> str:
        release.set()
        for _ in range(5):
            await asyncio.sleep(0)
        return "held"

    lab = Lab([asks(("stubborn", {})), asks(("hold", {})), answer()], [stubborn, hold])
    task = await lab.started()
    await asyncio.wait_for(begun.wait(), 5)
    lab.loop.cancel_call("0.0")
    await lab.finish(task)
    assert lab.state.status == "completed"
    assert lab.state.late_results == 1
    assert "too late" not in str(lab.requests)


async def test_progress_is_shown_and_never_breaks_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool says how far it is, from any thread and in any words; the last word stands on the call."""
    monkeypatch.setattr(progress, "PROGRESS_EVERY", 0.0)
    allowed = threading.Event()

    @tool()
    def work(context: ToolContext) -> str:
        context.progress("half \ud800")
        context.progress(3)  # type: ignore[arg-type]
        assert allowed.wait(5)
        return "done"

    lab = Lab([asks(("work", {})), answer()], [work])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() and lab.call("0.0").progress == "3")
    allowed.set()
    await lab.finish(task)
    assert lab.text("0.0") == "done"


async def test_a_tool_that_says_how_far_it_is_all_the_time_does_not_flood_the_log() -> None:
    """Of words that follow one another closely the first is stored, and the last a little later."""

    @tool()
    async def work(context: ToolContext) -> str:
        for number in range(1000):
            context.progress(str(number))
            await asyncio.sleep(0)
        return "done"

    lab = Lab([asks(("work", {})), answer()], [work])
    await lab.run()
    assert 1 <= len(lab.all(CallProgressed)) < 50


async def test_the_start_of_an_effect_and_the_end_of_a_step_survive_power_loss() -> None:
    """Batches that start an effectful call or close a step are stored as durable; a read-only start is not."""

    @tool()
    async def act() -> str:
        return "acted"

    @tool(read_only=True)
    async def look() -> str:
        return "seen"

    lab = Lab([asks(("look", {})), asks(("act", {})), answer()], [act, look], eager=False)
    await lab.run()
    durable = {lab.journal.records[seq].event.kind for seq in lab.journal.durable}
    durable_batches = [
        [record.event.kind for record in lab.journal.records][start:end]
        for start, end in ((seq - 1, seq + 1) for seq in lab.journal.durable)
    ]
    assert ["turn_finished", "call_started"] in durable_batches  # the effectful start
    assert durable == {"call_finished", "call_started", "run_finished"}
    starts = [record.seq for record in lab.journal.records if isinstance(record.event, CallStarted)]
    assert [seq in lab.journal.durable for seq in starts[:2]] == [False, True]
    assert [step.finished_seq in lab.journal.durable for step in lab.state.steps] == [True] * 3


async def test_the_turn_and_its_starts_are_stored_together() -> None:
    """`turn_finished` and the `call_started`s it leads to are one batch, before any tool runs."""
    work, _ = counting()
    lab = Lab([asks(*works(3)), answer()], [work])
    await lab.run()
    assert ["turn_finished", "call_started", "call_started", "call_started"] in lab.journal.batches


async def test_an_edited_input_runs_that_call_alone_again() -> None:
    """After an input edit in the open step only that call runs; the result says what ran instead."""

    @tool(permission="ask")
    async def delete(path: str) -> str:
        return f"deleted {path}"

    lab = Lab([asks(("delete", {"path": "a"}), ("delete", {"path": "b"})), answer()], [delete])
    await lab.run()
    await lab.journal.append(PermissionDecided(call="0.0", verdict="allow"))
    await lab.run()
    await lab.journal.append(InputEdited(call="0.1", input={"path": "c"}, replaces=""))
    await lab.run()
    await lab.journal.append(PermissionDecided(call="0.1", verdict="allow"))
    await lab.run()
    assert [text for _, text, _ in lab.sent_results()] == [
        "deleted a",
        'ran with {"path": "c"} instead, by the operator\ndeleted c',
    ]
    assert [event.call for event in lab.all(CallStarted)] == ["0.0", "0.1", "1.0"]
