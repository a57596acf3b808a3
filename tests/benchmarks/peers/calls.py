"""Model calls a second over the wire, with errors and memory; and how many at once are borne."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from tests.benchmarks.bench_models import SECONDS, server
from tests.benchmarks.measure import Table
from tests.benchmarks.peers.child import PATIENCE, Measured
from tests.benchmarks.peers.running import Failed, Lab, Peer, lines, ours

AT_ONCE, RUNS, TIMES = 50, 200, 2
MOST = 3200
"""At once; more are not tried."""
BEARABLE = 0.005


def _sdk(way: str, transport: str) -> Peer:
    title = f"bare SDK, {'`create`' if way == 'create' else '`stream`'}, {transport}"
    return ours(title, "sdk", "client", options={"way": way, "transport": transport})


def _engine(title: str, transport: str, **options: bool) -> Peer:
    return ours(title, "own", "client", options={"transport": transport}, **options)


BARE = _sdk("stream", "httpx2")
ENGINE = _engine("**workbench**, whole runs, httpx2", "httpx2")
ENGINE_QUICK = _engine("**workbench**, whole runs, aiohttp", "aiohttp")
FEW = ours(
    f"**workbench**, whole runs, httpx2, {AT_ONCE} connections",
    "own",
    "client",
    options={"transport": "httpx2", "connections": AT_ONCE},
)
"""Turns wait for a connection: the pool of httpx2 looks at all of its connections for each request."""
LANGGRAPH = Peer("LangGraph", "langgraph", "langgraph", "client")
PEERS = (
    _sdk("create", "httpx2"),
    BARE,
    _sdk("create", "aiohttp"),
    _sdk("stream", "aiohttp"),
    ours("workbench, the provider alone, httpx2", "own", "turns", options={"transport": "httpx2"}),
    ours("workbench, the provider alone, aiohttp", "own", "turns", options={"transport": "aiohttp"}),
    ENGINE,
    ENGINE_QUICK,
    _engine("**workbench**, whole runs kept in a database, aiohttp", "aiohttp", kept=True),
    LANGGRAPH,
    Peer("Pydantic AI", "pydantic_ai", "pydantic_ai", "client"),
    Peer("Strands", "strands", "strands", "client"),
    Peer("AgentScope", "agentscope", "agentscope", "client"),
)


def tables(lab: Lab) -> list[Table]:
    """Measure against one server in a process of its own."""
    with server() as url:
        return [_rates(lab, url), _most(lab, url)]


def _rates(lab: Lab, url: str) -> Table:
    order = {"kind": "calls", "url": url, "at_once": AT_ONCE, "runs": RUNS, "times": TIMES}
    results = lab.rounds(PEERS, order, 60, "calls")
    bare = results[BARE]
    of = 0.0 if isinstance(bare, Failed) else median(_rates_of(bare))

    def cells(peer: Peer, found: list[Measured]) -> Sequence[str]:
        rates = _rates_of(found)
        processor = median([sample for one in found for sample in one["processor"]])
        return (
            f"{median(rates):.0f} ({min(rates):.0f}–{max(rates):.0f})",
            f"{median(rates) / of:.2f}" if of else "–",
            f"{processor * 1e3:.2f}",
            f"{median([one['late'] for one in found]) * 1e3:.0f}",
            _errors(found),
            _memory(found),
        )

    head = (
        "client",
        "model calls a second",
        "÷ the SDK, `stream`, httpx2",
        "processor, ms a call",
        "99 % of runs, ms",
        "errors",
        "MB",
    )
    note = (
        f"{AT_ONCE} runs at once, each two calls of the model with one of a tool between them, which was checked; the "
        f"server on loopback waits {SECONDS * 1e3:g} ms. Median (least–most) of {TIMES} rounds of {RUNS} runs in each "
        "of two processes. *MB* is the most memory of the process, and what it had before the first of them. LangGraph "
        "and Pydantic AI ask in one piece, the others stream unless their row says otherwise. OpenAI Agents and "
        "smolagents do not speak this API themselves."
    )
    return Table(f"Model calls, {AT_ONCE} at once", head, lines(results, cells, len(head)), note)


def _most(lab: Lab, url: str) -> Table:
    found = {peer: _doubled(lab, url, peer) for peer in (BARE, ENGINE, FEW, ENGINE_QUICK, LANGGRAPH)}
    head = ("client", "at once", "model calls a second", "errors", "99 % of runs, ms", "MB", "at twice as many")
    results = {peer: one if isinstance(one, Failed) else [one[0]] for peer, one in found.items()}

    def cells(peer: Peer, measured: list[Measured]) -> Sequence[str]:
        (best,), held = measured, found[peer]
        beyond = "" if isinstance(held, Failed) else held[1]
        return (
            str(best["at_once"]),
            f"{median(best['rates']):.0f}",
            _errors([best]),
            f"{best['late'] * 1e3:.0f}",
            _memory([best]),
            beyond,
        )

    note = (
        f"The most runs at once, doubled from {AT_ONCE} to {MOST}, of which less than {BEARABLE:.1%} fail; each a "
        f"process of its own, as many runs as are at once and at least 200. A run of more than {PATIENCE:g} s has "
        "failed. There are as many connections as runs at once, unless the row says otherwise, and as many open files "
        "as the system allows; LangGraph is given the SDK's client with as many, as its own keeps 100 of them open."
    )
    return Table("Model calls, the most at once", head, lines(results, cells, len(head)), note)


def _doubled(lab: Lab, url: str, peer: Peer) -> tuple[Measured, str] | Failed:
    """Return what was measured at the most that were borne, and what became of more."""
    best: Measured | None = None
    at_once = AT_ONCE
    while at_once <= MOST:
        order = {"kind": "calls", "url": url, "at_once": at_once, "runs": max(200, at_once), "times": 1}
        found = lab.ask(peer, order, PATIENCE + 30, f"calls, {at_once} at once")
        if isinstance(found, Failed) or found["errors"] >= BEARABLE * found["runs"]:
            why = found.why if isinstance(found, Failed) else f"{_errors([found])} failed: {found['why'][0]}"
            return Failed(why) if best is None else (best, why)
        best, at_once = {**found, "at_once": at_once}, at_once * 2
    return (best, "not tried") if best else Failed("not tried")


def _rates_of(found: list[Measured]) -> list[float]:
    return [sample for one in found for sample in one["rates"]]


def _errors(found: list[Measured]) -> str:
    return f"{sum(one['errors'] for one in found)} of {sum(one['runs'] for one in found)}"


def _memory(found: list[Measured]) -> str:
    return f"{median([one['memory'] for one in found]):.0f}, {median([one['before'] for one in found]):.0f} before"
