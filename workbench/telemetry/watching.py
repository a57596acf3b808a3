"""What a person asked for: a value, made before anything of it is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watching:
    """What is to be watched from outside."""

    metrics_port: int | None = None
    """Where metrics are served on loopback; None for nowhere."""
    otel: bool = False
    """Spans were asked for, wherever they go by default."""
