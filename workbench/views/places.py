"""Where things stand in a timeline, in cells and lines, and what stands nearest. Pure."""

from __future__ import annotations

from typing import NamedTuple

from workbench.views.outline import BlockKey
from workbench.views.parts import GUTTER, Target
from workbench.views.selection import Selection


class Place(NamedTuple):
    """The cells of a thing, from the top left of the whole timeline."""

    x: int
    y: int
    width: int
    height: int


class Anchor(NamedTuple):
    """A line, named by what it belongs to, so that it is found again when heights have changed."""

    key: BlockKey
    offset: int


class Bookmark(NamedTuple):
    """What is in view of a timeline, to come back to."""

    selection: Selection
    top: Anchor | None
    is_following: bool


class Row(NamedTuple):
    """Things beside each other."""

    y: int
    height: int
    targets: tuple[Target, ...]


def nearest_in(row: Row, place: Place) -> Selection:
    """Return what stands in a row nearest below or above another place."""
    middle = place.x - GUTTER + min(place.width, 24) // 2
    return min(row.targets, key=lambda target: max(target.x - middle, middle - target.x - target.width, 0)).selection
