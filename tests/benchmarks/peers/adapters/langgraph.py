"""LangGraph: `create_agent` of LangChain, the way in that its documentation names; kept by its SQLite checkpointer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import now
from tests.benchmarks.peers.adapters.sdk import bare_sdk
from tests.benchmarks.peers.work import ANSWER, INSTRUCTIONS, TASK, TOOL, Job, Once, Revisited, Watch, expect

_RUN = {"thread_id": "a"}


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Run in memory."""
    return _answer(await _agent(watch, None).ainvoke(*_asked(job)))


async def run_async(job: Job, watch: Watch, store: Path | None) -> str:
    """Keep checkpoints while the next step runs, as it does by default."""
    return await _kept(job, watch, store, "async")


async def run_sync(job: Job, watch: Watch, store: Path | None) -> str:
    """Keep each checkpoint before the next step begins."""
    return await _kept(job, watch, store, "sync")


async def run_delta(job: Job, watch: Watch, store: Path | None) -> str:
    """Keep messages in the channel that stores what was added."""
    return await _kept(job, watch, store, "async", delta=True)


async def revisit(job: Job, store: Path) -> Revisited:
    """Look at a kept run again."""
    return await _revisited(job, store, delta=False)


async def revisit_delta(job: Job, store: Path) -> Revisited:
    """Look at one of the delta channel again."""
    return await _revisited(job, store, delta=True)


async def client(url: str, at_once: int) -> Once:
    """Return what runs an agent of two turns and one call over the wire."""
    from langchain.agents import create_agent
    from langchain_anthropic import ChatAnthropic
    from langchain_core.tools import tool

    @tool
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return str(number)

    make: Any = ChatAnthropic
    model = make(model="bench", api_key="none", base_url=url, max_retries=0, max_tokens=4096)
    model.__dict__["_async_client"] = bare_sdk(url, at_once)  # its own keeps 100 connections open, whatever is asked
    agent: Any = create_agent(model, [work], system_prompt=INSTRUCTIONS * 20)

    async def once() -> None:
        said = await agent.ainvoke({"messages": [("user", TASK)]})
        expect("messages", [message.type for message in said["messages"]], ["human", "ai", "tool", "ai"])

    return once


async def _kept(job: Job, watch: Watch, store: Path | None, durability: str, *, delta: bool = False) -> str:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncSqliteSaver.from_conn_string(str(store)) as saver:
        return _answer(await _agent(watch, saver, delta=delta).ainvoke(*_asked(job), durability=durability))


async def _revisited(job: Job, store: Path, *, delta: bool) -> Revisited:
    from langchain_core.messages import HumanMessage
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    where, watch = {"configurable": _RUN}, Watch(job)
    start = now()
    async with AsyncSqliteSaver.from_conn_string(str(store)) as saver:
        state = await _agent(watch, saver, delta=delta).aget_state(where)
        opened = now() - start
        expect("results that were kept", job.found(_results(state.values["messages"])), job.steps * job.calls)
    async with AsyncSqliteSaver.from_conn_string(str(store)) as saver:
        agent = _agent(watch, saver, delta=delta)
        start = now()
        listed = [
            (moment.config, moment.next, len(moment.values.get("messages", ())))
            async for moment in agent.aget_state_history(where)
        ]
        listing = now() - start
        middle = 1 + (job.calls + 1) * (job.steps // 2)
        place = next(config for config, then, length in listed if length == middle and "model" in then)
        start = now()
        await agent.aupdate_state(place, {"messages": [HumanMessage("Do it otherwise.")]}, as_node="tools")
        return Revisited(opened, listing, now() - start)


def _asked(job: Job) -> tuple[Any, Any]:
    """Return the question, and a configuration whose limit of steps is out of the way."""
    from langchain_core.messages import HumanMessage

    return {"messages": [HumanMessage(TASK)]}, {"recursion_limit": 4 * job.steps + 50, "configurable": _RUN}


def _answer(state: Any) -> str:
    return str(state["messages"][-1].content)


def _results(messages: Sequence[Any]) -> list[str]:
    return [str(message.content) for message in messages if message.type == "tool"]


def _agent(watch: Watch, saver: Any, *, delta: bool = False) -> Any:
    from langchain.agents import AgentState, create_agent
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.tools import tool

    class Model(BaseChatModel):
        """Says what the watch says."""

        @property
        def _llm_type(self) -> str:
            return "bench"

        def bind_tools(self, tools: Any, **options: Any) -> Any:
            return self

        def _generate(self, *arguments: Any, **options: Any) -> Any:
            raise NotImplementedError

        async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any) -> Any:
            numbers = await watch.turn(lambda: _results(messages))
            calls = [
                {"name": TOOL, "args": {"number": number}, "id": str(number), "type": "tool_call"} for number in numbers
            ]
            said = AIMessage(content="" if calls else ANSWER, tool_calls=calls)
            return ChatResult(generations=[ChatGeneration(message=said)])

    @tool
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return await watch.call(number)

    options: Any = {}
    if delta:
        from typing import Annotated

        from langgraph.channels.delta import DeltaChannel
        from langgraph.graph.message import _messages_delta_reducer

        fields = {"messages": Annotated[list, DeltaChannel(_messages_delta_reducer)]}
        options["state_schema"] = type("State", (AgentState,), {"__annotations__": fields})
    return create_agent(Model(), [work], system_prompt=INSTRUCTIONS, checkpointer=saver, **options)
