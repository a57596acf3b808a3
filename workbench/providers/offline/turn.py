"""A turn of `offline`, before it is streamed."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from workbench.providers.offline.voice import Voice

Wish = tuple[str, dict[str, JsonValue]]
"""A tool and its input."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What to say and which calls to ask for."""

    thinking: str = ""
    text: str = ""
    calls: tuple[Wish, ...] = ()

    def beside(self, other: Turn, voice: Voice) -> Turn:
        """Return one turn that asks for what both ask for."""
        thinking, text = f"{self.thinking}{voice.gap}{other.thinking}", f"{self.text}{voice.gap}{other.text}"
        return Turn(thinking.strip(), text.strip(), (*self.calls, *other.calls))
