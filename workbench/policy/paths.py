"""Paths inside of a root: compared as the file they end at, with slashes."""

from __future__ import annotations

from typing import Final

from workbench.policy.wildcards import fits, loosely

_WINDOWS: Final = ("\\", ":")


def normal(path: str) -> str | None:
    """Return a path below the root without `.` and `..`; None where it leads elsewhere, or may be read in two ways.

    A home folder, a drive, a backslash, signs that cannot be seen: which file that is depends on who reads it.
    """
    if path.startswith(("/", "~")) or any(sign in path for sign in _WINDOWS) or not path.isprintable():
        return None
    kept: list[str] = []
    for part in path.strip().split("/"):
        if part == ".." and not kept:
            return None
        if part == "..":
            kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    return "/".join(kept)


def allows(pattern: str, path: str) -> bool:
    """Whether the path surely ends where the pattern says."""
    place = normal(path)
    return place is not None and fits(_plain(pattern), place)


def restricts(pattern: str, path: str) -> bool:
    """Whether the path could end there; one that nobody can be sure of could end anywhere."""
    place = normal(path)
    return place is None or fits(loosely(_plain(pattern)), loosely(place))


def _plain(pattern: str) -> str:
    return pattern.removeprefix("./")
