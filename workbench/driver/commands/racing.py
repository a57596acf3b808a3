"""Races: several forks of one moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.driver.commands.forking import ForkEdits
from workbench.store.model import RunRow


@dataclass(frozen=True, slots=True)
class Variant:
    """What one side of a race does differently."""

    name: str
    edits: ForkEdits = field(default_factory=ForkEdits)


@dataclass(frozen=True, slots=True)
class StartRace:
    """Fork one moment in several ways, each `repeat` times, and drive the forks; answers with a `StartedRace`.

    All are written before any is driven, or none is. `checks` are rules by which answers are judged (see
    `debugger.checks`).
    """

    run: str
    address: str | None
    variants: tuple[Variant, ...]
    repeat: int = 1
    at_once: int = 4
    checks: tuple[str, ...] = ()
    drive: bool = True
    held: bool = False
    """Those that are to be driven wait for `ResumeRace`, so that a person can be told something before it."""


@dataclass(frozen=True, slots=True)
class StartedRace:
    """A race and the runs that were added to it."""

    race: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepeatRace:
    """Let every variant of a race run `repeat` more times, from the same moment; answers with a `StartedRace`.

    `checks` are given again where they call Python, as for `ResumeRace`.
    """

    race: str
    repeat: int = 1
    at_once: int = 4
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenRace:
    """Read a race by its id or by one of its runs; answers with an `OpenedRace`."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenedRace:
    """The runs of a race, oldest first, hidden ones too."""

    race: str
    rows: tuple[RunRow, ...]


@dataclass(frozen=True, slots=True)
class ResumeRace:
    """Drive those of a race that have not begun or were stopped, and judge what is over. Answers with their ids.

    `checks` are given again where they call Python: what a database alone names is not called.
    """

    race: str
    at_once: int = 4
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AwaitRace:
    """Answers with None when nothing of a race that this driver drives moves, waits for its turn or is judged."""

    race: str


@dataclass(frozen=True, slots=True)
class StopRacers:
    """Pause these runs of a race, and take those that wait for their turn out of the line. Answers with None."""

    runs: tuple[str, ...]
