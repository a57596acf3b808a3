"""The Agents SDK of OpenAI; kept by its `SQLiteSession`. It speaks OpenAI's APIs alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.measure import now
from tests.benchmarks.peers.work import ANSWER, INSTRUCTIONS, TASK, TOOL, Job, Revisited, Watch, expect


async def run(job: Job, watch: Watch, store: Path | None) -> str:
    """Run in memory, or in a session of its own."""
    from agents import RunConfig, Runner, SQLiteSession

    session = SQLiteSession("a", store) if store else None
    result = await Runner.run(
        _agent(watch),
        TASK,
        max_turns=job.steps + 5,
        session=session,
        run_config=RunConfig(tracing_disabled=True),
    )
    if session:
        session.close()
    return str(result.final_output)


async def revisit(job: Job, store: Path) -> Revisited:
    """Read the session again; it lists no moments, and is forked by copying what came before."""
    from agents import SQLiteSession

    start = now()
    session = SQLiteSession("a", store)
    items = await session.get_items()
    opened = now() - start
    expect("results that were kept", job.found(_results(items)), job.steps * job.calls)
    start = now()
    fork = SQLiteSession("b", store)
    kept = (await session.get_items())[: 1 + 2 * job.calls * (job.steps // 2)]
    await fork.add_items([*kept, {"role": "user", "content": "Do it otherwise."}])
    took = now() - start
    session.close()
    fork.close()
    return Revisited(opened, None, took)


def _results(items: Any) -> list[str]:
    return [
        str(item["output"]) for item in items if isinstance(item, dict) and item.get("type") == "function_call_output"
    ]


def _agent(watch: Watch) -> Any:
    from agents import Agent, Model, ModelResponse, Usage, function_tool
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    class Scripted(Model):
        """Says what the watch says."""

        async def get_response(self, system_instructions: Any, input: Any, *others: Any, **options: Any) -> Any:  # noqa: A002
            numbers = await watch.turn(lambda: _results(input))
            said: list[Any] = [
                ResponseFunctionToolCall(
                    id=f"f{number}",
                    call_id=str(number),
                    type="function_call",
                    name=TOOL,
                    arguments=f'{{"number": {number}}}',
                )
                for number in numbers
            ]
            if not said:
                text = ResponseOutputText(type="output_text", text=ANSWER, annotations=[])
                said = [
                    ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
                ]
            return ModelResponse(output=said, usage=Usage(), response_id=None)

        def stream_response(self, *others: Any, **options: Any) -> Any:
            raise NotImplementedError

    @function_tool
    async def work(number: int) -> str:
        """Do one piece of the work."""
        return await watch.call(number)

    return Agent(name="a", instructions=INSTRUCTIONS, model=Scripted(), tools=[work])
