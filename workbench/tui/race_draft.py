"""What a person is about to race: the place, the variants, how often each runs, and by what they are judged.

A variant is what a fork is: texts before and after. It knows the run and no widget.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from workbench.debugger.checks import parse_check
from workbench.debugger.fork import ForkPreview
from workbench.driver.commands import ForkEdits, StartRace, Variant
from workbench.errors import UserError
from workbench.state.run_state import RunState
from workbench.tui.fork_draft import ForkDraft
from workbench.views.race import variant_name
from workbench.views.text import counted, human_cost, human_tokens

REPEAT: Final = "3"
AT_ONCE: Final = "4"


@dataclass(slots=True)
class RaceDraft:
    """A race that is being made ready."""

    state: RunState
    address: str
    variants: list[ForkDraft] = field(default_factory=list)
    repeat: str = REPEAT
    at_once: str = AT_ONCE
    check: str = ""

    def __post_init__(self) -> None:
        """Begin with the run as it is."""
        if not self.variants:
            self.add()

    def add(self) -> ForkDraft:
        """Add a variant that changes nothing yet."""
        result = self.variants[0].result if self.variants else ""
        made = ForkDraft(self.state, self.address, result)
        self.variants.append(made)
        return made

    def move_to(self, address: str, result: str) -> None:
        """Race another place; what was changed of the place before is dropped."""
        self.address = address
        for variant in self.variants:
            variant.address, variant.result = address, result
            for kind in ("result", "input", "text"):
                variant.texts.pop(kind, None)

    def names(self) -> list[str]:
        """Return the names of the variants, each one its own."""
        names: list[str] = []
        for variant in self.variants:
            name = "…" if variant.problem() else variant_name(variant.edits())
            same = sum(other == name or other.startswith(f"{name} (") for other in names)
            names.append(f"{name} ({same + 1})" if same else name)
        return names

    def problem(self) -> str:
        """Return why this is no race, as a sentence; empty where it is one."""
        for variant in self.variants:
            if why := variant.problem():
                return why
        for value, what in ((self.repeat, "how often each runs"), (self.at_once, "how many run at once")):
            if not (value.isascii() and value.isdecimal() and int(value[:6]) > 0):
                return f"{value!r} does not say {what}: write a whole number above 0."
        try:
            if self.check:
                parse_check(self.check)
        except UserError as error:
            return f"{error}."
        return ""

    def edits(self, number: int) -> ForkEdits:
        """Return the edits of a variant; only where there is no `problem`."""
        return self.variants[number].edits()

    def command(self) -> StartRace:
        """Return the race; only where there is no `problem`."""
        variants = zip(self.names(), self.variants, strict=True)
        return StartRace(
            self.state.run,
            self.address,
            tuple(Variant(name, variant.edits()) for name, variant in variants),
            int(self.repeat),
            int(self.at_once),
            (self.check,) if self.check else (),
        )

    def cost_words(self, preview: ForkPreview) -> str:
        """Return about what all runs cost together."""
        count = len(self.variants) * int(self.repeat)
        runs = f"{counted(count, 'run')}, {min(int(self.at_once), count)} at a time"
        cost = preview.cost
        if cost.with_cache == cost.without_cache == 0:
            return f"{runs}; this model costs nothing"
        sends = f"{runs}; at least {human_tokens(count * cost.prefix_tokens)} tokens are sent"
        if cost.with_cache is None or cost.rest is None:
            return f"{sends}; their price is unknown"
        return f"{sends}; about {human_cost(count * (cost.with_cache + cost.rest))}, if each goes on like the parent"
