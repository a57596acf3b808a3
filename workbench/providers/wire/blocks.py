"""Which API takes what that is no text; whatever it does not take goes as a line that says what was there."""

from __future__ import annotations

from typing import Final, NamedTuple

from workbench.events.content import DocumentBlock, ImageBlock
from workbench.events.media import IMAGES, PDF


class Taken(NamedTuple):
    """What an API is sent as it is."""

    images: frozenset[str] = frozenset()
    documents: frozenset[str] | None = frozenset()
    """None for documents of every kind."""


TAKES: Final[dict[str, Taken]] = {
    "anthropic": Taken(IMAGES, frozenset({PDF})),
    "bedrock": Taken(IMAGES, frozenset({PDF})),
    "openai": Taken(IMAGES, None),
    "openai-chat": Taken(IMAGES, frozenset({PDF})),
}
"""By provider; one that is not here takes nothing but text."""


def takes(provider: str, block: ImageBlock | DocumentBlock) -> bool:
    """Whether a provider is sent a block as it is."""
    taken = TAKES.get(provider, Taken())
    if isinstance(block, ImageBlock):
        return block.media_type in taken.images
    return taken.documents is None or block.media_type in taken.documents


def takes_less(new: str, old: str) -> bool:
    """Whether there is a kind of image or document that `old` is sent as it is, and `new` only as a line."""
    more, less = TAKES.get(old, Taken()), TAKES.get(new, Taken())
    fewer_images = not more.images <= less.images
    return fewer_images or (less.documents is not None and (more.documents is None or more.documents > less.documents))
