"""Cuts a document into passages that a model reads whole: at headings and paragraphs, never inside a word.

A section too long for one passage becomes several, sections too short for one share it. Pure: text in, text out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.tools.blocks import Block

SHORTEST = 600
"""Characters below which a passage joins its neighbour, if both fit."""
SCRAP = 200
"""Characters below which a passage is too little to stand alone, whatever comes next."""
FULL = 1_000
"""Characters from which a passage takes no further paragraph."""
LONGEST = 1_500
"""Characters that no passage exceeds."""
LONGEST_HEADING = 200
"""Characters beyond which a heading is taken for text that was marked up wrongly."""

TRAIL = " › "

# Where a text that is too long may be cut, the best place first.
_PROSE = (("\n\n",), (". ", "! ", "? ", ".\n", "。", "！", "？"), ("\n",), (" ", "\t", "\u00a0", "\u3000", "，", "、"))
_LINES = (("\n\n",), ("\n",), (" ", "\t"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage that has no name yet."""

    trail: tuple[str, ...]
    """The headings above all of it, outermost first, without the document's title."""
    text: str
    """What is read."""
    headings: tuple[str, ...]
    """Every heading above or in it, and what it explains, for the index."""
    whole: bool = False
    """It is all of its section."""

    def title(self, document: str) -> str:
        """Return the document's title and the trail, as one line."""
        return TRAIL.join((document, *self.trail))


def split(title: str, blocks: Sequence[Block]) -> list[Piece]:
    """Cut the blocks of the document called `title` into pieces; none where there is no text."""
    pieces: list[Piece] = []
    for trail, section in _sections(title, blocks):
        parts = list(_fill(section))
        pieces += (Piece(trail, text, (*trail, *terms), whole=len(parts) == 1) for text, terms in parts)
    if not pieces:  # an outline: headings are all there is to find
        outline = "\n".join(block.text for block in blocks if block.text)
        pieces = [Piece((), text, ()) for text in _cut(outline, _LINES)]
    return _join_short(pieces)


def _sections(title: str, blocks: Sequence[Block]) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """Group the blocks under their trails of headings; the title itself is not repeated in a trail."""
    above: list[tuple[int, str]] = []
    section: list[Block] = []
    for block in blocks:
        if block.kind != "heading" or len(block.text) > LONGEST_HEADING:
            section.append(block)
            continue
        if section:
            yield tuple(heading for _, heading in above), section
            section = []
        while above and above[-1][0] >= block.level:
            above.pop()
        if block.text and block.text.casefold() != title.casefold():
            above.append((block.level, block.text))
    if section:
        yield tuple(heading for _, heading in above), section


def _fill(section: Sequence[Block]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Put the blocks of one section together until a passage is full; with each, the terms it explains."""
    text, terms = "", list[str]()
    for block in section:
        gap = "\n" if block.tight else "\n\n"
        introduced = block.tight or (block.kind == "code" and text.endswith(":"))
        for part in _cut(block.text, _LINES if block.kind == "code" else _PROSE):
            room = LONGEST if introduced else FULL
            if text and (len(text) >= room or len(text) + len(gap) + len(part) > LONGEST):
                yield text, tuple(terms)
                text, terms = part, []
            else:
                text = f"{text}{gap}{part}" if text else part
        if 0 < len(block.term) <= LONGEST_HEADING:
            terms.append(block.term)
    if text:
        yield text, tuple(terms)


def _cut(text: str, places: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Cut a text that is too long, at the best of `places`; a word alone longer than a passage is cut anywhere."""
    start = 0
    while len(text) - start > LONGEST:
        end = _best_place(text, start, places)
        yield from _part(text[start:end])
        start = end
    yield from _part(text[start:])


def _part(text: str) -> Iterator[str]:
    # The first line keeps its indentation: in code it means something.
    if stripped := text.rstrip().lstrip("\n"):
        yield stripped if "\n" in stripped else stripped.lstrip()


def _best_place(text: str, start: int, places: Sequence[tuple[str, ...]]) -> int:
    end = start + LONGEST
    for earliest in (start + SHORTEST, start + 1):
        for marks in places:
            found = max((text.rfind(mark, earliest, end) + len(mark), mark) for mark in marks)
            if found[0] >= earliest + len(found[1]):
                return found[0]
    return end


def _join_short(pieces: Sequence[Piece]) -> list[Piece]:
    """Let short neighbours share a passage, in order.

    The beginning of a long section stays under its own headings, unless what comes before is too little to stand alone.
    """
    joined: list[Piece] = []
    for piece in pieces:
        before = len(joined[-1].text) if joined else LONGEST
        fits = before < (SHORTEST if piece.whole else SCRAP)
        if fits and (both := _join(joined[-1], piece)):
            joined[-1] = both
        else:
            joined.append(piece)
    if len(joined) > 1 and len(joined[-1].text) < SCRAP and (both := _join(joined[-2], joined[-1])):
        joined[-2:] = [both]
    return joined


def _join(one: Piece, other: Piece) -> Piece | None:
    """Return both under the headings they share, with those they do not share in the text; None where too long."""
    shared = 0
    for left, right in zip(one.trail, other.trail, strict=False):
        if left != right:
            break
        shared += 1
    parts = (*one.trail[shared:], one.text, *other.trail[shared:], other.text)
    text = "\n\n".join(parts)
    if len(text) > LONGEST:
        return None
    headings = tuple(dict.fromkeys((*one.headings, *other.headings)))
    return Piece(one.trail[:shared], text, headings, whole=one.whole and other.whole)
