"""Files under a folder as tools: list, read, search, and with leave write and edit."""

from __future__ import annotations

import difflib
import fnmatch
import os
import threading
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from workbench.clock import SystemClock
from workbench.errors import ToolError
from workbench.events.agent import Exposure
from workbench.events.content import Content, DocumentBlock, ImageBlock, normalise_text, text_content
from workbench.events.media import PDF, kind_of
from workbench.tools.base import Tool, ToolResult
from workbench.tools.declaring import tool
from workbench.tools.matching import Matches, find_lines
from workbench.tools.rooted import LARGEST, Entry, Root, parts_of

SECONDS: Final = 10.0
"""What a call may take."""
_ENOUGH: Final = 8.0
"""Seconds after which a look stops and says how far it came."""
LISTED: Final = 1_000
"""Names that a list gives."""
SEEN: Final = 100_000
"""Entries that are looked at for one list or search."""
SEARCHED: Final = 32_000_000
"""Bytes that one search reads."""
LINES: Final = 2_000
"""Lines that are read where nobody says how many."""
_ENDS: Final = "\r\n"
_DIFF_LINES: Final = 6_000
_DIFF_SHOWN: Final = 300
"""Lines of both texts up to which the best diff is looked for, and lines of a diff that a question shows."""

READ: Final[tuple[Exposure, ...]] = ("private", "untrusted")
"""Files are a person's, and strangers may have written what stands in them."""

ReadPath = Annotated[str, Field(description="Path from the folder, such as src/app.py", min_length=1, max_length=4096)]
Pattern = Annotated[
    str,
    Field(description="Which files: *.py in any folder, src/*.py in one, src/**/*.py below one", max_length=1000),
]
Below = Annotated[str, Field(description="Only what is below this folder", max_length=4096)]

_writing: dict[Path, threading.Lock] = {}
"""One change at a time under a root, whichever run makes it."""


def file_tools(root: str | os.PathLike[str], *, write: bool = False) -> tuple[Tool, ...]:
    """Return the tools that list, read and search the files under `root`; with `write` also those that change them.

    Nothing outside of `root` is reached, no link is followed, and what usually holds secrets is refused. Reading is
    allowed; each change asks, and the question shows the diff.
    """
    folder = Root(root)
    return (*_reading_tools(folder), *(_writing_tools(folder) if write else ()))


def _reading_tools(folder: Root) -> tuple[Tool, ...]:
    @tool(read_only=True, timeout=SECONDS, subject="below", exposure=READ)
    def list_files(pattern: Pattern = "**", below: Below = "") -> str:
        """List the files of the folder, with their sizes in bytes."""
        look = _Look(folder, pattern, below)
        lines = [f"{entry.path}  {entry.size}" for entry in islice(look.files(), LISTED + 1)]
        if len(lines) > LISTED:
            lines[LISTED:] = [f"[more than {LISTED} files fit; name a folder or a narrower pattern]"]
        return "\n".join([*(lines or [f"No file fits {pattern!r}."]), *look.remarks])

    @tool(read_only=True, timeout=SECONDS, subject="path", exposure=READ)
    def read_file(
        path: ReadPath,
        first: Annotated[int, Field(description="First line to read, from 1", ge=1)] = 1,
        lines: Annotated[int, Field(description="How many lines at most", ge=1, le=1_000_000)] = LINES,
    ) -> ToolResult:
        """Read a file: text with its line numbers, an image or a PDF as such."""
        return ToolResult(_read(folder, path, first, lines))

    @tool(read_only=True, timeout=SECONDS, subject="below", exposure=READ)
    def search_files(
        text: Annotated[str, Field(description="What to find in a line", min_length=1, max_length=400)],
        pattern: Pattern = "**",
        below: Below = "",
        regex: Annotated[bool, Field(description="Whether it is a regular expression (Python's)")] = False,
        ignore_case: bool = False,
        limit: Annotated[int, Field(description="How many lines at most", ge=1, le=500)] = 100,
    ) -> str:
        """Find the lines in which a text stands. Gives path:line: and the line."""
        look = _Look(folder, pattern, below)
        matches = find_lines(look.texts(), text, regex=regex, ignore_case=ignore_case, limit=limit, until=look.until)
        return "\n".join([*_found(matches, text, limit), *look.remarks])

    return (list_files, read_file, search_files)


