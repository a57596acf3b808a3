"""The SDK of Anthropic alone, with the loop of two turns by hand: what frameworks and we stand on."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.peers.work import INSTRUCTIONS, TASK, TOOL, Once, expect

TOOLS = [
    {
        "name": TOOL,
        "description": "Do one piece of the work.",
        "input_schema": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
    }
]


def bare_sdk(url: str, at_once: int, transport: str = "httpx2") -> Any:
    """Return the SDK's client with a connection for each run at once, all of them kept open."""
    from anthropic import AsyncAnthropic, DefaultAioHttpClient, DefaultAsyncHttpxClient
    from httpx2 import Limits

    make: Any = DefaultAioHttpClient if transport == "aiohttp" else DefaultAsyncHttpxClient
    http = make(limits=Limits(max_connections=at_once, max_keepalive_connections=at_once))
    return AsyncAnthropic(api_key="none", base_url=url, max_retries=0, http_client=http)


async def client(url: str, at_once: int, *, way: str, transport: str) -> Once:
    """Return what makes the two requests of a run; `way` is `create` or `stream`."""
    sdk = bare_sdk(url, at_once, transport)

    async def turn(messages: list[Any]) -> list[Any]:
        body = {"model": "bench", "max_tokens": 4096, "system": INSTRUCTIONS * 20, "messages": messages, "tools": TOOLS}
        if way == "create":
            said = await sdk.messages.create(**body)
        else:
            async with sdk.messages.stream(**body) as stream:
                said = await stream.get_final_message()
        return [block.model_dump(exclude_none=True) for block in said.content]

    async def once() -> None:
        messages: list[Any] = [{"role": "user", "content": TASK}]
        (call,) = said = await turn(messages)
        expect("the first turn", call["type"], "tool_use")
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": str(call["input"]["number"])}
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
        (text,) = await turn(messages)
        expect("the last turn", text["type"], "text")

    return once
