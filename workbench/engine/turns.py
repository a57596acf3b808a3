"""One turn of the model: streamed, kept in pieces, tried again where it broke, stopped where a person wants so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from workbench.conversation.builder import Conversation, Prepared
from workbench.engine.dispatch import Dispatcher
from workbench.engine.journal import Journal
from workbench.engine.surroundings import Surroundings
from workbench.errors import ModelError, PermanentModelError, TransientModelError, WorkbenchError
from workbench.events.request import Purpose
from workbench.events.turn import ModelRetried, TurnDiscarded, TurnFinished, TurnStarted, TurnText
from workbench.providers.base import Delta, Provider, TextDelta, ThinkingDelta
from workbench.providers.builder import TurnBuilder

MODEL_ATTEMPTS = 5
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the second attempt, doubling, and at most; the server's `retry-after` wins."""
FIRST_BYTE_TIMEOUT, BYTE_TIMEOUT = 30.0, 60.0
"""Seconds to the first piece, and between pieces."""
STORE_EVERY, SHOW_EVERY = 0.25, 0.05
"""Seconds between stored pieces of streamed text, and between shown ones."""


@dataclass(slots=True)
class _Streamed:
    """The text of one attempt so far, and what of it is stored."""

    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    stored_text: int = 0
    stored_thinking: int = 0
    stored_at: float = 0.0
    shown_at: float = 0.0
    first_at: float | None = None


class TurnRunner:
    """Asks the model for turns, one at a time."""

    def __init__(
        self, journal: Journal, conversation: Conversation, dispatcher: Dispatcher, around: Surroundings
    ) -> None:
        self._journal, self._conversation = journal, conversation
        self._dispatcher, self._around = dispatcher, around
        self._task: asyncio.Task[TurnFinished] | None = None
        self._stopped = False

    def stop(self) -> None:
        """Break off the turn that is streaming, if any."""
        if self._task is not None:
            self._stopped = True
            self._task.cancel()

    async def think(self, purpose: Purpose, step: int, prompt: str = "") -> TurnFinished | None:
        """Return the finished turn, not stored yet, or None where a person stopped it.

        Raises `PermanentModelError`, or the last `TransientModelError` when all attempts broke.
        """
        self._stopped = False
        self._task = asyncio.create_task(self._attempts(purpose, step, prompt))
        try:
            await asyncio.wait({self._task})
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        task, self._task = self._task, None
        if task.cancelled() and self._stopped:
            await self._discard(step, "paused")
            return None
        return task.result()

    async def _discard(self, step: int, reason: str) -> None:
        await self._dispatcher.close_stream()
        active = self._journal.state.active_turn
        if active is not None:
            await self._journal.append(TurnDiscarded(step=step, attempt=active.attempt, reason=reason))

    async def _attempts(self, purpose: Purpose, step: int, prompt: str) -> TurnFinished:
        for tried in range(MODEL_ATTEMPTS):
            attempt = self._next_attempt(purpose, step)
            try:
                return await self._attempt(purpose, step, attempt, prompt)
            except TransientModelError as error:
                if tried == MODEL_ATTEMPTS - 1:
                    await self._discard(step, f"broken: {error}")
                    raise
                await self._wait_for_next(step, attempt, tried, error)
            except ModelError as error:
                await self._discard(step, f"refused: {error}")
                raise
        raise WorkbenchError("no attempt was made")

    async def _wait_for_next(self, step: int, attempt: int, tried: int, error: TransientModelError) -> None:
        jitter = 0.75 + 0.5 * self._around.clock.random()
        wait = error.retry_after if error.retry_after is not None else min(LONGEST_WAIT, FIRST_WAIT * 2**tried) * jitter
        retried = ModelRetried(step=step, attempt=attempt, error=str(error), error_kind=error.kind, wait=wait)
        await self._journal.append(retried, TurnDiscarded(step=step, attempt=attempt, reason=f"broken: {error}"))
        await asyncio.sleep(wait)

    def _next_attempt(self, purpose: Purpose, step: int) -> int:
        state = self._journal.state
        turn = state.plan_turn if purpose == "plan" else state.steps[step].turn if step < len(state.steps) else None
        return turn.attempt + 1 if turn is not None else 0

    async def _attempt(self, purpose: Purpose, step: int, attempt: int, prompt: str) -> TurnFinished:
        state, clock = self._journal.state, self._around.clock
        prepared = await self._conversation.prepare(state, purpose, prompt)
        provider = self._around.provider(prepared.request.model)
        started = clock.monotonic()
        await self._journal.append(
            TurnStarted(
                step=step,
                attempt=attempt,
                purpose=purpose,
                model=prepared.request.model,
                request_key=prepared.key,
            )
        )
        first_call = len(state.steps[step].calls) if step < len(state.steps) else 0
        builder = TurnBuilder(step, first_call if purpose == "step" else 0)
        streamed = _Streamed(stored_at=started, shown_at=started)
        await self._consume(provider, prepared, builder, streamed, step, attempt)
        content = builder.finish()
        end = builder.end
        if end is None:
            raise TransientModelError("the stream ended before the turn was whole", kind="truncated")
        return TurnFinished(
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

    async def _consume(
        self,
        provider: Provider,
        prepared: Prepared,
        builder: TurnBuilder,
        streamed: _Streamed,
        step: int,
        attempt: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        purpose = prepared.request.purpose
        try:
            async with asyncio.timeout(FIRST_BYTE_TIMEOUT) as timer, aclosing(_iterate(provider, prepared)) as deltas:
                async for delta in deltas:
                    timer.reschedule(loop.time() + BYTE_TIMEOUT)
                    if streamed.first_at is None:
                        streamed.first_at = self._around.clock.monotonic()
                    call = builder.feed(delta)
                    if call is not None and purpose == "step":
                        self._dispatcher.offer(call, attempt)
                    if isinstance(delta, TextDelta | ThinkingDelta):
                        (streamed.text if isinstance(delta, TextDelta) else streamed.thinking).append(delta.text)
                        await self._keep(streamed, step, attempt, purpose)
        except TimeoutError:
            waited = FIRST_BYTE_TIMEOUT if streamed.first_at is None else BYTE_TIMEOUT
            raise TransientModelError(f"the model said nothing for {waited:g} s", kind="timeout") from None

    async def _keep(self, streamed: _Streamed, step: int, attempt: int, purpose: Purpose) -> None:
        now = self._around.clock.monotonic()
        if now - streamed.shown_at >= SHOW_EVERY:
            streamed.shown_at = now
            self._journal.draft(step, purpose, "".join(streamed.text), "".join(streamed.thinking))
        if now - streamed.stored_at >= STORE_EVERY:
            streamed.stored_at = now
            thinking = "".join(streamed.thinking[streamed.stored_thinking :])
            text = "".join(streamed.text[streamed.stored_text :])
            streamed.stored_thinking, streamed.stored_text = len(streamed.thinking), len(streamed.text)
            pieces = [(thinking, True), (text, False)]
            await self._journal.append(
                *(TurnText(step=step, attempt=attempt, text=piece, thinking=kind) for piece, kind in pieces if piece)
            )


async def _iterate(provider: Provider, prepared: Prepared) -> AsyncGenerator[Delta, None]:
    """Yield a provider's deltas; an error that is none of ours becomes a `PermanentModelError`."""
    try:
        async for delta in provider.stream(prepared.request):
            yield delta
    except (WorkbenchError, TimeoutError):
        raise
    except Exception as error:
        raise PermanentModelError(f"the provider failed: {type(error).__name__}: {error}", kind="provider") from error
