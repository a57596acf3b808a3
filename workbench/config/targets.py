"""How fast things should be: the one place of these figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Targets:
    """In seconds; each is for the 95th percentile."""

    call: float = 0.05
    """From a call's start to its result."""
    aggregation: float = 0.02
    """From the last result of a step to the next request."""
    whole: float = 0.1
    """From a turn's calls to their aggregated results on their way to the model."""
    alarm: float = 0.08
    """Of the whole: above it the alarm is raised."""


DEFAULTS = Targets()
