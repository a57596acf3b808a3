"""Turns: streamed, tried again where they broke, refused where it is no use, stopped where a person wants so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.loop_kit import Lab, answer, asks, patiently
from workbench.clock import ManualClock
from workbench.engine import turns
from workbench.errors import KeyMissingError, PermanentModelError, TransientModelError
from workbench.events.agent import ModelRetries as Retries
from workbench.events.base import Event
from workbench.events.call import CallStarted
from workbench.events.request import ProviderParts, Request, ToolCallBlock, Usage
from workbench.events.run import RunResumed
from workbench.events.turn import ModelRetried, TurnDiscarded, TurnFinished, TurnStarted, TurnText
from workbench.providers.base import Alive, CallClosed, CallInput, CallOpened, Delta, PartsDelta, TextDelta, TurnEnd
from workbench.providers.remote import Endpoint, place_for
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool

OVERLOADED = TransientModelError("overloaded", kind="overloaded")
LONG = Retries(first_wait=3600.0, longest_wait=3600.0)
END = TurnEnd("end_turn", Usage(input_tokens=3, output_tokens=2))


class Deltas:
    """A provider that streams what a function yields, and knows when its stream was closed."""

    def __init__(self, source: Callable[[], AsyncIterator[Delta]]) -> None:
        self._source = source
        self.closed = asyncio.Event()

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        try:
            async for delta in self._source():
                yield delta
        finally:
            self.closed.set()


def stream_of(*deltas: Delta | Exception) -> Deltas:
    """Return a provider that yields `deltas`, and raises those that are errors."""

    async def source() -> AsyncIterator[Delta]:
        for delta in deltas:
            if isinstance(delta, Exception):
                raise delta
            yield delta

    return Deltas(source)


async def test_a_broken_turn_is_asked_again_and_leaves_no_trace_in_the_conversation() -> None:
    """Each attempt is an event; the next request is the same as if nothing had broken."""
    broken = Turn("half a thou", error=OVERLOADED)
    lab = Lab([broken, broken, Turn("A whole thought.", [("submit_answer", {"answer": "42"})])])
    state = await lab.run()
    assert state.answer == "42"
    assert [event.attempt for event in lab.all(TurnStarted)] == [0, 1, 2]
    assert [event.error_kind for event in lab.all(ModelRetried)] == ["overloaded"] * 2
    assert [event.reason for event in lab.all(TurnDiscarded)] == ["broken: overloaded"] * 2
    assert len({event.request_key for event in lab.all(TurnStarted)}) == 1
    assert lab.requests[0] == lab.requests[1] == lab.requests[2]
    assert state.steps[0].turn.retries == ["overloaded", "overloaded"]
    assert len(state.steps) == 1


async def test_after_five_attempts_the_run_fails_and_can_be_resumed() -> None:
    """The failure says why; a later run of the same log asks again with the next attempt."""
    lab = Lab([*[Turn(error=OVERLOADED)] * 5, answer()])
    state = await lab.run()
    assert (state.status_and_reason, state.error) == (("failed", "error"), "overloaded")
    assert len(lab.requests) == 5
    assert state.active_turn is None
    assert len(lab.all(ModelRetried)) == 4
    await lab.journal.append(RunResumed())
    assert (await lab.run()).status == "completed"
    assert [event.attempt for event in lab.all(TurnStarted)] == list(range(6))


async def test_waits_double_and_the_servers_own_wish_wins() -> None:
    """1, 2, 4, 8 s before jitter; `retry-after` instead where the server gave one; all in the events."""
    wish = TransientModelError("slow down", kind="rate_limited", retry_after=7.5)
    lab = Lab(
        [Turn(error=OVERLOADED), Turn(error=wish), Turn(error=OVERLOADED), Turn(error=OVERLOADED), answer()],
        retries=Retries(),
    )
    run = asyncio.create_task(lab.run())
    for _ in range(4):
        await patiently(skipped(lab))
    await patiently(run)
    assert [event.wait for event in lab.all(ModelRetried)] == [1.0, 7.5, 4.0, 8.0]


async def test_a_permanent_error_fails_at_once() -> None:
    """A refused key is not tried again; the run is failed, resumably."""
    refused = Turn(error=PermanentModelError("invalid key", kind="unauthorised"))
    lab = Lab([refused, answer()])
    state = await lab.run()
    assert (state.status_and_reason, state.error) == (("failed", "error"), "invalid key")
    assert len(lab.requests) == 1
    assert [event.reason for event in lab.all(TurnDiscarded)] == ["refused: invalid key"]


async def test_a_model_that_cannot_be_used_fails_the_run_with_its_sentence() -> None:
    """A missing key is said in the words of whoever knows the provider."""
    lab = Lab([])

    def no_key(model: str) -> Any:
        raise KeyMissingError("ANTHROPIC_API_KEY is not set")

    object.__setattr__(lab.around, "provider", no_key)
    assert (await lab.run()).error == "ANTHROPIC_API_KEY is not set"


@pytest.mark.parametrize(
    "deltas",
    [
        (),
        (TextDelta("cut"),),
        (CallOpened(0, "work"), CallInput(0, '{"a"')),
        (CallOpened(0, "work"), CallOpened(0, "work"), END),
        (CallInput(3, "{}"), END),
        (CallOpened(0, "work"), CallClosed(0), CallInput(0, "{}"), END),
    ],
)
async def test_a_cut_or_muddled_stream_is_a_broken_turn_and_nothing_of_it_runs(deltas: tuple[Delta, ...]) -> None:
    """A stream without its end, or with pieces that do not fit together, is tried again, then fails."""
    lab = Lab([], provider=stream_of(*deltas))
    state = await lab.run()
    assert state.status_and_reason == ("failed", "error")
    assert lab.all(ModelRetried)[0].error_kind in ("truncated", "broken")
    assert lab.all(CallStarted) == []


@pytest.mark.parametrize(
    ("error", "said", "asked"),
    [
        (ValueError("odd"), "the provider failed: ValueError: odd", 1),
        (RecursionError(), "the provider failed: RecursionError: ", 1),
        (TimeoutError("socket"), "the request timed out: socket", 5),
        (TransientModelError("\ud800", kind="odd"), "\ufffd", 5),
    ],
)
async def test_odd_errors_of_a_provider_become_errors_of_the_model(error: Exception, said: str, asked: int) -> None:
    """Whatever a provider raises, the run ends as failed with words the log can hold."""
    lab = Lab([], provider=stream_of(TextDelta("so far"), error))
    state = await lab.run()
    assert state.status_and_reason == ("failed", "error")
    assert state.error == said
    assert len(lab.all(TurnStarted)) == asked


async def test_a_provider_that_cancels_itself_is_a_broken_stream() -> None:
    """A cancellation that nobody asked for does not stop the loop."""

    async def source() -> AsyncIterator[Delta]:
        yield TextDelta("so far")
        raise asyncio.CancelledError

    lab = Lab([], provider=Deltas(source))
    assert (await lab.run()).error == "the provider gave up its own request"


@pytest.mark.parametrize("first", [True, False])
async def test_a_silent_model_is_given_up(first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing within the time to the first piece, or between pieces, breaks the attempt."""
    monkeypatch.setattr(turns, "FIRST_BYTE_TIMEOUT", 0.01)
    monkeypatch.setattr(turns, "BYTE_TIMEOUT", 0.02)
    never = asyncio.Event()

    async def source() -> AsyncIterator[Delta]:
        if not first:
            yield TextDelta("one")
        await never.wait()
        yield END

    lab = Lab([], provider=Deltas(source))
    state = await lab.run()
    assert state.error == f"the model said nothing for {0.01 if first else 0.02} s"
    assert {event.error_kind for event in lab.all(ModelRetried)} == {"timeout"}


