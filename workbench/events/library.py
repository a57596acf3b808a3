"""Events of the library log: what people say about runs, apart from the runs themselves."""

from __future__ import annotations

from typing import Literal

from workbench.events.base import Event


def tags_in(text: str) -> tuple[str, ...]:
    """Return the tags of a line that a person typed: separated by commas, each once, a `#` before one left out."""
    tags = (" ".join(part.strip().removeprefix("#").split()) for part in text.split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


class LibraryEvent(Event):
    """A fact about a run, not of it."""

    run: str


class RunNamed(LibraryEvent):
    """A person named a run."""

    kind: Literal["run_named"] = "run_named"
    name: str


class RunNoted(LibraryEvent):
    """A person wrote a note on a run; it replaces the one before."""

    kind: Literal["run_noted"] = "run_noted"
    note: str


class RunTagged(LibraryEvent):
    """The tags of a run were set."""

    kind: Literal["run_tagged"] = "run_tagged"
    tags: tuple[str, ...]


class RunMarked(LibraryEvent):
    """A run was marked, or unmarked."""

    kind: Literal["run_marked"] = "run_marked"
    marked: bool


class RunHidden(LibraryEvent):
    """A run was hidden (deleted, for a person), or shown again; forks of it stay sound."""

    kind: Literal["run_hidden"] = "run_hidden"
    hidden: bool


class RunRaced(LibraryEvent):
    """A fork was made as one of several of the same moment, to see which does best."""

    kind: Literal["run_raced"] = "run_raced"
    race: str
    """What all of them have in common: the first eight digits of the first one's id."""
    variant: str
    """What it tries; several runs may try the same."""
    checks: tuple[str, ...] = ()
    """Rules by which its answer is judged."""


class RunJudged(LibraryEvent):
    """The checks of a race were made of a run's answer; a later verdict replaces an earlier one."""

    kind: Literal["run_judged"] = "run_judged"
    passed: bool | None
    """None where a check could not be made."""
    why: str = ""
    judges: tuple[str, ...] = ()
    """Runs in which a model gave its opinion."""


class RunImported(LibraryEvent):
    """A run came from a session file; it is never driven, only forked."""

    kind: Literal["run_imported"] = "run_imported"
    source: str
    """Name of the file, without its folder."""
