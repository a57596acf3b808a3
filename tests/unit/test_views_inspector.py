"""The inspector: everything about one thing, in lines that fit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import (
    ANSWER,
    Call,
    RunLog,
    agent_record,
    forked_run,
    live_run,
    researched_run,
    subagents_run,
    troubled_run,
)
from tests.strange import strange_text
from workbench.conversation.weights import Weights
from workbench.events.call import PermissionAsked, PermissionDecided
from workbench.events.content import Content, ImageBlock, JsonBlock, TextBlock, text_content
from workbench.events.run import ContextElided
from workbench.events.turn import ModelRetried, TurnDiscarded
from workbench.state.run_state import RunState
from workbench.views.inspector import RESULT_LINES, inspector_lines
from workbench.views.segments import line_text
from workbench.views.selection import NOTHING, Selection
from workbench.views.text import UNSAFE


def text_of(
    state: RunState,
    selection: Selection,
    content: Content | None = None,
    width: int = 40,
    weights: Weights | None = None,
) -> str:
    """Return what the inspector shows; `content` is the result of the selected call."""
    call = state.call(selection.call or "")
    contents = {}
    if content is not None and call is not None and call.result is not None:
        contents[(call.result.run, call.result.seq)] = content
    lines = inspector_lines(state, selection, contents, width, weights=weights)
    return "\n".join(line_text(line).rstrip() for line in lines)


def call(address: str) -> Selection:
    """Return what names a call."""
    return Selection("call", step=int(address[0]), call=address)


def one_call(done: Call) -> RunState:
    """Return a run of one call."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([done])
    return log.state


def test_a_call_is_shown_whole() -> None:
    """Input as JSON, the result as it came, every attempt, class and permission."""
    state = forked_run().state
    text = text_of(state, call("0.2"), text_content("SQL feature map\nfor pooling modes"))
    assert '  "name": "pgbouncer-features::2"' in text
    assert "result 3.6 kB\n SQL feature map\n for pooling modes" in text
    assert "attempts\n 0  timeout 50 ms, then waited 50 ms\n 1  ok" in text
    assert "class      read only" in text
    assert "permission allowed" in text
    assert "queued     20 ms after the turn ended" in text
    assert "started    820 ms after step 0 began" in text
    assert "took       212 ms, 50 ms of it between 2\n           attempts" in text


def test_an_edited_result_shows_what_was_there_before() -> None:
    """A person's words are never taken for a tool's."""
    text = text_of(forked_run().state, call("0.1"), text_content("new"))
    assert "result 70 B ✎ edited\n new" in text
    assert "before: 774 B sql-prepare::0" in text
    assert "result by  you" in text


def test_an_edited_input_shows_what_the_model_asked_for() -> None:
    """Both inputs can be compared."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a", {"query": "old"})])
    log.edit_input("0.0", {"query": "new"})
    text = text_of(log.state, call("0.0"))
    assert "input ✎ edited" in text
    assert '"query": "new"' in text
    assert "the model asked for old" in text


def test_a_result_that_is_not_read_yet_says_so() -> None:
    """Its first line is known from the log; the rest follows."""
    text = text_of(one_call(Call("a", result="first\nsecond")), call("0.0"))
    assert " first\n … the rest is being read" in text
    assert "second" not in text


def test_a_huge_result_is_cut_with_a_sign() -> None:
    """Five megabytes do not stop the screen, and do not end in silence."""
    result = "x" * 5_000_000
    text = text_of(one_call(Call("a", result=result)), call("0.0"), text_content(result))
    assert "… 5.0 MB more" in text
    assert text.count("\n") < RESULT_LINES + 30


def test_blocks_that_are_no_text_have_a_placeholder() -> None:
    """Type and size of an image are named with the key that opens it, JSON is laid out, and texts stay texts."""
    content: Content = (
        TextBlock(text="seen:"),
        ImageBlock(data=b"x" * 1_200, media_type="image/png"),
        JsonBlock(value={"a": [1]}),
    )
    text = text_of(one_call(Call("a")), call("0.0"), content)
    assert " seen:\n ▣ image/png · 1.2 kB  o opens it\n {\n" in text


def test_what_waits_for_permission_says_why() -> None:
    """The reason is read before anything is allowed, and the decision after."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("shell", {"command": "ls"}, asks="runs a command", permission="ask")])
    assert "permission waits for you: runs a" in text_of(log.state, call("0.0"))
    log.add(PermissionDecided(call="0.0", verdict="deny", reason="not on this machine"))
    assert "denied by you: not on this" in text_of(log.state, call("0.0"))
    log.add(PermissionAsked(call="0.0", tool="shell", input={}, reason="again"))
    log.add(PermissionDecided(call="0.0", verdict="allow"))
    assert "permission allowed by you" in text_of(log.state, call("0.0"))


def test_what_a_waiting_call_would_do_is_shown() -> None:
    """A diff stands there until it is decided; afterwards the input and the result say it."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("edit_file", {"path": "a"}, asks="edit_file asks\n-old\n+new", permission="ask")])
    text = text_of(log.state, call("0.0"))
    assert "permission waits for you: edit_file asks\n" in text
    assert " -old\n +new" in text
    log.add(PermissionDecided(call="0.0", verdict="allow"))
    assert "-old" not in text_of(log.state, call("0.0"))


def test_circumstances_are_named() -> None:
    """Eager, elided and delegated calls say so."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a", begins=-0.1)])
    log.add(ContextElided(calls=("0.0",), tokens_before=9, tokens_after=5))
    text = text_of(log.state, call("0.0"), width=60)
    assert "eager      started while the model was still writing" in text
    assert "elided     requests carry a short mark" in text
    assert "subagent   71b2c3d4" in text_of(subagents_run()[0].state, call("0.0"))


