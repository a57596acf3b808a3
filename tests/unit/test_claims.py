"""The benchmarks of the field's claims measure what they say: the same work on both sides, and all of it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.benchmarks.claims import (
    aggregation,
    columns,
    contexts,
    four_queries,
    kept_threads,
    side,
    switch,
    ten_questions,
    window_side,
)
from tests.benchmarks.claims.children import NOT_INSTALLED, LangGraph, our_side
from tests.benchmarks.claims.our_side import ready
from tests.benchmarks.claims.timed import tokens_of
from tests.loop_kit import Lab, answer, asks
from workbench.conversation.builder import Conversation
from workbench.engine.threads import ToolThreads
from workbench.tools.declaring import tool

AT_ONCE = replace(
    columns.WORK, times=3, at_once=2, model_seconds=0.0, tool_seconds=dict.fromkeys(columns.TOOLS, 0.0)
)  # fmt: skip


@pytest.mark.parametrize(
    ("is_told", "parallel", "steps"),
    [
        (switch.by_anthropic, True, 3),
        (switch.by_anthropic, False, 5),
        (switch.by_openai, True, 3),
        (switch.by_openai, False, 5),
        (switch.deaf, False, 3),
    ],
)
def test_a_model_that_obeys_needs_three_steps_or_five(is_told: switch.IsTold, parallel: bool, steps: int) -> None:
    """The same four calls are made both ways; the switch alone makes the difference, and only where it is said."""
    ran = switch.run(is_told, parallel=parallel, model_seconds=0.0, tool_seconds=0.0)
    assert (ran.status, ran.answer, ran.steps, ran.turns) == ("completed", "done", steps, steps)
    assert ran.calls == {"search": 2, "read": 2}


def test_the_ten_questions_are_all_answered_in_each_way() -> None:
    """A question without an answer would look quick; one call at a time is one call a turn, not several in a row."""
    with ten_questions.libraries() as given:
        for _, library, questions in given:
            one, parallel, with_plan = (
                ten_questions.asked(questions, library, way, 0.0, 0.0) for way in ten_questions.WAYS
            )
            assert len(one) == len(parallel) == len(with_plan) == 10
            for ran in (*one, *parallel, *with_plan):
                assert ran.status == "completed"
                assert ran.answer
                assert ran.calls["search_docs"]
            assert all(sum(ran.calls.values()) == ran.turns for ran in one)
            assert sum(ran.turns for ran in parallel) < sum(ran.turns for ran in one)
            assert not any(ran.others for ran in (*one, *parallel))
            assert any(ran.others for ran in with_plan)
            assert all(len(ran.main) == ran.steps + 1 for ran in with_plan)


def test_subagents_read_what_the_agent_would_read_itself() -> None:
    """The main context is smaller though nothing of the work is left out."""
    alone, shared = (contexts.run(subagents=way, model_seconds=0.0, tool_seconds=0.0) for way in (False, True))
    assert alone.calls["read"] == shared.calls["read"] == contexts.PASSAGES * len(contexts.TOPICS)
    assert shared.calls["spawn_subagent"] == len(contexts.TOPICS)
    assert (alone.answer, shared.answer) == ("done", "done")
    assert not alone.others
    assert len(shared.others) == len(contexts.TOPICS) * (contexts.PASSAGES // 2 + 1)
    assert max(shared.main) < max(alone.main)


@pytest.mark.parametrize("stored", [False, True])
async def test_the_window_holds_and_everything_is_read_all_the_same(stored: bool) -> None:
    """Without a window the requests grow with the run; with one they stay below it."""
    wide, _ = await window_side.run(30, window_side.NO_WINDOW, stored=stored)
    narrow, _ = await window_side.run(30, 5_000, stored=stored)
    assert wide.calls["read"] == narrow.calls["read"] == 30
    assert max(wide.main) > 15_000
    assert max(narrow.main) <= 5_000


async def test_tokens_are_what_the_engine_estimates() -> None:
    """The tables speak of the same tokens as the budget of requests."""

    @tool(read_only=True)
    async def look(what: str) -> str:
        """Look."""
        return f"a long look at {what}, with an é"

    lab = Lab([asks(("look", {"what": "it"})), answer()], [look])
    state = await lab.run()
    prepared = await Conversation(lab.journal.contents).prepare(state, "step")
    assert tokens_of(prepared.request) == prepared.tokens


@pytest.mark.parametrize(("is_sequential", "requests"), [(False, 3), (True, 9)])
async def test_a_batch_makes_each_call_of_its_plans(is_sequential: bool, requests: int) -> None:
    """One call at a time needs more turns for the same calls."""
    trace = side.Trace(replace(AT_ONCE, is_sequential=is_sequential))
    measured = side.check(trace.work, await side.many_at_once(trace, ready(trace)))
    assert (measured["requests"], measured["calls"], measured["errors"]) == (3 * requests, 3 * 8, [])


@pytest.mark.parametrize("on_threads", [False, True])
def test_our_side_makes_each_call_of_its_queries(on_threads: bool) -> None:
    """In a process of its own, as it is measured; its times are in the order of the queries."""
    given = dict.fromkeys(four_queries.TOOL_SECONDS, 0.0)
    work = replace(four_queries.WORK, tool_seconds=given, model_seconds=0.0, times=1, on_threads=on_threads)
    measured = our_side(work)
    assert [samples[0]["calls"] for samples in measured["samples"]] == [2, 4, 4, 3]
    assert all(0 <= one["tools"] <= one["whole"] for one in four_queries.medians(measured))


def test_a_side_that_made_other_calls_is_not_compared() -> None:
    """Half of the work in half of the time is no win."""
    with pytest.raises(RuntimeError, match="other calls"):
        side.check(four_queries.WORK, {"samples": [[{"calls": 2}], [{"calls": 3}], [{"calls": 4}], [{"calls": 3}]]})
    with pytest.raises(RuntimeError, match="other calls"):
        side.check(AT_ONCE, {"errors": [], "calls": 23})


async def test_runs_that_fail_are_counted() -> None:
    """An answer that is none is an error, and so is one that does not come."""
    trace = side.Trace(AT_ONCE)
    asked = 0

    async def ask(_: int) -> str:
        nonlocal asked
        asked += 1
        if asked == 7:
            raise ValueError("no")
        return "something else" if asked == 8 else side.ANSWER

    measured = await side.many_at_once(trace, ask)
    assert sorted(measured["errors"]) == ["ValueError('no')", "answered 'something else'"]
    assert len(measured["took"]) == 3


def test_without_langgraph_its_columns_say_so() -> None:
    """Our own figures need no other framework."""
    tiny = replace(columns.WORK, times=1, at_once=2, model_seconds=0.0)
    table = columns.table([], tiny)
    assert {line[-1] for line in table.lines} == {NOT_INSTALLED}
    assert LangGraph([]).side(tiny) is None


def test_the_critical_path_is_the_slowest_tool_of_each_turn() -> None:
    """And each turn of the model."""
    floors = four_queries.floors(four_queries.WORK)
    assert [round(one["whole"], 3) for one in floors] == [0.72, 0.8, 0.78, 0.8]


async def test_threads_are_kept_on_one_side_and_made_on_the_other() -> None:
    """Each call on a thread of its own is one, and the engine's are as many as calls at once."""
    seen: list[threading.Thread] = []

    def see() -> str:
        seen.append(threading.current_thread())
        return "ok"

    threads = ToolThreads()
    await kept_threads.seconds_of_a_call(kept_threads.kept(threads), see, rounds=5)
    threads.close()
    assert len(seen) == 20
    assert len(set(seen)) <= kept_threads.AT_ONCE
    seen.clear()
    await kept_threads.seconds_of_a_call(kept_threads.anew, see, rounds=5)
    assert len(set(seen)) == 20


@pytest.mark.parametrize("stored", [False, True])
async def test_each_turn_with_calls_is_timed(stored: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aggregation is the end of the whole, and no turn is left out."""
    monkeypatch.setattr(aggregation, "FEWEST", 0.0)
    monkeypatch.setattr(aggregation, "MOST", 0.0)
    spans = await aggregation.measured(3, 2, stored=stored)
    assert len(spans.whole) == len(spans.aggregation) == 2 * 3
    assert len(spans.calls) == 2 * 3 * aggregation.CALLS
    assert all(0 < part <= whole for part, whole in zip(spans.aggregation, spans.whole, strict=True))


def test_the_memory_of_a_part_is_its_own() -> None:
    """A part that a large process starts does not count what that one had."""
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    tiny = replace(columns.WORK, times=1, at_once=2, model_seconds=0.0)
    assert our_side(tiny)["memory"] < 250
    assert len(ballast) == 300_000_000