async def test_a_provider_says_how_long_it_may_be_silent() -> None:
    """A remote provider's own times hold, and a sign of life is a reason to wait on, but no word of the model."""
    never = asyncio.Event()

    async def source() -> AsyncIterator[Delta]:
        yield Alive()
        await never.wait()
        yield END

    provider = Deltas(source)
    provider.endpoint = Endpoint(first_byte_timeout=30, byte_timeout=0.01)  # type: ignore[attr-defined]
    state = await (lab := Lab([], provider=provider)).run()
    assert state.error == "the model said nothing for 0.01 s"
    assert not lab.all(TurnText)


async def test_waiting_for_a_connection_is_no_silence() -> None:
    """A turn that waits because all connections are in use is not given up, and goes on when one is free."""

    async def said() -> AsyncIterator[Delta]:
        yield TextDelta("Here.")
        yield END

    remote = Deltas(said)
    remote.endpoint = Endpoint(first_byte_timeout=0.01, connections=1)  # type: ignore[attr-defined]
    async with place_for(remote):
        lab = Lab([], provider=remote)
        run = asyncio.create_task(lab.run())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(run), 0.05)
        assert lab.all(TurnStarted)
    assert (await run).status == "completed"
    assert not lab.all(ModelRetried)


async def test_a_person_can_skip_the_wait_before_an_attempt() -> None:
    """The next attempt is made at once, and the run says when there is nothing to skip."""
    lab = Lab([Turn("so far", error=OVERLOADED), answer()], retries=LONG)
    assert not lab.loop.skip_wait()
    run = asyncio.create_task(lab.run())
    await patiently(skipped(lab))
    assert (await patiently(run)).status == "completed"
    assert len(lab.all(ModelRetried)) == 1
    assert not lab.loop.skip_wait()