def _writing_tools(folder: Root) -> tuple[Tool, ...]:
    lock = _writing.setdefault(folder.path, threading.Lock())
    held = f"files in {folder.path}"

    def write_preview(arguments: Mapping[str, Any]) -> str:
        path, text = arguments["path"], arguments["text"]
        if not folder.exists(path):
            parts_of(path)
            return _diff("", text, path)
        return _diff(_text_of(folder, path), text, path)

    def edit_preview(arguments: Mapping[str, Any]) -> str:
        before = _text_of(folder, arguments["path"])
        return _diff(
            before, _replaced(before, arguments["old"], arguments["new"], arguments["path"]), arguments["path"]
        )

    @tool(
        permission="ask",
        exclusive=held,
        timeout=SECONDS,
        subject="path",
        exposure="private",
        preview=write_preview,
    )
    def write_file(
        path: ReadPath,
        text: Annotated[str, Field(description="The whole file", max_length=LARGEST)],
    ) -> str:
        """Write a whole file, new or in the place of one that is there; its folders are made."""
        with lock:
            folder.write(path, _bytes(text))
        return f"wrote {path}, {len(text.splitlines())} lines"

    @tool(
        permission="ask",
        exclusive=held,
        timeout=SECONDS,
        subject="path",
        exposure="private",
        preview=edit_preview,
    )
    def edit_file(
        path: ReadPath,
        old: Annotated[str, Field(description="What stands there now, exactly, and only once", min_length=1)],
        new: Annotated[str, Field(description="What takes its place", max_length=LARGEST)],
    ) -> str:
        """Replace one passage of a file. Give enough of the lines around it that it stands there only once."""
        with lock:
            before = _text_of(folder, path)
            after = _replaced(before, old, new, path)
            folder.write(path, _bytes(after))
        line = before[: before.find(old)].count("\n") + 1
        return f"edited {path} at line {line}"

    return (write_file, edit_file)


class _Look:
    """One look through the folder, with what it did not see."""

    def __init__(self, folder: Root, pattern: str, below: str) -> None:
        self._folder, self._below = folder, below
        self._pattern = _pattern_parts(pattern)
        self._clock = SystemClock()
        self.until = self._clock.monotonic() + _ENOUGH
        self._secrets = 0
        self._cut = ""

    @property
    def remarks(self) -> list[str]:
        """Sentences on what was left out."""
        one = self._secrets == 1
        hidden = f"[{self._secrets} {'name' if one else 'names'} of what may hold secrets left out]"
        return [*([hidden] if self._secrets else []), *([self._cut] if self._cut else [])]

    def files(self) -> Iterator[Entry]:
        """Give the files that fit, sorted by folder and name."""
        for number, entry in enumerate(self._folder.walk(self._below)):
            if number >= SEEN or self._clock.monotonic() > self.until:
                self._cut = f"[stopped after {number:,} entries; name a folder to look further]"
                return
            if entry is None:
                self._secrets += 1
            elif not entry.is_folder and _fits(tuple(entry.path.split("/")), self._pattern):
                yield entry

    def texts(self) -> Iterator[tuple[str, str]]:
        """Give path and text of the files that fit and are text, up to what one search reads."""
        read = 0
        for entry in self.files():
            if entry.size > LARGEST:
                continue
            try:
                content = self._folder.read(entry.path)
            except ToolError:
                continue  # it went, or became something else
            read += len(content)
            if b"\0" not in content[:8192]:
                yield entry.path, content.decode(errors="replace")
            if read > SEARCHED:
                self._cut = f"[stopped after {read // 1_000_000} MB of files; name a folder to search further]"
                return


def _pattern_parts(pattern: str) -> tuple[str, ...]:
    """Return a pattern by folders; one without `/` fits in any."""
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    if pattern.startswith("/") or ".." in parts or "\\" in pattern:
        raise ToolError(f"the pattern {pattern!r} leads out of the folder; write it from there, such as src/*.py")
    if len(parts) > 32:
        raise ToolError("the pattern has more than 32 folders")
    return parts if len(parts) != 1 or parts[0] == "**" else ("**", *parts)


