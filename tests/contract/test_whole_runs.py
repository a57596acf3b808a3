"""Whole runs on every provider, over real HTTP: a plan, calls at once, a subagent, an edit, forks to other models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.contract.adapters import adapters
from tests.contract.script import SECRET, Adapter, Answer, Broken, Step
from tests.contract.server import Scripted, serving
from tests.fork_kit import World
from tests.harness import Rig
from workbench.agent.spec import AgentSpec
from workbench.driver.commands import AgentOptions, ForkEdits, ForkRun, ResumeRun, Say, StartRun
from workbench.engine import turns
from workbench.events.agent import ModelRetries
from workbench.events.call import CallStarted
from workbench.events.content import DocumentBlock, ImageBlock
from workbench.providers.base import Provider
from workbench.providers.offline import OfflineProvider
from workbench.providers.remote import Endpoint, close_clients
from workbench.providers.wire.common import encoded
from workbench.state.run_state import RunState

pytestmark = pytest.mark.parametrize("adapter", adapters(), ids=lambda adapter: adapter.name)

QUESTION, TASK, PLAN = "What is it about?", "dig there", "Now plan."
FIRST = [
    ("look", '{"word": "a"}'),
    ("look", '{"word": "b"}'),
    ("write", '{"word": "c"}'),
    ("spawn_subagent", json.dumps({"task": TASK})),
]


def researcher(adapter: Adapter, body: Any) -> Step:
    """Say what fits a request: plan; look, write and hand over at once; look again; answer with all that was found."""
    said = json.dumps(body, ensure_ascii=False)
    asked, _ = adapter.calls(body)
    found = " ".join(dict.fromkeys(re.findall(r"(?:found|wrote|dug|edited) \w+", said)))
    if PLAN in said:
        return Answer("SEARCH: alpha\nSYNTHESIZE: all of it")
    if QUESTION not in said:
        return submit(found.replace("found", "dug")) if asked else Answer(calls=[("look", '{"word": "d"}')])
    if not asked:
        return Answer("I look at once.", "Hm, two topics.", FIRST)
    if len(asked) == len(FIRST):
        return Answer("Once more.", "Hm.", [("look", '{"word": "e"}')])
    return submit(found)


def submit(text: str) -> Answer:
    """Return the turn that ends a run."""
    return Answer(calls=[("submit_answer", json.dumps({"answer": text}))])


@dataclass
class Stage:
    """A rig whose model is a provider's server."""

    rig: Rig
    served: dict[str, Scripted]
    """By the names of the models."""

    def run(self, model: str) -> tuple[str, RunState]:
        """Do a whole run."""
        run = self.rig.start(QUESTION, model=model)
        return run, self.rig.finish(run)

    def fork(self, run: str, at: str, edits: ForkEdits) -> RunState:
        """Fork a run and see it to its end."""
        return self.rig.finish(str(self.rig.ask(ForkRun(run, at, edits))))


@contextmanager
def stage(folder: Path, *apis: Adapter, says: Callable[[Adapter, Any], Step] = researcher) -> Iterator[Stage]:
    """Serve a researcher for each API, and give a rig that asks them."""
    with ExitStack() as open_:
        served = {api.model: open_.enter_context(serving(api, answer=partial(says, api))) for api in apis}
        models: dict[str, Provider] = {
            api.model: api.provider(Endpoint(base_url=served[api.model].base_url)) for api in apis
        }
        spec = AgentSpec(instructions="Be exact.", planner=PLAN, subagent="", retries=ModelRetries(first_wait=0.001))
        models["offline"] = OfflineProvider()
        rig = open_.enter_context(Rig(folder, tools=World().tools(), models=models, spec=spec))
        open_.callback(lambda: rig.driver.run_blocking(close_clients()))
        yield Stage(rig, served)


def test_a_whole_run(adapter: Adapter, tmp_path: Path) -> None:
    """Plan, four calls at once with a subagent among them, another call, the answer; each result where it belongs."""
    with stage(tmp_path, adapter) as on:
        run, state = on.run(adapter.model)
        kinds = on.rig.kinds(run)
    assert state.status_and_reason == ("completed", "answered")
    assert state.answer is not None
    assert set(state.answer.split()) >= {"a", "b", "c", "d", "e"}
    assert "dug d" in state.answer
    assert [[call.tool for call in step.asked_calls] for step in state.steps] == [
        ["look", "look", "write", "spawn_subagent"],
        ["look"],
        ["submit_answer"],
    ]
    assert state.plan
    assert "subagent_finished" in kinds
    assert "model_retried" not in kinds
    for body in on.served[adapter.model].bodies:
        asked, answered = adapter.calls(body)
        assert asked == answered
    assert any(SECRET in json.dumps(body) for body in on.served[adapter.model].bodies)