async def skipped(lab: Lab) -> None:
    """Skip a wait as soon as there is one."""
    while not lab.loop.skip_wait():
        await lab.journal.changed.wait()
        lab.journal.changed.clear()


async def retried(lab: Lab) -> None:
    """Return when a further attempt was announced."""
    while not lab.all(ModelRetried):
        await lab.journal.changed.wait()
        lab.journal.changed.clear()


async def test_a_pause_ends_the_wait_before_an_attempt() -> None:
    """Nobody has to wait for an attempt that is not wanted any more."""
    lab = Lab([Turn("so far", error=OVERLOADED), answer()], retries=LONG)
    run = asyncio.create_task(lab.run())
    await patiently(retried(lab))
    lab.loop.pause()
    assert (await patiently(run)).status_and_reason == ("interrupted", "paused")


@pytest.mark.parametrize("word", turns.REFUSALS)
async def test_a_refusal_is_no_answer(word: str) -> None:
    """The run stops with a sentence; what the model had said is kept, and no half answer counts as one."""
    lab = Lab([], provider=stream_of(TextDelta("I"), TurnEnd(word, Usage())))
    state = await lab.run()
    assert state.status_and_reason == ("failed", "error")
    assert state.error == f"the model refused to go on ({word})"
    assert len(lab.all(TurnStarted)) == 1
    assert not lab.all(TurnFinished)


async def test_a_pause_breaks_the_stream_and_frees_the_connection_at_once() -> None:
    """The provider's stream is closed when the turn is discarded; the turn is asked for again on resume."""
    never = asyncio.Event()

    async def source() -> AsyncIterator[Delta]:
        yield TextDelta("half")
        await never.wait()

    provider = Deltas(source)
    lab = Lab([], provider=provider)
    task = await lab.started()
    await lab.until(lambda: lab.state.active_turn is not None)
    lab.loop.pause()
    state = await lab.finish(task)
    assert provider.closed.is_set()
    assert state.status_and_reason == ("interrupted", "paused")
    assert [event.reason for event in lab.all(TurnDiscarded)] == ["paused"]
    assert lab.kinds[-2:] == ["turn_discarded", "run_paused"]


