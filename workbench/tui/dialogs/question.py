"""A new question, with what may be chosen about the agent that answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Select, Static

from workbench.driver.attaching import attached, listed
from workbench.driver.commands import AgentOptions, StartRun
from workbench.errors import UserError, WorkbenchError
from workbench.events.agent import PlanMode
from workbench.events.content import Content
from workbench.tui.context import Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import plain
from workbench.tui.typed import Typed
from workbench.tui.widgets.field import Field

_PLANS: tuple[tuple[str, PlanMode | None], ...] = (
    ("as the agent says", None),
    ("ask me", "ask"),
    ("approve by itself", "auto"),
    ("no plan", "off"),
)
"""What the agent leaves open, the settings say."""


Start = Callable[[StartRun], Awaitable[str]]
"""Starts a run and returns its id; raises why it cannot be."""


class QuestionDialog(Dialog[str]):
    """Answers with the run that was started, or None. Enter in any line starts it; where it cannot be, it says why."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("question", "dialog")

    DEFAULT_CSS = """
    QuestionDialog #choices {
        height: 5;
    }
    QuestionDialog #choices > Vertical {
        width: 1fr;
    }
    QuestionDialog #choices > #docs-column {
        width: 2fr;
    }
    QuestionDialog #choices > #plan-column {
        width: 25;
    }
    QuestionDialog Select {
        border: none;
        padding: 0;
    }
    QuestionDialog SelectCurrent {
        border: round $border-blurred;
        background: $surface;
    }
    """

    def __init__(self, options: AgentOptions, start: Start, earlier: Sequence[str] = ()) -> None:
        super().__init__("A new question")
        self._options, self._start = options, start
        self._is_starting = False
        self._fallback = options.fallback or AgentOptions()
        self._typed = Typed(earlier)

    def body(self) -> ComposeResult:
        """Build the question and the choices."""
        yield Field(id="question", placeholder="What do you want to know?")
        with Horizontal(id="choices"):
            with Vertical(id="docs-column"):
                yield Static(plain("documents", "muted"), classes="field-label", markup=False)
                yield Field(self._options.docs or "", id="docs", placeholder="built-in, or a folder")
            with Vertical():
                yield Static(plain("model", "muted"), classes="field-label", markup=False)
                yield Field(self._options.model or "", id="model", placeholder=self._fallback.model or "offline")
            with Vertical(id="plan-column"):
                yield Static(plain("plan", "muted"), classes="field-label", markup=False)
                yield Select(_PLANS, id="plan", value=self._options.plan, allow_blank=False)
        yield Field(id="files", placeholder="files with it: images, PDFs, texts, a comma between them")

    def on_mount(self) -> None:
        """Write the question at once."""
        super().on_mount()
        self.query_one("#question").focus()

    def on_key(self, event: events.Key) -> None:
        """Step through the questions asked before."""
        question = self.query_one("#question", Input)
        if event.key not in ("up", "down") or not question.has_focus:
            return
        event.stop()
        question.value = self._typed.step(-1 if event.key == "up" else 1, question.value)
        question.cursor_position = len(question.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Start the run, or say what is missing; files are read beside the screen, as they may be large."""
        event.stop()
        if not self._is_starting:  # a second Enter is no second run
            self.run_worker(cast("Any", self._begin), group="begin", exclusive=True)

    async def _begin(self) -> None:
        question = self.query_one("#question", Input).value.strip()
        docs = self.query_one("#docs", Input).value.strip()
        model = self.query_one("#model", Input).value.strip()
        plan = self.query_one("#plan", Select).value
        folder = await asyncio.to_thread(_folder, docs) if docs else None
        if not question:
            self.show_problem("Write a question first.")
            self.query_one("#question").focus()
        elif docs and folder is None:
            self.show_problem(f"There is no folder {docs!r}.")
            self.query_one("#docs").focus()
        elif (files := await self._files()) is not None:
            options = replace(
                self._options,
                model=model or None,
                docs=folder,
                plan=next((value for _, value in _PLANS if value == plan), None),
            )
            await self._try(StartRun(question, options, attached=files))

    async def _try(self, command: StartRun) -> None:
        """Start the run; what was typed stays where that cannot be done. Leaving meanwhile gives it up."""
        self.show_problem("")
        self._is_starting = True
        try:
            self.dismiss(await self._start(command))
        except WorkbenchError as error:
            self.show_problem(str(error))
        finally:
            self._is_starting = False

    async def _files(self) -> Content | None:
        """Return the files that are named; None, with a sentence, where one cannot be given."""
        line = self.query_one("#files", Input)
        try:
            return await asyncio.to_thread(_read, line.value)
        except UserError as error:
            self.show_problem(str(error))
            line.focus()
            return None


def _folder(name: str) -> str | None:
    """Return the whole path of a folder; None where there is none."""
    try:
        path = Path(name).expanduser()
        return str(path.resolve()) if path.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # such as the home of somebody who is not there
        return None


def _read(line: str) -> Content:
    return attached(listed(line))
