"""Regular expressions of a person, searched in text of strangers, so that no text can keep the program busy.

Python cannot interrupt a search. So patterns that can take exponential time are refused when they are read, a text is
searched line by line as `grep` does, a long line in pieces that overlap, and no further than `MOST_SEARCHED`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from workbench.errors import BreakpointError

MOST_SEARCHED: Final = 100_000
"""Characters of one text that are searched."""
PIECE: Final = 1_000
OVERLAP: Final = 300
"""Characters of a line that are searched at once, and how many of them the next piece repeats: a match that is longer
than the overlap may be missed in a line that is longer than a piece."""
LONGEST_PATTERN: Final = 400
FEW: Final = 9
"""A repetition of at most so many times is no danger."""
_COUNTED: Final = re.compile(r"\{(\d+)?(?:,(\d*))?\}")
_OPENING: Final = re.compile(r"\((?:\?(?:[:=!>]|<[=!]|P?<\w+>|P=\w+|[aiLmsux-]+:?))?")


def compile_pattern(text: str) -> re.Pattern[str]:
    """Return the compiled pattern; raises `BreakpointError` saying what is wrong with it, and where."""
    if not text:
        raise BreakpointError("the pattern is empty; write what is to be found, such as result:timeout")
    if len(text) > LONGEST_PATTERN:
        raise BreakpointError(f"the pattern has {len(text)} characters; at most {LONGEST_PATTERN} are taken")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        at = getattr(error, "pos", None)
        where = "" if at is None else f" at character {at}"
        said = getattr(error, "msg", None) or str(error)
        raise BreakpointError(f"the pattern {text!r} is no regular expression{where}: {said}") from None
    if (at := _endless(text)) is not None:
        raise BreakpointError(
            f"the pattern {text!r} repeats at character {at} a group that repeats itself, or whose alternatives may "
            "begin alike; on some texts that never ends, so write it with a single * or +, or with a class [...]"
        )
    return compiled


def found(pattern: re.Pattern[str], text: str) -> str | None:
    """Return what the pattern finds first in `text`, or None."""
    for line in text[:MOST_SEARCHED].split("\n"):
        for start, end in _pieces(len(line)):
            match = pattern.search(line, start, end)
            if match is not None:
                return match.group()
    return None


def _pieces(length: int) -> Iterator[tuple[int, int]]:
    start = 0
    while True:
        yield start, min(start + PIECE, length)
        if start + PIECE >= length:
            return
        start += PIECE - OVERLAP


@dataclass(slots=True)
class _Group:
    """What stands in a pair of parentheses."""

    repeats: bool = False
    """Whether anything in it is repeated without bound."""
    starts: list[str] = field(default_factory=lambda: [""])
    """What each alternative begins with."""

    @property
    def is_risky(self) -> bool:
        """Whether a text can be taken apart in more than one way when the group is repeated."""
        plain = all(len(start) == 1 and (start.isalnum() or start in " _-/") for start in self.starts)
        return self.repeats or (len(self.starts) > 1 and not (plain and len(set(self.starts)) == len(self.starts)))


def _endless(text: str) -> int | None:
    """Return where a risky group is repeated without bound, or None.

    `(a+)+`, `(a|a)*` and their like make a search take twice as long for each further character of the text.
    """
    groups = [_Group()]
    ended: _Group | None = None
    """The group that ended just before, if one did."""
    at = 0
    while at < len(text):
        length = _repetition(text, at)
        if length:
            if ended is not None and ended.is_risky:
                return at
            for group in groups:
                group.repeats = True
            ended = None
        else:
            length = _atom(text, at)
            ended = _take(groups, text[at : at + length])
        at += length
    return None


def _take(groups: list[_Group], atom: str) -> _Group | None:
    """Note one piece of a pattern; return the group that it ends, if it does."""
    if atom == ")" and len(groups) > 1:
        ended = groups.pop()
        groups[-1].repeats |= ended.repeats
        return ended
    if atom == "|":
        groups[-1].starts.append("")
        return None
    if not groups[-1].starts[-1]:
        groups[-1].starts[-1] = atom
    if atom.startswith("("):
        groups.append(_Group())
    return None


def _repetition(text: str, at: int) -> int:
    """Return the length of the repetition without bound, or with a high one, that begins at `at`; 0 for none."""
    if text[at] in "*+":
        return 1
    match = _COUNTED.match(text, at)
    if match is None or (match[1] is None and match[2] is None):
        return 0
    most = match[2] if match[2] is not None else match[1]
    return len(match[0]) if not most or int(most) > FEW else 0


def _atom(text: str, at: int) -> int:
    """Return the length of the escape, the class, the beginning of a group or the single character at `at`."""
    if text[at] == "\\":
        return 2
    if text[at] == "(":
        match = _OPENING.match(text, at)
        return len(match[0]) if match else 1
    if text[at] != "[":
        return 1
    end = at + (2 if text[at + 1 : at + 2] == "^" else 1) + 1  # a `]` that comes first stands for itself
    while end < len(text) and text[end] != "]":
        end += 2 if text[end] == "\\" else 1
    return end + 1 - at
