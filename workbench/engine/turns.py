"""One turn of the model: streamed, kept in pieces, tried again where it broke, stopped where a person wants so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from pydantic import JsonValue

from workbench.conversation.builder import Conversation, Prepared
from workbench.engine.dispatch import Dispatcher
from workbench.engine.drafts import Drafts
from workbench.engine.hook_values import changed_turn, turn_of
from workbench.engine.hooks import HookRunner, HookStoppedError
from workbench.engine.journal import Journal
from workbench.engine.surroundings import Surroundings
from workbench.errors import ModelError, PermanentModelError, TransientModelError, WorkbenchError
from workbench.events.agent import ModelRetries
from workbench.events.base import Event
from workbench.events.call import CallFinished, CallStarted
from workbench.events.codec import result_fields
from workbench.events.content import normalise_content, normalise_json, normalise_text
from workbench.events.request import Purpose, Usage
from workbench.events.turn import ModelRetried, TurnDiscarded, TurnFinished, TurnStarted, TurnText
from workbench.providers.base import (
    Alive,
    Delta,
    HostedFinished,
    HostedStarted,
    Provider,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
    UsageSoFar,
)
from workbench.providers.builder import TurnBuilder
from workbench.providers.keys import redacted
from workbench.providers.remote import BYTE, FIRST_BYTE, SILENCE, patience, place_for

MODEL_ATTEMPTS = 5
"""How often a turn is tried, where neither the agent nor its provider says otherwise."""
FIRST_BYTE_TIMEOUT, BYTE_TIMEOUT, SILENCE_TIMEOUT = FIRST_BYTE, BYTE, SILENCE
"""Seconds to the first sign of life, between two, and between words, of a provider that is not remote."""
MOST_DOUBLINGS = 30
"""After so many the wait is far longer than any that is allowed."""
LONGEST_ASKED = 600.0
"""Seconds that a server may ask to wait; where it asks for more, the run ends, and can be resumed then."""
TIMEOUT_GRAIN = 1 / 60
"""How exact the time between pieces is kept, as a share of it: so a quick stream does not set a timer for each."""
REFUSALS = ("refusal", "content_filter", "content_filtered", "guardrail_intervened")
"""Stop reasons of a turn that is no answer: the run stops there, and a fork may ask otherwise."""
STORE_EVERY, SHOW_EVERY = 0.25, 0.05
"""Seconds between stored pieces of streamed text, and between shown ones."""


@dataclass(slots=True)
class _Streamed:
    """The text of one attempt so far, and what of it is stored."""

    step: int
    attempt: int
    purpose: Purpose
    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    stored_text: int = 0
    stored_thinking: int = 0
    stored_at: float = 0.0
    shown_at: float = 0.0
    first_at: float | None = None
    hosted: dict[str, float] = field(default_factory=dict)
    """When what the provider runs itself began, by call."""
    said_at: float = 0.0
    """When the model last said something, by the clock of the event loop."""


class TurnRunner:
    """Asks the model for turns, one at a time."""

    def __init__(
        self,
        journal: Journal,
        conversation: Conversation,
        dispatcher: Dispatcher,
        around: Surroundings,
        hooks: HookRunner,
    ) -> None:
        self._journal, self._conversation = journal, conversation
        self._dispatcher, self._around, self._hooks = dispatcher, around, hooks
        self._drafts = Drafts(journal, hooks)
        self.beside: list[Event] = []
        """What hooks changed of the last turn; stored together with it."""
        self._scope: asyncio.Timeout | None = None
        """Of the turn that is streaming: a timeout that the run's time limit or a person lets expire."""
        self._is_stopped = False
        """A person did."""
        self.is_out_of_time = False
        """The last turn came to nothing because its seconds were over."""
        self._waiting: asyncio.Event | None = None
        """Set when a person wants the next attempt at once; there while one is waited for."""
        self._attempt_open: int | None = None
        """The attempt whose start was written, or is being written, and whose end was not."""
        self._streamed: _Streamed | None = None
        """What the last attempt has said."""
        self._used: Usage | None = None
        """What the provider said that this attempt used."""

    def stop(self) -> None:
        """Break off the turn that is streaming, if any."""
        scope, self._scope = self._scope, None
        if scope is None:
            return
        self._is_stopped = True
        if not scope.expired():  # else the turn is being wound up already, because its time was over
            scope.reschedule(asyncio.get_running_loop().time())

    def skip_wait(self) -> bool:
        """Begin the next attempt at once; return whether one was waited for."""
        if self._waiting is None or self._waiting.is_set():
            return False
        self._waiting.set()
        return True

    async def think(
        self, purpose: Purpose, step: int, prompt: str = "", seconds: float | None = None
    ) -> TurnFinished | None:
        """Return the finished turn, not stored yet, or None where a person stopped it, or its `seconds` were over.

        Raises `PermanentModelError`, or the last `TransientModelError` when all attempts broke.
        """
        self._scope = scope = asyncio.timeout(seconds)
        self._is_stopped = self.is_out_of_time = False
        try:
            async with scope:
                return await self._attempts(purpose, step, prompt)
        except HookStoppedError:
            await self._discard(step, "paused")
            return None
        except (TimeoutError, ModelError):
            if not scope.expired():
                raise
            self.is_out_of_time = not self._is_stopped
            await self._discard(step, "out of time" if self.is_out_of_time else "paused")
            return None
        finally:
            self._scope = None

    async def _discard(self, step: int, reason: str) -> None:
        await self._dispatcher.close_stream()
        if self._attempt_open is not None:
            attempt, self._attempt_open = self._attempt_open, None
            discarded = TurnDiscarded(step=step, attempt=attempt, reason=reason, usage=self._used)
            await self._journal.append(*self._take_unstored(), discarded)  # what was shown stays

    async def _attempts(self, purpose: Purpose, step: int, prompt: str) -> TurnFinished:
        first, most = self._first_attempt(purpose, step), self._most_attempts()
        for attempt in range(first, first + most):
            try:
                return await self._attempt(purpose, step, attempt, prompt)
            except TransientModelError as error:
                self._dispatcher.withdraw()
                if attempt == first + most - 1 or (error.retry_after or 0.0) > LONGEST_ASKED:
                    await self._discard(step, f"broken: {_words(error)}")
                    if (error.retry_after or 0.0) > LONGEST_ASKED:
                        raise _asks_for_too_long(error) from None
                    raise
                await self._wait_for_next(step, attempt, attempt - first, most, error)
            except ModelError as error:
                await self._discard(step, f"refused: {_words(error)}")
                raise
        raise WorkbenchError("no attempt was made")

    async def _wait_for_next(self, step: int, attempt: int, tried: int, most: int, error: TransientModelError) -> None:
        jitter, retries = 0.75 + 0.5 * self._around.clock.random(), self._retries()
        wait = error.retry_after if error.retry_after is not None else wait_after(tried, retries) * jitter
        words, self._attempt_open = _words(error), None
        retried = ModelRetried(step=step, attempt=attempt, error=words, error_kind=error.kind, wait=wait, most=most)
        self._waiting = skipped = asyncio.Event()
        try:
            discarded = TurnDiscarded(step=step, attempt=attempt, reason=f"broken: {words}", usage=self._used)
            await self._journal.append(*self._take_unstored(), retried, discarded)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await skipped.wait()
        finally:
            self._waiting = None

    def _most_attempts(self) -> int:
        """Return how often a turn is tried: some providers ask for more patience than others."""
        agent = self._journal.state.agent
        if (wanted := self._retries().attempts) is not None:
            return max(1, wanted)
        provider = self._around.provider(agent.model) if agent is not None else None
        return max(1, int(getattr(provider, "attempts", MODEL_ATTEMPTS)))

    def _retries(self) -> ModelRetries:
        agent = self._journal.state.agent
        return agent.retries if agent is not None else ModelRetries()

    def _first_attempt(self, purpose: Purpose, step: int) -> int:
        """Return the number of the next attempt: beyond those that a person or a crash broke off."""
        state = self._journal.state
        of_step = state.steps[step].turn if purpose == "step" and step < len(state.steps) else None
        turn = state.plan_turn if purpose == "plan" else of_step
        return turn.attempt + 1 if turn is not None else 0

    async def _attempt(self, purpose: Purpose, step: int, attempt: int, prompt: str) -> TurnFinished:
        state, clock = self._journal.state, self._around.clock
        self._streamed = None
        await self._hooks.hear(step)
        prepared = await self._conversation.prepare(state, purpose, prompt)
        provider = self._around.provider(prepared.request.model)
        started = clock.monotonic()
        self._attempt_open, self._used = attempt, None
        await self._journal.append(
            TurnStarted(
                step=step,
                attempt=attempt,
                purpose=purpose,
                model=prepared.request.model,
                request_key=prepared.key,
            )
        )
        builder = TurnBuilder(step, self._dispatcher.first_free(step) if purpose == "step" else 0)
        self._streamed = streamed = _Streamed(step, attempt, purpose, stored_at=started, shown_at=started)
        async with place_for(provider), aclosing(self._drafts):
            await self._consume(provider, prepared, builder, streamed)
        content, end = builder.finish(), builder.end
        if not content and purpose == "step" and end.stop_reason == "end_turn":
            raise TransientModelError("the model said nothing at all", kind="empty")  # that is no answer
        if end.stop_reason in REFUSALS:
            raise PermanentModelError(f"the model refused to go on ({end.stop_reason})", kind="refused")
        finished = TurnFinished(
            step=step,
            attempt=attempt,
            purpose=purpose,
            content=content,
            stop_reason=end.stop_reason,
            usage=end.usage,
            elapsed=clock.monotonic() - started,
            first_token=None if streamed.first_at is None else streamed.first_at - started,
            provider_parts=builder.parts,
        )
        if purpose == "step":
            finished = await self._hooked(finished)
        self._attempt_open = None
        return finished

    async def _hooked(self, finished: TurnFinished) -> TurnFinished:
        """Show a turn to hooks before it counts; return it as they want it."""
        self.beside = []
        if self._hooks.want("after_turn"):
            seen = turn_of(finished)
            new, self.beside = await self._hooks.after_turn(seen)
            if new != seen:
                finished = changed_turn(finished, new, self._journal.state.steps[finished.step].calls)
        if self._hooks.want("on_output"):
            self.beside += await self._hooks.on_output(turn_of(finished).text, finished.step)
        return finished

    async def _consume(
        self,
        provider: Provider,
        prepared: Prepared,
        builder: TurnBuilder,
        streamed: _Streamed,
    ) -> None:
        loop = asyncio.get_running_loop()
        purpose, attempt = streamed.purpose, streamed.attempt
        waited, between, silence = patience(provider) or (FIRST_BYTE_TIMEOUT, BYTE_TIMEOUT, SILENCE_TIMEOUT)
        streamed.said_at = loop.time()
        try:
            async with asyncio.timeout(waited) as timer, aclosing(_iterate(provider, prepared)) as deltas:
                async for delta in deltas:
                    waited, wait_until = between, loop.time() + between
                    if not 0 <= wait_until - (timer.when() or 0.0) <= between * TIMEOUT_GRAIN:
                        timer.reschedule(wait_until)
                    if isinstance(delta, UsageSoFar | TurnEnd):
                        self._used = delta.usage
                    if isinstance(delta, Alive | UsageSoFar):
                        if loop.time() - streamed.said_at > silence:
                            raise TransientModelError(
                                f"the model lives, but said nothing for {silence:g} s", kind="timeout"
                            )
                        continue
                    streamed.said_at = loop.time()
                    if streamed.first_at is None:
                        streamed.first_at = self._around.clock.monotonic()
                    call = builder.feed(delta)
                    if isinstance(delta, HostedStarted | HostedFinished) and purpose == "step":
                        hosted = self._hosted(builder.hosted_id(delta.index), delta, streamed, attempt)
                        await self._journal.append(hosted)
                    if call is not None and purpose == "step":
                        self._dispatcher.offer(call, attempt)
                    if isinstance(delta, TextDelta | ThinkingDelta):
                        (streamed.text if isinstance(delta, TextDelta) else streamed.thinking).append(delta.text)
                        await self._keep(streamed)
        except TimeoutError as error:
            said = f"the model said nothing for {waited:g} s" if timer.expired() else f"the request timed out: {error}"
            raise TransientModelError(said, kind="timeout") from None

    def _hosted(self, call: str, delta: HostedStarted | HostedFinished, streamed: _Streamed, attempt: int) -> Event:
        """Return what the provider does itself as an event; it reads, as far as the person's own world goes."""
        now = self._around.clock.monotonic()
        if isinstance(delta, HostedStarted):
            streamed.hosted[call] = now
            tool, given = normalise_text(delta.tool), _object(delta.input)
            return CallStarted(
                call=call, tool=tool, input=given, effect="read_only", permission="allow", attempt=attempt, hosted=True
            )
        return CallFinished(
            call=call,
            outcome="error" if delta.is_error else "ok",
            elapsed=now - streamed.hosted[call],
            by="provider",
            input=None if delta.input is None else _object(delta.input),
            **result_fields(normalise_content(delta.result), is_error=delta.is_error),
        )

    async def _keep(self, streamed: _Streamed) -> None:
        now = self._around.clock.monotonic()
        if now - streamed.shown_at >= SHOW_EVERY:
            streamed.shown_at = now
            self._drafts.show(streamed.step, streamed.purpose, _joined(streamed.text), _joined(streamed.thinking))
        if now - streamed.stored_at >= STORE_EVERY:
            streamed.stored_at = now
            await self._journal.append(*self._take_unstored())

    def _take_unstored(self) -> list[Event]:
        """Return what the attempt has said since this was last called; it is to be stored now."""
        streamed = self._streamed
        if streamed is None:
            return []
        thinking = _joined(streamed.thinking[streamed.stored_thinking :])
        text = _joined(streamed.text[streamed.stored_text :])
        streamed.stored_thinking, streamed.stored_text = len(streamed.thinking), len(streamed.text)
        pieces = [(thinking, True), ("" if self._drafts.are_hooked(streamed.purpose) else text, False)]
        return [
            TurnText(step=streamed.step, attempt=streamed.attempt, text=piece, thinking=kind)
            for piece, kind in pieces
            if piece
        ]


