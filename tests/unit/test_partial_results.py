"""Tools that yield: what comes is shown as it comes, is put together, and is kept where the tool is interrupted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest

from tests.hook_kit import hook
from tests.loop_kit import Lab, answer, asks, patiently
from workbench.engine import attempts, progress
from workbench.engine.results import NOT_WHOLE, TAIL
from workbench.errors import ToolError
from workbench.events.call import CallCancelled, CallFinished, CallProgressed
from workbench.events.codec import result_fields
from workbench.events.content import ImageBlock, TextBlock, text_content
from workbench.events.edit import ResultEdited
from workbench.tools.base import Tool, ToolResult
from workbench.tools.declaring import tool
from workbench.views.inspector import inspector_lines
from workbench.views.lanes import outcome_line
from workbench.views.marks import call_mark
from workbench.views.segments import Line
from workbench.views.selection import Selection
from workbench.views.show import run_document, show_lines
from workbench.views.text import last_line

RUN_ONCE = asks(("work", {}))
IMAGE = ImageBlock(data=b"png", media_type="image/png")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries, and words on how far a call is, follow at once."""
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.0)
    monkeypatch.setattr(progress, "PROGRESS_EVERY", 0.0)


def both(parts: list[Any], **declared: Any) -> list[Tool]:
    """Return two tools that yield the same: an async one and a sync one."""

    async def slowly() -> AsyncIterator[Any]:
        for part in parts:
            yield part

    def quickly() -> Iterator[Any]:
        yield from parts

    return [tool(slowly, name="work", **declared), tool(quickly, name="work", **declared)]


async def given(work: Tool) -> tuple[Any, CallFinished]:
    """Return the content of the tool's result, and its event."""
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    [event, _] = lab.all(CallFinished)
    return event.result, event


@pytest.mark.parametrize(
    ("parts", "content", "is_error", "partial"),
    [
        (["one ", "two ", "three"], text_content("one two three"), False, False),
        ([], text_content("done"), False, False),
        (["a", "b", IMAGE, "c", TextBlock(text="d")],
         (TextBlock(text="ab"), IMAGE, TextBlock(text="c"), TextBlock(text="d")), False, False),
        (["a", ToolResult((IMAGE,), is_last=False), "b"], (TextBlock(text="a"), IMAGE, TextBlock(text="b")), False,
         False),
        (["a", ToolResult(text_content("all"))], text_content("all"), False, False),
        (["a", ToolResult(text_content("all"), is_error=True), "never"], text_content("all"), True, False),
        (["a", ToolResult(text_content("b"), is_error=True, is_last=False)],
         (TextBlock(text="a"), TextBlock(text="b")), True, False),
        (["a", ToolResult(text_content("b"), interrupted=True)], text_content("b"), False, True),
        (["x\ud800"], text_content("x\ufffd"), False, False),
    ],
)  # fmt: skip
async def test_parts_are_put_together(parts: list[Any], content: Any, is_error: bool, partial: bool) -> None:
    """Texts to one text, blocks as they are; a result that is the last one stands for the whole and ends the tool."""
    for work in both(parts):
        result, event = await given(work)
        assert result == content
        assert (event.is_error, event.partial) == (is_error, partial)


async def test_what_a_generator_returns_is_the_whole() -> None:
    """Where it returns something."""

    @tool
    def work() -> Any:
        yield "part"
        return "whole"

    assert (await given(work))[0] == text_content("whole")


async def test_what_has_come_is_shown_while_the_tool_runs() -> None:
    """The end of it, in the lane, by events."""
    go_on, closed = asyncio.Event(), threading.Event()

    @tool
    async def work() -> AsyncIterator[str]:
        try:
            yield "x" * TAIL
            yield "the end"
            await go_on.wait()
            yield "!"
        finally:
            closed.set()

    lab = Lab([RUN_ONCE, answer()], [work])
    task = await lab.started()
    await lab.until(lambda: lab.state.steps and lab.state.steps[0].calls and lab.call("0.0").progress.endswith("end"))
    assert lab.call("0.0").progress == "x" * (TAIL - 7) + "the end"
    assert not closed.is_set()
    go_on.set()
    await lab.finish(task)
    assert lab.text("0.0") == "x" * TAIL + "the end!"
    assert closed.is_set()


def stuck(closed: threading.Event, **declared: Any) -> list[tuple[Tool, threading.Event]]:
    """Return an async and a sync tool that yield once and then wait."""
    release = threading.Event()

    async def slowly() -> AsyncIterator[str]:
        try:
            yield "half"
            await asyncio.Event().wait()
        finally:
            closed.set()

    def quickly() -> Iterator[str]:
        try:
            yield "half"
            assert release.wait(20)
            yield "never"
        finally:
            closed.set()

    return [
        (tool(slowly, name="work", **declared), release),
        (tool(quickly, name="work", **declared), release),
    ]


