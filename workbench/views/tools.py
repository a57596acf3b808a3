"""Tools as people read of them: which groups were switched, and what a model is told of each tool."""

from __future__ import annotations

from collections.abc import Mapping


def switched_words(groups: Mapping[str, bool]) -> str:
    """Return which groups of tools were switched on and off: `on: web, off: shop, files`."""
    ways = (("on", True), ("off", False))
    parts = [(way, [name for name, on in groups.items() if on is wanted]) for way, wanted in ways]
    return ", ".join(f"{way}: {', '.join(names)}" for way, names in parts if names)
