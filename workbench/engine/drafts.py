"""The text of a turn that is being written, as it is shown: through the hooks that want something else to be shown."""

from __future__ import annotations

import asyncio

from workbench.engine.hooks import HookRunner
from workbench.engine.journal import Journal
from workbench.events.request import Purpose


class Drafts:
    """Shows the newest text; while a hook looks at one, those that come in before the newest are left out."""

    def __init__(self, journal: Journal, hooks: HookRunner) -> None:
        self._journal, self._hooks = journal, hooks
        self._newest: tuple[int, Purpose, str, str] | None = None
        self._task: asyncio.Task[None] | None = None

    def are_hooked(self, purpose: Purpose) -> bool:
        """Whether hooks decide what is shown; then the log keeps no pieces of the text, which would be shown too."""
        return purpose == "step" and self._hooks.want("on_output")

    def show(self, step: int, purpose: Purpose, text: str, thinking: str) -> None:
        """Show the text so far."""
        if not self.are_hooked(purpose):
            self._journal.draft(step, purpose, text, thinking)
            return
        self._newest = step, purpose, text, thinking
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        while self._newest is not None:
            (step, purpose, text, thinking), self._newest = self._newest, None
            shown = await self._hooks.shown(text)
            self._journal.draft(step, purpose, shown or "", thinking)

    async def aclose(self) -> None:
        """Show nothing any more of an attempt that is over."""
        task, self._task, self._newest = self._task, None, None
        if task is not None:
            task.cancel()