@pytest.mark.parametrize("kind", [0, 1])
async def test_what_had_come_is_kept_at_a_timeout(kind: int) -> None:
    """With the sentence that says why it is not whole; the generator is closed."""
    closed = threading.Event()
    work, release = stuck(closed, timeout=0.02)[kind]
    result, event = await given(work)
    release.set()
    assert result[0] == TextBlock(text="half")
    assert result[1] == TextBlock(text=NOT_WHOLE)
    assert result[2].text.startswith("work gave no result within 0.02 s.")
    assert (event.partial, event.outcome, event.is_error) == (True, "timeout", True)
    assert await asyncio.to_thread(closed.wait, 20)


@pytest.mark.parametrize("kind", [0, 1])
async def test_what_had_come_is_kept_when_a_person_gives_the_call_up_while_a_hook_looks_at_its_result(
    kind: int,
) -> None:
    """The tool is over, its result is not in the log yet: what it gave is the result of the call."""
    asked = asyncio.Event()

    async def look_on(*_: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    lab = Lab([RUN_ONCE, answer()], [both(["half", " of it"])[kind]], hooks=(hook(after_call=look_on),))
    task = await lab.started()
    await patiently(asked.wait())
    lab.loop.cancel_call("0.0")
    await lab.finish(task)
    [event] = lab.all(CallCancelled)
    assert event.partial
    assert event.result[0] == TextBlock(text="half of it")


@pytest.mark.parametrize("kind", [0, 1])
async def test_what_had_come_is_kept_when_a_person_gives_the_call_up(kind: int) -> None:
    """The result of the call is what had come."""
    closed = threading.Event()
    work, release = stuck(closed)[kind]
    lab = Lab([RUN_ONCE, answer()], [work])
    task = await lab.started()
    await lab.until(lambda: lab.state.steps and lab.state.steps[0].calls and lab.call("0.0").progress == "half")
    lab.loop.cancel_call("0.0")
    await lab.finish(task)
    release.set()
    [event] = lab.all(CallCancelled)
    assert event.partial
    assert event.result[0] == TextBlock(text="half")
    assert f"{NOT_WHOLE}\ncancelled by the operator" in lab.text("0.0")
    assert await asyncio.to_thread(closed.wait, 20)


async def test_what_had_come_is_kept_where_the_tool_fails() -> None:
    """An error after the first part is a result that holds both."""

    @tool
    async def work() -> AsyncIterator[str]:
        yield "half"
        raise ToolError("the rest is gone")

    result, event = await given(work)
    assert [block.text for block in result] == ["half", NOT_WHOLE, "the rest is gone"]
    assert (event.partial, event.outcome) == (True, "error")


async def test_an_attempt_that_is_tried_again_leaves_nothing() -> None:
    """What a failed attempt gave is not in the result of the next."""
    tried: list[int] = []

    @tool(read_only=True)
    async def work() -> AsyncIterator[str]:
        tried.append(1)
        yield f"part of {len(tried)}"
        if len(tried) == 1:
            raise ConnectionError("gone")

    result, event = await given(work)
    assert result == text_content("part of 2")
    assert not event.partial


async def test_what_had_come_before_a_pause_is_in_the_log() -> None:
    """A stopped call has no result; its last words are still there."""
    work, _ = stuck(threading.Event())[0]
    lab = Lab([RUN_ONCE, answer()], [tool(work.function, name="work", read_only=True)], eager=False)
    task = await lab.started()
    await lab.until(lambda: lab.all(CallProgressed))
    lab.loop.pause()
    await lab.finish(task)
    assert lab.call("0.0").status == "interrupted"
    assert lab.call("0.0").progress == "half"


async def test_a_result_that_is_worked_on_is_the_whole() -> None:
    """Parts are put together first."""
    for work in both(["a", "b"], postprocess=lambda result: f"<{result.content[0].text}>"):
        assert (await given(work))[0] == text_content("<ab>")


async def test_a_result_that_is_not_whole_is_shown_as_such() -> None:
    """In the lane, in the inspector, and on paper, for people and programs; edited, it is whole."""
    closed = threading.Event()
    work, _ = stuck(closed, timeout=0.02)[0]
    lab = Lab([RUN_ONCE, answer()], [work])
    await lab.run()
    call = lab.call("0.0")
    assert call.partial
    assert "not whole" in words([outcome_line(call, call_mark(call), 60)])
    assert "not whole" in words(show_lines(lab.state, {}, 80))
    assert "not whole" in words(inspector_lines(lab.state, Selection("call", step=0, call="0.0"), {}, 60))
    assert run_document(lab.state, {})["steps"][0]["calls"][0]["partial"] is True
    fields = result_fields(text_content("all of it"), is_error=False)
    await lab.journal.append(ResultEdited(call="0.0", replaces="", **fields))
    assert not lab.call("0.0").partial


def words(lines: Iterable[Line]) -> str:
    """Return what stands in some lines."""
    return "\n".join("".join(piece.text for piece in line) for line in lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("short", "short"), ("one\ntwo\n", "two"), ("x" * 20 + "end", "…xxxxxxend"), ("中文" * 10, "…中文中文"),
     ("a\x1b[31m", "a\ufffd[31m"), ("x" * 1_000_000 + "!", "…xxxxxxxx!")],
)  # fmt: skip
def test_a_lane_shows_the_end_of_what_has_come(text: str, shown: str) -> None:
    """The last line, or the end of it."""
    assert last_line(text, 10) == shown
