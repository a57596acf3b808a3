"""The command line in process: a database of the test's own, and what was printed."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from workbench.__main__ import main
from workbench.agent.spec import AgentSpec
from workbench.cli.headless import Headless
from workbench.cli.workplace import Workplace
from workbench.driver.settings import DriverSettings
from workbench.events.request import AssistantMessage, Request
from workbench.providers.base import Provider
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.tools.base import Tool
from workbench.tools.control import spawn_subagent, submit_answer
from workbench.tools.library import Library, Notebook
from workbench.tools.toolkit import Toolkit

QUESTION = "How do context managers interact with exceptions and generators?"


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stands on stdout as one JSON value."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What stands on stdout as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """Types commands at one database."""

    def __init__(self, database: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.database = database
        self._capsys = capsys

    def __call__(self, *words: str) -> Printed:
        """Type `workbench --db DATABASE WORDS` and return what came."""
        self._capsys.readouterr()
        code = main(["--db", str(self.database), *words])
        printed = self._capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    def said(self) -> str:
        """Return what a command that goes on has written to stderr, which is then not in its `Printed`."""
        return self._capsys.readouterr().err

    def last(self) -> str:
        """Return the id of the run that `@last` means."""
        return str(self("show", "@last", "--json").json["id"])

    def log(self, run: str) -> list[dict[str, Any]]:
        """Return a run's events, without the pieces of turns: how many these are is a matter of the machine."""
        records = self("export", run).events
        return [one for one in records if one.get("event", {}).get("kind") not in (None, "turn_text")]

    def runs(self) -> list[dict[str, Any]]:
        """Return the list of all runs."""
        listed = self("runs", "--json", "--all").json
        assert isinstance(listed, list)
        return listed

    def refused(self, *words: str) -> str:
        """Type a command that must be refused: one sentence, exit 2, no traceback, nothing on stdout or in the log."""
        before = content(self.database)
        printed = self(*words)
        assert printed.code == 2, printed
        assert printed.out == ""
        assert printed.err.startswith("workbench: ")
        assert printed.err.count("\n") == 1
        assert content(self.database) == before
        return printed.err.removeprefix("workbench: ").strip()


def content(database: Path) -> list[tuple[str, int]] | bytes:
    """Return what the log holds, to see that nothing was written; the bytes of a file that is no database."""
    import sqlite3
    from contextlib import closing

    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT run, seq FROM events ORDER BY id").fetchall()
    except sqlite3.Error:
        return database.read_bytes() if database.is_file() else []


def by_step(turns: Sequence[Turn]) -> Callable[[Request], Turn]:
    """Return a script that says the turn that fits the conversation's length, so that a resumed run goes on in it."""

    def turn(request: Request) -> Turn:
        return turns[sum(isinstance(message, AssistantMessage) for message in request.messages)]

    return turn


def use_script(
    monkeypatch: pytest.MonkeyPatch,
    script: Callable[[Request], Turn],
    tools: Sequence[Tool] = (),
    *,
    plan: Turn | None = None,
) -> Toolkit:
    """Let every driver that a command starts work with a scripted model and these tools; return them all."""
    toolkit = Toolkit([*tools, spawn_subagent, submit_answer])
    model = ScriptedProvider(script, plan=plan)

    def make_agent(library: Library, notebook: Notebook, path: str | None) -> AgentSpec:
        return replace(AgentSpec(), toolkit=toolkit, model="scripted")

    def make_provider(name: str, pace: float) -> Provider:
        return model

    def settings(place: Workplace) -> DriverSettings:
        return DriverSettings(
            database=place.database, cache=place.places.cache, make_agent=make_agent, make_provider=make_provider
        )

    monkeypatch.setattr(Workplace, "driver_settings", settings)
    return toolkit


def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a way for a tool to press Ctrl-C, which returns when the command has noticed."""
    noticed = threading.Semaphore(0)
    press = Headless._press

    def pressed(headless: Headless, number: int, frame: FrameType | None) -> None:
        press(headless, number, frame)
        noticed.release()

    async def presses() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        await asyncio.to_thread(noticed.acquire)

    monkeypatch.setattr(Headless, "_press", pressed)
    return presses
