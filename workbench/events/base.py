"""What every event is, and the envelope in which the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A value that never changes after it was made; unknown fields in stored ones are ignored here, kept in the log."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", ser_json_inf_nan="null", ser_json_bytes="base64", val_json_bytes="base64"
    )


class Event(Frozen):
    """A fact about a run. Subclasses name their `kind`; `v` is the version of that kind's fields."""

    kind: str
    v: int = Field(default=1, ge=1, le=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in a log."""

    run: str
    """The run whose own log holds the event (an inherited event names the ancestor)."""
    seq: int
    """Position in the lineage, from 0, without gaps."""
    at: float
    """Unix seconds: the driver's wall time at its start plus monotonic time since."""
    event: Event
