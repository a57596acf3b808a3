"""The command line on a scripted model and a tool that does not stop; `test_interrupt.py` presses Ctrl-C.

`python -m tests.faults.interrupted FOLDER KIND` runs `workbench run` with one call of that kind.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli_harness import by_step, use_script
from tests.faults.test_interrupt import tools
from tests.harness import answer
from workbench.__main__ import _leave, main
from workbench.providers.scripted import Turn

if __name__ == "__main__":
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    use_script(pytest.MonkeyPatch(), by_step([Turn("", [(kind, {"name": "0"})]), answer()]), tools(folder))
    _leave(main(["--db", str(folder / "runs.db"), "run", "What?"]))
