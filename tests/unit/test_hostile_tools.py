"""Tools that behave as badly as they can: each call ends as a result or a sentence, and the run goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, create_model

from tests.loop_kit import Lab, answer, asks
from workbench.engine import attempts, progress
from workbench.engine.results import NOT_WHOLE, TAIL
from workbench.events.call import CallProgressed
from workbench.events.content import DocumentBlock, TextBlock, content_size
from workbench.tools.base import ToolContext, ToolResult
from workbench.tools.declaring import tool

MOST = 1_000_000


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries follow at once."""
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.0)


async def outcome(function: Callable[..., Any], **declared: Any) -> tuple[str, bool]:
    """Return text and is_error of a call; another call, and the run, go on after it."""

    @tool
    async def other() -> str:
        return "fine"

    work = tool(function, name="work", **declared)
    lab = Lab([asks(("work", {}), ("other", {})), asks(("other", {})), answer()], [work, other])
    state = await lab.run()
    assert (state.status, lab.text("0.1"), lab.text("1.0")) == ("completed", "fine", "fine")
    assert content_size((TextBlock(text=lab.text("0.0")),)) < MOST + 1000
    [(_, text, is_error), _] = lab.sent_results(1)
    return text, is_error


def both(give: Callable[[], Any]) -> list[Callable[[], Any]]:
    """Return an async and a sync function that do the same."""

    async def slowly() -> Any:
        return give()

    return [slowly, give]


@pytest.mark.parametrize("raised", [TypeError("ouch"), SystemExit("ouch")])
async def test_a_validator_that_breaks_is_an_input_that_does_not_fit(raised: BaseException) -> None:
    """Code of the tool's author runs before the call, and to say what it would do."""

    def broken(_: Any) -> Any:
        raise raised

    async def work(value: int) -> int:
        return value

    model = create_model("Input", value=(Annotated[int, AfterValidator(broken)], ...))
    lab = Lab([asks(("work", {"value": 1})), answer()], [tool(work, schema=model)])
    assert (await lab.run()).status == "completed"
    assert lab.text("0.0") == f"invalid input for work: {type(raised).__name__}: ouch"
    asking = tool(work, permission="ask", preview=broken)
    assert asking.previewed({"value": 1}) == "what it would do cannot be shown: ouch"


async def test_a_tool_that_ignores_its_cancellation_is_left_behind() -> None:
    """Its call times out all the same."""
    release = asyncio.Event()

    async def stubborn() -> str:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    text, is_error = await outcome(stubborn, timeout=0.02)
    release.set()
    await asyncio.sleep(0)
    assert is_error
    assert text.startswith("work gave no result within 0.02 s.")


async def test_a_generator_that_ignores_its_end_is_left_behind() -> None:
    """It catches its cancellation, and yields where it is closed."""

    async def stubborn() -> AsyncIterator[str]:
        while True:
            try:
                yield "on "
                await asyncio.sleep(0.001)
            except (asyncio.CancelledError, GeneratorExit):
                yield "and on"

    text, is_error = await outcome(stubborn, timeout=0.05)
    assert is_error
    assert text.startswith("on on ")


