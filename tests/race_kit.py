"""Races under test: a run whose model looks three words up and answers with what it found; forks that hold still."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Self

from tests.harness import Rig, answer
from workbench.driver.commands import ForkEdits, OpenRace, RepeatRace, ResumeRace, StartRace, Variant
from workbench.events.content import plain_text
from workbench.events.request import Request, UserMessage
from workbench.providers.base import Provider
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.store import RunRow
from workbench.tools.declaring import tool


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"found {word}"


class Track:
    """A finished run to fork at `0.1`, and a gate before each answer of its forks.

    The answer says the model and what was found; the judge passes answers in which something was found for `b`.
    """

    def __init__(self, folder: Path, *, gated: bool = False) -> None:
        self.is_gated = False
        self._wants_gates = gated
        self.gates: list[asyncio.Event] = []
        """One for each model turn that waits, in the order in which they began."""
        models: dict[str, Provider] = {"other": ScriptedProvider(self._turn)}
        self.rig = Rig(folder, self._turn, [look], models=models)

    def _turn(self, request: Request) -> Turn:
        said = "\n".join(plain_text(m.content) for m in request.messages if isinstance(m, UserMessage))
        if said.startswith("Criterion:"):
            return Turn("PASS\nIt found b." if "found b," in said else "FAIL\nIt did not.")
        results = [
            plain_text(block.content)
            for message in request.messages
            if isinstance(message, UserMessage)
            for block in message.results
        ]
        if not results:
            return Turn("Looking.", [("look", {"word": word}) for word in "abc"])
        turn = answer(f"{request.model} {request.parameters.temperature}: {', '.join(results)}")
        if not self.is_gated:
            return turn
        self.gates.append(asyncio.Event())
        self.rig._changed.set()  # nothing else is published while it waits
        return Turn(turn.text, turn.calls, gate=self.gates[-1])

    def __enter__(self) -> Self:
        self.rig.__enter__()
        self.run = self.rig.start()
        self.rig.finish(self.run)
        self.is_gated = self._wants_gates
        return self

    def __exit__(self, *_: object) -> None:
        self.rig.driver.close()

    def ask(self, command: Any) -> Any:
        """Give a command and wait for its answer."""
        return self.rig.ask(command)

    def start(self, *variants: Variant, address: str | None = "0.1", **options: Any) -> tuple[str, tuple[str, ...]]:
        """Start a race of the variants, or of the run as it is; return its id and its runs."""
        given = variants or (Variant("as it is", ForkEdits(reruns=("0.1",))),)
        started = self.ask(StartRace(self.run, address, given, **options))
        return started.race, started.runs

    def repeat(self, race: str, **options: Any) -> tuple[str, ...]:
        """Run each variant again; return the new runs."""
        runs: tuple[str, ...] = self.ask(RepeatRace(race, **options)).runs
        return runs

    def go_on(self, race: str, **options: Any) -> tuple[str, ...]:
        """Resume a race; return what goes on."""
        runs: tuple[str, ...] = self.ask(ResumeRace(race, **options))
        return runs

    def rows(self, race: str) -> dict[str, RunRow]:
        """Return the rows of a race by run."""
        return {row.id: row for row in self.ask(OpenRace(race)).rows}

    def wait_for_gates(self, count: int) -> None:
        """Wait until so many turns wait for their gate."""
        self.rig.wait_for(lambda: len(self.gates) >= count)

    def open_gates(self, *numbers: int) -> None:
        """Let turns go on."""
        for number in numbers:
            self.rig.open_gate(self.gates[number])


def edited(name: str, result: str) -> Variant:
    """Return the variant in which the call at the place gave another result."""
    return Variant(name, ForkEdits(results={"0.1": result}))
