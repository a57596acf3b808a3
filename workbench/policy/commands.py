"""Commands for a shell: which are one plain command, and which commands others consist of.

Nothing is parsed, because a parser that differs from the shell's is a hole: any sign by which a shell could run more
than one plain command makes a command compound, in quotes too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from workbench.policy.wildcards import fits, loosely

_SIGNS: Final = re.compile(r"[|;&<>()`\x00-\x08\x0a-\x1f\x7f]|\$[({]")
"""Pipes, lists, redirects, substitutions, groups, here-documents, line ends."""
_ASSIGNS: Final = re.compile(r"\s*[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=\S*")
"""A variable for one command, in front of it: it may change which program runs."""
_BETWEEN: Final = re.compile(r"[|;&<>()`{}\x00-\x08\x0a-\x1f\x7f]|\$[({]")
_LEADING: Final = frozenset(
    ["!", "if", "then", "elif", "else", "while", "until", "do", "time", "exec", "command", "builtin", "eval", "env",
     "nohup", "sudo"]
)  # fmt: skip
"""Words behind which a command stands."""


def joined(argv: list[JsonValue]) -> str | None:
    """Return the command that a list of words is."""
    return shlex.join(str(word) for word in argv) if argv else None


def is_compound(command: str) -> bool:
    """Whether a shell may run more than one plain command there, or another than its first word says."""
    return _SIGNS.search(command.strip()) is not None or _ASSIGNS.match(command) is not None


def allows(pattern: str, command: str) -> bool:
    """Whether the command is a plain one that the pattern means."""
    return not is_compound(command) and fits(pattern, command.strip())


def restricts(pattern: str, command: str) -> bool:
    """Whether the pattern could mean a part of the command."""
    return any(fits(loosely(pattern), loosely(part)) for part in _parts(command))


def _parts(command: str) -> Iterator[str]:
    """Yield the commands that stand between signs: as written, and as they are without quotes and leading words."""
    for between in _BETWEEN.split(command):
        yield between.strip()
        words = between.replace("\\", "").replace("'", "").replace('"', "").split()
        while words and (words[0] in _LEADING or _ASSIGNS.fullmatch(words[0])):
            del words[0]
            yield " ".join(words)
        if words:
            yield " ".join(words)
            yield " ".join([words[0].rpartition("/")[2], *words[1:]])
