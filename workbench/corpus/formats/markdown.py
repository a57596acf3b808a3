"""Reads Markdown: headings, fenced and indented code, paragraphs; links are reduced to their words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.corpus.formats.plain import indented_end
from workbench.tools.blocks import Block, Parsed

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?")
_SETEXT = re.compile(r" {0,3}(=+|-+) *")
_RULE = re.compile(r" {0,3}([-*_])(?: *\1){2,} *")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_REFERENCE = re.compile(r" {0,3}\[[^\[\]]{1,200}\]:\s+\S+.*")
_LINK = re.compile(r"!?\[([^\[\]]{0,500})\](?:\([^()\n]{0,1000}\)|\[[^\[\]]{0,200}\])")
_FRONT_TITLE = re.compile(r"title:\s*(.+)", re.IGNORECASE)


def read(text: str) -> Parsed:
    """Read Markdown. The title is the front matter's, else the first heading."""
    lines = text.expandtabs(4).splitlines()
    title, start = _front_matter(lines)
    reader = _Reader(lines, start)
    reader.run()
    first = next((block.text for block in reader.blocks if block.kind == "heading"), "")
    return Parsed(title or first, reader.blocks)


def _front_matter(lines: Sequence[str]) -> tuple[str, int]:
    """Return the title in the front matter, and where the text begins."""
    if not lines or lines[0].rstrip() != "---":
        return "", 0
    for end in range(1, min(len(lines), 200)):
        if lines[end].rstrip() in {"---", "..."}:
            found = (_FRONT_TITLE.match(line) for line in lines[1:end])
            return next((match[1].strip().strip("'\"") for match in found if match), ""), end + 1
    return "", 0


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: Sequence[str], start: int) -> None:
        self.blocks: list[Block] = []
        self._lines, self._at = lines, start
        self._paragraph: list[str] = []

    def run(self) -> None:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._end_paragraph()
                self._at += 1
            elif not (self._fence(line) or self._heading(line) or self._aside(line)):
                self._paragraph.append(line.rstrip())
                self._at += 1
        self._end_paragraph()

    def _fence(self, line: str) -> bool:
        """Take a fenced block; one that is never closed goes to the end."""
        found = _FENCE.fullmatch(line)
        if not found or (found[1][0] == "`" and "`" in found[2]):
            return False
        self._end_paragraph()
        mark = found[1]
        end = self._at + 1
        while end < len(self._lines):
            closing = self._lines[end].strip()
            if closing.startswith(mark) and not closing.strip(mark[0]):
                break
            end += 1
        self._code(self._at + 1, end)
        self._at = end + 1
        return True

    def _heading(self, line: str) -> bool:
        """Take `# words`, or one line of words with a rule below."""
        if found := _ATX.fullmatch(line):
            self._end_paragraph()
            words = re.sub(r"(^|\s)#+$", "", (found[2] or "").strip())
            self.blocks.append(Block("heading", _plain(words.strip()), len(found[1])))
        elif len(self._paragraph) == 1 and (found := _SETEXT.fullmatch(line)):
            words = self._paragraph.pop().strip()
            self.blocks.append(Block("heading", _plain(words), 1 if found[1][0] == "=" else 2))
        else:
            return False
        self._at += 1
        return True

    def _aside(self, line: str) -> bool:
        """Take what is no paragraph: rules, comments, link targets, indented code."""
        if _RULE.fullmatch(line):
            self._end_paragraph()
            self._at += 1
        elif line.lstrip().startswith("<!--"):
            while self._at < len(self._lines) and "-->" not in self._lines[self._at]:
                self._at += 1
            self._at += 1
        elif not self._paragraph and _REFERENCE.fullmatch(line):
            self._at += 1
        elif not self._paragraph and line.startswith("    "):
            end = indented_end(self._lines, self._at, 3)
            self._code(self._at, end)
            self._at = end
        else:
            return False
        return True

    def _code(self, start: int, end: int) -> None:
        if text := "\n".join(self._lines[start:end]).rstrip().lstrip("\n"):
            self.blocks.append(Block("code", text))

    def _end_paragraph(self) -> None:
        if not self._paragraph:
            return
        lines, self._paragraph = self._paragraph, []
        is_table = all(line.lstrip().startswith("|") for line in lines)
        self.blocks.append(Block("code" if is_table else "text", _plain("\n".join(lines))))


def _plain(text: str) -> str:
    """Reduce links and pictures to the words that are shown."""
    return _LINK.sub(r"\1", text) if "](" in text or "][" in text else text
