"""LangGraph's side of a comparison: `langchain.agents.create_agent`, made once and used for all runs.

It runs in an interpreter that has LangGraph, and imports nothing of ours but what both sides share.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from tests.benchmarks.claims.side import ANSWER, Ask, Trace, serve


def model_of(trace: Trace) -> Any:
    """Return a model that does the plan whose number it is asked for."""
    models: Any = import_module("langchain_core.language_models.chat_models")
    messages_of: Any = import_module("langchain_core.messages")
    outputs: Any = import_module("langchain_core.outputs")

    class Planned(models.BaseChatModel):  # type: ignore[misc]
        @property
        def _llm_type(self) -> str:
            return "planned"

        def bind_tools(self, tools: Any, **more: Any) -> Any:
            return self

        def _generate(self, *given: Any, **more: Any) -> Any:
            raise NotImplementedError

        async def _agenerate(self, messages: Any, *given: Any, **more: Any) -> Any:
            await trace.think()
            asked = next(message for message in messages if message.type == "human")
            plan = trace.work.plans[int(asked.content)]
            done = sum(message.type == "ai" for message in messages)
            calls = [
                {"name": name, "args": {"place": "here"}, "id": f"{done}.{at}", "type": "tool_call"}
                for at, name in enumerate(plan[done] if done < len(plan) else [])
            ]
            said = messages_of.AIMessage(content="" if calls else ANSWER, tool_calls=calls)
            return outputs.ChatResult(generations=[outputs.ChatGeneration(message=said)])

    return Planned()


def tool_of(trace: Trace, name: str) -> Any:
    """Return the tool of that name."""
    tools: Any = import_module("langchain_core.tools")

    async def use(place: str) -> str:
        return await trace.use(name)

    def block(place: str) -> str:
        return trace.block(name)

    given = {"func": block} if trace.work.on_threads else {"coroutine": use}
    return tools.StructuredTool.from_function(name=name, description=f"Say the {name} of a place.", **given)


def ready(trace: Trace) -> Ask:
    """Return what runs the agent."""
    os.environ.update(LANGSMITH_TRACING="false", LANGCHAIN_TRACING_V2="false")
    agents: Any = import_module("langchain.agents")
    tools = [tool_of(trace, name) for name in trace.work.tool_seconds]
    agent = agents.create_agent(model_of(trace), tools, system_prompt="You are helpful.")

    async def ask(number: int) -> str:
        asked = {"messages": [{"role": "user", "content": str(number)}]}
        done = await agent.ainvoke(asked, {"recursion_limit": 1000})
        return str(done["messages"][-1].content)

    return ask


if __name__ == "__main__":
    serve(ready, sys.argv[1:])
