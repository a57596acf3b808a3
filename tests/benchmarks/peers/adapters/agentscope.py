"""AgentScope."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from tests.benchmarks.peers.work import ANSWER, INSTRUCTIONS, TASK, TOOL, Job, Once, Watch, expect


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Run in memory."""
    from agentscope.agent import Agent, ReActConfig
    from agentscope.credential import CredentialBase
    from agentscope.formatter import OpenAIChatFormatter
    from agentscope.message import TextBlock, ToolCallBlock, UserMsg
    from agentscope.model import ChatModelBase, ChatResponse

    logging.disable(logging.WARNING)

    class Model(ChatModelBase):
        """Says what the watch says."""

        formatter = OpenAIChatFormatter()

        async def _call_api(self, model_name: str, messages: Any, *others: Any, **options: Any) -> Any:
            numbers = await watch.turn(lambda: _results(messages))
            said: list[Any] = [
                ToolCallBlock(id=str(number), name=TOOL, input=f'{{"number": {number}}}') for number in numbers
            ]
            return ChatResponse(content=said or [TextBlock(text=ANSWER)], is_last=True)

    model = Model(CredentialBase(), "bench", Model.Parameters(), stream=False, context_size=10**9)
    config = ReActConfig(max_iters=job.steps + 5)
    agent = Agent("a", INSTRUCTIONS, model, toolkit=_toolkit(watch.call), react_config=config)
    said = await agent.reply(UserMsg(name="user", content=TASK))
    return str(said.get_text_content()).strip()


async def client(url: str, at_once: int) -> Once:
    """Return what runs an agent of two turns and one call over the wire; each run needs an agent of its own."""
    from agentscope.agent import Agent
    from agentscope.credential import AnthropicCredential
    from agentscope.message import UserMsg
    from agentscope.model import AnthropicChatModel

    logging.disable(logging.WARNING)

    async def called(number: int) -> str:
        return str(number)

    model = AnthropicChatModel(
        AnthropicCredential(api_key="none", base_url=url),
        "bench",
        AnthropicChatModel.Parameters(max_tokens=4096),
        max_retries=0,
        client_kwargs={"max_retries": 0},
    )
    toolkit = _toolkit(called)

    async def once() -> None:
        agent = Agent("a", INSTRUCTIONS * 20, model, toolkit=toolkit)
        said = await agent.reply(UserMsg(name="user", content=TASK))
        expect("the answer", str(said.get_text_content())[:4], "word")

    return once


def _results(messages: Any) -> list[str]:
    blocks = (block for message in messages for block in message.content if block.type == "tool_result")
    return [str(block.output) for block in blocks]


def _toolkit(called: Any) -> Any:
    from agentscope.permission import PermissionBehavior, PermissionDecision
    from agentscope.tool import FunctionTool, Toolkit

    async def work(number: int) -> str:
        """Do one piece of the work.

        Args:
            number (int): which one
        """
        return str(await called(number))

    leave = PermissionDecision(behavior=PermissionBehavior.ALLOW, message="allowed")
    return Toolkit(tools=[FunctionTool(work, is_concurrency_safe=True, is_read_only=True, permission=leave)])
