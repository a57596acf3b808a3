"""Tools that run at the provider: seen in lanes of their own, part of their turn, and nobody's here to run."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.contract.adapters import adapters
from tests.contract.script import SECRET, Adapter, Answer, AtProvider, Broken, Step
from tests.contract.server import serving
from tests.contract.talk import QUESTION, talking
from tests.fork_kit import World
from tests.harness import Rig, answer
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import CancelCall, Command, ForkEdits, ForkRun, PreviewFork, SkipWait
from workbench.driver.feed import Trouble
from workbench.errors import UserError
from workbench.events.agent import HostedTool, ModelParameters
from workbench.events.call import CallFinished
from workbench.events.content import plain_text
from workbench.providers.base import HostedFinished, HostedStarted
from workbench.providers.catalog import hosted_by
from workbench.providers.remote import Endpoint, close_clients
from workbench.providers.scripted import ScriptedProvider
from workbench.state.run_state import RunState

HOSTS = [adapter for adapter in adapters() if hosted_by(adapter.model)]
on_hosts = pytest.mark.parametrize("adapter", HOSTS, ids=lambda adapter: adapter.name)

ALL: tuple[HostedTool, ...] = ("web_search", "code_execution")
PAGE = "https://example.org/pools"
RAN = (AtProvider("web_search", "pool modes", PAGE), AtProvider("code_execution", "print(6*7)", "42\n"))
SEARCHED = Answer("Pools it is.", "Hm.", [("look", '{"word": "a"}'), ("look", '{"word": "b"}')], hosted=RAN)
DONE = Answer(calls=[("submit_answer", '{"answer": "pools"}')])


@on_hosts
async def test_what_ran_is_told_when_it_begins_and_when_it_ends(adapter: Adapter) -> None:
    """Each call begins before it ends, with what it was given and what a person can read of its result."""
    async with talking(adapter, SEARCHED) as talk:
        heard = await talk.hear(talk.request(parameters=ModelParameters(hosted_tools=ALL)))
    marks = [delta for delta in heard.deltas if isinstance(delta, HostedStarted | HostedFinished)]
    assert [(mark.index, isinstance(mark, HostedFinished)) for mark in marks] == [
        (marks[0].index, False), (marks[0].index, True), (marks[2].index, False), (marks[2].index, True)
    ]  # fmt: skip
    given = json.dumps([delta.input for delta in marks])
    assert "pool modes" in given
    assert "print(6*7)" in given
    results = [plain_text(mark.result) for mark in marks if isinstance(mark, HostedFinished)]
    assert PAGE in results[0]
    assert results[1].startswith("42")
    assert SECRET not in "".join(results)
    assert [call.id for call in heard.calls] == ["0.2", "0.3"]


@on_hosts
async def test_they_are_asked_for_beside_the_tools_and_come_back_as_they_were(adapter: Adapter) -> None:
    """The body offers them, and the turn goes back whole: the provider knows by its own seals what it found."""
    async with talking(adapter, SEARCHED, DONE) as talk:
        asked = talk.request(QUESTION, parameters=ModelParameters(hosted_tools=ALL))
        await talk.go_on(await talk.hear(asked))
    first, second = talk.served.bodies
    assert len(first["tools"]) == 3
    sent = json.dumps(second)
    assert "web_search" in sent
    assert PAGE in sent


@on_hosts
async def test_their_fees_are_in_no_price_list(adapter: Adapter) -> None:
    """The cost of a turn that searched is unknown, not that of its tokens alone."""
    known = {"anthropic": "anthropic:claude-sonnet-4-6", "openai": "openai:gpt-5.5"}[adapter.name]
    async with talking(adapter, Answer("Yes."), Answer("Yes.", hosted=RAN[:1])) as talk:
        costs = [(await talk.hear(talk.request(model=known))).end for _ in range(2)]
    assert costs[0] is not None
    assert costs[0].usage.cost
    assert costs[1] is not None
    assert costs[1].usage.cost is None


def stage(open_: ExitStack, folder: Path, adapter: Adapter, *script: Step) -> Rig:
    """Return a rig whose model is the adapter's, with tools that run there."""
    served = open_.enter_context(serving(adapter, *script))
    models: dict[str, Any] = {
        adapter.model: adapter.provider(Endpoint(base_url=served.base_url)),
        "other": ScriptedProvider([answer("other")]),
    }
    spec = AgentSpec(plan="off", parameters=ModelParameters(hosted_tools=ALL))
    rig = open_.enter_context(Rig(folder, tools=World().tools(), models=models, spec=spec))
    open_.callback(lambda: rig.driver.run_blocking(close_clients()))
    return rig


def lanes(state: RunState) -> list[tuple[str, str, str, bool]]:
    """Return what stands in the lanes of the first step."""
    return [(call.id, call.tool, call.status, call.hosted) for call in state.steps[0].calls.values()]


