"""When a person who looks elsewhere is called, and what a terminal is sent then."""

from __future__ import annotations

import pytest
from hypothesis import example, given

from tests.builders import live_run, researched_run, troubled_run, waiting_plan
from tests.strange import strange_text
from tests.tui.fake_driver import row_of
from workbench.tui.attention import (
    LONGEST,
    Attention,
    Rest,
    Sight,
    notification,
    sight_of_row,
    sight_of_state,
    words,
)

DONE: Rest = ("completed", "answered")


def sight(rest: Rest | None, *, run: str = "a", is_ours: bool = True) -> Sight:
    """Return a run at a moment."""
    return Sight(run, "What?", rest, is_ours)


def calls(*rests: Rest | None, is_in_front: bool = False) -> int:
    """Return how often a person is called while a run comes to rest and goes on."""
    attention = Attention()
    return sum(len(attention.look([sight(rest)], is_in_front=is_in_front)) for rest in rests)


def test_one_call_for_one_rest() -> None:
    """However long a run waits, and however often the screen looks, it calls once; after going on, again."""
    plan: Rest = ("awaiting_approval", "plan")
    assert calls(None, plan, plan, plan) == 1
    assert calls(None, plan, None, DONE, DONE) == 2
    assert calls(None, plan, ("interrupted", "breakpoint")) == 2


def test_what_rested_before_calls_nobody() -> None:
    """Opening an old run is no news."""
    assert calls(DONE, DONE) == 0
    assert calls(None, None) == 0


def test_nobody_is_called_in_front_of_the_terminal() -> None:
    """Whoever sees the screen needs no bell, and hears none later for what they saw."""
    assert calls(None, DONE, is_in_front=True) == 0
    attention = Attention()
    attention.look([sight(None)], is_in_front=True)
    attention.look([sight(DONE)], is_in_front=True)
    assert attention.look([sight(DONE)], is_in_front=False) == []


def test_a_pause_calls_nobody() -> None:
    """A person paused the run: they know."""
    assert calls(None, ("interrupted", "paused")) == 0


def test_runs_of_others_call_nobody() -> None:
    """What another process drives out of sight is its person's business; a run that was ours stays ours."""
    attention = Attention()
    assert attention.look([sight(None, is_ours=False)], is_in_front=False) == []
    assert attention.look([sight(DONE, is_ours=False)], is_in_front=False) == []
    attention.look([sight(None)], is_in_front=False)
    assert len(attention.look([sight(DONE, is_ours=False)], is_in_front=False)) == 1


def test_what_a_run_is_at() -> None:
    """A plan, a call that asks, an end: each is a rest; a run that moves is none."""
    assert sight_of_state(live_run().state).rest is None
    assert sight_of_state(researched_run().state).rest == DONE
    assert sight_of_state(waiting_plan().state).rest == ("awaiting_approval", "plan")
    assert sight_of_state(troubled_run().state).rest == ("awaiting_approval", "outcome_unknown")
    row = row_of(researched_run())
    assert sight_of_row(row, 7)[1:] == (row.task, DONE, False)


def test_words_say_what_and_which() -> None:
    """The notification names what happened and the question."""
    assert words(DONE, "What?") == "workbench: completed · What?"
    assert words(("awaiting_approval", "plan"), "What?") == "workbench: waits for you: plan to approve · What?"
    assert words(("interrupted", "breakpoint"), "What?") == "workbench: interrupted: breakpoint · What?"


@given(strange_text())
@example("a\x1b]9;4;1;50\x07b")
@example("a\nb;c\x9dd" + "x" * 5_000)
def test_no_question_commands_the_terminal(text: str) -> None:
    """Whatever a run was asked, the sequence has one beginning, one end, and plain text between, of some length."""
    for said in (words(DONE, text), text):
        sent = notification(said, {"TERM": "xterm-256color"})
        assert sent.startswith("\x1b]9;")
        assert sent.endswith("\x07")
        inside = sent[len("\x1b]9;") : -1]
        assert inside.isprintable()
        assert ";" not in inside
        assert len(inside) <= LONGEST


@pytest.mark.parametrize(
    ("environ", "sent"),
    [
        ({"TERM": "xterm-256color"}, "\x1b]9;hello\x07"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x,1,0"}, "\x1bPtmux;\x1b\x1b]9;hello\x07\x1b\\"),
        ({"TERM": "screen", "STY": "1.x"}, "\x1bP\x1b]9;hello\x07\x1b\\"),
        ({"TERM": "linux"}, ""),
        ({"TERM": "vt100"}, ""),
        ({}, ""),
    ],
)
def test_each_terminal_gets_what_it_understands(environ: dict[str, str], sent: str) -> None:
    """tmux and screen hand it through; a terminal that would print it gets nothing."""
    assert notification("hello", environ) == sent
