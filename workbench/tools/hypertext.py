"""Reads HTML: what a person reads on the page, without scripts, styles and navigation.

The only place that knows an HTML parser, imported when the first page is met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from workbench.tools.blocks import Block, Parsed, UnreadableError

_SILENT = frozenset({
    "-comment", "audio", "button", "canvas", "iframe", "noscript", "object", "script", "select", "style", "svg",
    "template", "textarea", "video",
})  # fmt: skip
_FURNITURE_TAGS = frozenset({"footer", "nav"})
# Navigation as DocBook, Sphinx and their like mark it.
_FURNITURE_CLASSES = frozenset({
    "breadcrumbs", "headerlink", "navfooter", "navheader", "navigation", "related", "sphinxsidebar", "toc",
    "toctree-wrapper",
})  # fmt: skip
# Their alphabetical indexes, which hold every word and say nothing.
_INDEXES = frozenset({("div", "index"), ("table", "indextable"), ("table", "genindextable")})
_ADMONITIONS = frozenset({"admonition", "caution", "important", "note", "tip", "warning"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl",
    "fieldset", "figcaption", "figure", "form", "header", "hr", "legend", "main", "ol", "p", "section", "summary",
    "table", "tbody", "tfoot", "thead", "ul",
})  # fmt: skip
_SPACE = re.compile(r"[ \t\n\r\f\v\u00a0]+")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements that HTML closes by itself; they do not nest.
_NEVER_DEEP = frozenset({
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
})  # fmt: skip
_DEEPEST = 1_000
"""Nesting beyond which a page is left out: parsing takes time in the square of it."""
_FEW_TAGS = 10_000
"""Tags up to which nesting cannot cost anything worth counting."""


def read(text: str) -> Parsed:
    """Read a page. Raises UnreadableError where its nesting would take the parser for ever."""
    _refuse_depth(text)
    root = LexborHTMLParser(text).root
    if root is None:
        return Parsed("", ())
    reader = _Reader(furniture=False)
    reader.walk(root)
    if all(block.kind == "heading" for block in reader.blocks):  # a page that is nothing but navigation
        reader = _Reader(furniture=True)
        reader.walk(root)
    first = next((block.text for block in reader.blocks if block.kind == "heading"), "")
    return Parsed(reader.title or first, reader.blocks)


def read_page(text: str) -> str:
    """Return a page as plain text. Raises UnreadableError where its nesting would take the parser for ever."""
    page = read(text)
    parts = [page.title] if page.title else []
    for block in page.blocks:
        if block.kind == "heading" and block.text == page.title and len(parts) == 1:
            continue
        lead = f"{'#' * block.level} " if block.kind == "heading" else ""
        parts.append(("\n" if block.tight else "\n\n" if parts else "") + lead + block.text)
    return "".join(parts)


def links_of(text: str) -> Iterator[tuple[str, str]]:
    """Give target and words of each link of a page."""
    _refuse_depth(text)
    for node in LexborHTMLParser(text).css("a[href]"):
        if target := node.attributes.get("href"):
            yield target.strip(), " ".join(node.text().split())[:80]


def _refuse_depth(text: str) -> None:
    if text.count("<") <= _FEW_TAGS:
        return
    depth = 0
    for tag in _TAG.finditer(text):
        if tag[2].lower() not in _NEVER_DEEP:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > _DEEPEST:
                raise UnreadableError("the page is nested too deeply")


class _Reader:
    """Walks the tree once, without recursion: a page may be nested deeper than Python's stack."""

    def __init__(self, *, furniture: bool) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self._furniture = furniture
        self._above: list[LexborNode] = []
        self._words: list[str] = []
        self._lead = self._term = ""
        self._verbatim = self._rows = 0

    def walk(self, root: LexborNode) -> None:
        """Read everything below `root`."""
        node: LexborNode | None = root
        while node is not None:
            if self._enter(node):
                if (child := node.first_child) is not None:
                    self._above.append(node)
                    node = child
                    continue
                self._leave(node)
            while (following := node.next) is None and self._above:
                node = self._above.pop()
                self._leave(node)
            node = following
        self._end_block()

    def _enter(self, node: LexborNode) -> bool:
        """Begin an element; False where nothing in it is read."""
        if node.is_text_node:
            text = node.text_content or ""
            self._words.append(text if self._verbatim else _SPACE.sub(" ", text))
            return False
        tag = node.tag or ""
        if tag in _SILENT or self._is_skipped(node, tag):
            return False
        if tag == "br":
            self._words.append("\n")
        elif tag == "pre":
            self._end_block()
            self._verbatim += 1
        elif tag in _HEADINGS or tag in {"title", "dt"}:
            self._end_block()
        elif tag == "li":
            self._end_block()
            self._lead += "- "
        elif tag == "tr":
            self._end_block()
            self._rows += 1
        elif tag in _BLOCKS:
            self._part()
        return True

    def _leave(self, node: LexborNode) -> None:
        """End an element whose contents were read."""
        tag = node.tag or ""
        if tag == "pre" and self._verbatim:
            self._end_block()
            self._verbatim -= 1
        elif tag in _HEADINGS:
            self._heading(tag)
        elif tag == "title":
            self.title = self.title or self._take()
        elif tag == "dt":
            term = self._take()
            self._term = f"{self._term} {term}".strip()
            self._lead += f"{term}\n" if term else ""
        elif tag in {"li", "dl"}:
            self._end_block()
            self._end_lead()
        elif tag == "tr":
            self._rows = max(0, self._rows - 1)
            self._end_block(row=True)
        elif tag in {"td", "th"}:
            self._words.append(" | " if node.next is not None else "")
        elif tag in _BLOCKS:
            self._part()

    def _part(self) -> None:
        """Part what comes from what was: by a block, but inside code by a line, inside a table's row by a space."""
        if self._verbatim:
            self._words.append("\n" if self._words and not self._words[-1].endswith("\n") else "")
        elif self._rows:
            self._words.append(" ")
        else:
            self._end_block()

    def _is_skipped(self, node: LexborNode, tag: str) -> bool:
        attributes = node.attributes
        classes = (attributes.get("class") or "").split() if attributes else []
        if any((tag, name) in _INDEXES for name in classes):
            return True
        return not self._furniture and (
            tag in _FURNITURE_TAGS
            or not _FURNITURE_CLASSES.isdisjoint(classes)
            or attributes.get("role") == "navigation"
            or "hidden" in attributes
        )

    def _heading(self, tag: str) -> None:
        text = self._take()
        parent = self._above[-1].attributes if self._above else {}
        if not _ADMONITIONS.isdisjoint((parent.get("class") or "").split()):
            self._lead += f"{text}: "  # the label of a box, not the start of a section
        elif text:
            self._end_lead()
            self.blocks.append(Block("heading", text, _HEADINGS[tag]))

    def _take(self) -> str:
        words = "".join(self._words)
        self._words.clear()
        return " ".join(words.split())

    def _end_lead(self) -> None:
        """Give up a list mark that nothing followed, keep a term that nothing explained."""
        if self._term:
            self.blocks.append(Block("text", self._lead.strip(), term=self._term))
        self._lead = self._term = ""

    def _end_block(self, *, row: bool = False) -> None:
        words = "".join(self._words)
        self._words.clear()
        if self._verbatim:
            if code := words.rstrip().strip("\n"):
                self._end_lead()
                self.blocks.append(Block("code", code))
            return
        text = "\n".join(" ".join(line.split()) for line in words.split("\n")).strip()
        text = text.strip(" |") if row else text  # empty cells at either end
        if text:
            tight = (row or self._lead.startswith("- ")) and bool(self.blocks)
            self.blocks.append(Block("text", self._lead + text, tight=tight, term=self._term))
            self._lead = self._term = ""