def wait_after(tried: int, retries: ModelRetries) -> float:
    """Return the seconds to wait after so many attempts but one: doubling, up to the longest."""
    return min(retries.longest_wait, retries.first_wait * 2.0 ** min(tried, MOST_DOUBLINGS))


def _asks_for_too_long(error: TransientModelError) -> PermanentModelError:
    """Return the error that ends the attempts where a server wants a wait that nobody would sit out."""
    wait = error.retry_after or 0.0
    asked = f"{wait / 3600:.1f} hours" if wait >= 7200 else f"{wait / 60:.0f} minutes"
    return PermanentModelError(f"{error}; it asks to wait {asked}: resume the run then", kind=error.kind)


def _joined(pieces: Sequence[str]) -> str:
    return normalise_text("".join(pieces))


def _object(given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    normal = normalise_json(dict(given))
    return normal if isinstance(normal, dict) else {}


def _words(error: ModelError) -> str:
    return normalise_text(str(error))


async def _iterate(provider: Provider, prepared: Prepared) -> AsyncGenerator[Delta, None]:
    """Yield a provider's deltas, and close its stream at once when nobody reads on.

    An error that is none of ours becomes a `PermanentModelError`, a cancellation that nobody asked for a broken
    stream.
    """
    try:
        stream = provider.stream(prepared.request)
        try:
            async for delta in stream:
                yield delta
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
    except (WorkbenchError, TimeoutError):
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise TransientModelError("the provider gave up its own request", kind="cancelled") from None
    except Exception as error:  # noqa: BLE001 - whatever a provider raises ends the turn, without its keys
        said = redacted(f"the provider failed: {type(error).__name__}: {error}")
        raise PermanentModelError(said, kind="provider") from None
