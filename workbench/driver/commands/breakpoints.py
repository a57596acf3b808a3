"""The person's list of breakpoints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakpointSetting:
    """One breakpoint of a person's list."""

    rule: str
    """As `debugger.breakpoints` reads it, such as `tool:fetch_doc`."""
    is_enabled: bool = True
    trouble: str = ""
    """Why it stops nothing though it is switched on; only in answers."""


@dataclass(frozen=True, slots=True)
class ListBreakpoints:
    """Answers with a tuple of `BreakpointSetting`."""


@dataclass(frozen=True, slots=True)
class SetBreakpoints:
    """Replace the list of breakpoints; it is in force at once for all runs of this driver. Answers with the new one.

    A rule may come back in other words, such as a baseline by its whole id.
    """

    settings: tuple[BreakpointSetting, ...]


@dataclass(frozen=True, slots=True)
class AddBreakpoints:
    """Add breakpoints to the list, switched on. Answers with the new list."""

    rules: tuple[str, ...]