def _fits(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a path fits a pattern in which `**` is any number of folders; takes lengths multiplied at most."""
    fitting = {0}
    for number, part in enumerate(pattern):
        if part == "**":
            last = number == len(pattern) - 1
            fitting = set(range(min(fitting, default=len(path) + 1), len(path) + 1)) if fitting else set()
            if last:
                return bool(fitting)
        else:
            fitting = {at + 1 for at in fitting if at < len(path) and fnmatch.fnmatchcase(path[at], part)}
    return len(path) in fitting


def _read(folder: Root, path: str, first: int, lines: int) -> Content:
    with folder.file(path) as number, os.fdopen(number, "rb", closefd=False) as opened:
        head = opened.read(8192)
        kind = kind_of(head)
        if kind is not None:
            data = folder.read(path)
            name = path.rsplit("/", 1)[-1]
            block = DocumentBlock if kind == PDF else ImageBlock
            return (block(data=data, media_type=kind, name=name),)
        if b"\0" in head:
            raise ToolError(f"{path!r} is neither UTF-8 text nor an image nor a PDF")
        opened.seek(0)
        shown: list[str] = []
        size, rest = 0, False
        clock = SystemClock()
        until = clock.monotonic() + _ENOUGH
        line = 0
        while raw := opened.readline(LARGEST):
            line += 1
            if line < first:
                if clock.monotonic() > until:
                    raise ToolError(f"line {first} of {path!r} is too far; {line} lines were read in time")
                continue
            size += len(raw)
            if len(shown) == lines or size > LARGEST:
                rest = True
                break
            shown.append(f"{line:>6}\t{raw.decode(errors='replace').rstrip(_ENDS)}")
    if not shown:
        return text_content(f"[{path} has {line} lines]" if line else f"[{path} is empty]")
    if rest:
        shown.append(f"[more follows: read on with first={first + len(shown)}]")
    return text_content("\n".join(shown))


def _found(matches: Matches, text: str, limit: int) -> list[str]:
    lines = [f"{path}:{line}: {shown}" for path, line, shown in matches.lines] or [f"No line has {text!r}."]
    if len(matches.lines) == limit:
        lines.append(f"[the first {limit}; narrow the search for others]")
    return [*lines, *([matches.cut] if matches.cut else [])]


def _text_of(folder: Root, path: str) -> str:
    try:
        return folder.read(path).decode()
    except UnicodeDecodeError:
        raise ToolError(f"{path!r} is no UTF-8 text, and nothing else is edited or replaced") from None


def _bytes(text: str) -> bytes:
    return normalise_text(text).encode()


def _replaced(before: str, old: str, new: str, path: str) -> str:
    at = before.find(old)
    if at < 0:
        ends = " Its lines end in \\r\\n." if "\r\n" in before and "\n" in old else ""
        raise ToolError(f"what is to be replaced does not stand in {path!r}; read it and copy it exactly.{ends}")
    if before.find(old, at + 1) >= 0:
        raise ToolError(f"what is to be replaced stands more than once in {path!r}; give more of the lines around it")
    if old == new:
        raise ToolError("old and new are the same; nothing was changed")
    return before[:at] + new + before[at + len(old) :]


def _one_hunk(old: list[str], new: list[str]) -> list[str]:
    """Return all between the first and the last line that differ, as gone and come: what takes no time to find."""
    head = next(
        (n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )
    most = min(len(old), len(new)) - head
    ends = zip(reversed(old), reversed(new), strict=False)
    tail = next((n for n, (one, other) in enumerate(islice(ends, most)) if one != other), most)
    gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
    place = f"@@ -{head + 1},{len(gone)} +{head + 1},{len(come)} @@"
    return [place, *(f"-{line}" for line in gone), *(f"+{line}" for line in come)]


def _diff(before: str, after: str, path: str) -> str:
    """Return a unified diff for a person, cut where it is longer than anyone reads."""
    old, new = before.split("\n") if before else [], after.split("\n")
    names = f"{path} now", f"{path} then"
    if len(old) + len(new) <= _DIFF_LINES:
        lines = list(difflib.unified_diff(old, new, *names, lineterm="", n=2))
    else:
        lines = [f"--- {names[0]}", f"+++ {names[1]}", *_one_hunk(old, new)] if old != new else []
    if len(lines) > _DIFF_SHOWN:
        lines[_DIFF_SHOWN:] = [f"[{len(lines) - _DIFF_SHOWN} more lines of this diff]"]
    return "\n".join(lines) or f"{path} stays as it is"
