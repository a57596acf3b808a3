"""`save_note`, `remember` and `recall`: a notebook as tools."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from pydantic import Field

from workbench.errors import ToolError
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool
from workbench.tools.library import Note, Notebook

LARGEST: Final = 262_144
"""Bytes of a note."""
SHOWN: Final = 4_000
"""Characters of a note where several are given."""

Key = Annotated[str, Field(description="A short name for the note", min_length=1, max_length=80)]
Kept = Annotated[str, Field(description="What to keep", max_length=LARGEST)]


def note_tools(notebook: Notebook) -> tuple[Tool, ...]:
    """Return the tool that writes to `notebook`."""

    @tool(idempotent=True, exclusive="notebook")
    async def save_note(context: ToolContext, key: Key, text: Kept) -> str:
        """Keep a note for later. The same key replaces the note before."""
        return await _keep(notebook, context, key, text)

    return (save_note,)


def memory_tools(notebook: Notebook) -> tuple[Tool, ...]:
    """Return the tools that keep notes across runs in `notebook`, and find them again.

    What a run may read is its own line's notes and those of finished others, never its own future. What they noted may
    be what a stranger told them.
    """

    @tool(idempotent=True, exclusive="notebook")
    async def remember(context: ToolContext, key: Key, text: Kept) -> str:
        """Keep something for later, in this task and in others. The same key takes its place; what was there stays."""
        return await _keep(notebook, context, key, text)

    @tool(read_only=True, timeout=10.0, exposure=("private", "untrusted"))
    async def recall(
        context: ToolContext,
        query: Annotated[str, Field(description="Words to look for; empty for the newest notes")] = "",
        limit: Annotated[int, Field(description="How many at most; 1 gives a note whole", ge=1, le=20)] = 5,
        earlier: Annotated[bool, Field(description="Whether to give what a key said before, too")] = False,
    ) -> str:
        """Find what was remembered, in this task or in earlier ones."""
        notes = await asyncio.to_thread(notebook.search, query, await context.readable(), limit)
        if not notes:
            return f"Nothing that was remembered fits {query!r}." if query.strip() else "Nothing was remembered yet."
        return "\n\n".join(_told(note, LARGEST if limit == 1 else SHOWN, earlier=earlier) for note in notes)

    return (remember, recall)


async def _keep(notebook: Notebook, context: ToolContext, key: str, text: str) -> str:
    if (size := len(text.encode(errors="replace"))) > LARGEST:
        raise ToolError(f"the note has {size:,} bytes; at most {LARGEST:,} are kept under one key")
    await asyncio.to_thread(notebook.save, context.run, key, text, context.call)
    return f"noted {key!r}, {len(text)} characters"


def _told(note: Note, most: int, *, earlier: bool) -> str:
    parts = [f"{note.key}\n{_cut(note.text, most)}"]
    if earlier:
        parts += [f"[before:] {_cut(text, most)}" for text in note.earlier]
    elif note.earlier:
        parts.append(f"[{len(note.earlier)} earlier under this key]")
    return "\n".join(parts)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n[{len(text) - most:,} more characters; ask with limit=1]"
