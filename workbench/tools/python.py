"""`python`: code as a tool, in an interpreter of its own. A person is asked at every call, as for a command."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from pydantic import Field

from workbench.tools.base import Tool, ToolResult
from workbench.tools.declaring import tool
from workbench.tools.processes import LONGEST, folder_of, run_program, told
from workbench.tools.shell import SECONDS


def python_tool(
    root: str | os.PathLike[str], *, timeout: float = SECONDS, environment: Mapping[str, str] | None = None
) -> tuple[Tool, ...]:
    """Return the tool that runs Python code in `root`, with the rights of whoever runs the agent.

    The interpreter is the one that runs the agent, isolated: it imports what is installed there, and nothing of
    `root`. Of the environment it gets names that hold no keys, and `environment`.
    """
    folder, more = folder_of(root), dict(environment or {})

    def preview(arguments: Mapping[str, Any]) -> str:
        return f"{told(_argv('CODE'), folder, more)}\nCODE:\n{arguments['code']}"

    @tool(
        permission="ask",
        every_time=True,
        timeout=timeout,
        retries=0,
        subject="code",
        exposure=("private", "untrusted", "outward"),
        preview=preview,
    )
    async def python(
        code: Annotated[str, Field(description="A whole program", min_length=1, max_length=LONGEST)],
    ) -> AsyncIterator[str | ToolResult]:
        """Run Python code and read what it prints. Nothing is kept from one call to the next."""
        async with aclosing(run_program(_argv(code), folder, more)) as parts:
            async for part in parts:
                yield part

    return (python,)


def _argv(code: str) -> list[str]:
    return [sys.executable, "-I", "-u", "-X", "utf8", "-c", code]
