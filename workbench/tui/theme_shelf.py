"""The themes that can be chosen, and what became of their files since they were last looked at.

Whoever edits a theme sees it change. A file with a mistake changes nothing: the last version that could be read
stays, and the mistake is told once. Nothing here knows what is on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.theme import Theme

from workbench.errors import ThemeError
from workbench.tui.themes import load_themes

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the files again brought."""

    themes: tuple[Theme, ...] = ()
    """Those that are new or look different."""
    failures: tuple[ThemeError, ...] = ()
    """Mistakes that were not told before."""


class ThemeShelf:
    """The themes of some folders, the user's own last."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._themes: dict[str, Theme] = {}
        self._told: frozenset[str] = frozenset()
        self._stamp: _Stamp | None = None

    @property
    def names(self) -> list[str]:
        """The names of all themes, in order."""
        return sorted(self._themes)

    def read(self) -> Reading:
        """Read the files where any of them changed since the last time, and say what is different."""
        stamp = self._look()
        if stamp == self._stamp:
            return Reading()
        self._stamp = stamp
        loaded, failures = load_themes(self._folders)
        broken = {failure.path.stem for failure in failures}
        fresh = {theme.name: theme for theme in loaded if theme.name not in broken or theme.name not in self._themes}
        different = tuple(theme for theme in fresh.values() if theme != self._themes.get(theme.name))
        self._themes = {name: theme for name, theme in self._themes.items() if name in broken} | fresh
        told, self._told = self._told, frozenset(map(str, failures))
        return Reading(different, tuple(failure for failure in failures if str(failure) not in told))

    def _look(self) -> _Stamp:
        """Return what tells one version of the files from another."""
        stamps: list[tuple[str, int, int]] = []
        for folder in self._folders:
            for path in sorted(folder.glob("*.toml")):
                try:
                    facts = path.stat()
                except OSError:
                    stamps.append((str(path), 0, 0))
                else:
                    stamps.append((str(path), facts.st_mtime_ns, facts.st_size))
        return tuple(stamps)
