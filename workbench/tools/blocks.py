"""What every document is read into before it is cut into passages: a title and a row of blocks.

The readers in `formats` make blocks, `passages` uses them up. Nothing here knows files or SQLite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, or lines that belong together."""

    kind: Literal["heading", "text", "code"]
    """`code` is kept whole where it fits and otherwise cut between lines."""
    text: str
    """Plain text, without markup."""
    level: int = 0
    """Of a heading: 1 is the highest."""
    tight: bool = False
    """One line break, not two, parts it from the block before: list items, rows of a table."""
    term: str = ""
    """What the block explains, as in a list of settings; it is searched like a heading."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as its reader understood it."""

    title: str
    """What the document calls itself; empty where it does not say."""
    blocks: Sequence[Block]
    """Everything else, in order."""


class UnreadableError(ValueError):
    """A file that is not what its name says, or that is made to waste time; it is left out and counted."""
