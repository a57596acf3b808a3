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


def allows_below(pattern: str, folder: str) -> bool:
    """Whether the pattern surely means everything below a folder; the whole root is one, too."""
    place, wanted = normal(folder), _plain(pattern)
    return place is not None and wanted.endswith("*") and fits(wanted, f"{place}/" if place else "")


def restricts_below(pattern: str, folder: str) -> bool:
    """Whether the pattern could mean anything below a folder."""
    place = normal(folder)
    if not place:
        return True
    inside, wanted = loosely(f"{place}/"), loosely(_plain(pattern))
    head, star, _ = wanted.partition("*")
    return head.startswith(inside) or (bool(star) and inside.startswith(head)) or fits(wanted, loosely(place))


def _plain(pattern: str) -> str:
    return pattern.removeprefix("./")
