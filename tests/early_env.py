"""Keeps the developer's own machine out of the tests: colours, configuration, keys, database.

A pytest plugin, loaded by `-p` before any other, because Textual reads its environment when it is first imported
and the snapshot plugin imports it before any `conftest.py` runs.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from pathlib import Path

# What changes how a screen is drawn or what a terminal is taken for.
_DISPLAY = ["NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"]
_DISPLAY += ["COLUMNS", "LINES", "UNICODE_VERSION", "COLORFGBG", "TERM_PROGRAM"]
# A developer's own keys, servers and programs.
_ONES_OWN = ["EDITOR", "VISUAL", "PAGER"]
_ONES_OWN_STARTS = ("TEXTUAL", "WORKBENCH_", "AWS_", "OTEL_")
_ONES_OWN_ENDS = ("_API_KEY", "_AUTH_TOKEN", "_BASE_URL", "_PROXY")


def _is_ones_own(name: str) -> bool:
    upper = name.upper()
    if upper == "TEXTUAL_SNAPSHOT_TEMPDIR":  # where workers put what they drew
        return False
    return (
        upper in _DISPLAY or upper in _ONES_OWN or upper.startswith(_ONES_OWN_STARTS) or upper.endswith(_ONES_OWN_ENDS)
    )


def _isolate() -> None:
    for name in [name for name in os.environ if _is_ones_own(name)]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="workbench-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["HOME"] = str(home)
    for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
        os.environ[f"XDG_{kind}_HOME"] = str(home / kind.lower())
    os.environ.update(TEXTUAL_ANIMATIONS="none", TERM="xterm-256color", COLORTERM="truecolor", TZ="UTC")
    time.tzset()


_isolate()