def test_a_call_that_runs_shows_how_far_it_is() -> None:
    """Progress is read whole."""
    text = text_of(one_call(Call("a", seconds=None, progress="read 3\nof 9")), call("0.0"))
    assert "so far\n read 3\n of 9" in text


def test_a_step_shows_what_it_used_and_said() -> None:
    """Usage, times, text and calls of a turn, and the attempts it took."""
    text = text_of(troubled_run().state, Selection("step", step=0), width=60)
    assert "usage      900 in · 144 out · $0.001" in text
    assert "took       800 ms, first word after 200 ms" in text
    assert "attempt 0  overloaded_error" in text
    assert "thinking\n Authentication has several parts.\n Each is short." in text
    assert " 0.1 ✗ fetch_doc pgbouncer-config::99" in text


def test_a_step_and_a_run_show_what_fills_the_context() -> None:
    """The meter stands beside what the provider counted itself."""
    state = researched_run().state
    weights = Weights(instructions=1_200, results=((0, 800),), budget=4_000)
    step = text_of(state, Selection("step", step=1), width=60, weights=weights)
    assert "context of its request\n≈ 2.0 k of 4.0 k tokens · 50 % · recorded 1.3 k" in step
    assert "started    3.5 s after the run began" in step
    assert "context of the next request\n≈ 2.0 k of 4.0 k" in text_of(state, NOTHING, width=60, weights=weights)
    assert "context" not in text_of(state, Selection("step", step=1), width=60)


def test_a_plan_shows_its_turn() -> None:
    """Model, times and usage of the planner's turn are told like those of a step."""
    text = text_of(researched_run().state, Selection("plan"), width=60)
    assert "model      offline" in text
    assert "took       900 ms, first word after 225 ms" in text


def test_a_plan_step_is_read_whole() -> None:
    """The chosen step stands out and is not cut."""
    log = RunLog()
    log.plan(["SEARCH: " + "words " * 60, "COMPARE: " + "others " * 60])
    text = text_of(log.state, Selection("plan_step", index=1))
    assert "▸ 1 COMPARE ○ waiting" in text
    assert text.count("others") == 60
    assert text.count("words") < 60


def test_a_message_says_whether_it_waits() -> None:
    """A queued message is told from one that the model has seen."""
    log = live_run(3)
    log.say("And in session mode?")
    assert "○ enters after the current results" in text_of(log.state, Selection("message", index=1), width=60)
    assert "How does PgBouncer" in text_of(log.state, Selection("message", index=0))


@pytest.mark.parametrize("selection", [NOTHING, Selection("answer"), call("9.9"), Selection("step", step=99)])
def test_the_run_itself_is_shown_where_nothing_else_is(selection: Selection) -> None:
    """Agent, limits and usage of the run are one key away, and a thing that is gone is no error."""
    log, _ = subagents_run(done=True)
    text = text_of(log.state, selection, width=60)
    assert "✓ completed answered" in text
    assert "own        2.2 k in" in text
    assert "total      31.2 k in" in text
    assert "subagents  ran 13 steps" in text
    assert "steps      2 of 10" in text
    assert "model      offline" in text


def test_a_fork_names_its_origin_and_its_changes() -> None:
    """What makes this run different stands at the top."""
    text = text_of(forked_run().state, NOTHING)
    assert "fork of    a4f7c2e1 at 0.1" in text
    assert "changed    result 0.1" in text


def test_nothing_is_shown_of_no_run() -> None:
    """An empty pane is empty."""
    assert inspector_lines(RunState(), NOTHING, {}, 40) == []


@settings(max_examples=60, deadline=None)
@given(strange_text(80), st.integers(14, 90))
def test_lines_fit_and_are_harmless(strange: str, width: int) -> None:
    """Whatever is in a call, its lines are exactly as wide as the pane and obey nobody."""
    done = Call(strange, {strange: [strange, {"a": strange}]}, strange, attempts=((strange, 0.1, 0.1),))
    state = one_call(done)
    for selection in (call("0.0"), Selection("step", step=0), NOTHING):
        result = state.steps[0].calls["0.0"].result
        assert result is not None
        contents = {(result.run, result.seq): text_content(strange)}
        for line in inspector_lines(state, selection, contents, width):
            assert cell_len(line_text(line)) == width
            assert not UNSAFE.search(line_text(line))
            assert "\n" not in line_text(line)


def test_the_answer_of_the_scenes_is_known() -> None:
    """The scenes are whole runs: their answer is in the state."""
    assert subagents_run(done=True)[0].state.answer == ANSWER


def test_a_turn_that_is_to_be_tried_again_is_not_stopped() -> None:
    """Between two attempts the step waits, and the inspector says so like the timeline."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.add(ModelRetried(step=0, attempt=0, error="overloaded", error_kind="overloaded", wait=9.0))
    log.add(TurnDiscarded(step=0, attempt=0, reason="broken: overloaded"))
    step = Selection("step", step=0)
    assert "waits for another attempt" in text_of(log.state, step)
    log.pause()
    assert "stopped" in text_of(log.state, step)
