"""Runs children: a process for each adapter, all in turns, so that what the machine does besides meets all of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import as_installed, now
from tests.benchmarks.peers.child import MARK, Measured, Order, sentence
from tests.benchmarks.peers.frameworks import OWN, Place, Places

ROOT = Path(__file__).parents[3]
LONG = 30.0
"""A child that took longer than this many seconds is not run a second time."""
GRACE = 20.0
"""Seconds that a child has beyond its limit to start, and to say how far it came."""
_PRIVATE = ("_API_KEY", "_AUTH_TOKEN", "_BASE_URL", "_PROXY", "PYTHONPATH")
_SET = {
    "ANTHROPIC_API_KEY": "none",
    "OPENAI_API_KEY": "none",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}


@dataclass(frozen=True)
class Peer:
    """An adapter as a row of a table."""

    title: str
    framework: str
    module: str
    function: str = "run"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else its orders say."""


@dataclass(frozen=True)
class Failed:
    """Why there is no figure."""

    why: str


Results = dict[Peer, list[Measured] | Failed]


class Lab:
    """Runs adapters where their frameworks are."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def ask(self, peer: Peer, order: Order, limit: float, what: str) -> Measured | Failed:
        """Run one child as ordered, and say so; whatever goes wrong is a sentence."""
        place = self.places.find(peer.framework)
        if not isinstance(place, Place):
            return Failed(place)
        whole = {"module": peer.module, "function": peer.function, **peer.options, **order, "limit": limit}
        start = now()
        found = run_child(place.python, whole, limit)
        said = found.why if isinstance(found, Failed) else "done"
        print(f"{what}: {peer.title}: {said} ({now() - start:.1f} s)", file=sys.stderr, flush=True)
        return found

    def rounds(self, peers: Sequence[Peer], order: Order, limit: float, what: str, times: int = 2) -> Results:
        """Run each once, then each once more, and return what all of them measured."""
        results: Results = {}
        took: dict[Peer, float] = {}
        for number in range(times):
            for peer in peers:
                known = results.get(peer)
                if isinstance(known, Failed) or took.get(peer, 0.0) > LONG:
                    continue
                start = now()
                found = self.ask(peer, order, limit, f"{what}, round {number + 1}")
                took[peer] = now() - start
                if not isinstance(found, Failed):
                    results[peer] = [*(known or []), found]
                elif known is None:
                    results[peer] = found
        return results


def run_child(python: Path, order: Order, limit: float) -> Measured | Failed:
    """Run one order in a process of its own."""
    command = [str(python), "-m", "tests.benchmarks.peers.child", json.dumps(order)]
    with tempfile.TemporaryDirectory() as home:
        try:
            done = run_quietly(command, home, limit + GRACE)
        except subprocess.TimeoutExpired:
            return Failed(f"not finished after {limit:g} s")
        except OSError as error:
            return Failed(sentence(error))
    told = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if not told:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Failed(f"it ended with code {done.returncode}: {last[:160]}")
    measured: Measured = json.loads(told[-1].removeprefix(MARK))
    return Failed(measured["failed"]) if "failed" in measured else measured


def run_quietly(command: Sequence[str], home: str, limit: float) -> subprocess.CompletedProcess[str]:
    """Run a program from the checkout, with a home of its own, and return what it said."""
    return subprocess.run(
        command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=limit, check=False
    )


def environment(home: str) -> dict[str, str]:
    """Return the environment of a child: nothing of a person's own, and nothing that is sent anywhere."""
    kept = {name: value for name, value in as_installed().items() if not name.upper().endswith(_PRIVATE)}
    kept = {name: value for name, value in kept.items() if not name.startswith(("WORKBENCH_", "XDG_"))}
    return kept | _SET | {"HOME": home}


def lines(
    results: Results, cells: Callable[[Peer, list[Measured]], Sequence[str]], width: int
) -> list[tuple[str, ...]]:
    """Return the lines of a table; where there is no figure, a sentence stands in the first cell."""
    made = []
    for peer, found in results.items():
        told = [found.why, *["–"] * (width - 2)] if isinstance(found, Failed) else cells(peer, found)
        made.append(tuple(cell.replace("|", "/") for cell in (peer.title, *told)))
    return made


def ours(title: str, module: str, function: str = "run", **options: Any) -> Peer:
    """Return a row that is measured where the benchmarks themselves run."""
    return Peer(title, OWN, module, function, options)