@pytest.mark.parametrize("is_broken", [False, True])
async def test_what_was_shown_of_a_turn_that_is_given_up_is_stored(is_broken: bool) -> None:
    """A pause, or a stream that breaks, takes nothing away that a person has read, however short ago it came."""
    never, clock = asyncio.Event(), ManualClock()

    async def source() -> AsyncIterator[Delta]:
        for word in ("one ", "two ", "three"):
            clock.advance(0.06)
            yield TextDelta(word)
        if is_broken:
            raise PermanentModelError("gone", kind="unauthorised")
        await never.wait()

    lab = Lab([], provider=Deltas(source), clock=clock)
    task = await lab.started()
    await lab.until(lambda: len(lab.journal.drafts) == 3)
    lab.loop.pause()
    state = await lab.finish(task)
    assert "".join(piece.text for piece in lab.all(TurnText)) == "one two three"
    assert "".join(state.steps[0].turn.text) == "one two three"


async def test_a_pause_while_the_start_of_a_turn_is_being_written_still_ends_it() -> None:
    """The write goes through, so its end is written too: no turn seems to stream while the run is paused."""
    lab = Lab([answer(), answer()])
    append, lock = lab.journal.append, asyncio.Lock()

    async def write(events: Sequence[Event], durable: bool) -> None:
        async with lock:
            for _ in range(5):
                await asyncio.sleep(0)
            await append(*events, durable=durable)

    async def slow_append(*events: Event, durable: bool = False) -> None:
        if any(isinstance(event, TurnStarted) for event in events):
            asyncio.get_running_loop().call_soon(lab.loop.pause)
            asyncio.get_running_loop().call_soon(lab.loop.pause)
        await asyncio.shield(asyncio.ensure_future(write(events, durable)))

    lab.journal.append = slow_append  # type: ignore[method-assign]
    state = await lab.run()
    assert state.status_and_reason == ("interrupted", "paused")
    assert lab.kinds[-3:] == ["turn_started", "turn_discarded", "run_paused"]
    assert state.active_turn is None


async def test_a_stream_that_is_of_no_more_use_is_closed_before_the_next_attempt() -> None:
    """Pieces that do not fit together break the attempt; the connection does not wait for the garbage collector."""
    closed_then: list[bool] = []

    async def source() -> AsyncIterator[Delta]:
        yield CallInput(3, "{}")
        yield END

    provider = Deltas(source)
    lab = Lab([], provider=provider)
    append = lab.journal.append

    async def looking(*events: Event, durable: bool = False) -> None:
        if any(isinstance(event, ModelRetried) for event in events):
            closed_then.append(provider.closed.is_set())
        await append(*events, durable=durable)

    lab.journal.append = looking  # type: ignore[method-assign]
    await lab.run()
    assert closed_then == [True] * 4


async def test_an_error_while_a_paused_stream_is_closed_is_still_a_pause() -> None:
    """What a provider raises on its way out does not turn a pause into a failure."""
    never = asyncio.Event()

    async def source() -> AsyncIterator[Delta]:
        try:
            yield TextDelta("half")
            await never.wait()
        finally:
            raise RuntimeError("the socket was closed")

    lab = Lab([], provider=Deltas(source))
    task = await lab.started()
    await lab.until(lambda: lab.state.active_turn is not None)
    lab.loop.pause()
    assert (await lab.finish(task)).status_and_reason == ("interrupted", "paused")


async def test_a_pause_between_attempts_keeps_what_was_said_of_the_first() -> None:
    """Pressed while the loop waits to try again, a pause ends the wait; the next attempt is made on resume."""
    lab = Lab([Turn(error=OVERLOADED), answer()], retries=LONG)
    task = await lab.started()
    await lab.until(lambda: lab.all(ModelRetried))
    lab.loop.pause()
    assert (await lab.finish(task)).status_and_reason == ("interrupted", "paused")
    await lab.journal.append(RunResumed())
    assert (await lab.run()).status == "completed"


