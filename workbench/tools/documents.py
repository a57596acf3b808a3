"""`search_docs` and `fetch_doc`: a library of documents as tools."""

from __future__ import annotations

import asyncio
import zlib
from typing import Annotated

from pydantic import Field

from workbench.errors import ToolError
from workbench.events.agent import Exposure
from workbench.tools.base import Tool, ToolContext
from workbench.tools.declaring import tool
from workbench.tools.library import Library

EXCERPT = 240
"""Characters of a passage that a search result shows."""


async def _take_time(context: ToolContext, of: str) -> None:
    """Let an embedded look-up last as long as a real one would, in proportion to the pace, the same every time."""
    if context.pace > 0:
        await asyncio.sleep(context.pace * (0.4 + (zlib.crc32(of.encode()) % 1000) / 1000 * 1.6))


def document_tools(library: Library, *, found: bool = False) -> tuple[Tool, ...]:
    """Return the tools that search and read `library`.

    Documents that were `found` somewhere may be private, and may be the words of strangers; those that ship are not.
    """
    exposure: tuple[Exposure, ...] = ("private", "untrusted") if found else ()

    @tool(read_only=True, exposure=exposure)
    async def search_docs(
        context: ToolContext,
        query: Annotated[str, Field(description="Words to look for; one topic a search", min_length=1)],
        limit: Annotated[int, Field(description="How many passages at most", ge=1, le=20)] = 5,
    ) -> str:
        """Search the documents. Gives passage names with the beginning of each; read one whole with fetch_doc."""
        await _take_time(context, query)
        passages = await asyncio.to_thread(library.search, query, limit)
        if not passages:
            return f"No passage fits {query!r}. Try other words."
        blocks = [f"{item.name}  {item.title}\n  {_excerpt(item.text)}" for item in passages]
        return "\n".join(blocks)

    @tool(read_only=True, exposure=exposure)
    async def fetch_doc(
        context: ToolContext,
        name: Annotated[str, Field(description="Name of a passage, such as with::2", min_length=1)],
    ) -> str:
        """Read one passage whole."""
        await _take_time(context, name)
        passage = await asyncio.to_thread(library.fetch, name)
        if passage is None:
            near = ", ".join(library.nearest(name))
            raise ToolError(f"there is no passage {name!r}" + (f"; nearest: {near}" if near else "; search first"))
        return f"{passage.name}  {passage.title}\n\n{passage.text}"

    return (search_docs, fetch_doc)


def _excerpt(text: str) -> str:
    flat = " ".join(text[: 4 * EXCERPT].split())
    return flat if len(flat) <= EXCERPT else flat[: EXCERPT - 1].rsplit(" ", 1)[0] + "…"
