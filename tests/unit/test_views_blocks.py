"""What the blocks of a timeline say: steps, plans, messages, forks, subagents, and how it all ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.builders import (
    Call,
    RunLog,
    agent_record,
    forked_run,
    live_run,
    researched_run,
    subagents_run,
    troubled_run,
    waiting_plan,
)
from workbench.driver.feed import Draft
from workbench.events.request import Purpose
from workbench.events.run import LimitReached
from workbench.events.turn import ModelRetried, TurnDiscarded
from workbench.state.run_state import RunState
from workbench.views.segments import line_text
from workbench.views.timeline import TimelineLayout


def shown(state: RunState, width: int = 100, now: float | None = None, **others: object) -> TimelineLayout:
    """Return the layout of a run."""
    layout = TimelineLayout(width)
    layout.update(state, now=now, **others)  # type: ignore[arg-type]
    return layout


def texts(layout: TimelineLayout) -> list[str]:
    """Return all lines as text."""
    return [line_text(layout.line(y)) for y in range(layout.height)]


def test_the_header_says_what_concurrency_won() -> None:
    """The step's time stands beside what its calls would have taken one by one."""
    text = "\n".join(texts(shown(researched_run().state)))
    assert "STEP 0 · 800 ms thinking · 3 calls ∥ 232 ms (one by one 512 ms)" in text


@pytest.mark.parametrize("elapsed", [0.0005, 0.232 / 3])
def test_the_header_compares_only_where_concurrency_won(elapsed: float) -> None:
    """Very short calls may seem to be slower at once; where both are the same, that is said once."""
    state = researched_run().state
    for call in state.steps[0].calls.values():
        call.elapsed = elapsed
    text = "\n".join(texts(shown(state)))
    assert "3 calls ∥ 232 ms" in text
    assert "one by one" not in text.partition("STEP 1")[0]


@pytest.mark.parametrize(("parallel", "why"), [(False, "as asked"), (True, "after failures")])
def test_sequential_steps_say_why(parallel: bool, why: str) -> None:
    """Who wonders why calls wait for each other reads it in the header."""
    log = RunLog(agent=agent_record(plan="off", parallel=parallel))
    if parallel:
        log.sequential()
    log.step([Call("a", seconds=0.1), Call("b", seconds=0.2, begins=0.1)])
    assert f"2 calls one by one 300 ms ({why})" in "\n".join(texts(shown(log.state)))


def test_the_end_says_how_it_ended() -> None:
    """The last line has the outcome, the steps, and what subagents ran."""
    log, _ = subagents_run(done=True)
    text = "\n".join(texts(shown(log.state)))
    assert "✓ answered (2 steps; subagents ran 13)" in text
    assert "[1] pgbouncer-config::14" in text


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda log: log.pause(), "⏸ paused"),
        (lambda log: log.finish("interrupted", "step_limit"), "⏸ step limit reached (10 steps)"),
        (lambda log: log.finish("failed", "error", error="the model refused\nthe request"), "✗ failed at step 0"),
        (lambda log: log.finish("completed", "halted", answer="text"), "✓ done, without a submitted answer (1 step)"),
    ],
)
def test_every_end_is_named(end: Callable[[RunLog], object], words: str) -> None:
    """A run that stopped says why, and what would let it go on."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a")], text="text")
    log.add(LimitReached(limit="step_limit", value=10, maximum=10))
    end(log)
    text = "\n".join(texts(shown(log.state)))
    assert words in text
    assert ("the model refused" in text) == ("failed" in words)


def test_what_waits_for_a_person_stands_at_the_end() -> None:
    """A question is not overlooked: call, tool and reason are named."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("shell", {"command": "ls"}, asks="runs a command"), Call("x", ends_as="unknown")])
    text = "\n".join(texts(shown(log.state)))
    assert "⏸ may 0.0 shell run? runs a command" in text
    assert "? what did 0.1 x do? Nobody knows: run it again, give its result, fail it, or tell the model" in text


def test_a_plan_stands_before_its_steps_with_marks() -> None:
    """What was planned is read before what was done, each step with where it is."""
    log = researched_run()
    lines = texts(shown(log.state, 70))
    plan = next(y for y, text in enumerate(lines) if "PLAN ✓ approved, ✎ edited" in text)
    assert plan < next(y for y, text in enumerate(lines) if "STEP 0" in text)
    assert "✓ 0 SEARCH     pg_hba.conf authentication methods" in lines[plan + 1]
    waiting = texts(shown(waiting_plan().state, 70))
    assert any("PLAN ⏸ proposed" in text for text in waiting)
    assert any("○ 2 SYNTHESIZE how the two interact" in text for text in waiting)


def test_a_simple_task_shows_no_plan() -> None:
    """Where none is needed, none is shown."""
    log = RunLog()
    log.plan([])
    log.step([Call("a")])
    assert not any("PLAN" in text for text in texts(shown(log.state)))


def test_a_changed_plan_is_told_where_it_changed() -> None:
    """A plan edited in mid-run is seen at its place in the conversation."""
    log = RunLog()
    log.plan(["SEARCH: a", "SEARCH: b"])
    log.step([Call("x")])
    log.edit_plan(["COMPARE: c"])
    log.step([Call("y")])
    lines = texts(shown(log.state))
    step0, note, step1 = (
        next(y for y, text in enumerate(lines) if words in text) for words in ("STEP 0", "✎ The plan has", "STEP 1")
    )
    assert step0 < note < step1


