"""A process that imports session files by the command line; `test_imports.py` starts it.

`python -m tests.faults.importer DATABASE [uncapped]` imports each file that a line on stdin names, and prints one line
of JSON for it: exit code, what was written to both outputs, seconds, and runs in the database. At the end it prints the
most memory that it had, in MB. `uncapped` is the mistake that the test must catch: no limits.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sqlite3
import sys
import time
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

from workbench.__main__ import main
from workbench.interchange import lines, session_file, strict_json

ADDRESSES = 2_000_000_000
"""Bytes of memory that may be asked for at all: enough that it is our own limits that are seen to hold."""


def runs_in(database: Path) -> int:
    """Return how many runs there are, remarks on them included."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database)) as connection:
        queries = ("SELECT count(*) FROM runs", "SELECT count(*) FROM events", "SELECT count(*) FROM library")
        return sum(int(connection.execute(query).fetchone()[0]) for query in queries)


def take_in(database: Path, path: str) -> dict[str, object]:
    """Import one file; return what came of it."""
    out, err = io.StringIO(), io.StringIO()
    begun = time.process_time()  # a machine that has other work to do makes no import longer
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["--db", str(database), "import", path])
    took = time.process_time() - begun
    return {"code": code, "out": out.getvalue(), "err": err.getvalue(), "took": took, "rows": runs_in(database)}


def lift_limits() -> None:
    """Take away what bounds a file."""
    endless = 1 << 60
    for room in (lines, session_file, strict_json):
        for name in vars(room):
            if name.startswith(("LARGEST_", "LONGEST_", "MOST_")):
                setattr(room, name, endless)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    if sys.argv[2:]:
        lift_limits()
    for line in sys.stdin:
        print(json.dumps(take_in(Path(sys.argv[1]), line.strip())), flush=True)
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(peak[1]) // 1024 if peak else 0)