async def test_a_flood_is_cut() -> None:
    """A hundred megabytes of text: the first megabyte is kept, and how much is left out is said."""
    size = 100_000_000
    for function in both(lambda: "é" * (size // 2)):
        text, is_error = await outcome(function)
        assert not is_error
        assert text.endswith(f"[cut here: {size - MOST:,} more bytes are left out; a result may have {MOST:,}]")
        assert text.startswith("é" * (MOST // 2))


async def test_floods_of_other_kinds_are_cut_too() -> None:
    """JSON, bytes, documents, the words of an error, and what comes in parts."""

    def fails() -> None:
        raise ValueError("x" * 3_000_000)

    def parts() -> Iterator[str]:
        for _ in range(300):
            yield "x" * 10_000

    async def more_parts() -> AsyncIterator[Any]:
        for _ in range(30):
            yield ["x" * 100_000]

    for function, left in (
        (lambda: {"x": "y" * 3_000_000}, "2,000,008"),
        (lambda: b"x" * 3_000_000, "2,000,000"),
        (fails, "2,000,"),
        (parts, "2,000,000"),
        (more_parts, ""),
        (lambda: ToolResult((TextBlock(text="x" * MOST), TextBlock(text="y" * 7))), "7 more"),
        (lambda: DocumentBlock(data=b"x" * 11_000_000, media_type="a/b"), "[a/b of 11,000,000 bytes is left out]"),
    ):
        text, _ = await outcome(function)
        assert left in text
    assert (await outcome(lambda: "x" * 30, max_output=10))[0] == (
        "x" * 10 + "\n[cut here: 20 more bytes are left out; a result may have 10]"
    )


async def test_a_flood_of_words_on_progress_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log keeps their end, now and then."""
    monkeypatch.setattr(progress, "PROGRESS_EVERY", 30.0)

    @tool
    def work(context: ToolContext) -> str:
        for _ in range(20_000):
            context.progress("x" * 20_000)
        return "done"

    lab = Lab([asks(("work", {})), answer()], [work])
    await lab.run()
    said = lab.all(CallProgressed)
    assert len(said) <= 2
    assert all(len(event.text) <= TAIL for event in said)
    assert lab.text("0.0") == "done"


class RudeError(Exception):
    """Cannot be looked at."""

    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(0), SystemExit("bye"), KeyboardInterrupt(), GeneratorExit(), StopIteration(1), StopAsyncIteration(),
        asyncio.CancelledError(), RecursionError(), MemoryError(), RudeError(), BaseException("what"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_whatever_a_tool_raises_is_an_error_of_the_call(error: BaseException) -> None:
    """What would end a thread, a task or the event loop among them, also in the middle of parts."""

    def fail() -> Any:
        raise error

    async def parts() -> AsyncIterator[str]:
        yield "half"
        raise error

    def sync_parts() -> Iterator[str]:
        yield "half"
        raise error

    for function in (*both(fail), parts, sync_parts):
        text, is_error = await outcome(function)
        assert is_error
        assert "work" in text or "Rude" in text


class RudeObject:
    """Cannot be shown."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error


class RudeModel(BaseModel):
    """Cannot be dumped."""

    def model_dump(self, **_: Any) -> Any:
        raise KeyboardInterrupt


def cycles() -> Any:
    """Return a list that holds itself many times over."""
    found: list[Any] = []
    found.extend([found] * 10)
    return found


def shared() -> Any:
    """Return a small value that is endless when it is written out."""
    found: Any = list(range(1000))
    for _ in range(60):
        found = [found] * 1000
    return found


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (lambda: {1, "a", (2, 3)}, "a"),
        (lambda: float("nan"), "null"),
        (lambda: {"x": [float("inf")]}, '{"x":[null]}'),
        (lambda: b"\xff\x00", "\ufffd\x00"),
        (lambda: 10**30, '"1' + "0" * 30 + '"'),
        (lambda: 10**100_000, "0x"),
        (cycles, "[cut here: "),
        (shared, "[cut here: "),
        (lambda: [[list(range(2)) for _ in range(400_000)]] * 2, "[cut here: "),
        (lambda: {object(): object}, "class 'object'"),
        (lambda: RudeObject(ValueError("no")), "the result cannot be read: ValueError: no"),
        (lambda: RudeObject(SystemExit(1)), "the result cannot be read: SystemExit: 1"),
        (lambda: [RudeObject(KeyboardInterrupt())], "the result cannot be read: KeyboardInterrupt"),
        (RudeModel, "the result cannot be read: KeyboardInterrupt"),
        (lambda: ToolResult(5), "the result cannot be read"),  # type: ignore[arg-type]
        (lambda: ToolResult((RudeObject(SystemExit(1)),)), "the result cannot be read"),  # type: ignore[arg-type]
    ],
)
async def test_what_json_cannot_hold_is_a_result_all_the_same(give: Callable[[], Any], said: str) -> None:
    """Or a sentence that says why it is none."""
    for function in both(give):
        text, _ = await outcome(function)
        assert said in text


async def test_a_tool_that_blocks_the_event_loop_gives_its_result() -> None:
    """Late, and the rest of the run with it; then all goes on."""

    async def blocks() -> str:
        threading.Event().wait(0.1)
        return "late"

    assert (await outcome(blocks, timeout=0.01))[0].startswith(("late", "work gave no result"))


@pytest.mark.parametrize("waits", [True, False])
async def test_a_tool_that_yields_for_ever_is_stopped(waits: bool) -> None:
    """By its timeout, also where it never lets the event loop go on; what had come is there, cut."""

    async def endless() -> AsyncIterator[str]:
        while True:
            if waits:
                await asyncio.sleep(0)
            yield "x" * 100_000

    def endless_too() -> Iterator[str]:
        while True:
            yield "x" * 100_000

    for function in (endless, endless_too):
        text, is_error = await outcome(function, timeout=0.1)
        assert is_error
        assert "more bytes are left out" in text
        assert f"{NOT_WHOLE}\nwork gave no result" in text
