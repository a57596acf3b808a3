"""Asking a provider as the engine does: its deltas through the one builder, and the history that follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.contract.script import Adapter, Step
from tests.contract.server import Scripted, serving
from workbench.events.agent import ModelParameters, ToolSpec
from workbench.events.content import text_content
from workbench.events.request import (
    AssistantMessage,
    Message,
    ProviderParts,
    Request,
    ToolCallBlock,
    ToolResultBlock,
    TurnBlock,
    UserMessage,
)
from workbench.providers.base import Delta, Provider, TextDelta, TurnEnd
from workbench.providers.builder import TurnBuilder
from workbench.providers.remote import Endpoint, closing_clients

LOOK = ToolSpec(name="look", description="Look.", input_schema={"properties": {"word": {"type": "string"}}})
QUESTION = UserMessage(content=text_content("What?"))


@dataclass
class Heard:
    """What came of one attempt, also of one that broke."""

    deltas: list[Delta] = field(default_factory=list)
    closed: list[ToolCallBlock] = field(default_factory=list)
    """The calls that were whole while the stream went on; these may have started."""
    content: tuple[TurnBlock, ...] = ()
    parts: ProviderParts | None = None
    end: TurnEnd | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(delta.text for delta in self.deltas if isinstance(delta, TextDelta))

    @property
    def calls(self) -> list[ToolCallBlock]:
        """The calls of the whole turn."""
        return [block for block in self.content if isinstance(block, ToolCallBlock)]

    def message(self) -> AssistantMessage:
        """Return the turn as it goes back."""
        return AssistantMessage(content=self.content, provider_parts=self.parts)


@dataclass
class Talk:
    """A provider, and the name of the model that is asked of it."""

    model: str
    provider: Provider

    def request(self, *messages: Message, **changes: Any) -> Request:
        """Return a request with one tool; without `messages` it is a question."""
        fields: dict[str, Any] = {
            "purpose": "step",
            "instructions": "Be exact.",
            "tools": (LOOK,),
            "messages": messages or (QUESTION,),
            "model": self.model,
            "parameters": ModelParameters(),
        }
        return Request(**{**fields, **changes})

    async def hear(self, request: Request | None = None, heard: Heard | None = None) -> Heard:
        """Ask for a turn and hear it to its end; what was heard of one that breaks is in `heard`."""
        heard = heard or Heard()
        builder = TurnBuilder(0)
        stream: Any = self.provider.stream(request or self.request())
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                heard.deltas.append(delta)
                call = builder.feed(delta)
                if call is not None:
                    heard.closed.append(call)
        heard.content, heard.end, heard.parts = builder.finish(), builder.end, builder.parts
        return heard

    async def go_on(self, heard: Heard, said: str = "found") -> Heard:
        """Answer all calls of a turn and ask for the next."""
        results = tuple(ToolResultBlock(call=call.id, content=text_content(said)) for call in heard.calls)
        last = UserMessage(results=results, content=() if results else text_content("Go on."))
        return await self.hear(self.request(QUESTION, heard.message(), last))


@dataclass
class ServedTalk(Talk):
    """A talk with the server of a script."""

    adapter: Adapter
    served: Scripted


@asynccontextmanager
async def talking(adapter: Adapter, *script: Step, **endpoint: Any) -> AsyncIterator[ServedTalk]:
    """Serve a script and give the provider that asks there; its connections are closed at the end."""
    with serving(adapter, *script) as served:
        async with closing_clients():
            provider = adapter.provider(Endpoint(base_url=served.base_url, **endpoint))
            yield ServedTalk(adapter.model, provider, adapter, served)
