"""What is shown of several subagents on one task, and of what changed the requests on the way."""

from __future__ import annotations

from collections.abc import Iterable

from tests.builders import agent_record
from tests.run_log import Call, RunLog
from workbench.events.call import CallFinished, MemberAnswer, SubagentFinished, SubagentsSettled, SubagentStarted
from workbench.events.codec import result_fields
from workbench.events.content import text_content
from workbench.events.request import Usage
from workbench.events.run import ContextElided, ContextSummarised, ToolsSwitched
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.tui.flows.looking import subagent_of
from workbench.views.inspector import inspector_lines
from workbench.views.lanes import lane_height
from workbench.views.members import ensemble_words, member_documents, member_lines, member_row
from workbench.views.notices import notice_words
from workbench.views.segments import Line
from workbench.views.selection import Selection
from workbench.views.show import show_lines
from workbench.views.timeline import TimelineLayout

USAGE = Usage(input_tokens=1000, output_tokens=200)
RUNS = ("9c1e77d0aa", "77d01234bb", "a4f7c2e1cc")


def words(lines: Iterable[Line]) -> str:
    """Return lines as text."""
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)


def council(*, judged: bool = False, settled: bool = True) -> RunLog:
    """Return the log of a call with three subagents, and perhaps a judge."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("spawn_subagent", {"task": "t"}, seconds=None)])
    for number, run in enumerate(RUNS):
        log.add(SubagentStarted(call="0.0", run=run, task="t", role="guesser", member=number))
        log.add(
            SubagentFinished(
                call="0.0", run=run, member=number, status="completed", reason="answered", steps=2, usage=USAGE
            )
        )
    if judged:
        log.add(SubagentStarted(call="0.0", run="dddd0000", task="t", role="judge", member=3, judges=True))
    if settled:
        answers = [("Paris", "agrees"), ("Lyon", "differs"), ("token limit", "failed")]
        told = [
            MemberAnswer(member=number, run=RUNS[number], said=said, stand=stand)  # type: ignore[arg-type]
            for number, (said, stand) in enumerate(answers)
        ]
        log.add(SubagentsSettled(call="0.0", by="judge" if judged else "vote", answers=tuple(told), why="so it is"))
        log.add(
            CallFinished(call="0.0", outcome="ok", elapsed=1.0, **result_fields(text_content("Paris"), is_error=False))
        )
    return log


def call_of(state: RunState) -> CallState:
    """Return the call."""
    call = state.call("0.0")
    assert call is not None
    return call


def timeline(log: RunLog, width: int = 80) -> TimelineLayout:
    """Return the timeline of a log."""
    found = TimelineLayout(width)
    found.update(log.state)
    return found


def drawn(shown: TimelineLayout) -> str:
    """Return a timeline as text."""
    return words(shown.line(y) for y in range(shown.height))


def test_the_lane_says_how_many_agree() -> None:
    """Beside the lane of the call there is a row for each of its subagents, with what it said."""
    log = council()
    call = call_of(log.state)
    assert ensemble_words(call) == "3 subagents · 1 of 3 agree"
    assert lane_height(call) == 6
    shown = timeline(log)
    text = drawn(shown)
    assert "↳ 3 subagents · 1 of 3 agree" in text
    assert "  ↳ 0 9c1e77d0 ✓ 2 steps · 1.2 k tokens · agrees" in text
    assert "  ↳ 1 77d01234 ✓ 2 steps · 1.2 k tokens · said: Lyon" in text
    assert "  ↳ 2 a4f7c2e1 ✓ 2 steps · 1.2 k tokens · no answer: token limit" in text


def test_before_it_is_settled_the_lane_says_how_far_it_is() -> None:
    """How many are over, and that a judge is at work."""
    assert ensemble_words(call_of(council(settled=False).state)) == "3 subagents · 3 over"
    judged = call_of(council(judged=True, settled=False).state)
    assert ensemble_words(judged) == "3 subagents · a judge settles it"
    assert "judge dddd0000" in words([member_row(judged, 3, None, 80)])
    assert ensemble_words(call_of(council(judged=True).state)) == "3 subagents · 1 of 3 agree with the judge"


def test_a_row_opens_its_subagent() -> None:
    """Each row is a thing that can be selected; the lane itself opens what all of them did in the inspector."""
    log = council()
    call = call_of(log.state)
    lane = Selection("call", step=0, call="0.0")
    assert subagent_of(lane, call) is None
    assert [subagent_of(Selection("call", step=0, call="0.0", index=number), call) for number in range(3)] == list(RUNS)
    assert subagent_of(Selection("call", step=0, call="0.0", index=9), call) is None
    assert subagent_of(Selection("step", step=0), call) is None
    shown = timeline(log)
    seen = [lane]
    for _ in range(3):
        seen.append(shown.move(seen[-1], "down"))
    assert [one.index for one in seen] == [None, 0, 1, 2]
    assert "  ▸ 1 77d01234" in words([member_row(call, 1, None, 80, active=True)])


def test_the_inspector_and_paper_tell_the_disagreement() -> None:
    """Who agrees, what the others said, and why it was settled so."""
    state = council().state
    text = words(inspector_lines(state, Selection("call", step=0, call="0.0"), {}, 80))
    assert "subagents  3 subagents · 1 of 3 agree" in text
    assert "number 1   77d01234 · said: Lyon" in text
    assert "settled by most votes" in text
    assert "because    so it is" in text
    paper = words(show_lines(state, {}, 80))
    assert "3 subagents · 1 of 3 agree" in paper
    assert "↳ 1 77d01234 ✓ 2 steps · 1.2 k tokens · said: Lyon" in paper
    assert [one["stand"] for one in member_documents(call_of(state))] == ["agrees", "differs", "failed"]


def test_one_subagent_is_shown_as_ever() -> None:
    """No rows, no numbers."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("spawn_subagent", {"task": "t"}, seconds=None)])
    log.add(SubagentStarted(call="0.0", run=RUNS[0], task="t"))
    call = call_of(log.state)
    assert member_lines(call, 80) == []
    assert subagent_of(Selection("call", step=0, call="0.0"), call) == RUNS[0]
    assert "↳ 0" not in drawn(timeline(log))


