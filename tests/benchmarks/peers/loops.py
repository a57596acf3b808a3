"""What a step costs in memory: overhead, efficiency, growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from tests.benchmarks.measure import Table
from tests.benchmarks.peers.child import Measured
from tests.benchmarks.peers.frameworks import FRAMEWORKS
from tests.benchmarks.peers.running import Failed, Lab, Peer, lines, ours
from tests.benchmarks.peers.work import Job

STEPS, TIMES = 20, 4
SECONDS = 0.02
LONG_RUN = 400
FLOOR = ours("plain asyncio, `gather` (the floor)", "plain")
PEERS = (
    FLOOR,
    ours("plain asyncio, a group, a limit, timeouts and checks", "plain", "run_careful"),
    ours("**workbench**", "own"),
    *(Peer(framework.title, key, key) for key, framework in FRAMEWORKS.items()),
)


def overhead(lab: Lab) -> Table:
    """Measure steps without latency, and steps of a slow model and slow tools."""
    jobs = [Job(STEPS), Job(STEPS, model_seconds=SECONDS, tool_seconds=SECONDS)]
    order = {"kind": "loop", "jobs": [asdict(job) for job in jobs], "times": TIMES}
    results = lab.rounds(PEERS, order, 60, "loop")
    floors = results[FLOOR]
    floor = 0.0 if isinstance(floors, Failed) else median(_all(floors, 0))

    def cells(peer: Peer, found: list[Measured]) -> Sequence[str]:
        quick, slow = _all(found, 0), _all(found, 1)
        used = median([sample for one in found for sample in one["processor"]])
        efficiency = 2 * SECONDS / median(slow)
        times = f"{median(quick) / floor:.1f}" if floor else "–"
        return (
            ms(quick, 3),
            times,
            f"{used * 1e3:.2f}",
            ms(slow),
            f"{efficiency:.3f}",
            str(max(one["at_once"] for one in found)),
        )

    head = (
        "framework",
        "ms a step, no latency",
        "× the floor",
        "processor, ms a step",
        "ms a step, 20 ms each",
        "efficiency",
        "calls at once",
    )
    note = (
        f"{STEPS} steps of 4 calls. A step is the time from one turn of the model to the next; median (least–most) of "
        f"{TIMES} runs in each of two processes, after one to warm up. *20 ms each*: the model takes 20 ms and so does "
        "each tool, so that 40 ms a step are the critical path; *efficiency* is that path ÷ the wall. Each run was "
        "found to have asked the model 21 times and made the 80 calls that it asked for, the model to have seen their "
        "80 results, and with slow tools 4 calls to have run at once."
    )
    return Table("Loop, in memory", head, lines(results, cells, len(head)), note)


def growth(lab: Lab) -> Table:
    """Measure whether a step takes longer at the end of a long run."""
    job = Job(LONG_RUN, result_bytes=2048)
    peers = [peer for peer in PEERS if peer.function != "run_careful"]
    results = lab.rounds(peers, {"kind": "growth", "job": asdict(job)}, 60, "growth")

    def cells(peer: Peer, found: list[Measured]) -> Sequence[str]:
        first = median([median(one["steps"][:20]) for one in found])
        last = median([median(one["steps"][-20:]) for one in found])
        whole = median([sum(one["steps"]) for one in found])
        return f"{first * 1e3:.2f}", f"{last * 1e3:.2f}", f"{last / first:.1f}", f"{whole:.2f}"

    head = ("framework", "first 20 steps, ms", "last 20 steps, ms", "last ÷ first", "whole run, s")
    note = (
        f"One run of {LONG_RUN} steps of 4 calls with results of 2 KB, nothing left out of what the model is sent; "
        "medians. A run has 60 s."
    )
    return Table(f"Growth over {LONG_RUN} steps", head, lines(results, cells, len(head)), note)


def ms(seconds: Sequence[float], digits: int = 2) -> str:
    """Return `median (least–most)` in milliseconds."""
    told = [f"{value * 1e3:.{digits}f}" for value in (median(seconds), min(seconds), max(seconds))]
    return f"{told[0]} ({told[1]}–{told[2]})"


def _all(found: list[Measured], number: int) -> list[float]:
    return [sample for one in found for sample in one["seconds"][number]]
