"""Lines in which a text or a regular expression stands.

Python cannot interrupt a search, so a regular expression, which a stranger may have written, runs in a process of its
own that is ended when its time is over. A text as such is searched here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from workbench.clock import SystemClock
from workbench.errors import ToolError

SHOWN: Final = 300
"""Characters of a line that are given."""
_BATCH: Final = 8_000_000
"""Characters that go to the process at once."""
_PROGRAM: Final = """
import json, re, sys
asked = json.load(sys.stdin)
try:
    pattern = re.compile(asked["text"], re.IGNORECASE if asked["ignore_case"] else 0)
except (re.error, RecursionError, OverflowError) as error:
    print(json.dumps({"problem": str(error)}))
    sys.exit()
found = []
for path, text in asked["texts"]:
    for number, line in enumerate(text.split("\\n"), 1):
        if len(found) < asked["limit"] and pattern.search(line):
            found.append([path, number, line[:asked["shown"]]])
print(json.dumps({"found": found}))
"""


@dataclass(slots=True)
class Matches:
    """What was found."""

    lines: list[tuple[str, int, str]] = field(default_factory=list)
    """Path, number from 1, and the beginning of the line."""
    cut: str = ""
    """A sentence where not all was searched."""


def find_lines(
    texts: Iterable[tuple[str, str]], text: str, *, regex: bool, ignore_case: bool, limit: int, until: float
) -> Matches:
    """Return the first lines in which `text` stands, of texts by path; stops at `until` on the machine's clock."""
    matches = Matches()
    if not regex:
        _find_text(matches, texts, text, ignore_case=ignore_case, limit=limit, until=until)
        return matches
    batch: list[tuple[str, str]] = []
    size = 0
    for path, content in texts:
        batch.append((path, content))
        size += len(content)
        if size > _BATCH:
            _find_pattern(matches, batch, text, ignore_case=ignore_case, limit=limit, until=until)
            batch, size = [], 0
            if matches.cut or len(matches.lines) >= limit:
                return matches
    _find_pattern(matches, batch, text, ignore_case=ignore_case, limit=limit, until=until)
    return matches


def _find_text(
    matches: Matches, texts: Iterable[tuple[str, str]], text: str, *, ignore_case: bool, limit: int, until: float
) -> None:
    clock = SystemClock()
    wanted = text.casefold() if ignore_case else text
    for path, content in texts:
        if clock.monotonic() > until:
            matches.cut = "[stopped, because it took too long; name a folder to search further]"
            return
        if wanted not in (content.casefold() if ignore_case else content):
            continue
        for number, line in enumerate(content.split("\n"), 1):
            if wanted in (line.casefold() if ignore_case else line):
                matches.lines.append((path, number, line[:SHOWN].rstrip("\r")))
                if len(matches.lines) == limit:
                    return


def _find_pattern(
    matches: Matches, texts: list[tuple[str, str]], text: str, *, ignore_case: bool, limit: int, until: float
) -> None:
    asked = {"text": text, "ignore_case": ignore_case, "limit": limit - len(matches.lines), "shown": SHOWN}
    try:
        ended = subprocess.run(  # noqa: S603 - a program of ours; what strangers wrote is its input
            [sys.executable, "-I", "-c", _PROGRAM],
            input=json.dumps({**asked, "texts": texts}).encode(),
            capture_output=True,
            timeout=max(0.1, until - SystemClock().monotonic()),
            check=True,
        )
    except subprocess.TimeoutExpired:
        matches.cut = f"[stopped, because {text!r} took too long; write it simpler, or name a folder]"
        return
    except (OSError, subprocess.SubprocessError):
        raise ToolError(f"{text!r} cannot be searched as a regular expression here; search a plain text") from None
    said = json.loads(ended.stdout)
    if "problem" in said:
        raise ToolError(f"{text!r} is no regular expression: {said['problem']}")
    matches.lines += [(path, number, line.rstrip("\r")) for path, number, line in said["found"]]
