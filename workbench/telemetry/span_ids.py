"""Ids of traces and spans, which follow from ids of runs: so every process gives the same ones.

A run and its subagents are one trace, also when another process goes on with it. A span is a digest of the run and of
the event that it begins with.
"""

from __future__ import annotations

from hashlib import sha256


def trace_id(root: str) -> int:
    """Return the trace of a root run: 128 bits, never 0."""
    return _digest(f"trace {root}", 16)


def run_span(run: str) -> int:
    """Return the span in which a run began."""
    return _digest(f"run {run}", 8)


def event_span(run: str, seq: int) -> int:
    """Return the span that begins with an event: a turn, a call, or the part of a run that goes on from there."""
    return _digest(f"event {run} {seq}", 8)


def _digest(text: str, size: int) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:size], "big") or 1
