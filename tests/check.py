"""Every check in one command: `python -m tests.check [--fix] [--no-tests | --coverage]`.

It runs all of them even when one fails, shows what each that failed has to say, and ends with one line a check.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from workbench.clock import SystemClock

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def checks(*, fix: bool, tests: bool, coverage: bool) -> dict[str, list[str]]:
    """Return the name and the command of every check, in the order in which they run."""
    python = [sys.executable, "-m"]
    commands = {
        "lint": [*python, "ruff", "check", *(["--fix"] if fix else []), "."],
        "format": [*python, "ruff", "format", *([] if fix else ["--check"]), "."],
        "types": [*python, "mypy"],
        "imports": [str(BIN / "lint-imports")],
    }
    if tests:
        measure = ["coverage", "run", "-m"] if coverage else []
        commands["tests"] = [*python, *measure, "pytest", "-n", "auto"]
    if coverage:
        commands["coverage"] = [*python, "tests.covered"]
    return commands


def main() -> int:
    """Run the checks; return 0 if all passed, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.check", description=__doc__.splitlines()[0])
    parser.add_argument("--fix", action="store_true", help="let ruff format the code and mend what it can")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--no-tests", action="store_true", help="only what is quick: lint, format, types, imports")
    how.add_argument("--coverage", action="store_true", help="measure what the tests reach, which takes longer")
    options = parser.parse_args()

    commands = checks(fix=options.fix, tests=not options.no_tests, coverage=options.coverage)
    clock = SystemClock()
    verdicts, failed = [], False
    for name, command in commands.items():
        started = clock.monotonic()
        run = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        verdict = "ok" if run.returncode == 0 else "FAILED"
        failed = failed or run.returncode != 0
        if run.returncode != 0:
            print(f"--- {name}: {' '.join(command)}\n{run.stdout}{run.stderr}", flush=True)
        verdicts.append(f"{name:8} {verdict:6} {clock.monotonic() - started:6.1f} s")
    print("\n".join(verdicts))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
