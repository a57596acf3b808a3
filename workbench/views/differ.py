"""What differs between two texts, line by line and word by word, as lines for people.

Texts may be of any size: what is too much to compare is not compared, and a line says so. What comes out is inert.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, zip_longest
from typing import Final, Literal, NamedTuple

from workbench.debugger.matching import matching_places
from workbench.views.segments import Line, Segment, Style, blank, row
from workbench.views.text import ELLIPSIS, human_bytes, inert, wrap

MOST_CHARACTERS: Final = 200_000
"""Of each text, from its start, that are compared."""
MOST_LINES: Final = 1_000
"""Lines that are shown."""
MOST_WORDS: Final = 2_000
"""Of a pair of lines, words that are compared one by one."""
_CONTEXT: Final = 2
"""Lines around a difference that are shown though they are the same."""
_MOST_TOGETHER: Final = 200
"""Changed lines of one run that stand before those of the other."""
_WORD: Final = re.compile(r"\s+|\w+|[^\w\s]")

Pieces = tuple[Segment, ...]


class Pair(NamedTuple):
    """A line of either text and its counterpart; None where there is none."""

    kind: Literal["same", "changed", "gap"]
    a: Pieces | None
    b: Pieces | None


@dataclass(frozen=True, slots=True)
class TextDifference:
    """Two texts compared."""

    pairs: list[Pair] = field(default_factory=list)
    rest: str = ""
    """Says what was too much to compare; empty where nothing was."""


def compare_texts(a: str, b: str, context: int = _CONTEXT) -> TextDifference:
    """Return two texts line by line, with what is the same far from any difference left out."""
    beyond = max(len(a), len(b)) - MOST_CHARACTERS
    rest = f"{ELLIPSIS} the last {human_bytes(beyond)} are too much to compare" if beyond > 0 else ""
    left, right = (inert(text[:MOST_CHARACTERS]).split("\n") for text in (a, b))
    pairs = list(_pairs(left, right))
    return TextDifference(list(_near(pairs, context)), rest)


def _pairs(a: Sequence[str], b: Sequence[str]) -> Iterator[Pair]:
    a_from = b_from = 0
    for one, other in [*matching_places(a, b), (len(a), len(b))]:
        for left, right in zip_longest(a[a_from:one], b[b_from:other]):
            if left is not None and right is not None:
                yield Pair("changed", *_words(left, right))
            else:
                yield Pair("changed", _whole(left, "removed"), _whole(right, "added"))
        if one < len(a):
            same = (Segment(a[one]),)
            yield Pair("same", same, same)
        a_from, b_from = one + 1, other + 1


def _whole(line: str | None, style: Style) -> Pieces | None:
    return None if line is None else (Segment(line, style),)


def _words(a: str, b: str) -> tuple[Pieces, Pieces]:
    """Return two lines with the words that differ marked; all of them where hardly any is the same."""
    left, right = _WORD.findall(a), _WORD.findall(b)
    if max(len(left), len(right)) > MOST_WORDS:
        return (Segment(a, "removed"),), (Segment(b, "added"),)
    places = matching_places(left, right)
    same = sum(len(left[one]) for one, _ in places if not left[one].isspace())
    if 3 * same < min(len(a), len(b)):
        return (Segment(a, "removed"),), (Segment(b, "added"),)
    return (
        _marked(left, {one for one, _ in places}, "removed"),
        _marked(right, {other for _, other in places}, "added"),
    )


def _marked(words: Sequence[str], same: set[int], style: Style) -> Pieces:
    pieces: list[Segment] = []
    for place, word in enumerate(words):
        look: Style = "text" if place in same else style
        if pieces and pieces[-1].style == look:
            pieces[-1] = Segment(pieces[-1].text + word, look)
        else:
            pieces.append(Segment(word, look))
    return tuple(pieces)


def _near(pairs: Sequence[Pair], context: int) -> Iterator[Pair]:
    """Yield what lies near a difference, and a gap for the rest."""
    changed = [place for place, pair in enumerate(pairs) if pair.kind != "same"]
    kept = {near for place in changed for near in range(place - context, place + context + 1)}
    hidden = 0
    for place, pair in enumerate(pairs):
        if place in kept:
            if hidden:
                yield _gap(hidden)
            hidden = 0
            yield pair
        else:
            hidden += 1
    if hidden:
        yield _gap(hidden)


def _gap(count: int) -> Pair:
    words = (Segment(f"{ELLIPSIS} {count} {'lines' if count > 1 else 'line'} the same in both", "muted"),)
    return Pair("gap", words, words)


# Lines


def below_each_other(found: TextDifference, width: int) -> list[Line]:
    """Return the differences of a text as lines of `width` cells: `-` for what `a` has, `+` for what `b` has."""
    lines: list[Line] = []
    drawn = 0
    for block in _blocks(found.pairs):
        if len(lines) > MOST_LINES:
            break
        drawn += len(block)
        if block[0].kind != "changed":
            lines += [line for pair in block for line in _wrapped(pair.a or (), Segment("  "), width)]
            continue
        lines += [line for pair in block if pair.a is not None for line in _wrapped(pair.a, _REMOVED, width)]
        lines += [line for pair in block if pair.b is not None for line in _wrapped(pair.b, _ADDED, width)]
    return _ended(lines, found, drawn, width)


def side_by_side(found: TextDifference, width: int) -> list[Line]:
    """Return the differences as lines of `width` cells in two columns: `-` on the left, `+` on the right."""
    cell = (width - 3) // 2
    lines: list[Line] = []
    drawn = 0
    for pair in found.pairs:
        if len(lines) > MOST_LINES:
            break
        drawn += 1
        is_changed = pair.kind == "changed"
        left = _wrapped(pair.a, _REMOVED if is_changed else Segment("  "), cell) if pair.a is not None else []
        right = _wrapped(pair.b, _ADDED if is_changed else Segment("  "), cell) if pair.b is not None else []
        for one, other in zip_longest(left, right, fillvalue=blank(cell)):
            lines.append(row([*one, Segment(" │ ", "lane"), *other], width))
    return _ended(lines, found, drawn, width)


_REMOVED: Final = Segment("- ", "removed")
_ADDED: Final = Segment("+ ", "added")


def _blocks(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Yield changed lines that stand together as one, so that all of `a` comes before all of `b`."""
    block: list[Pair] = []
    for pair in pairs:
        if block and (pair.kind != "changed" or block[-1].kind != "changed" or len(block) == _MOST_TOGETHER):
            yield block
            block = []
        block.append(pair)
    if block:
        yield block


