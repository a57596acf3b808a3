"""What is measured beside other frameworks is the same work, and what could not be measured is said."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.model_server import answer
from tests.benchmarks.peers import frameworks
from tests.benchmarks.peers.adapters import own, plain
from tests.benchmarks.peers.child import did
from tests.benchmarks.peers.frameworks import FRAMEWORKS, Places
from tests.benchmarks.peers.running import ROOT, Failed, Lab, Peer, lines, ours, run_child
from tests.benchmarks.peers.work import ANSWER, Adapter, Job, Watch, WrongWorkError

JOB = Job(steps=3, calls=4, tool_seconds=1e-6, result_bytes=32)


@pytest.mark.parametrize("adapter", [plain.run, plain.run_careful, own.run])
def test_the_floors_and_ours_do_the_work_that_was_asked_for(adapter: Adapter) -> None:
    """Figures stand side by side only where the same turns, calls and results stand behind them."""
    watch = did(adapter, JOB)
    assert (len(watch.turns), len(watch.called), watch.results_seen, watch.most_at_once) == (4, 12, 12, 4)


@pytest.mark.parametrize(("run", "revisit"), [(plain.run_kept, plain.revisit_kept), (own.run, own.revisit)])
def test_a_kept_run_is_read_listed_and_forked(tmp_path: Path, run: Adapter, revisit: Any) -> None:
    """Opening is measured to the results themselves, and a list and a fork are made."""
    store = tmp_path / "store"
    did(run, JOB, store)
    looked = asyncio.run(revisit(JOB, store))
    assert min(looked.open, looked.list, looked.fork) > 0


def skipping(**changes: Any) -> Adapter:
    """Return a loop that does a little less than was asked for."""

    async def run(job: Job, watch: Watch, store: Path | None) -> str:
        results: list[str] = []

        def seen() -> list[str]:
            return [] if changes.get("is_blind") else results

        while numbers := list(await watch.turn(seen)):
            numbers = numbers[: changes.get("calls")]
            if changes.get("is_twice"):
                numbers[1] = numbers[0]
            if changes.get("is_sequential"):
                results += [await watch.call(number) for number in numbers]
            else:
                results += await asyncio.gather(*(watch.call(number) for number in numbers))
            if changes.get("turns") == len(watch.turns):
                break
        return str(changes.get("answer", ANSWER))

    return run


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"calls": 3}, "calls of the tool: 9, not 12"),
        ({"is_twice": True}, "different calls: 9, not 12"),
        ({"is_blind": True}, "results that the model saw in its last turn: 0, not 12"),
        ({"is_sequential": True}, "calls at once, at most: 1, not 4"),
        ({"turns": 3}, "turns of the model: 3, not 4"),
        ({"answer": "no"}, "the answer: 'no', not 'done'"),
    ],
)
def test_other_work_than_was_asked_for_is_refused(changes: dict[str, Any], said: str) -> None:
    """Nobody is quick by doing less."""
    with pytest.raises(WrongWorkError, match=said):
        did(skipping(**changes), JOB)


def test_a_framework_that_is_nowhere_is_a_row() -> None:
    """A table without it would read as if nobody had thought of it."""
    peer = Peer("LangGraph", "langgraph", "langgraph")
    results = Lab(Places([])).rounds([peer], {"kind": "loop"}, 5, "loop")
    assert lines(results, lambda *_: (), 4) == [
        ("LangGraph", "langgraph is in none of the interpreters that were named", "–", "–")
    ]


def test_the_first_interpreter_with_a_new_enough_version_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale copy in one environment does not stand for the framework."""
    versions = {"a": {"strands-agents": "0.0.1"}, "b": {"strands-agents": "1.70.0"}, "c": {"strands-agents": "1.71"}}

    def asked(python: Path) -> Any:
        return {"python": "3.11.7", "modules": ["strands"], "versions": versions[str(python)]}

    monkeypatch.setattr(frameworks, "_ask", asked)
    places = Places([Path("a"), Path("b"), Path("c")])
    assert places.find("strands") == frameworks.Place(Path("b"), "strands-agents 1.70.0 on Python 3.11.7")
    assert "only strands-agents 0.0.1 was found" in str(Places([Path("a")]).find("strands"))
    assert FRAMEWORKS["strands"].least in str(Places([Path("a")]).find("strands"))


def test_a_child_that_fails_is_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    """One framework that breaks does not end the measurement of the others."""
    results = Lab(Places([])).rounds(
        [ours("broken", "nowhere")], {"kind": "loop", "jobs": [{}], "times": 1}, 30, "loop"
    )
    (row,) = lines(results, lambda *_: (), 3)
    assert row[1].startswith("ModuleNotFoundError: No module named")
    assert "round 2" not in capfd.readouterr().err


def test_a_child_that_takes_too_long_says_how_far_it_came() -> None:
    """A framework that grows slow is told from one that hangs."""
    order = {"kind": "loop", "module": "plain", "function": "run", "jobs": [{"model_seconds": 600}], "times": 1}
    found = run_child(Path(sys.executable), {**order, "limit": 0.2}, 0.2)
    assert found == Failed("not finished after 0.2 s at step 0 of 20")


def test_a_child_needs_nothing_of_ours() -> None:
    """An environment with one framework and nothing else can measure it."""
    names = [
        f"tests.benchmarks.peers.adapters.{path.stem}" for path in ROOT.glob("tests/benchmarks/peers/adapters/*.py")
    ]
    code = f"import sys, tests.benchmarks.peers.child, {', '.join(names)}; print('workbench' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"stream": true, "tools": [{"name": "work"}]}', b'"name": "work", "input": {}'),
        (b'{"tools":[{"name":"work"}]}', b'"input": {"number": 1}'),
        (b'{"stream":true,"tools":[{"name":"work"}],"messages":[{"type":"tool_result"}]}', b"text_delta"),
        (b'{"stream":true}', b"text_delta"),
        (b"{}", b'"text": "word '),
    ],
)
def test_the_server_answers_as_it_is_asked(body: bytes, said: bytes) -> None:
    """A call first where the tool is offered, then a text; streamed only where that is wanted."""
    assert said in answer(body)
    assert (b"event-stream" in answer(body)) == (b"stream" in body)
