"""workbench through its public names, and through its driver where forks are made, as the command line makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import now
from tests.benchmarks.peers.work import ANSWER, INSTRUCTIONS, TASK, Job, Once, Revisited, Watch, expect


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Run an agent in memory, or in a database."""
    from workbench import Agent, Limits, tool

    @tool(read_only=True)
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return await watch.call(number)

    limits = Limits(steps=None, request_tokens=10**9)
    agent = Agent(model=_model(watch), tools=[work], instructions=INSTRUCTIONS, limits=limits)
    result = await agent.run(TASK, store=store)
    return str(result.answer or result.error or result.status)


def _model(watch: Watch) -> Any:
    from workbench.events.content import plain_text
    from workbench.events.request import Request, Usage
    from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TextDelta, TurnEnd

    def results(request: Request) -> Iterable[str]:
        blocks = (block for message in request.messages if message.role == "user" for block in message.results)
        return [plain_text(block.content) for block in blocks]

    class Model:
        """Says what the watch says."""

        async def stream(self, request: Request) -> AsyncIterator[Delta]:
            numbers = await watch.turn(lambda: results(request))
            for index, number in enumerate(numbers):
                yield CallOpened(index, "work")
                yield CallInput(index, f'{{"number": {number}}}')
                yield CallClosed(index)
            if not numbers:
                yield TextDelta(ANSWER)
            yield TurnEnd("tool_calls" if numbers else "end_turn", Usage())

    return Model()


async def revisit(job: Job, store: Path) -> Revisited:
    """Read the whole run with its results, list its events, and fork it at a call in the middle, with a new result."""
    from workbench.api.places import Store as OpenStore
    from workbench.clock import SystemClock
    from workbench.driver.commanding import obey
    from workbench.driver.commands import ForkEdits, ForkRun
    from workbench.state.fold import fold
    from workbench.store import Store

    start = now()
    async with await Store.open(store, clock=SystemClock()) as opened:
        run = (await opened.runs())[0].id
        records = await opened.read(run, bodies=True)
        state = fold(records)
        took = now() - start
        expect("steps that were kept", len(state.steps), job.steps + 1)
        expect("results that were kept", job.found(str(record.event) for record in records), job.steps * job.calls)
        start = now()
        listed = [(record.seq, record.event.kind) for record in await opened.read(run)]
        listing = now() - start
        expect("events listed", len(listed), len(records))
    async with OpenStore(store) as living:
        start = now()
        call = f"{job.steps // 2}.1"
        await obey(living.session, ForkRun(run, edits=ForkEdits(results={call: "otherwise"}), drive=False))
        return Revisited(took, listing, now() - start)


async def client(
    url: str, at_once: int, *, transport: str, store: str | None = None, connections: int | None = None
) -> Once:
    """Return what runs an agent of two turns and one call over the wire, in memory or in one open database.

    With fewer connections than runs at once, turns wait for one.
    """
    from workbench import Agent, Endpoint, tool
    from workbench.api.places import Store

    @tool(read_only=True)
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return str(number)

    agent = Agent(model="anthropic:bench", tools=[work], instructions=INSTRUCTIONS * 20)
    held = connections or at_once
    endpoint: Any = Endpoint(base_url=url, connections=held, transport=transport)  # type: ignore[arg-type]
    endpoints = {"anthropic": endpoint}
    options: Any = {"endpoints": endpoints}
    if store is not None:
        options = {"store": await Store(store, endpoints=endpoints).__aenter__()}

    async def once() -> None:
        result = await agent.run(TASK, **options)
        expect("what a run came to", (result.status, result.error, result.steps), ("completed", None, 2))

    return once


async def turns(url: str, at_once: int, *, transport: str) -> Once:
    """Return what makes the same two requests with our provider alone, without the engine."""
    from workbench.events.agent import ModelParameters
    from workbench.events.content import text_content
    from workbench.events.request import AssistantMessage, Request, ToolCallBlock, ToolResultBlock, UserMessage
    from workbench.providers.anthropic import AnthropicProvider
    from workbench.providers.builder import TurnBuilder
    from workbench.providers.remote import Endpoint
    from workbench.tools.declaring import tool

    @tool(read_only=True)
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return str(number)

    provider = AnthropicProvider(Endpoint(base_url=url, connections=at_once, transport=transport))  # type: ignore[arg-type]
    tools, asked = (work.spec,), UserMessage(content=text_content(TASK))

    async def turn(step: int, *messages: Any) -> Any:
        request = Request("step", INSTRUCTIONS * 20, tools, messages, "anthropic:bench", ModelParameters())
        builder = TurnBuilder(step)
        async for delta in provider.stream(request):
            builder.feed(delta)
        return builder.finish()

    async def once() -> None:
        said = await turn(0, asked)
        (call,) = (block for block in said if isinstance(block, ToolCallBlock))
        result = ToolResultBlock(call=call.id, content=text_content(str(call.input["number"])))
        said = await turn(1, asked, AssistantMessage(content=said), UserMessage(results=(result,)))
        expect("the last turn", [block.type for block in said], ["text"])

    return once