def _ended(lines: list[Line], found: TextDifference, drawn: int, width: int) -> list[Line]:
    """Return what is shown of the lines, and say how much is not."""
    if len(lines) > MOST_LINES:
        rest = f"{ELLIPSIS} {len(found.pairs) - drawn} lines of text more" if drawn < len(found.pairs) else ELLIPSIS
        lines = [*lines[:MOST_LINES], row([Segment(rest, "muted")], width)]
    return [*lines, row([Segment(found.rest, "muted")], width)] if found.rest else lines


def _wrapped(pieces: Pieces, sign: Segment, width: int) -> list[Line]:
    """Return pieces broken into lines of `width` cells, the sign before each."""
    text = "".join(piece.text for piece in pieces)
    starts = list(accumulate((len(piece.text) for piece in pieces), initial=0))
    lines: list[Line] = []
    at = 0
    for part in wrap(text, max(width - 2, 2)):
        start = text.index(part, at)
        at = start + len(part)
        lines.append(row([sign, *_cut(pieces, starts, start, at)], width))
    return lines


def _cut(pieces: Pieces, starts: Sequence[int], start: int, end: int) -> Iterator[Segment]:
    """Yield the pieces of a stretch; `starts` is where each begins."""
    for number in range(max(0, bisect_right(starts, start) - 1), len(pieces)):
        place, (text, style) = starts[number], pieces[number]
        if place >= end:
            return
        yield Segment(text[max(0, start - place) : end - place], style)
