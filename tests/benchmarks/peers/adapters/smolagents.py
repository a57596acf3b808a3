"""smolagents, which has no event loop: it runs on a thread, and its calls on threads of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.work import ANSWER, TASK, TOOL, Job, Watch


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Run in memory."""
    from smolagents import ToolCallingAgent, tool
    from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole, Model

    class Scripted(Model):
        """Says what the watch says."""

        def generate(self, messages: Any, **options: Any) -> Any:
            numbers = watch.turn_in_thread(lambda: (_text(message) for message in messages))
            wanted: list[Any] = [(str(number), TOOL, {"number": number}) for number in numbers]
            calls = [
                ChatMessageToolCall(
                    id=call, type="function", function=ChatMessageToolCallFunction(name=name, arguments=arguments)
                )
                for call, name, arguments in wanted or [("end", "final_answer", {"answer": ANSWER})]
            ]
            return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=calls)

    @tool
    def work(number: int) -> str:
        """Do one piece of the work.

        Args:
            number: which one
        """
        return watch.call_in_thread(number)

    agent = ToolCallingAgent(
        tools=[work], model=Scripted(), max_steps=job.steps + 5, verbosity_level=0, max_tool_threads=job.calls
    )
    return str(await asyncio.to_thread(agent.run, TASK))


def _text(message: Any) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(str(part.get("text", "")) for part in message.content or ())
