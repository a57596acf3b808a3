"""What runs in a process of its own: one adapter, as an order says; prints what it measured as one line of JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

from tests.benchmarks.measure import now, percentile
from tests.benchmarks.peers.work import Adapter, Job, Watch

MARK = "MEASURED "
STORE = "store"
"""What a kept run is called in a folder of its own."""
PATIENCE = 60.0
"""Seconds after which a run over the wire counts as failed."""
SLOW = 5.0
"""Seconds of a list after which a kept run is not looked at again."""
Order = dict[str, Any]
Measured = dict[str, Any]
_under_way: list[Callable[[], str]] = []
"""The last says how far what is being done has come; empty where it is done."""


def did(adapter: Adapter, job: Job, store: Path | None = None) -> Watch:
    """Do a job on an event loop of its own; raises where other work was done than was asked for."""
    watch = Watch(job)
    _under_way.append(watch.reached)
    gc.collect()
    watch.check(asyncio.run(_awaited(adapter, watch, store)))
    return watch


async def _awaited(adapter: Adapter, watch: Watch, store: Path | None) -> str:
    return await adapter(watch.job, watch, store)


def loop(order: Order) -> Measured:
    """Do a job several times over, after warming up with the same."""
    adapter, jobs = named(order["module"], order["function"]), [Job(**job) for job in order["jobs"]]
    did(adapter, jobs[0])
    watches = [[did(adapter, job) for _ in range(order["times"])] for job in jobs]
    return {
        "seconds": [[watch.seconds / watch.job.steps for watch in same] for same in watches],
        "processor": [watch.processor / watch.job.steps for watch in watches[0]],
        "at_once": max(watch.most_at_once for watch in watches[-1]),
    }


def growth(order: Order) -> Measured:
    """Do one long job, and return the seconds of its steps."""
    adapter, job = named(order["module"], order["function"]), Job(**order["job"])
    did(adapter, Job(3, job.calls, result_bytes=job.result_bytes))
    return {"steps": steps_of(did(adapter, job))}


def durable(order: Order) -> Measured:
    """Do a job that is kept, weigh what was kept, and look at it again."""
    adapter, revisit = named(order["module"], order["function"]), named(order["module"], order["revisit"])
    job = Job(**order["job"])
    with tempfile.TemporaryDirectory() as folder:
        warm, kept = Path(folder, "warm"), Path(folder, "kept")
        warm.mkdir()
        kept.mkdir()
        small = Job(4, job.calls, result_bytes=job.result_bytes)
        did(adapter, small, warm / STORE)
        asyncio.run(revisit(small, warm / STORE))
        start = now()
        watch = did(adapter, job, kept / STORE)
        whole = now() - start
        looks = []
        for number in range(order["times"]):  # each at a copy of its own, since a fork changes what is there
            copy = Path(folder, str(number))
            shutil.copytree(kept, copy)
            looks.append(asyncio.run(revisit(job, copy / STORE)))
            shutil.rmtree(copy)
            if (looks[-1].list or 0.0) > SLOW:
                break
        return {
            "steps": steps_of(watch),
            "whole": whole / job.steps,
            "bytes": sum(file.stat().st_size for file in kept.rglob("*") if file.is_file()),
            "open": [look.open for look in looks],
            "list": [look.list for look in looks if look.list is not None],
            "fork": [look.fork for look in looks],
        }


def calls(order: Order) -> Measured:
    """Make many runs over the wire, so many at once."""
    return asyncio.run(_calls(order))


async def _calls(order: Order) -> Measured:
    at_once, failed, took = order["at_once"], list[str](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        options = order.get("options", {}) | ({"store": f"{folder}/runs.db"} if order.get("kept") else {})
        once = await named(order["module"], order["function"])(order["url"], at_once, **options)
        await once()  # a failure of the first is one of the adapter, and said as such
        await asyncio.gather(*(once() for _ in range(min(at_once, 20))))
        before = memory()
        _under_way.append(lambda: f" at run {len(took)} of {order['runs'] * order['times']}")

        async def worker(left: Any) -> None:
            for _ in left:
                start = now()
                try:
                    await asyncio.wait_for(once(), PATIENCE)
                except Exception as error:  # noqa: BLE001 - counted
                    failed.append(sentence(error))
                took.append(now() - start)

        rates, used = [], []
        for _ in range(order["times"]):
            left = iter(range(order["runs"]))
            gc.collect()
            start, processor = now(), process_time()
            await asyncio.gather(*(worker(left) for _ in range(at_once)))
            rates.append(2 * order["runs"] / (now() - start))
            used.append((process_time() - processor) / (2 * order["runs"]))
        return {
            "rates": rates,
            "processor": used,
            "errors": len(failed),
            "why": failed[:1],
            "runs": len(took),
            "late": percentile(took, 0.99),
            "before": before,
            "memory": memory(),
        }


KINDS: dict[str, Callable[[Order], Measured]] = {"loop": loop, "growth": growth, "durable": durable, "calls": calls}


def named(module: str, function: str) -> Any:
    """Return a function of an adapter."""
    return getattr(import_module(f"tests.benchmarks.peers.adapters.{module}"), function)


def steps_of(watch: Watch) -> list[float]:
    """Return the seconds from each turn to the next."""
    return [later - earlier for earlier, later in zip(watch.turns, watch.turns[1:], strict=False)]


def memory() -> float:
    """Return the most memory that this process had, in MB; not what its parent had, as `getrusage` does on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text("ascii", "replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 1024


def sentence(error: BaseException) -> str:
    """Return an error in one short line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:160]}"


def reached() -> str:
    """Return how far what was being done has come."""
    return _under_way[-1]() if _under_way else ""


def tell(measured: Measured) -> None:
    """Print what was measured and end at once: what a framework left running is not waited for."""
    print(f"\n{MARK}{json.dumps(measured)}", flush=True)
    os._exit(0)


def main() -> None:
    """Do as the order on the command line says."""
    order = json.loads(sys.argv[1])
    limit = order["limit"]
    timer = threading.Timer(limit, lambda: tell({"failed": f"not finished after {limit:g} s{reached()}"}))
    timer.daemon = True
    timer.start()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        measured = KINDS[order["kind"]](order)
    except BaseException as error:  # noqa: BLE001 - said in the table
        measured = {"failed": f"{sentence(error)}{reached()}"}
    tell(measured)


if __name__ == "__main__":
    main()