ELIDED = ContextElided(calls=("0.0", "1.0"), tokens_before=130_000, tokens_after=70_000)


def test_what_left_requests_is_told_where_it_happened() -> None:
    """Before the step from which on it holds, in the timeline and on paper; a step that was summed up says so."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a")])
    log.step([Call("a")])
    log.add(ELIDED)
    log.add(ContextSummarised(through=0, summary="s"))
    log.add(ToolsSwitched(groups={"files": True, "web": False}, by="model"))
    log.step([Call("a")])
    said = [
        "┄ 2 old results left out of requests from here: 130 k → 70.0 k tokens",
        "┄ step 0 summed up in requests from here",
        "┄ tools switched on: files, off: web",
        "STEP 2",
    ]
    shown = timeline(log)
    for text in (drawn(shown), words(show_lines(log.state, {}, 80))):
        lines = [line.strip() for line in text.splitlines()]
        first = lines.index(said[0])
        assert lines[first : first + 3] == said[:3]
        assert lines[first + 3].startswith(said[3])
    state = log.state
    assert "elided     requests carry a short mark instead of the result from step 2 on" in words(
        inspector_lines(state, Selection("call", step=1, call="1.0"), {}, 100)
    )
    assert "summed up  requests carry a summary instead of this step from step 2 on" in words(
        inspector_lines(state, Selection("step", step=0), {}, 100)
    )
    assert "left out   0.0, 1.0" in words(inspector_lines(state, Selection("step", step=2), {}, 100))
    assert state.summed_up_at(1) is None


def test_notices_count() -> None:
    """One result is one, and several steps are from the first to the last."""
    one = ContextElided(calls=("0.0",), tokens_before=9000, tokens_after=5000)
    assert notice_words(one).startswith("1 old result left out")
    assert notice_words(ContextSummarised(through=3, summary="")) == "steps 0–3 summed up in requests from here"
