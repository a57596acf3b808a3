"""Reads plain text and reStructuredText: underlined headings, paragraphs, indented blocks.

The two share a shape; reStructuredText adds directives and roles, which are reduced to what a reader would see.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from workbench.tools.blocks import Block, Parsed

_RULE = re.compile(r"([^\w\s])\1{2,}")
_DIRECTIVE = re.compile(r"\.\. +(?:([\w.+-]{1,40}(?::[\w.+-]{1,40})?)::)? *(.*)")
_OPTION = re.compile(r":[\w -]{1,40}:( |$)")
_ROLE = re.compile(r":[\w.+-]{1,40}(?::[\w.+-]{1,40})?:`([^`]{1,500})`")
_LINK = re.compile(r"`([^`<]{1,500}?)\s*<[^`>]{0,500}>`_{0,2}")
_CODE = frozenset({"code", "code-block", "doctest", "parsed-literal", "productionlist", "sourcecode", "testcode"})
_SILENT = frozenset({
    "contents", "currentmodule", "highlight", "image", "include", "index", "meta", "module", "moduleauthor",
    "raw", "role", "sectionauthor", "testcleanup", "testsetup", "toctree",
})  # fmt: skip
_LABELLED = frozenset({
    "attention", "caution", "danger", "deprecated", "error", "hint", "important", "note", "seealso", "tip",
    "versionadded", "versionchanged", "warning",
})  # fmt: skip


def read(text: str, *, directives: bool = False) -> Parsed:
    """Read plain text; with `directives`, reStructuredText. The title is the first heading."""
    reader = _Reader(text.expandtabs().splitlines(), directives=directives)
    reader.run()
    title = next((block.text for block in reader.blocks if block.kind == "heading"), "")
    return Parsed(title, reader.blocks)


def indent_of(line: str) -> int:
    """Return how many spaces a line starts with."""
    return len(line) - len(line.lstrip())


def indented_end(lines: Sequence[str], start: int, deeper_than: int) -> int:
    """Return where the run of blank and deeper lines from `start` ends, without its trailing blank lines."""
    end = position = start
    while position < len(lines) and (not lines[position].strip() or indent_of(lines[position]) > deeper_than):
        position += 1
        if lines[position - 1].strip():
            end = position
    return end


class _Reader:
    """Goes through the lines once; each method takes what starts at `at` and moves on."""

    def __init__(self, lines: Sequence[str], *, directives: bool) -> None:
        self.blocks: list[Block] = []
        self._lines, self._directives = lines, directives
        self._paragraph: list[str] = []
        self._levels: list[tuple[str, bool]] = []
        self._at = 0

    def run(self) -> None:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._end_paragraph()
                self._at += 1
            elif self._paragraph or not self._special():
                self._paragraph.append(line)
                self._at += 1
        self._end_paragraph()

    def _special(self) -> bool:
        """Take what may stand where a paragraph begins; False where it is just a paragraph."""
        return self._heading() or (self._directives and self._directive()) or self._rule()

    def _line(self, ahead: int) -> str:
        position = self._at + ahead
        return self._lines[position].rstrip() if position < len(self._lines) else ""

    def _heading(self) -> bool:
        """Take a line with a rule below it, or between two; ranks are by first appearance."""
        overlined = bool(_RULE.fullmatch(self._line(0))) and self._line(0) == self._line(2)
        title, rule = (self._line(1), self._line(2)) if overlined else (self._line(0), self._line(1))
        if not _RULE.fullmatch(rule) or _RULE.fullmatch(title.strip()) or not title.strip():
            return False
        if not overlined and (indent_of(title) or len(rule) < min(len(title), 4)):
            return False
        style = (rule[0], overlined)
        if style not in self._levels:
            self._levels.append(style)
        self.blocks.append(Block("heading", self._plain(title.strip()), self._levels.index(style) + 1))
        self._at += 3 if overlined else 2
        return True

    def _rule(self) -> bool:
        """Drop a line drawn across the page."""
        if not _RULE.fullmatch(self._line(0)):
            return False
        self._at += 1
        return True

    def _directive(self) -> bool:
        """Take `.. name:: words`: its words as a line, its body as what the name says; comments vanish."""
        line = self._lines[self._at]
        found = _DIRECTIVE.match(line.strip())
        if not found:
            return False
        indent = indent_of(line)
        name, words = (found[1] or "").lower(), found[2]
        end = indented_end(self._lines, self._at + 1, indent)
        self._at += 1
        if not name or name in _SILENT:
            self._at = max(end, self._at)
            return True
        while self._at < end and _OPTION.match(self._lines[self._at].strip()):
            self._at += 1
        if name in _CODE:
            self._code(end)
        else:
            label = f"{name.capitalize()}: {words}" if name in _LABELLED else words
            if label.strip(" :"):
                term = "" if name in _LABELLED else words
                self.blocks.append(Block("text", self._plain(label.strip()), term=term))
        return True

    def _end_paragraph(self) -> None:
        if not self._paragraph:
            return
        lines, self._paragraph = self._paragraph, []
        text = "\n".join(lines)
        introduces = text.endswith(":")
        if self._directives and text.endswith("::"):
            text = text[:-1] if len(text.strip()) > 2 else ""
        if text:
            self.blocks.append(Block("text", self._plain(text)))
        if introduces:
            self._code(indented_end(self._lines, self._at, indent_of(lines[-1])))

    def _code(self, end: int) -> None:
        """Take the lines up to `end` as they stand."""
        if end > self._at and (text := textwrap.dedent("\n".join(self._lines[self._at : end])).strip("\n")):
            self.blocks.append(Block("code", text))
        self._at = max(end, self._at)

    def _plain(self, text: str) -> str:
        """Reduce roles and links to the words that are shown."""
        if not self._directives:
            return text
        text = _ROLE.sub(lambda role: role[1].split(" <")[0].lstrip("~!"), text)
        return _LINK.sub(r"\1", text)
