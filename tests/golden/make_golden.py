"""Makes the golden database: every kind of event, an unknown one, a fork and a subagent, in one file.

`python -m tests.golden.make_golden` writes `v1.db` and `v1.jsonl` beside this file. It was run once, before the first
release; a later format gets files of its own and leaves these alone.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from workbench.clock import ManualClock
from workbench.events.agent import AgentRecord, CorpusRecord, Limits, Role, ToolSpec
from workbench.events.base import Event
from workbench.events.call import (
    CallCancelled,
    CallDiscarded,
    CallFinished,
    CallInterrupted,
    CallProgressed,
    CallRetried,
    CallReused,
    CallStarted,
    LateResultDropped,
    OutcomeResolved,
    OutcomeUnknown,
    PermissionAsked,
    PermissionDecided,
    SubagentFinished,
    SubagentStarted,
)
from workbench.events.codec import result_fields
from workbench.events.content import Content, DocumentBlock, ImageBlock, JsonBlock, TextBlock, text_content
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded, ResultEdited, TextEdited
from workbench.events.library import RunHidden, RunMarked, RunNamed, RunNoted, RunTagged
from workbench.events.plan import (
    PlanApproved,
    PlanEdited,
    PlanProposed,
    PlanSkipped,
    PlanStep,
    PlanStepFinished,
    PlanStepStarted,
)
from workbench.events.request import ProviderParts, ThinkingBlock, ToolCallBlock, Usage
from workbench.events.run import (
    BreakpointHit,
    Caller,
    Citation,
    ContextElided,
    ContextSummarised,
    HookChanged,
    LimitReached,
    ModeChanged,
    RunFinished,
    RunForked,
    RunPaused,
    RunRecovered,
    RunResumed,
    RunStarted,
)
from workbench.events.turn import ModelRetried, TurnDiscarded, TurnFinished, TurnStarted, TurnText
from workbench.store import Batch, RunHeader, Store

FOLDER = Path(__file__).parent
DATABASE = FOLDER / "v1.db"
LINES = FOLDER / "v1.jsonl"

MAIN, CHILD, FORK, IMPORTED = "a4f7c2e1", "3b525f00", "9c1e77d0", "77d01234"
START = 1_790_000_000.0
HASH = "0" * 64
USAGE = Usage(input_tokens=1200, output_tokens=80, cache_read_tokens=1000, cost=0.0042)

AGENT = AgentRecord(
    instructions="Answer with citations.",
    model="offline",
    tools=(
        ToolSpec(
            name="search_docs",
            description="Search the documents.",
            input_schema={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
            effect="read_only",
        ),
        ToolSpec(name="send", description="Send a letter.", input_schema={"type": "object"}, permission="ask"),
    ),
    limits=Limits(steps=3, cost=0.5),
    roles=(Role(name="reader", good_at="reading one topic in depth"),),
    plan="ask",
    corpus=CorpusRecord(title="Python language reference", fingerprint=HASH),
)


def of(content: Content, *, is_error: bool = False) -> dict[str, Any]:
    """Return the fields of an event that has `content` as its result."""
    return result_fields(content, is_error=is_error)


def result(call: str, content: Content) -> CallFinished:
    """Return the good end of a call."""
    return CallFinished(call=call, outcome="ok", elapsed=0.25, **of(content))


def turn(step: int, *calls: ToolCallBlock, text: str = "Looking.") -> TurnFinished:
    """Return a finished turn that asks for `calls`."""
    return TurnFinished(
        step=step,
        attempt=0,
        purpose="step",
        content=(ThinkingBlock(text="Let me see."), TextBlock(text=text), *calls),
        stop_reason="tool_use",
        usage=USAGE,
        elapsed=1.5,
        first_token=0.25,
        provider_parts=ProviderParts(provider="offline", parts=[{"signature": "é☃"}]),
    )


def search(call: str, query: str) -> ToolCallBlock:
    """Return a wish to search."""
    return ToolCallBlock(id=call, tool="search_docs", input={"query": query})


def begun(call: str, query: str, *, tool: str = "search_docs", eager: bool = False) -> CallStarted:
    """Return the start of a call."""
    return CallStarted(
        call=call, tool=tool, input={"query": query}, effect="read_only", permission="allow", eager=eager
    )


def asked(step: int, attempt: int = 0) -> TurnStarted:
    """Return a request to the model."""
    return TurnStarted(step=step, attempt=attempt, purpose="step", model="offline", request_key=HASH)


def beginning() -> list[Event]:
    """Return the task, the plan in all its turns, and a first step with retries."""
    steps = (PlanStep(action="SEARCH", text="with"), PlanStep(action="SYNTHESIZE", text=""))
    return [
        RunStarted(task=text_content("How do context managers work? 上下文"), agent=AGENT, date="2026-09-21"),
        TurnStarted(step=0, attempt=0, purpose="plan", model="offline", request_key=HASH),
        PlanProposed(steps=steps),
        PlanEdited(steps=steps[:1]),
        PlanApproved(by="operator"),
        PlanStepStarted(index=0),
        asked(0),
        TurnText(step=0, attempt=0, text="Loo", thinking=True),
        begun("0.0", "with", eager=True),
        TurnDiscarded(step=0, attempt=0, reason="broken: connection reset"),
        ModelRetried(step=0, attempt=0, error="connection reset", error_kind="truncated", wait=1.0),
        asked(0, 1),
        turn(0, search("0.1", "with"), search("0.2", "yield"), search("0.3", "try")),
        CallReused(call="0.1", old="0.0"),
        begun("0.2", "yield"),
        CallRetried(call="0.2", attempt=0, error="timeout", elapsed=0.05, wait=0.1),
        CallProgressed(call="0.2", text="2 of 3"),
        result("0.1", text_content("with::2\nThe with statement …")),
        result("0.2", (JsonBlock(value={"passages": [1, 2.5, None]}), TextBlock(text="x" * 40_000))),
        begun("0.3", "try"),
        CallFinished(call="0.3", outcome="timeout", elapsed=60.0, **of(text_content("timed out"), is_error=True)),
        ModeChanged(mode="sequential", why="3 of the last 20 calls failed"),
        PlanStepFinished(index=0),
    ]


def middle() -> list[Event]:
    """Return a step with permissions, a subagent, and everything that can stop or edit a call."""
    return [
        asked(1),
        turn(1, ToolCallBlock(id="1.0", tool="send", input={"to": "x"}), search("1.1", "raise"), search("1.2", "def")),
        PermissionAsked(call="1.0", tool="send", input={"to": "x"}, reason="the tool asks"),
        PermissionDecided(call="1.0", verdict="allow", scope="run"),
        CallStarted(call="1.0", tool="send", input={"to": "x"}, effect="effectful", permission="ask"),
        HookChanged(hook="before_call", what="input", before="x", after="y", call="1.0"),
        BreakpointHit(rule="tool:send", why="send is about to run", call="1.0"),
        RunPaused(reason="breakpoint"),
        CallInterrupted(call="1.0", reason="crashed"),
        RunRecovered(),
        OutcomeUnknown(call="1.0"),
        OutcomeResolved(call="1.0", answer="result"),
        CallFinished(call="1.0", outcome="ok", elapsed=2.0, by="operator", **of(text_content("sent"))),
        LateResultDropped(call="1.0", size=17),
        RunResumed(limits=Limits(steps=5)),
        SubagentStarted(call="1.1", run=CHILD, task="Read about raise", focus="from", role="reader"),
        SubagentFinished(call="1.1", run=CHILD, status="completed", reason="answered", steps=1, usage=USAGE),
        result("1.1", (ImageBlock(data=b"\x89PNG\x00", media_type="image/png"),)),
        begun("1.2", "def"),
        InputEdited(call="1.2", input={"query": "class"}, replaces=HASH),
        CallCancelled(call="1.2", elapsed=0.5, **of(text_content("not wanted"), is_error=True)),
        ResultEdited(
            call="1.2", replaces="", **of((DocumentBlock(data=b"%PDF", media_type="application/pdf", name="a.pdf"),))
        ),
    ]


def ending() -> list[Event]:
    """Return what remains: messages, edits of the agent, the window of the context, limits, the end."""
    return [
        MessageAdded(content=text_content("And generators?")),
        AgentEdited(agent=AGENT.model_copy(update={"model": "scripted"}), changed=("model",)),
        ContextElided(calls=("0.2",), tokens_before=130_000, tokens_after=70_000),
        ContextSummarised(through=0, summary="Searched for with, yield and try."),
        asked(2),
        begun("2.0", "with", eager=True),
        turn(2, text="Done."),
        CallDiscarded(call="2.0", reason="the turn did not ask for it"),
        TextEdited(step=2, text="Nearly done.", replaces=HASH),
        PlanSkipped(),
        LimitReached(limit="step_limit", value=5, maximum=5),
        RunFinished(
            status="completed",
            reason="answered",
            answer="They call __enter__ and __exit__.",
            citations=(Citation(source="with::2", quote="The with statement"),),
            steps=3,
            subagent_steps=1,
        ),
    ]


def dated(events: list[Event], start: float) -> tuple[tuple[float, Event], ...]:
    """Return events a quarter of a second apart."""
    return tuple((start + number / 4, event) for number, event in enumerate(events))


async def fill(store: Store) -> None:
    """Write the four runs and what people said of them."""
    token = await store.acquire(MAIN)
    first, second, third = beginning(), middle(), ending()
    await store.append(Batch(MAIN, 0, dated(first, START), RunHeader(MAIN, MAIN, START), token))
    caller = Caller(run=MAIN, call="1.1")
    child = RunStarted(task=text_content("Read about raise"), agent=AGENT, date="2026-09-21", caller=caller, depth=1)
    answer = RunFinished(status="completed", reason="answered", answer="raise … from …", steps=1)
    header = RunHeader(CHILD, MAIN, START + 10, caller_run=MAIN, caller_call="1.1", depth=1)
    await store.append(
        Batch(MAIN, len(first), dated(second, START + 8), token=token),
        Batch(CHILD, 0, dated([child, answer], START + 10), header, token),
    )
    await store.append(Batch(MAIN, len(first + second), dated(third, START + 20), token=token))
    cut = next(seq for seq, event in enumerate(first) if event.kind == "call_retried")
    forked = RunForked(parent=MAIN, cut=cut, made_from=MAIN, address="0.2", reset={"0.2": "rerun"})
    header = RunHeader(FORK, FORK, START + 30, parent=MAIN, cut=cut, made_from=MAIN)
    fork_token = await store.acquire(FORK)
    events = dated([forked, result("0.2", text_content("x" * 40_000)), RunPaused()], START + 30)
    await store.append(Batch(FORK, cut + 1, events, header, fork_token))
    unknown = '{"kind":"dreamt_of","v":3,"sheep":[1.50,1e3,"\\u00e9"],"call":{"odd":1},"result":{"any":"thing"}}'
    imported = [(0, START, first[0].model_dump_json()), (1, START + 1, unknown)]
    await store.import_runs([(RunHeader(IMPORTED, IMPORTED, START + 40), imported)], "golden.jsonl")
    for remark in (
        RunNamed(run=MAIN, name="context managers"),
        RunNoted(run=MAIN, note="look at 1.0"),
        RunTagged(run=MAIN, tags=("golden",)),
        RunMarked(run=FORK, marked=True),
        RunHidden(run=IMPORTED, hidden=True),
    ):
        await store.append_library(remark, START + 50)


async def lines(store: Store) -> str:
    """Return everything that the golden database holds of its runs, one JSON object a line."""
    found = []
    for run in (MAIN, CHILD, FORK, IMPORTED):
        found += [f'{{"run":"{run}","seq":{seq},"at":{at!r},"event":{text}}}' for seq, at, text in await store.raw(run)]
    return "\n".join(found) + "\n"


async def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "golden.db"
        async with await Store.open(path, clock=ManualClock()) as store:
            await fill(store)
            LINES.write_text(await lines(store), encoding="utf-8", newline="\n")
        DATABASE.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(DATABASE)) as target:
            source.backup(target)


if __name__ == "__main__":
    asyncio.run(main())
