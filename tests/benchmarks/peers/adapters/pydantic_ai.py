"""Pydantic AI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.peers.work import ANSWER, INSTRUCTIONS, TASK, TOOL, Job, Once, Watch, expect


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Run in memory; it has no store of its own."""
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel
    from pydantic_ai.usage import UsageLimits

    def results(messages: Any) -> list[str]:
        parts = (part for message in messages for part in message.parts)
        return [str(part.content) for part in parts if part.part_kind == "tool-return"]

    async def said(messages: Any, info: Any) -> Any:
        numbers = await watch.turn(lambda: results(messages))
        calls: list[Any] = [ToolCallPart(TOOL, {"number": number}, tool_call_id=str(number)) for number in numbers]
        return ModelResponse(parts=calls or [TextPart(ANSWER)])

    agent: Any = Agent(FunctionModel(said), instructions=INSTRUCTIONS)

    @agent.tool_plain
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return await watch.call(number)

    result = await agent.run(TASK, usage_limits=UsageLimits(request_limit=None))
    return str(result.output)


async def client(url: str, at_once: int) -> Once:
    """Return what runs an agent of two turns and one call over the wire."""
    from anthropic import AsyncAnthropic
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    sdk = AsyncAnthropic(api_key="none", base_url=url, max_retries=0)
    model = AnthropicModel("bench", provider=AnthropicProvider(anthropic_client=sdk))
    agent: Any = Agent(model, instructions=INSTRUCTIONS * 20)

    @agent.tool_plain
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return str(number)

    async def once() -> None:
        result = await agent.run(TASK)
        expect("parts of messages", [len(message.parts) for message in result.all_messages()], [1, 1, 1, 1])

    return once
