"""Whatever is left out of requests, calls and results stay pairs: random runs, budgets and edits, in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loop_kit import Lab, answer
from workbench.conversation.budget import request_budget
from workbench.conversation.messages import problems
from workbench.conversation.weights import weigh
from workbench.debugger.address import Place
from workbench.debugger.fork import Edits, plan_fork
from workbench.engine.context import elision, summary_end
from workbench.events.agent import AgentRecord, Limits, ModelParameters
from workbench.events.base import Recorded
from workbench.events.content import text_content
from workbench.events.request import AssistantMessage, Request
from workbench.events.run import ContextElided, ContextSummarised
from workbench.providers import catalog
from workbench.providers.scripted import Turn
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.tools.declaring import tool


@dataclass(frozen=True)
class Story:
    """A run: per step what the model says, in characters, and how large the result of each call is."""

    steps: Sequence[tuple[int, Sequence[int]]]
    budget: int
    forgets: bool
    """A summary says something."""

    def model(self, request: Request) -> Turn:
        """Play the step that is due; what was summed up is counted by what the last call's id says."""
        if request.purpose == "summary":
            return Turn("It was x." if self.forgets else " ")
        calls = [
            block.id
            for message in request.messages
            if isinstance(message, AssistantMessage)
            for block in message.content
            if block.type == "tool_call"
        ]
        step = int(calls[-1].partition(".")[0]) + 1 if calls else 0
        if step >= len(self.steps):
            return answer()
        said, sizes = self.steps[step]
        return Turn("y" * said, [("look", {"size": size}) for size in sizes])

    def lab(self, records: Sequence[Recorded] = (), run: str = "r1") -> Lab:
        """Return the run, new or going on."""

        @tool(read_only=True)
        async def look(size: int) -> str:
            return "x" * size

        return Lab(self.model, [look], records=records, run=run, limits=Limits(steps=30, request_tokens=self.budget))


SIZES = st.lists(st.sampled_from([0, 3, 200, 2_000, 9_000]), min_size=1, max_size=3)
STORIES = st.builds(
    Story,
    steps=st.lists(st.tuples(st.sampled_from([0, 10, 3_000]), SIZES), min_size=1, max_size=7),
    budget=st.sampled_from([1, 400, 1_500, 4_000, 100_000]),
    forgets=st.booleans(),
)
EDITS = st.sampled_from(["result", "input", "rerun", "text", "say", "before"])


def edited(history: History, kind: str, where: float) -> tuple[Place, Edits]:
    """Return a place in a run and an edit there."""
    steps = [step for step in history.live.steps if step.asked_calls]
    step = steps[min(int(where * len(steps)), len(steps) - 1)]
    call = step.asked_calls[-1].id
    at = Place("call", step.index, call)
    match kind:
        case "result":
            return at, Edits(results={call: text_content("z" * int(where * 9_000))})
        case "input":
            return at, Edits(inputs={call: {"size": 5}})
        case "rerun":
            return at, Edits(reruns=(call,))
        case "text":
            return Place("turn", step.index), Edits(text="Other words.")
        case "say":
            return Place("end"), Edits(say="And further?")
        case _:
            return Place("before", step.index), Edits(say="Wait.")


async def played(story: Story, kind: str, where: float) -> list[Lab]:
    """Run a story to its end, fork it with an edit, and run that to its end."""
    first = story.lab()
    await first.run()
    history = History()
    for record in first.journal.records:
        history.append(record)
    plan = plan_fork(history, *edited(history, kind, where))
    second = story.lab(history.records[: plan.cut.seq + 1], "r2")
    await second.journal.append(*plan.events)
    await second.run()
    return [first, second]


@settings(max_examples=60, deadline=None)
@given(story=STORIES, kind=EDITS, where=st.floats(0, 0.999))
def test_pairs_are_never_split(story: Story, kind: str, where: float) -> None:
    """Every request of every run is one that a provider takes, and each step's results are left out or there."""
    for lab in asyncio.run(played(story, kind, where)):
        assert lab.state.end is not None
        assert [found for request in lab.requests for found in problems(request.messages)] == []
        assert fold(lab.journal.records).elided == lab.state.elided


@settings(max_examples=30, deadline=None)
@given(story=STORIES)
def test_the_oldest_results_go_first(story: Story) -> None:
    """No result is left out while an older one, that would save room too, is kept; the last step's are never."""

    async def ran() -> Lab:
        lab = story.lab()
        await lab.run()
        return lab

    lab = asyncio.run(ran())
    gone: set[str] = set()
    for event in lab.all(ContextElided):
        assert event.tokens_after < event.tokens_before
        gone |= set(event.calls)
        large = [
            call.id for step in lab.state.steps for call in step.asked_calls if call.result and call.result.size > 400
        ]
        newest = max((large.index(call) for call in event.calls if call in large), default=-1)
        assert set(large[: newest + 1]) <= gone


# One budget for all.


def agent(model: str, **more: object) -> AgentRecord:
    """Return an agent that would send 120,000 tokens."""
    return AgentRecord.model_validate({"instructions": "", "model": model, **more})


@pytest.mark.parametrize(
    ("context", "most", "written", "budget"),
    [
        (None, 120_000, 4096, 120_000),
        (200_000, 120_000, 4096, 120_000),
        (100_000, 120_000, 4096, 95_904),
        (8_000, 120_000, 9_000, 1),
        (200_000, 1_000, 4096, 1_000),
    ],
)
def test_a_request_has_room_for_what_the_model_can_read(
    context: int | None, most: int, written: int, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit, and no more than the context less what may be written, where it is known: in every place alike."""
    monkeypatch.setattr("workbench.conversation.budget.context_of", lambda _: context)
    chosen = agent("m:x", limits=Limits(request_tokens=most), parameters=ModelParameters(max_tokens=written))
    assert request_budget(chosen) == budget
    lab = Lab([], limits=chosen.limits)
    state = lab.state
    state.agent = chosen
    assert weigh(state).budget == budget
    assert elision(state, budget) is None
    assert summary_end(state, budget) is None


async def test_a_model_with_little_room_gets_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are left out although the limit would allow more."""
    monkeypatch.setattr("workbench.conversation.budget.context_of", lambda _: 9_000)
    story = Story([(0, [9_000])] * 4, budget=120_000, forgets=True)
    lab = story.lab()
    await lab.run()
    assert lab.all(ContextElided)
    assert not lab.all(ContextSummarised)


def test_contexts_are_known_from_the_lists() -> None:
    """By provider and name, wherever it is served; what no list knows, and what is ours, has none."""
    assert catalog.context_of("anthropic:claude-sonnet-4-5") == 200_000
    assert catalog.context_of("openai-chat:gpt-5@http://127.0.0.1:1") == catalog.context_of("openai:gpt-5")
    for unknown in ("offline", "scripted", "recorded:abc", "openai:none-such", "other:x"):
        assert catalog.context_of(unknown) is None