def test_a_broken_attempt_is_not_hidden() -> None:
    """The error that cost a second attempt is seen with its step."""
    text = "\n".join(texts(shown(troubled_run().state)))
    assert "⚠ attempt 0 broke: overloaded_error: the model is overloaded" in text


def test_a_queued_message_says_when_it_enters() -> None:
    """What a person typed during a step is not lost from view."""
    log = live_run(3)
    log.say("And in session mode?")
    lines = texts(shown(log.state))
    assert any("❯ And in session mode?" in text for text in lines)
    assert any("enters after the current results" in text for text in lines)


def test_streamed_text_is_shown_before_it_is_stored() -> None:
    """The draft goes on where the stored pieces end, and gives way to the finished turn."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.stream("Two separate")
    draft = Draft(log.run, 0, "step", "Two separate topics", "hm")
    text = "\n".join(texts(shown(log.state, 60, log.at + 0.5, drafts={0: draft})))
    assert "Two separate topics" in text
    assert "⠇ thinking 800 ms" in text or "thinking" in text
    log.add(TurnDiscarded(step=0, attempt=0, reason="paused"))
    text = "\n".join(texts(shown(log.state, 60, drafts={0: draft})))
    assert "topics" not in text
    assert "⊘ stopped" in text


def test_a_long_stream_shows_its_end() -> None:
    """While the model writes, its last words are in view, with a sign of what is above."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.stream("\n".join(f"line {number}" for number in range(100)))
    lines = texts(shown(log.state, 60, log.at))
    assert any("line 99" in text for text in lines)
    assert any("… 93 lines above" in text for text in lines)
    assert len(lines) < 20


def test_subagents_show_how_far_they_are() -> None:
    """A child's steps, tokens and present call are read in its lane, and follow it."""
    log, children = subagents_run()
    layout = shown(log.state, 120, log.at + 3, children={child.run: child.state for child in children})
    text = "\n".join(texts(layout))
    assert "↳ step 7/15 · 19.6 k tokens" in text
    assert "search_docs ORM features in each pool mode 2" in text
    children[1].add(TurnDiscarded(step=2, attempt=0, reason="paused"))
    children[1].finish("failed", "error", error="no")
    assert layout.update(log.state, now=log.at + 3, children={child.run: child.state for child in children})
    assert "failed: error" in "\n".join(texts(layout))


def test_a_child_of_a_closed_step_is_shown_when_it_is_read() -> None:
    """Steps that are done take in what becomes known of their subagents later."""
    log, children = subagents_run(done=True)
    log.step([Call("a")])
    log.step([Call("b")])
    layout = shown(log.state, 120)
    assert "↳ 9 steps · 23.9 k tokens" in "\n".join(texts(layout))
    log.state.children.clear()
    layout = shown(log.state, 120)
    assert "↳ subagent 71b2c3d4" in "\n".join(texts(layout))
    layout.update(log.state, children={child.run: child.state for child in children})
    assert "↳ 9 steps" in "\n".join(texts(layout))


def test_a_fork_says_where_it_left_and_what_it_keeps() -> None:
    """A fork's first lines name its origin, its place and what was taken from the record."""
    text = "\n".join(texts(shown(forked_run().state)))
    assert "├─ fork of a4f7c2e1 at 0.1 · 2 calls kept" in text
    log = researched_run()
    text = "\n".join(texts(shown(log.fork("b" * 16, log.state.steps[0].finished_seq or 0, address="1").state)))
    assert "at 1 · 1 step kept" in text
    assert "kept · 900 in" in text


def test_an_old_answer_stays_when_the_conversation_goes_on() -> None:
    """Asking a further question does not hide what was answered before."""
    log = researched_run()
    forked = log.fork("c" * 16, len(log.records) - 1)
    forked.say("And in session mode?")
    forked.answer("There they just work.", [])
    text = "\n".join(texts(shown(forked.state)))
    assert text.index("In transaction pooling") < text.index("And in session mode?") < text.index("There they just")
    assert text.count("There they just work.") == 1


@pytest.mark.parametrize("purpose", ["plan", "step"])
def test_the_wait_before_another_attempt_is_counted_down(purpose: Purpose) -> None:
    """Who looks at the screen sees that the run goes on by itself, and when; nothing is called stopped."""
    log = RunLog(agent=agent_record(plan="off" if purpose == "step" else "auto"))
    log.begin_turn(purpose)
    log.add(ModelRetried(step=0, attempt=0, error="overloaded", error_kind="overloaded", wait=8.0))
    log.add(TurnDiscarded(step=0, attempt=0, reason="broken: overloaded"))
    assert log.state.status == ("planning" if purpose == "plan" else "thinking")
    for gone, said in ((0.0, "in 8 s"), (5.0, "in 3 s"), (9.0, "now")):
        text = "\n".join(texts(shown(log.state, now=log.at + gone)))
        assert f"↻ attempt 1 {said}" in text
        assert "stopped" not in text
    log.pause()
    assert "attempt 1 in" not in "\n".join(texts(shown(log.state)))