async def test_streamed_text_is_stored_in_pieces_and_shown_more_often() -> None:
    """At most every 250 ms a piece is stored, every 50 ms the text so far is shown; the end is the whole truth."""
    clock = ManualClock()

    async def source() -> AsyncIterator[Delta]:
        for number in range(10):
            clock.advance(0.06)
            yield TextDelta(f"{number} \ud800")
        yield END

    lab = Lab([], provider=Deltas(source), clock=clock)
    state = await lab.run()
    pieces = lab.all(TurnText)
    whole = "".join(f"{number} \ufffd" for number in range(10))
    assert len(pieces) == 2
    assert whole.startswith("".join(piece.text for piece in pieces))
    assert len(lab.journal.drafts) == 10
    assert state.answer == whole
    assert state.steps[0].turn.text == []
    [finished] = lab.all(TurnFinished)
    assert finished.elapsed == pytest.approx(0.6)
    assert finished.first_token == pytest.approx(0.06)


async def test_what_only_the_provider_understands_is_kept_verbatim_or_not_at_all() -> None:
    """Parts come back in the next request as they were; parts that the log cannot hold exactly are left out."""
    seen: list[Any] = []
    good = ProviderParts(provider="offline", parts={"signature": "abc"})
    bad = ProviderParts(provider="offline", parts={"signature": "\ud800"})

    class Signing:
        async def stream(self, request: Request) -> AsyncIterator[Delta]:
            seen.append(getattr(request.messages[1], "provider_parts", None) if len(request.messages) > 1 else "first")
            step = len(request.messages) // 2
            yield PartsDelta(good if step == 0 else bad)
            yield CallOpened(0, "nothing")
            yield CallClosed(0)
            yield END
            if step == 2:
                raise PermanentModelError("enough", kind="test")

    lab = Lab([], provider=Signing())
    state = await lab.run()
    assert seen == ["first", good, good]
    assert [step.turn.provider_parts for step in state.steps[:2]] == [good, None]


async def test_arguments_are_read_strictly() -> None:
    """Cut JSON, no object, NaN, endless nesting: the call is there, says why it cannot run, and holds nothing."""
    texts = [
        '{"a": 1',
        "7",
        '{"a": NaN}',
        '{"a": ' + "[" * 150 + "]" * 150 + "}",
        "[" * 100_000,
        '{"a": "\\ud800"}',
        "",
    ]
    deltas: list[Delta] = []
    for index, text in enumerate(texts):
        deltas += [CallOpened(index, "work"), CallInput(index, text), CallClosed(index)]
    lab = Lab([], provider=stream_of(*deltas, END, PermanentModelError("enough", kind="test")))
    await lab.run()
    lab = Lab([asks(*[("work", text) for text in texts]), answer()])
    await lab.run()
    blocks = [block for block in lab.all(TurnFinished)[0].content if isinstance(block, ToolCallBlock)]
    reasons = ["not valid JSON", "not int", "NaN is no JSON", "too deeply", "too deeply", None, None]
    for block, reason in zip(blocks, reasons, strict=True):
        assert (block.invalid is None) if reason is None else (reason in str(block.invalid))
    assert [block.input for block in blocks] == [{}, {}, {}, {}, {}, {"a": "\ufffd"}, {}]
    assert all(is_error for _, _, is_error in lab.sent_results())


async def test_the_loop_can_be_cancelled_from_outside_at_any_await() -> None:
    """Cancelling the task that runs the loop ends it, its stream and its eager calls, and leaves nothing running."""
    never, begun, stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def look() -> str:
        begun.set()
        try:
            await never.wait()
        finally:
            stopped.set()
        return "seen"

    lab = Lab([asks(("look", {}), hold=never)], [look])
    task = await lab.started()
    await patiently(begun.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await patiently(stopped.wait())
    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
