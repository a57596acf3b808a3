"""Strands; kept by its `FileSessionManager`."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import now
from tests.benchmarks.peers.work import ANSWER, INSTRUCTIONS, TASK, TOOL, Job, Once, Revisited, Watch, expect


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Run in memory, or in a folder."""
    logging.disable(logging.WARNING)
    return str(await _agent(watch, store).invoke_async(TASK)).strip()


async def revisit(job: Job, store: Path) -> Revisited:
    """Read the session again; it lists no moments, and is forked by copying its folder without the end."""
    start = now()
    agent = _agent(Watch(job), store)
    opened = now() - start
    expect("results that were kept", job.found(_results(agent.messages)), job.steps * job.calls)
    source, fork = store / "session_a", store / "session_b"
    start = now()
    kept = 1 + 2 * (job.steps // 2)

    def ends(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name.startswith("message_") and int(Path(name).stem[8:]) >= kept]

    shutil.copytree(source, fork, ignore=ends)
    return Revisited(opened, None, now() - start)


async def client(url: str, at_once: int) -> Once:
    """Return what runs an agent of two turns and one call over the wire; each run needs an agent of its own."""
    from strands import Agent, tool
    from strands.models.anthropic import AnthropicModel

    logging.disable(logging.WARNING)

    @tool
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return str(number)

    reached = {"api_key": "none", "base_url": url, "max_retries": 0}
    model: Any = AnthropicModel(client_args=reached, model_id="bench", max_tokens=4096)

    async def once() -> None:
        agent: Any = Agent(model=model, tools=[work], system_prompt=INSTRUCTIONS * 20, callback_handler=None)
        await agent.invoke_async(TASK)
        expect("messages", len(agent.messages), 4)

    return once


def _results(messages: Any) -> list[str]:
    results = (block["toolResult"] for message in messages for block in message["content"] if "toolResult" in block)
    return [str(part.get("text", "")) for result in results for part in result["content"]]


def _agent(watch: Watch, store: Path | None) -> Any:
    from strands import Agent, tool
    from strands.agent.conversation_manager import NullConversationManager
    from strands.models.model import Model
    from strands.session.file_session_manager import FileSessionManager

    class Scripted(Model):
        """Says what the watch says."""

        def update_config(self, **config: Any) -> None:
            """Have none."""

        def get_config(self) -> Any:
            return {"model_id": "bench", "context_window_limit": 10**9}

        def structured_output(self, *others: Any, **options: Any) -> Any:
            raise NotImplementedError

        async def stream(self, messages: Any, *others: Any, **options: Any) -> AsyncIterator[Any]:
            numbers = await watch.turn(lambda: _results(messages))
            yield {"messageStart": {"role": "assistant"}}
            for number in numbers:
                yield {"contentBlockStart": {"start": {"toolUse": {"toolUseId": str(number), "name": TOOL}}}}
                yield {"contentBlockDelta": {"delta": {"toolUse": {"input": f'{{"number": {number}}}'}}}}
                yield {"contentBlockStop": {}}
            if not numbers:
                yield {"contentBlockStart": {"start": {}}}
                yield {"contentBlockDelta": {"delta": {"text": ANSWER}}}
                yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "tool_use" if numbers else "end_turn"}}

    @tool
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return await watch.call(number)

    return Agent(
        model=Scripted(),
        tools=[work],
        system_prompt=INSTRUCTIONS,
        callback_handler=None,
        conversation_manager=NullConversationManager(),
        session_manager=FileSessionManager(session_id="a", storage_dir=str(store)) if store else None,
        agent_id="a",
    )
