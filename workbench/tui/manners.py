"""What a person set about the screen itself: how it behaves, whatever runs are on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.config.settings import Notify


@dataclass(frozen=True, slots=True)
class Manners:
    """How the screen behaves; what nobody set is here."""

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys of the person's own by action, checked by `keymap.check_keys`."""
    notify: Notify = "both"
    """How the person is told that a run needs them while they look elsewhere."""
    moves: bool = True
    """Whether anything moves by itself."""
    settings_file: Path | None = None
    """Where a choice is written that shall last; None where there is no such place."""
    pictures: Path | None = None
    """Folder for pictures of the screen; None for the working directory."""
