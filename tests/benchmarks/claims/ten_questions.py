"""Ten questions, one call at a time, in parallel, and in parallel with a plan and subagents; on two libraries."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.claims.timed import Ran, Timed, watched
from tests.benchmarks.measure import Table
from workbench import Agent, Limits, Tool
from workbench.agent.spec import prompt
from workbench.corpus import open_embedded, open_folder
from workbench.providers.offline.provider import OfflineProvider
from workbench.tools.documents import document_tools
from workbench.tools.library import Library

DOCS = Path(__file__).parents[3] / "docs"
MODEL_SECONDS, TOOL_SECONDS = 0.15, 0.05
ON_PYTHON = (
    "How do with statements and exceptions work together?",
    "Compare lists and dictionaries.",
    "What does the yield expression do in a generator?",
    "How do global and nonlocal statements change name binding?",
    "What is the difference between try statements and context managers?",
    "How are operators ordered by precedence?",
    "How do await expressions and async functions interact with generators?",
    "Compare string methods and format strings.",
    "How does a class customise attribute access and slicing?",
    "What happens in a for loop with break and else?",
)
ON_DOCS = (
    "How do breakpoints and forks work together?",
    "Compare read_only tools and idempotent tools.",
    "Which keys filter the timeline?",
    "How do permissions and rules decide which calls may run?",
    "What is the difference between hooks and breakpoints?",
    "How are prices and costs of models estimated?",
    "How do subagents and roles share the limits of a run?",
    "Compare settings and options on the command line.",
    "How does an MCP server add tools, and when does it ask for permission?",
    "What happens to calls in flight after a crash?",
)


@dataclass(frozen=True)
class Way:
    """How questions are worked on."""

    name: str
    options: dict[str, Any]


WAYS = (
    Way("one call at a time", {"plan": "off", "parallel_tool_calls": False}),
    Way("in parallel", {"plan": "off"}),
    Way("in parallel, plan and subagents", {"plan": "auto", "subagents": True}),
)


def slowed(item: Tool, seconds: float) -> Tool:
    """Return an async tool that takes so much longer."""

    async def slow(*given: Any, **more: Any) -> Any:
        await asyncio.sleep(seconds)
        return await item.function(*given, **more)

    return replace(item, function=slow)


def agent_for(library: Library, way: Way, model_seconds: float, tool_seconds: float) -> Agent:
    """Return the researcher that works offline, with given latencies."""
    return Agent(
        model=Timed(OfflineProvider(), model_seconds),
        instructions=prompt("instructions"),
        tools=[[slowed(item, tool_seconds) for item in document_tools(library)]],
        limits=Limits(steps=None),
        **way.options,
    )


def asked(
    questions: Sequence[str],
    library: Library,
    way: Way,
    model_seconds: float = MODEL_SECONDS,
    tool_seconds: float = TOOL_SECONDS,
) -> list[Ran]:
    """Ask all questions, one after the other."""

    async def ask() -> list[Ran]:
        agent = agent_for(library, way, model_seconds, tool_seconds)
        return [await watched(agent, question) for question in questions]

    return asyncio.run(ask())


@contextmanager
def libraries() -> Iterator[list[tuple[str, Library, Sequence[str]]]]:
    """Give what is searched, and what is asked of it."""
    with tempfile.TemporaryDirectory() as folder:
        embedded, docs = open_embedded(Path(folder)), open_folder(DOCS, Path(folder))
        try:
            yield [("embedded library", embedded, ON_PYTHON), ("this project's documentation", docs, ON_DOCS)]
        finally:
            embedded.close()
            docs.close()


def line(name: str, runs: Sequence[Ran], slowest: Sequence[Ran]) -> tuple[str, ...]:
    """Return the sums of ten runs, beside the time of those with one call at a time."""
    seconds, most = (sum(ran.seconds for ran in some) for some in (runs, slowest))
    return (
        name,
        f"{sum(ran.status == 'completed' and bool(ran.answer) for ran in runs)} of {len(runs)}",
        str(sum(ran.steps for ran in runs)),
        str(sum(ran.turns for ran in runs)),
        str(sum(sum(ran.calls.values()) for ran in runs)),
        f"{seconds:.1f} s",
        f"{most / seconds:.1f} ×",
        f"{max(max(ran.main) for ran in runs):,}",
        f"{sum(sum(ran.main) for ran in runs):,}",
        f"{sum(sum(ran.main) + sum(ran.others) for ran in runs):,}",
    )


def table() -> Table:
    """Measure and return the table."""
    with libraries() as given:
        titles = [library.title for _, library, _ in given]
        lines = []
        for name, library, questions in given:
            found = [asked(questions, library, way) for way in WAYS]
            lines += [line(f"{name}, {way.name}", runs, found[0]) for way, runs in zip(WAYS, found, strict=True)]
    return Table(
        "Ten questions, three ways, on two libraries",
        ("how", "answered", "steps", "turns of the model (round trips)", "calls", "wall time", "as quick",
         "largest main request, tokens", "all main requests, tokens", "all requests, tokens"),
        lines,
        "The claim: retrieval is 3 to 5 times as quick with parallel calls, and subagents keep the context small. Here "
        "`offline`, which is made of rules and obeys the switch, answers ten questions on each library "
        f"({', and '.join(titles)}), one after the other, with {MODEL_SECONDS * 1e3:.0f} ms added to each turn and "
        f"{TOOL_SECONDS * 1e3:.0f} ms to each search and read. Figures are sums of ten runs, steps of the main run "
        "alone, turns with those of plans and subagents, tokens as the engine estimates them. Subagents read more than "
        "one agent does by itself, so the third way is more work, not the same.",
    )  # fmt: skip
