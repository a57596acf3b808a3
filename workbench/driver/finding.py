"""Looking for a text in results, which lie apart from the events and never all enter memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from workbench.debugger.find import Needle
from workbench.driver.commands import FindInResults
from workbench.driver.session import Session
from workbench.events.content import Content, plain_text

Ref = tuple[str, int]


async def find_in_results(session: Session, command: FindInResults) -> dict[Ref, int]:
    """Return how often the text is in each of the results that have it."""
    contents = await session.store.bodies(command.refs)
    # On a thread: a few megabytes take a while, and the runs that are driven here shall not wait for it.
    return await asyncio.to_thread(count_in, contents, command.text)


def count_in(contents: Mapping[Ref, Content], text: str) -> dict[Ref, int]:
    """Return how often a text is in contents, without those that do not have it."""
    needle = Needle(text)
    return {ref: count for ref, content in contents.items() if (count := needle.count(plain_text(content)))}
