"""What is printed of a run and of the difference of two: the documents that programs read, and inert lines."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.debugger.align import digest_of
from workbench.debugger.divergence import Comparer, Comparison
from workbench.events.agent import AgentRecord
from workbench.events.base import Event, Recorded
from workbench.events.call import CallFinished, CallRetried, CallStarted
from workbench.events.codec import result_fields
from workbench.events.content import Content, TextBlock, text_content
from workbench.events.edit import MessageAdded
from workbench.events.plan import PlanApproved, PlanProposed, PlanStep
from workbench.events.request import ToolCallBlock, Usage
from workbench.events.run import Citation, RunFinished, RunStarted
from workbench.events.turn import TurnFinished, TurnStarted
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.views.diff import Side, diff_document, diff_lines, text_diff
from workbench.views.segments import line_text, line_width
from workbench.views.show import run_document, show_lines, timing_words

HOSTILE = "\x1b]0;owned\x07\x9b2J\u202eevil\r\n[@click=app.quit()]x[/] 中文"
Contents = dict[tuple[str, int], Content]


class Story:
    """Builds a run event by event."""

    def __init__(self, run: str = "a" * 16, task: str = "What?") -> None:
        self.run = run
        self.records: list[Recorded] = []
        self.contents: Contents = {}
        agent = AgentRecord(instructions="Look.", model="offline")
        self.add(0, RunStarted(task=text_content(task), agent=agent, date="2026-01-01"))

    def add(self, at: float, event: Event) -> None:
        """Append an event at a time in seconds."""
        self.records.append(Recorded(self.run, len(self.records), 1000.0 + at, event))

    def turn(self, step: int, text: str, *calls: tuple[str, dict[str, Any]], at: float = 0.0) -> None:
        """Append a turn with calls."""
        blocks = [
            ToolCallBlock(id=f"{step}.{index}", tool=tool, input=given) for index, (tool, given) in enumerate(calls)
        ]
        self.add(at, TurnStarted(step=step, attempt=0, purpose="step", model="offline", request_key="k"))
        self.add(
            at + 0.5,
            TurnFinished(
                step=step, attempt=0, purpose="step", content=(TextBlock(text=text), *blocks),
                stop_reason="tool_calls" if calls else "end_turn",
                usage=Usage(input_tokens=1000, output_tokens=50, cost=0.002), elapsed=0.5,
            ),
        )  # fmt: skip

    def start(self, call: str, at: float, tool: str = "look") -> None:
        """Append the start of a call."""
        self.add(at, CallStarted(call=call, tool=tool, input={}, effect="read_only", permission="allow"))

    def finish(self, call: str, at: float, elapsed: float, result: str) -> None:
        """Append the end of a call, as a reader of the log sees it: the result apart."""
        content = text_content(result)
        self.contents[self.run, len(self.records)] = content
        fields = result_fields(content, is_error=False) | {"result": ()}
        self.add(at, CallFinished(call=call, outcome="ok", elapsed=elapsed, **fields))

    @property
    def state(self) -> RunState:
        """The run after all of it."""
        return fold(self.records)

    @property
    def history(self) -> History:
        """The run with its events."""
        history = History()
        for record in self.records:
            history.append(record)
        return history

    @property
    def side(self) -> Side:
        """The run as one side of a comparison."""
        return Side(self.state, self.contents)


def told(*, run: str = "a" * 16, second: str = "beta", answer: str = "42", third: bool = False) -> Story:
    """Return a run with a plan, two calls at once, one of them retried, and an answer."""
    story = Story(run)
    story.add(0, PlanProposed(steps=(PlanStep(action="SEARCH", text="alpha"), PlanStep(action="SYNTHESIZE", text=""))))
    story.add(0, PlanApproved(by="operator"))
    story.turn(0, "Two at once.", ("look", {"word": "alpha"}), ("look", {"word": "beta"}))
    story.start("0.0", 1.0)
    story.start("0.1", 1.0)
    story.add(1.1, CallRetried(call="0.1", attempt=0, error="timeout", elapsed=0.05, wait=0.05))
    story.finish("0.0", 1.25, 0.25, "first\nresult")
    story.finish("0.1", 1.5, 0.5, second)
    if third:
        story.turn(1, "One more.", ("look", {"word": "gamma"}), at=2)
        story.start("1.0", 2.5)
        story.finish("1.0", 2.6, 0.1, "third")
    story.turn(1 + third, answer, at=3)
    story.add(
        4,
        RunFinished(
            status="completed",
            reason="halted",
            answer=answer,
            citations=(Citation(source="x::1", quote="a\n b"),),
            steps=2,
        ),
    )
    return story


def compared(a: Story, b: Story) -> Comparison:
    """Return how two runs compare, with all their results read."""
    digests = {ref: digest_of(content) for story in (a, b) for ref, content in story.contents.items()}
    return Comparer(a.history, b.history).compare(digests)


def texts(lines: Any) -> list[str]:
    """Return lines without their styles."""
    return [line_text(line) for line in lines]


def test_the_document_has_what_programs_rely_on() -> None:
    """`show --json` keeps its names: scripts read them."""
    story = told()
    document = run_document(story.state, story.contents)
    assert {"id", "parent", "caller", "status", "reason", "task", "model", "steps", "answer", "citations"} <= set(
        document
    )
    assert (document["id"], document["status"], document["reason"]) == ("a" * 16, "completed", "halted")
    assert (document["task"], document["model"], document["parent"], document["caller"]) == (
        "What?",
        "offline",
        None,
        None,
    )
    assert document["citations"] == [{"source": "x::1", "quote": "a\n b"}]
    step = document["steps"][0]
    assert (step["index"], step["text"], len(step["calls"])) == (0, "Two at once.", 2)
    call = step["calls"][1]
    assert {"id", "tool", "input", "result", "is_error", "attempts", "started", "finished", "child"} <= set(call)
    assert (call["id"], call["tool"], call["input"]) == ("0.1", "look", {"word": "beta"})
    assert (call["result"], call["is_error"], call["child"]) == ("beta", False, None)
    assert (call["started"], call["finished"]) == (1001.0, 1001.5)
    assert [attempt["error"] for attempt in call["attempts"]] == ["timeout", None]
    assert call["attempts"][1]["elapsed"] == pytest.approx(0.4)
    assert document["usage"]["own"]["input_tokens"] == 2000
    assert document["usage"]["total"]["cost"] == pytest.approx(0.004)


def test_a_run_that_nobody_drives_any_more_is_interrupted() -> None:
    """After a kill the log still says what was going on; what is printed says that it does not go on."""
    story = Story()
    story.turn(0, "Looking.", ("look", {}))
    story.start("0.0", 1)
    assert run_document(story.state, {})["status"] == "executing_tools"
    document = run_document(story.state, {}, crashed=True)
    assert (document["status"], document["reason"]) == ("interrupted", "crashed")
    assert "interrupted: its driver died (1 step)" in texts(show_lines(story.state, {}, 80, crashed=True))


def test_a_run_as_text_shows_plan_steps_calls_and_answer() -> None:
    """What a person reads: the plan, each step with its timing, calls with their results, and how it ended."""
    story = told()
    lines = texts(show_lines(story.state, story.contents, 80))
    assert lines[0] == "What?"
    assert "PLAN ✓ approved" in lines
    assert "  ✓ 0 SEARCH: alpha" in lines
    assert "STEP 0 · 500 ms thinking · 2 calls ∥ 500 ms (one by one 750 ms)" in lines
    assert "  ✓ 0.1 look  beta" in lines
    assert "        500 ms · ↻1 after timeout · 4 B" in lines
    assert "        first" in lines
    assert "  x::1  “a b”" in lines
    assert "completed: ended without a submitted answer (2 steps)" in lines


def test_messages_stand_where_they_were_said() -> None:
    """A further question is shown between the steps, and programs learn before which step it came."""
    story = told()
    story.add(5, MessageAdded(content=text_content("And async?")))
    story.turn(2, "More.", at=6)
    lines = texts(show_lines(story.state, story.contents, 80))
    assert (
        lines.index("STEP 1 · 500 ms thinking")
        < lines.index("YOU  And async?")
        < lines.index("STEP 2 · 500 ms thinking")
    )
    assert run_document(story.state, {})["messages"] == [{"before_step": 2, "text": "And async?", "attached": []}]


def test_calls_that_ran_one_by_one_say_so() -> None:
    """A sequential step makes no claim of concurrency."""
    state = told().state
    state.steps[0].sequential = True
    assert timing_words(state.steps[0]) == "2 calls one by one 500 ms"


def test_calls_too_short_to_win_anything_claim_nothing() -> None:
    """What lies between start and end counts only at once, so there the comparison says nothing."""
    state = told().state
    for call in state.steps[0].calls.values():
        call.elapsed = 0.001
    assert timing_words(state.steps[0]) == "2 calls ∥ 500 ms"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_hostile_text_is_inert_and_fits(width: int) -> None:
    """No byte of task, text, input, result, answer or citation reaches the terminal as control or breaks a line."""
    story = Story(task=HOSTILE)
    story.turn(0, HOSTILE, (HOSTILE, {HOSTILE: HOSTILE, "n": 1}))
    story.start("0.0", 1, HOSTILE)
    story.add(1.1, CallRetried(call="0.0", attempt=0, error=HOSTILE, elapsed=0.05, wait=0.05))
    story.finish("0.0", 2, 1, HOSTILE * 50)
    cited = (Citation(source=HOSTILE, quote=HOSTILE),)
    story.add(3, RunFinished(status="failed", reason="error", answer=HOSTILE, citations=cited, error=HOSTILE))
    other = told()
    lines = show_lines(story.state, story.contents, width)
    lines += diff_lines(story.side, other.side, compared(story, other), width)
    for line in lines:
        assert not set(line_text(line)) & set("\x1b\x07\x9b\x00\n\r\u202e")
        assert line_width(line) <= width, line_text(line)


def test_a_long_result_is_cut_and_says_so() -> None:
    """A result of 5 MB takes a few lines, and how much is not shown is told."""
    story = Story()
    story.turn(0, "", ("look", {}))
    story.start("0.0", 1)
    story.finish("0.0", 2, 1, "x" * 5_000_000)
    lines = texts(show_lines(story.state, story.contents, 80))
    assert len(lines) < 20
    assert any("5.0 MB more" in line for line in lines)


def test_a_difference_is_found_by_what_was_done() -> None:
    """Two runs with the same calls and one other result diverge at that call, and later ones are paired by tool."""
    a, b = told(), told(run="b" * 16, second="other", answer="43", third=True)
    document = diff_document(a.side, b.side, compared(a, b))
    assert {"shared_steps", "diverged_at", "steps", "answer", "usage"} <= set(document)
    assert (document["shared_steps"], document["diverged_at"]) == (0, "0.1")
    assert document["answer"] == {"a": "42", "b": "43"}
    assert document["usage"]["b"]["input_tokens"] == 3000
    first = document["steps"][0]
    assert (first["a"], first["b"], first["same"]) == (0, 0, False)
    assert [call["same"] for call in first["calls"]] == [True, False]
    assert (first["calls"][1]["a"]["result"], first["calls"][1]["b"]["result"]) == ("beta", "other")


def test_a_difference_as_text_shows_only_what_differs() -> None:
    """What is the same in both is counted, what differs stands below each other with - and +."""
    a, b = told(), told(run="b" * 16, second="other", answer="43")
    lines = texts(diff_lines(a.side, b.side, compared(a, b), 80))
    assert "diverged at 0.1: look 0.1: another result for the same input" in lines
    assert "3 differences; 1 of them only follows from another (↳)" in lines
    assert "    - beta" in lines
    assert "    + other" in lines
    assert "    - 42" in lines
    assert "    + 43" in lines
    assert not any("alpha" in line for line in lines)


def test_equal_runs_have_no_difference() -> None:
    """Comparing a run with itself says so in one line."""
    a = told()
    comparison = compared(a, a)
    lines = texts(diff_lines(a.side, a.side, comparison, 80))
    assert "no difference in what they did" in lines
    assert "2 steps the same in both" in lines
    assert diff_document(a.side, a.side, comparison)["diverged_at"] is None


def test_a_diff_of_long_texts_ends() -> None:
    """A thousand changed lines are not a thousand lines on screen."""
    lines = text_diff("\n".join(f"a{n}" for n in range(1000)), "\n".join(f"b{n}" for n in range(1000)), 80)
    assert len(lines) == 41
    assert line_text(lines[-1]).strip() == "…"
