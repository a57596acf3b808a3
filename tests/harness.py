"""A driver with a scripted model and tools of the test's own, and a way to wait for what it does without sleeping."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workbench.agent.spec import AgentSpec
from workbench.clock import Clock, SystemClock
from workbench.driver.commands import AgentOptions, Command, OpenedRun, OpenRun, StartRun
from workbench.driver.driver import Driver
from workbench.driver.feed import Change
from workbench.driver.live import LiveRun
from workbench.driver.settings import DriverSettings
from workbench.errors import ModelNotFoundError
from workbench.events.agent import CorpusRecord
from workbench.events.base import Recorded
from workbench.providers.base import Provider
from workbench.providers.recorded import RecordedProvider
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.state.history import History
from workbench.state.run_state import RunState
from workbench.tools.base import Tool
from workbench.tools.control import spawn_subagent, submit_answer
from workbench.tools.library import Library, Notebook
from workbench.tools.mcp.server import McpServer
from workbench.tools.toolkit import Toolkit


class Remembering(dict[str, LiveRun]):
    """The live runs of a session; it remembers those that came to rest."""

    def __init__(self) -> None:
        self.all: dict[str, LiveRun] = {}

    def __setitem__(self, run: str, live: LiveRun) -> None:
        super().__setitem__(run, live)
        self.all[run] = live


WAIT = 20.0
"""Seconds after which a test gives up; never reached where the program works."""


def answer(text: str = "42", *sources: str) -> Turn:
    """Return the turn that submits `text`."""
    return Turn(calls=[("submit_answer", {"answer": text, "citations": [{"source": name} for name in sources]})])


class Rig(AbstractContextManager["Rig"]):
    """A driver on a temporary database. `models` maps model names to providers; `scripted` is the default one."""

    def __init__(
        self,
        folder: Path,
        script: Sequence[Turn] | Callable[[Any], Turn] = (),
        tools: Sequence[Tool] = (),
        *,
        plan: Turn | None = None,
        models: dict[str, Provider] | None = None,
        spec: AgentSpec | None = None,
        clock: Clock | None = None,
        follow_every: float = 0.02,
        mcp: Sequence[McpServer] = (),
    ) -> None:
        self.model = ScriptedProvider(script, plan=plan)
        self.models: dict[str, Provider] = {"scripted": self.model, **(models or {})}
        self.toolkit = toolkit = Toolkit([*tools, spawn_subagent, submit_answer])
        """A test may add groups before a run begins."""

        def make_agent(library: Library, notebook: Notebook, path: str | None) -> AgentSpec:
            corpus = CorpusRecord(path=path, title=library.title, fingerprint=library.fingerprint)
            return replace(spec or AgentSpec(plan="off"), toolkit=toolkit, model="scripted", corpus=corpus)

        def make_provider(name: str, pace: float) -> Provider:
            if name.startswith("recorded:"):
                return RecordedProvider(name.removeprefix("recorded:"), pace)
            if name not in self.models:
                raise ModelNotFoundError(f"there is no model {name!r}")
            return self.models[name]

        self.driver = Driver(
            DriverSettings(
                database=folder / "runs.db",
                cache=folder.parent / "cache",  # tests share the index of the embedded library
                clock=clock or SystemClock(),
                make_agent=make_agent,
                make_provider=make_provider,
                follow_every=follow_every,
                mcp=tuple(mcp),
                mcp_pins=folder / "mcp-servers.json",
            )
        )
        self.changes: list[Change] = []
        self._changed = threading.Event()
        self._subscription = self.driver.feed.subscribe(self._changed.set)

    def __enter__(self) -> Self:
        self.driver.start()
        assert self.driver._session is not None
        self.driver._session.live = self.lives = Remembering()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.driver.close()

    def ask(self, command: Command) -> Any:
        """Give a command and wait for its answer."""
        return self.driver.ask_blocking(command)

    def start(self, question: str = "What?", **options: Any) -> str:
        """Start a run."""
        return str(self.ask(StartRun(question, AgentOptions(**options))))

    def history(self, run: str) -> History:
        """Return a run's history as it is stored now, which is what the driver says of it."""
        opened: OpenedRun = self.ask(OpenRun(run))
        stored = self.driver.run_blocking(self.driver.store.read(opened.run, upto=opened.records[-1].seq))
        assert list(opened.records) == stored, "what was read of a log is not what is stored; a log only grows"
        return History(stored)

    def state(self, run: str) -> RunState:
        """Return a run's state as it is stored now."""
        return self.history(run).live

    def live_state(self, run: str) -> RunState:
        """Return the state that the driver itself folded, of a run that it drives or drove."""
        return self.lives.all[run].state

    def raw(self, run: str) -> list[tuple[int, float, str]]:
        """Return the run's own events, byte for byte."""
        return list(self.driver.run_blocking(self.driver.store.raw(run)))

    def shown(self, run: str) -> list[Recorded]:
        """Return what came through the feed of a run, once its last stored event did: that is shown after."""
        last = self.state(run).seq
        self.wait_for(lambda: any(record.run == run and record.seq >= last for record in self.seen()))
        return [record for record in self.seen() if record.run == run]

    def wait(self, run: str, until: Callable[[RunState], bool]) -> RunState:
        """Return the first stored state for which `until` holds; fails after `WAIT` seconds."""
        found: list[RunState] = []

        def holds() -> bool:
            found[:] = [self.state(run)]
            return until(found[0])

        self.wait_for(holds)
        return found[0]

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Look whenever something changed, until `holds`; fails after `WAIT` seconds."""
        deadline = threading.Timer(WAIT, self._changed.set)
        deadline.daemon = True
        deadline.start()
        try:
            while True:
                self._changed.clear()
                if holds():
                    return
                self._changed.wait(WAIT)
                assert deadline.is_alive(), f"not so after {WAIT} s"
        finally:
            deadline.cancel()

    def finish(self, run: str) -> RunState:
        """Return the state in which the run came to its end."""
        return self.wait(run, lambda state: state.end is not None)

    def kinds(self, run: str) -> list[str]:
        """Return the kinds of the run's lineage, in order."""
        return [record.event.kind for record in self.history(run).records]

    def seen(self) -> list[Recorded]:
        """Return every record that came through the feed so far."""
        self.changes.extend(self._subscription.drain())
        return [change for change in self.changes if isinstance(change, Recorded)]

    def open_gate(self, gate: Any) -> None:
        """Set an `asyncio.Event` that lives on the driver's loop."""

        async def opened() -> None:
            gate.set()

        self.driver.run_blocking(opened())
