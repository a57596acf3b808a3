"""Model calls a second against a local server: our provider beside the bare SDK, each with the same connections."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time
from typing import Any

from tests.benchmarks.measure import Row, median, now, percentile
from workbench.events.agent import ModelParameters
from workbench.events.content import text_content
from workbench.events.request import Request, UserMessage
from workbench.providers.anthropic import AnthropicProvider
from workbench.providers.builder import TurnBuilder
from workbench.providers.remote import Endpoint, Transport, closing_clients, http_client, timeouts
from workbench.providers.wire.anthropic import messages_body

AT_ONCE = 50
CALLS = 1500
SECONDS = 0.005
"""What the server waits before it answers."""
REQUEST = Request(
    purpose="step",
    instructions="You are helpful. " * 20,
    tools=(),
    messages=(UserMessage(content=text_content("Do the task.")),),
    model="anthropic:bench",
    parameters=ModelParameters(),
)

TRANSPORTS: tuple[Transport, ...] = ("httpx2", "aiohttp")
Call = Callable[[], Awaitable[object]]


@contextmanager
def server() -> Iterator[str]:
    """Serve in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.model_server", str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def ours(endpoint: Endpoint) -> Call:
    """Return a turn through our provider and builder, as the engine asks for it."""
    provider = AnthropicProvider(endpoint)

    async def call() -> object:
        builder = TurnBuilder(0)
        async for delta in provider.stream(REQUEST):
            builder.feed(delta)
        return builder.finish()

    return call


def bare(endpoint: Endpoint) -> Call:
    """Return the same turn through the SDK's own stream of events, with the text put together."""
    from anthropic import AsyncAnthropic

    client = AsyncAnthropic(
        api_key="none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=timeouts(endpoint),
        http_client=http_client(endpoint),
    )
    body: Any = messages_body(REQUEST)

    async def call() -> object:
        said = []
        async for event in await client.messages.create(**body, stream=True):
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                said.append(event.delta.text)
        return "".join(said)

    return call


@dataclass
class Measured:
    """What many calls took."""

    rate: float
    """Calls a second."""
    processor: float
    """Seconds of this process for a call: what the rate would be bound by on a machine with nothing else to do."""
    took: list[float]
    failed: int


async def measure(make: Callable[[Endpoint], Call], url: str, transport: Transport) -> Measured:
    """Make `CALLS` calls, `AT_ONCE` at a time, after a round that opens the connections."""
    async with closing_clients():
        call = make(Endpoint(base_url=url, connections=AT_ONCE, transport=transport))
        await asyncio.gather(*(call() for _ in range(AT_ONCE)))
        left, took, failed = iter(range(CALLS)), [], 0

        async def worker() -> None:
            nonlocal failed
            for _ in left:
                begun = now()
                try:
                    await call()
                except Exception:  # noqa: BLE001 - counted
                    failed += 1
                took.append(now() - begun)

        start, used = now(), process_time()
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return Measured(CALLS / (now() - start), (process_time() - used) / CALLS, took, failed)


def rows() -> list[Row]:
    """Measure and return the table."""
    with server() as url:
        return [row for transport in TRANSPORTS for row in rows_of(url, transport)]


def rows_of(url: str, transport: Transport) -> list[Row]:
    """Measure over one transport: the SDK and ours in turns, so that what else the machine does meets both."""
    theirs, own = [], []
    for _ in range(3):
        theirs.append(asyncio.run(measure(bare, url, transport)))
        own.append(asyncio.run(measure(ours, url, transport)))
    rate, rate_of_bare = (median([found.rate for found in runs]) for runs in (own, theirs))
    processor, of_bare = (median([found.processor for found in runs]) * 1e3 for runs in (own, theirs))
    took = [seconds for found in own for seconds in found.took]
    failed, late = sum(found.failed for found in own), percentile(took, 0.99)
    share = rate / rate_of_bare
    is_quick = transport != "httpx2"
    goal, met = "≥ 0.9 of it, ≥ 800" if is_quick else "≥ 0.9 of it", share >= 0.9 and (rate >= 800 or not is_quick)
    of_sdk = f"{rate_of_bare:.0f}; {of_bare:.2f} ms of processor a call"
    return [
        Row(f"{transport}: bare SDK, streamed calls a second, {AT_ONCE} at once", "–", of_sdk),
        Row(f"{transport}: our provider, the same", goal, f"{rate:.0f}, {share:.2f} of it; {processor:.2f} ms", met),
        Row(f"{transport}: 99 % of streams, first to last piece", "≤ 1.2 s", f"{late * 1e3:.0f} ms", late <= 1.2),
        Row(f"{transport}: errors", "< 0.5 %", f"{failed} of {len(took)}", failed < 0.005 * len(took)),
    ]


if __name__ == "__main__":
    for row in rows():
        print(row.line(), flush=True)
