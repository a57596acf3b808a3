"""`shell`: commands as a tool. No agent has it unless its author puts it there, and a person is asked at every call."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Final

from pydantic import Field

from workbench.tools.base import Tool, ToolResult
from workbench.tools.declaring import tool
from workbench.tools.processes import LONGEST, folder_of, run_program, told

SECONDS: Final = 120.0
"""That a command may take."""


def shell_tool(
    root: str | os.PathLike[str], *, timeout: float = SECONDS, environment: Mapping[str, str] | None = None
) -> tuple[Tool, ...]:
    """Return the tool that runs commands in `root`, with the rights of whoever runs the agent.

    The folder is where commands begin, no bound: a command reaches all that its person does. Of the environment it
    gets names that hold no keys, and `environment`.
    """
    folder, more = folder_of(root), dict(environment or {})

    def preview(arguments: Mapping[str, Any]) -> str:
        return told(_argv(arguments["command"]), folder, more)

    @tool(
        permission="ask",
        every_time=True,
        timeout=timeout,
        retries=0,
        subject="command",
        exposure=("private", "untrusted", "outward"),
        preview=preview,
    )
    async def shell(
        command: Annotated[str, Field(description="For /bin/sh", min_length=1, max_length=LONGEST)],
    ) -> AsyncIterator[str | ToolResult]:
        """Run a command and read what it writes. It has no input, and nothing that it starts goes on after it."""
        async with aclosing(run_program(_argv(command), folder, more)) as parts:
            async for part in parts:
                yield part

    return (shell,)


def _argv(command: str) -> list[str]:
    return ["/bin/sh", "-c", command]
