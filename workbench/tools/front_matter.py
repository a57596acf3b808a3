"""Reads the few plain lines between two `---` with which a `SKILL.md` begins.

It is no YAML parser on purpose: names with one line of text, quoted or not, or a block of indented lines. Lists and
nested names are passed over, everything else that is not understood is an error with its line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"---\s*")
# Over lines of strangers: each takes no more steps than a line has characters.
_FIELD = re.compile(r"([A-Za-z][\w-]*)\s*:(?:\s+(.*))?")
_BLOCK = re.compile(r"[>|][+-]?(?:\s+#.*)?")
_COMMENT = re.compile(r"\s#.*")
_ESCAPE = re.compile(r'\\(["\\/nt])')
_ESCAPED = {"n": "\n", "t": "\t"}
_UNREADABLE = ("&", "*", "!", "%", "@", "`", "{", "]", "}")
"""What begins a value that YAML reads as something other than text."""


class FrontMatterError(ValueError):
    """What is wrong, and in which line."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line = line


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The text fields of a front matter, each with its line."""

    fields: dict[str, str]
    lines: dict[str, int]


def split(text: str) -> tuple[list[str], str]:
    """Return the lines of a front matter and the text below it; no lines where there is none."""
    rows = text.removeprefix("\ufeff").splitlines()
    if not rows or not _FENCE.fullmatch(rows[0]):
        return [], text
    end = next((at for at, row in enumerate(rows[1:], 1) if _FENCE.fullmatch(row)), None)
    if end is None:
        raise FrontMatterError(1, "the front matter is not closed: a line with --- is missing")
    return rows[1:end], "\n".join(rows[end + 1 :]).strip("\n")


def read(text: str) -> FrontMatter:
    """Return the fields of the front matter of a text; raises `FrontMatterError`."""
    rows, _ = split(text)
    if not rows:
        raise FrontMatterError(1, "it has to begin with a line --- and lines name: and description: below it")
    fields: dict[str, str] = {}
    lines: dict[str, int] = {}
    at = 0
    while at < len(rows):
        row, number = rows[at], at + 2
        at += 1
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        if row.startswith("\t"):
            raise FrontMatterError(number, "it is indented with a tab; use spaces")
        found = _FIELD.fullmatch(row.rstrip())
        if found is None:
            raise FrontMatterError(number, f"{row.strip()[:60]!r} is no line of the form name: text")
        inner, at = _indented(rows, at)
        value = _value(found[2] or "", inner, number)
        if found[1] in fields:
            raise FrontMatterError(number, f"{found[1]} stands here a second time")
        if value is not None:
            fields[found[1]], lines[found[1]] = value, number
    return FrontMatter(fields, lines)


def _indented(rows: Sequence[str], at: int) -> tuple[list[str], int]:
    """Return the lines that belong to the one before `at`, and where the next begins."""
    start = at
    while at < len(rows) and (not rows[at].strip() or rows[at].startswith((" ", "- ")) or rows[at] == "-"):
        at += 1
    return list(rows[start:at]), at


def _value(said: str, inner: list[str], number: int) -> str | None:
    """Return a field's text; None for a list or nested names, which nobody here needs."""
    if _BLOCK.fullmatch(said):
        gap = "\n" if said.startswith("|") else " "
        return gap.join(row.strip() for row in inner).strip()
    more = " ".join(row.strip() for row in inner if row.strip())
    if not said or said.startswith("#"):
        return None
    if said.startswith(('"', "'")):
        return _quoted(f"{said} {more}".strip(), number)
    if said.startswith("["):
        return None
    if said.startswith(_UNREADABLE):
        raise FrontMatterError(number, f"a text that begins with {said[0]} has to stand in quotes")
    if more and inner[0].lstrip().startswith("- "):
        raise FrontMatterError(number, "a text and a list cannot stand under one name")
    return _COMMENT.sub("", f"{said} {more}".strip()).rstrip()


def _quoted(said: str, number: int) -> str:
    mark = said[0]
    inside = r"(?:[^'\\]|\\|'')*" if mark == "'" else r'(?:[^"\\]|\\.)*'
    found = re.fullmatch(rf"{mark}({inside}){mark}(?:\s+#.*)?", said)
    if found is None:
        raise FrontMatterError(number, f"a text that begins with {mark} has to end with it")
    if mark == "'":
        return found[1].replace("''", "'")
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), found[1])
