"""A program of somebody who uses workbench as a library: every public name, and types that hold under `--strict`.

It is checked by mypy with all the rest, and run by `unit/test_api.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from pydantic import BaseModel

from workbench import (
    Agent,
    AgentError,
    AgentRun,
    Answer,
    Call,
    Context,
    DocumentBlock,
    Endpoint,
    Hooks,
    ImageBlock,
    JsonBlock,
    Limits,
    McpServer,
    ModelParameters,
    ModelRetries,
    PermissionRules,
    Retry,
    Role,
    RunResult,
    Store,
    TextBlock,
    Tool,
    ToolContext,
    ToolError,
    Toolkit,
    ToolResult,
    Turn,
    UserError,
    WaitingCall,
    file_tools,
    observe,
    python_tool,
    shell_tool,
    tool,
    web_tools,
)
from workbench.events.request import Request, Usage
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TextDelta, TurnEnd


class Parrot:
    """A model of one's own: it calls a tool, and says what that gave."""

    name = "parrot"

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Answer in pieces."""
        if any(message.role == "assistant" for message in request.messages):
            yield TextDelta("It is all there.")
            yield TurnEnd("end_turn", Usage(input_tokens=1, output_tokens=1))
            return
        yield CallOpened(0, "fetch")
        yield CallInput(0, '{"what": "card"}')
        yield CallClosed(0)
        yield TurnEnd("tool_calls", Usage(input_tokens=1, output_tokens=1))


class Form(BaseModel):
    """An answer."""

    word: str


@tool(permission="ask")
async def fetch(what: str, context: ToolContext) -> ToolResult:
    """Fetch something.

    Args:
        what: A card, or nothing.
    """
    context.progress("on its way")
    if not what:
        raise ToolError("say what")
    if what == "later":
        raise Retry("not there yet")
    image = ImageBlock(data=b"\x89PNG\r\n\x1a\n", media_type="image/png")
    paper = DocumentBlock(data=b"%PDF-1.4", media_type="application/pdf")
    return ToolResult((TextBlock(text="A card"), JsonBlock(value={"to": "Anna"}), image, paper))


def look(city: str) -> ToolResult:
    """Look at a city."""
    return ToolResult(f"rain in {city}")


class Watch(Hooks):
    """Sees what happens, and changes nothing."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def before_turn(self, context: Context) -> str | None:
        """See a request."""
        self.seen.append(f"turn {context.step}")
        return None

    async def after_turn(self, turn: Turn) -> Turn | None:
        """See what the model said."""
        self.seen.extend(call.tool for call in turn.calls)
        return None

    def after_call(self, call: Call, result: ToolResult) -> ToolResult | None:
        """See a result."""
        self.seen.append(f"{call.id} {len(result.content)}")
        return None

    def after_run(self, answer: Answer) -> Answer | None:
        """See the answer."""
        self.seen.append(answer.text)
        return None


def whole(folder: Path) -> Agent:
    """Return an agent that says all that can be said."""
    kit = Toolkit([look])
    kit.add_group("more", "More of it.", model_may_switch=True)
    found: Tool = kit.add(look, on_clash="rename", group="more", read_only=True)
    return Agent(
        model="offline",
        tools=[kit, fetch, file_tools(folder), shell_tool(folder), python_tool(folder), web_tools(), "documents"],
        roles=[Role(name="looker", good_at="looking", tools=(found.name,), ensemble=2)],
        output=Form,
        hooks=[Watch()],
        permissions=PermissionRules(allow=("look*",)),
        mcp=[McpServer("away", url="http://127.0.0.1:9/mcp")],
        parameters=ModelParameters(max_tokens=900),
        limits=Limits(steps=3),
        retries=ModelRetries(attempts=2),
    )


def allows(call: WaitingCall) -> bool:
    """Answer for a person."""
    return call.tool == "fetch" and call.input == {"what": "card"}


async def run(folder: Path) -> list[str]:
    """Run an agent in a store, with its events, and let it go on; return what was seen."""
    watch = Watch()
    agent = Agent(model=Parrot(), tools=[fetch], hooks=[watch])
    with observe(metrics=True, spans=True):
        await Agent(model=Parrot(), tools=[fetch]).run("What is there?")
    async with Store(folder / "runs.db", endpoints={"anthropic": Endpoint(base_url="http://127.0.0.1:9")}) as store:
        running: AgentRun = agent.stream("What is there?", store=store, approve=allows)
        kinds = [record.event.kind async for record in running]
        result: RunResult = await running
        more = await agent.resume(result.run_id, store=store, say="And now?")
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
    assert (result.answer, result.status, result.usage.output_tokens) == ("It is all there.", "completed", 2)
    assert more.is_completed
    return [*watch.seen, refused()]


def refused() -> str:
    """Return what is said of an agent that cannot be."""
    try:
        Agent(tools=[fetch, fetch])
    except AgentError as error:
        given: UserError = error
        return str(given)
    return ""