def test_an_edited_result_is_what_the_model_hears(adapter: Adapter, tmp_path: Path) -> None:
    """The fork sends all that came before it as it was, byte for byte, and the edit in its place."""
    with stage(tmp_path, adapter) as on:
        run, _ = on.run(adapter.model)
        before = len(on.served[adapter.model].bodies)
        edited = on.fork(run, "0.1", ForkEdits(results={"0.1": "edited B"}))
        bodies = on.served[adapter.model].bodies
    assert edited.status_and_reason == ("completed", "answered")
    assert edited.answer is not None
    assert "edited B" in edited.answer
    assert "found b" not in edited.answer
    again = next(json.dumps(body) for body in bodies[before:])
    asked_first = next(json.dumps(body) for body in bodies if len(adapter.calls(body)[0]) == len(FIRST))
    assert again == asked_first.replace("found b", "edited B")


def test_files_reach_the_model(adapter: Adapter, tmp_path: Path) -> None:
    """An image and a PDF of the question, and one of a further question, stand byte for byte in what is posted."""
    png = ImageBlock(data=b"\x89PNG\r\n\x1a\n of the question", media_type="image/png", name="a.png")
    pdf = DocumentBlock(data=b"%PDF-1.7 of the question", media_type="application/pdf", name="a.pdf")
    later = DocumentBlock(data=b"%PDF-1.7 of a message", media_type="application/pdf", name="a.pdf")
    with stage(tmp_path, adapter) as on:
        run = str(on.rig.ask(StartRun(QUESTION, AgentOptions(model=adapter.model), attached=(png, pdf))))
        assert on.rig.finish(run).status == "completed"
        first = [json.dumps(body) for body in on.served[adapter.model].bodies if QUESTION in json.dumps(body)]
        further = on.rig.finish(str(on.rig.ask(Say(run, "And this?", (later,)))))
        last = json.dumps(on.served[adapter.model].bodies[-1])
    assert further.status == "completed"
    assert first
    for body in (*first, last):
        assert [encoded(block.data) in body for block in (png, pdf)] == [True, True]
    assert encoded(later.data) in last


@pytest.mark.parametrize("other", [*adapters(), None], ids=lambda other: other.name if other else "offline")
def test_a_fork_goes_on_with_any_other_model(adapter: Adapter, other: Adapter | None, tmp_path: Path) -> None:
    """Text, calls and results cross over; what only the first provider understands does not."""
    name = other.model if other is not None else "offline"
    with stage(tmp_path, *{api.name: api for api in (adapter, other or adapter)}.values()) as on:
        run, _ = on.run(adapter.model)
        before = len(on.served[name].bodies) if name in on.served else 0
        fork = on.fork(run, "1", ForkEdits(model=name))
        bodies = on.served[name].bodies[before:] if name in on.served else []
    assert fork.status_and_reason[0] == "completed"
    assert fork.agent is not None
    assert fork.agent.model == name
    if other is not None:
        assert fork.answer is not None
        assert set(fork.answer.split()) >= {"a", "b", "c", "d", "e"}
        assert (SECRET in json.dumps(bodies[0])) is (other.name == adapter.name)


def test_a_run_goes_on_after_its_stream_was_cut_for_good(adapter: Adapter, tmp_path: Path) -> None:
    """All attempts break in the middle of a turn: the run fails, and goes on from there; nothing takes effect twice."""
    is_broken = True

    def breaking(api: Adapter, body: Any) -> Step:
        step = researcher(api, body)
        is_second = len(api.calls(body)[0]) == len(FIRST)
        if is_broken and is_second and isinstance(step, Answer):
            return Broken(step, adapter.frames(step).whole - 1, how="drop")
        return step

    with stage(tmp_path, adapter, says=breaking) as on:
        run, failed = on.run(adapter.model)
        assert failed.status_and_reason == ("failed", "error")
        assert len(failed.steps[-1].turn.retries) >= turns.MODEL_ATTEMPTS - 1
        is_broken = False
        on.rig.ask(ResumeRun(run))
        state = on.rig.wait(run, lambda state: state.status == "completed")
        events = [record.event for record in on.rig.history(run).records]
    assert state.answer is not None
    assert set(state.answer.split()) >= {"a", "b", "c", "d", "e"}
    effects = [event.call for event in events if isinstance(event, CallStarted) and event.effect == "effectful"]
    assert len(effects) == len(set(effects))
