"""The end of an event loop on which tools of strangers ran: one that swallows its cancellation holds nobody up."""

from __future__ import annotations

import asyncio

from workbench.driver.moving import STOP_SECONDS


def leave(loop: asyncio.AbstractEventLoop) -> None:
    """End a loop that runs no more; what does not let itself be cancelled is left behind."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=STOP_SECONDS))
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.close()