@on_hosts
def test_they_are_lanes_of_the_step_beside_its_own_calls(adapter: Adapter, tmp_path: Path) -> None:
    """Numbered with the others, never run or answered here; the run goes on by its own calls alone."""
    with ExitStack() as open_:
        rig = stage(open_, tmp_path, adapter, SEARCHED, DONE)
        run = rig.start(model=adapter.model)
        state = rig.finish(run)
    program = "bash_code_execution" if adapter.name == "anthropic" else "code_execution"
    assert lanes(state) == [
        ("0.0", "web_search", "finished", True),
        ("0.1", program, "finished", True),
        ("0.2", "look", "finished", False),
        ("0.3", "look", "finished", False),
    ]
    assert [call.id for call in state.steps[0].asked_calls] == ["0.2", "0.3"]
    search = state.steps[0].calls["0.0"]
    assert "pool modes" in json.dumps(search.input)
    assert search.result is not None
    assert search.result.size > 0
    assert state.usage.cost is None


@on_hosts
def test_a_broken_turn_takes_what_ran_for_it_along(adapter: Adapter, tmp_path: Path) -> None:
    """The next attempt searches again; the lanes of the broken one stay, given up."""
    frames, _ = adapter.frames(SEARCHED)
    half = next(number for number, frame in enumerate(frames) if b'"look"' in frame)
    with ExitStack() as open_:
        rig = stage(open_, tmp_path, adapter, Broken(SEARCHED, half, how="drop"), SEARCHED, DONE)
        run = rig.start(model=adapter.model)
        rig.wait(run, lambda state: state.waits_for_attempt)
        rig.ask(SkipWait(run))
        state = rig.finish(run)
    hosted = [(id_, status) for id_, _, status, is_hosted in lanes(state) if is_hosted]
    assert hosted == [("0.0", "discarded"), ("0.1", "discarded"), ("0.2", "finished"), ("0.3", "finished")]
    assert state.status_and_reason == ("completed", "answered")


@on_hosts
def test_nobody_here_can_change_what_ran_there(adapter: Adapter, tmp_path: Path) -> None:
    """Its result, its input, a fork in the middle of it, and its end are refused, each with what can be done."""
    with ExitStack() as open_:
        rig = stage(open_, tmp_path, adapter, SEARCHED, DONE)
        run = rig.start(model=adapter.model)
        rig.finish(run)
        wanted: list[Command] = [
            ForkRun(run, "0.0", ForkEdits()),
            ForkRun(run, "0.2", ForkEdits(results={"0.0": "other"})),
            ForkRun(run, "0.2", ForkEdits(inputs={"0.0": {}})),
            CancelCall(run, "0.0"),
        ]
        for command in wanted:
            with pytest.raises(UserError, match=r"0\.0 r(an|uns) at the provider"):
                rig.ask(command)


@on_hosts
def test_a_fork_onto_another_provider_says_what_stays_behind(adapter: Adapter, tmp_path: Path) -> None:
    """What was found there, and the tools themselves, which the other model does not have."""
    with ExitStack() as open_:
        rig = stage(open_, tmp_path, adapter, SEARCHED, DONE)
        run = rig.start(model=adapter.model)
        rig.finish(run)
        dropped = rig.ask(PreviewFork(run, "1", ForkEdits(model="other"))).dropped
        fork = rig.finish(str(rig.ask(ForkRun(run, "1", ForkEdits(model="other")))))
    assert "what 2 calls at the provider found" in dropped
    assert {"web_search at the provider", "code_execution at the provider"} <= set(dropped)
    assert fork.agent is not None
    assert fork.agent.parameters.hosted_tools == ()
    assert fork.answer == "other"


@on_hosts
def test_a_recorded_run_shows_again_what_ran(adapter: Adapter, tmp_path: Path) -> None:
    """Told out of its recording, the run has the same lanes with the same results."""
    with ExitStack() as open_:
        rig = stage(open_, tmp_path, adapter, SEARCHED, DONE)
        run = rig.start(model=adapter.model)
        before = rig.finish(run)
        again = rig.start(model=f"recorded:{run}")
        after = rig.finish(again)
        told = [
            [record.event.first_line for record in rig.history(name).records if isinstance(record.event, CallFinished)]
            for name in (run, again)
        ]
    assert lanes(after) == lanes(before)
    assert told[0] == told[1]
    assert after.answer == before.answer


@pytest.mark.parametrize("model", [adapter.model for adapter in adapters() if not hosted_by(adapter.model)])
def test_a_provider_without_them_is_not_asked_for_them(model: str, tmp_path: Path) -> None:
    """The run says so and goes on without; its log does not claim tools that were never there."""
    spec = AgentSpec(plan="off", parameters=ModelParameters(hosted_tools=("web_search",)))
    with Rig(tmp_path, models={model: ScriptedProvider([answer()])}, spec=spec) as rig:
        state = rig.finish(rig.start(model=model))
        rig.seen()
        said = [change.message for change in rig.changes if isinstance(change, Trouble)]
    assert state.agent is not None
    assert state.agent.parameters.hosted_tools == ()
    assert any("web_search" in text and model in text for text in said)
