"""Forks, and what they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from workbench.driver.commands.agents import AgentOptions
from workbench.events.content import Content
from workbench.events.plan import PlanStep


@dataclass(frozen=True, slots=True)
class ForkEdits:
    """What a fork changes; several may be given together where the place allows it."""

    results: Mapping[str, str] = field(default_factory=dict)
    """Call id to the text of its new result."""
    inputs: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    """Call id to its new input; that call alone runs again."""
    reruns: tuple[str, ...] = ()
    """Calls that run again as they were."""
    text: str | None = None
    """New text of the turn at the place."""
    plan: Sequence[PlanStep] | None = None
    skip_plan: bool = False
    model: str | None = None
    parameters: Mapping[str, JsonValue] | None = None
    """Fields of `ModelParameters` that change; the others stay."""
    instructions: str | None = None
    say: str | None = None
    attached: Content = ()
    """Files that are given with what is said."""
    options: AgentOptions = field(default_factory=AgentOptions)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return self == ForkEdits()


@dataclass(frozen=True, slots=True)
class ForkRun:
    """Make a fork at a place: `plan`, `S`, `S.turn`, `S.C`, `end`, or `seq:N` for the playhead. Answers with its id."""

    run: str
    address: str | None = None
    """None: implied by the calls in `edits`, else `end`."""
    edits: ForkEdits = field(default_factory=ForkEdits)
    drive: bool = True


@dataclass(frozen=True, slots=True)
class PreviewFork:
    """Answers with a `ForkPreview` (see `debugger`): what would be kept, run again, and cannot be undone."""

    run: str
    address: str | None = None
    edits: ForkEdits = field(default_factory=ForkEdits)
    drive: bool = False
    """Refuse what `ForkRun` would refuse because the fork could not go on."""
