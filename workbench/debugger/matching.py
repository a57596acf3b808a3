"""What two sequences have in common, in time that does not explode: thousands of steps may all say the same.

The ends that agree are taken first, then what occurs exactly once on each side, as people do it. Only short stretches
between those are compared item by item. Knows nothing of runs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

PATIENCE: Final = 10_000
"""The largest stretch, as the product of its two lengths, that is compared item by item."""


def matching_places(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return pairs of places at which `a` and `b` have the same, rising on both sides."""
    found: list[tuple[int, int]] = []
    waiting = [(0, len(a), 0, len(b))]
    while waiting:
        a_from, a_to, b_from, b_to = waiting.pop()
        while a_from < a_to and b_from < b_to and a[a_from] == b[b_from]:
            found.append((a_from, b_from))
            a_from, b_from = a_from + 1, b_from + 1
        while a_from < a_to and b_from < b_to and a[a_to - 1] == b[b_to - 1]:
            a_to, b_to = a_to - 1, b_to - 1
            found.append((a_to, b_to))
        if a_from == a_to or b_from == b_to:
            continue
        anchors = _anchors(a, b, range(a_from, a_to), range(b_from, b_to))
        if anchors:
            found += anchors
            edges = [(a_from - 1, b_from - 1), *anchors, (a_to, b_to)]
            waiting += [(one[0] + 1, two[0], one[1] + 1, two[1]) for one, two in pairwise(edges)]
        elif (a_to - a_from) * (b_to - b_from) <= PATIENCE:
            matcher = SequenceMatcher(None, a[a_from:a_to], b[b_from:b_to], autojunk=False)
            for one, other, count in matcher.get_matching_blocks():
                found += [(a_from + one + step, b_from + other + step) for step in range(count)]
    return sorted(found)


def _anchors(a: Sequence[Hashable], b: Sequence[Hashable], in_a: range, in_b: range) -> list[tuple[int, int]]:
    """Return the longest rising chain of places of items that occur once on each side."""
    counts_a, counts_b = Counter(a[place] for place in in_a), Counter(b[place] for place in in_b)
    places = {b[place]: place for place in in_b if counts_b[b[place]] == 1}
    pairs = [(place, places[a[place]]) for place in in_a if counts_a[a[place]] == 1 and a[place] in places]
    ends: list[int] = []  # the smallest end of a chain of each length
    chain: list[int] = []  # the pair that is that end
    before: list[int | None] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(chain[length - 1] if length else None)
        if length == len(ends):
            ends.append(place)
            chain.append(number)
        else:
            ends[length], chain[length] = place, number
    rising: list[tuple[int, int]] = []
    at = chain[-1] if chain else None
    while at is not None:
        rising.append(pairs[at])
        at = before[at]
    return rising[::-1]
