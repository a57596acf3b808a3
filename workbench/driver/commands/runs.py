"""Whole runs: starting, listing, pausing, going on, saying something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from workbench.agent.spec import AgentSpec
from workbench.driver.commands.agents import AgentOptions
from workbench.events.content import Content
from workbench.events.library import LibraryEvent


@dataclass(frozen=True, slots=True)
class StartRun:
    """Start a run on `task`; answers with its id."""

    task: str
    options: AgentOptions = field(default_factory=AgentOptions)
    drive: bool = True
    """Move it forward at once."""
    attached: Content = ()
    """Files that are given with it."""
    make_agent: Callable[..., AgentSpec] | None = None
    """An agent that stands in no file; None for the one that the driver was given."""
    run: str = ""
    """The id of the run, where one was given out already (`Session.new_id`)."""


@dataclass(frozen=True, slots=True)
class ListRuns:
    """Answers with a list of `RunRow` (see `store`), newest first."""

    hidden: bool = False
    limit: int | None = None
    """Only the newest so many, with those that are driven now and what any of these come from; None: all."""
    also: tuple[str, ...] = ()
    """Runs that are listed beside them."""


@dataclass(frozen=True, slots=True)
class ResumeRun:
    """Move a run forward from where it is; larger limits may be given. Answers with its id."""

    run: str
    options: AgentOptions = field(default_factory=AgentOptions)
    only_step: bool = False
    """It stops again before the turn that follows the next step."""


@dataclass(frozen=True, slots=True)
class PauseRun:
    """Stop a run. Answers with None.

    `now` stops the stream and the read-only calls and lets effectful calls finish; asked again, it stops those too.
    `step` stops before the next turn.
    """

    run: str
    when: Literal["now", "step"] = "now"


@dataclass(frozen=True, slots=True)
class SkipWait:
    """Ask the model again at once, where a run waits before another attempt. Answers with None."""

    run: str


@dataclass(frozen=True, slots=True)
class Say:
    """Add a message. Answers with the run that got it: a completed run goes on as a fork of itself."""

    run: str
    text: str
    attached: Content = ()
    """Files that are given with it."""


@dataclass(frozen=True, slots=True)
class Label:
    """Write an event of the library log: a name, a note, tags, a mark, hiding. Answers with None."""

    event: LibraryEvent


@dataclass(frozen=True, slots=True)
class CancelWork:
    """Give up long work by the name that its `Progress` has; what is over already is over. Answers with None."""

    work: str
