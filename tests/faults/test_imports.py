"""Session files of strangers, broken or made to burst: each is one sentence, nothing came in, nothing grew."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.broken_sessions import BREAKS, bombs
from tests.session_kit import record, written

ROOT = Path(__file__).parents[2]
TIMES = 20
"""Files of each of two dozen classes."""
MOST_SECONDS = 2.0
MOST_MEMORY = 256

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of a process")


def campaign(folder: Path, paths: Sequence[Path], *mistakes: str) -> tuple[list[str], int]:
    """Import files one after the other; return what is wrong, and the memory that it took."""
    command = [sys.executable, "-m", "tests.faults.importer", str(folder / "in.db"), *mistakes]
    asked = "".join(f"{path}\n" for path in paths)
    done = subprocess.run(command, cwd=ROOT, input=asked, capture_output=True, text=True, timeout=300, check=False)
    *told, peak = done.stdout.splitlines()
    faults = [f"it ends with {done.returncode}: {done.stderr[-500:]}"] if done.returncode or done.stderr else []
    for path, line in zip(paths, told, strict=False):
        faults += [f"{path.name}: {fault}" for fault in wrong(path, json.loads(line))]
    return faults, int(peak) if peak.isdecimal() else MOST_MEMORY


def wrong(path: Path, result: dict[str, Any]) -> list[str]:
    """Say what is wrong with how a file was refused."""
    said = result["err"]
    is_sentence = said.startswith("workbench: ") and said.count("\n") == 1 and len(said) < 500 + len(str(path))
    return [
        *([f"it ends with {result['code']}: {result['out']}{said[-300:]}"] if result["code"] != 2 else []),
        *([] if is_sentence and "Traceback" not in said else [f"it is said: {said[:500]}"]),
        *([] if str(path) in said else ["it is not named"]),
        *([f"{result['rows']} rows came in"] if result["rows"] else []),
        *([f"it took {result['took']:.1f} s"] if result["took"] > MOST_SECONDS else []),
    ]


def test_a_malformed_file_leaves_nothing(tmp_path: Path) -> None:
    """24 classes, 20 of each: exit 2, one line that names the file, no row, 2 seconds at most, 256 MB."""
    text, _ = record(tmp_path / "recorded")
    paths = []
    for name, broken in BREAKS.items():
        for seed in range(TIMES):
            lines = text.splitlines()
            broken(lines, random.Random(seed))
            paths.append(written(tmp_path, "\n".join(lines) + "\n", f"{name.replace(' ', '-')}-{seed}.jsonl"))
    assert len(paths) >= 400
    faults, peak = campaign(tmp_path, paths)
    assert faults == []
    assert peak < MOST_MEMORY


def test_a_file_that_is_made_to_burst_is_refused(tmp_path: Path) -> None:
    """Lines without end, lists of lists, archives: refused by their size, in the same time and memory."""
    faults, peak = campaign(tmp_path, [written(tmp_path, content, name) for name, content in bombs().items()])
    assert faults == []
    assert peak < MOST_MEMORY


def test_an_import_without_limits_is_found_out(tmp_path: Path) -> None:
    """Without them some of the same files take more than they may, so the test above can fail."""
    files = bombs()
    faults, peak = campaign(tmp_path, [written(tmp_path, files[name], name) for name in ("floats", "bomb")], "uncapped")
    assert faults
    assert peak > 1.5 * MOST_MEMORY
