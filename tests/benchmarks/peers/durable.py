"""What a step costs that is kept, what it takes on disk, and how quickly it is there again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from tests.benchmarks.measure import Table
from tests.benchmarks.peers.child import Measured
from tests.benchmarks.peers.loops import ms
from tests.benchmarks.peers.running import Lab, Peer, lines, ours
from tests.benchmarks.peers.work import Job

SIZES = (20, 100, 400)
LOOKS = 3
WHOLE_COPIES = 100
"""Steps up to which checkpoints that hold all messages anew are measured; beyond, they take minutes."""
PEERS = (
    ours("plain asyncio and SQLite, one full commit a step (the floor)", "plain", "run_kept", revisit="revisit_kept"),
    ours("**workbench**", "own", revisit="revisit"),
    Peer("LangGraph, async", "langgraph", "langgraph", "run_async", {"revisit": "revisit"}),
    Peer("LangGraph, sync", "langgraph", "langgraph", "run_sync", {"revisit": "revisit"}),
    Peer("LangGraph, delta channel", "langgraph", "langgraph", "run_delta", {"revisit": "revisit_delta"}),
    Peer("OpenAI Agents, `SQLiteSession`", "openai_agents", "openai_agents", options={"revisit": "revisit"}),
    Peer("Strands, `FileSessionManager`", "strands", "strands", options={"revisit": "revisit"}),
)
HEAD = (
    "kept by",
    "ms a step",
    "whole run ÷ steps, ms",
    "last 20 ÷ first 20",
    "KB a step",
    "open, ms",
    "list, ms",
    "fork, ms",
)
NOTE = (
    "4 results of 2 KB a step. Each store is as durable as it is by default: workbench and the floor end each step "
    "with a full sync, LangGraph and OpenAI Agents sync each commit, as SQLite does by itself, and Strands writes "
    "files without a sync. *Whole run ÷ steps* includes opening the store and waiting until all is written. *Open*: "
    "from the closed store to the whole conversation with its results, which were compared. *List*: every moment that "
    "one can go back to, from a store that is open. *Fork*: a branch in the middle that keeps what came before and "
    "changes something, stored. OpenAI Agents and Strands list no moments and know no forks: there the part before is "
    "copied, as a program would."
)


def tables(lab: Lab) -> list[Table]:
    """Measure all stores at all sizes."""
    return [_table(lab, steps) for steps in SIZES]


def _table(lab: Lab, steps: int) -> Table:
    peers = [peer for peer in PEERS if steps <= WHOLE_COPIES or peer.function not in ("run_async", "run_sync")]
    job = Job(steps, result_bytes=2048)
    results = lab.rounds(peers, {"kind": "durable", "job": asdict(job), "times": LOOKS}, 90, f"durable, {steps} steps")
    note = NOTE if steps == SIZES[0] else ""
    if steps > WHOLE_COPIES:
        note = (
            f"Of LangGraph only the delta channel: its usual checkpoints hold all messages anew, so that above "
            f"{WHOLE_COPIES} steps they and the list of them take minutes. A run has 90 s."
        )
    return Table(f"Kept, {steps} steps", HEAD, lines(results, cells, len(HEAD)), note)


def cells(peer: Peer, found: list[Measured]) -> Sequence[str]:
    """Return the cells of one store."""
    mean = [sum(one["steps"]) / len(one["steps"]) for one in found]
    count = len(found[0]["steps"])
    growths = [median(one["steps"][-20:]) / median(one["steps"][:20]) for one in found]
    listed = [sample for one in found for sample in one["list"]]
    return (
        ms(mean),
        f"{median([one['whole'] for one in found]) * 1e3:.2f}",
        f"{median(growths):.1f}" if count > 20 else "–",
        f"{median([one['bytes'] for one in found]) / count / 1024:.1f}",
        ms([sample for one in found for sample in one["open"]]),
        ms(listed) if listed else "–",
        ms([sample for one in found for sample in one["fork"]]),
    )
