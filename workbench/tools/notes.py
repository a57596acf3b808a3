"""`save_note`: a notebook as a tool."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool
from workbench.tools.library import Notebook


def note_tools(notebook: Notebook) -> tuple[Tool, ...]:
    """Return the tools that write to `notebook`."""

    @tool(idempotent=True, exclusive="notebook")
    async def save_note(
        context: ToolContext,
        key: Annotated[str, Field(description="A short name for the note", min_length=1, max_length=80)],
        text: Annotated[str, Field(description="What to keep", max_length=262_144)],
    ) -> str:
        """Keep a note for later. The same key replaces the note before."""
        await asyncio.to_thread(notebook.save, context.run, key, text)
        return f"noted {key!r}, {len(text)} characters"

    return (save_note,)
