"""A session from the opening of its store to its closing, on whatever event loop it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from workbench.driver.feed import Feed, Trouble
from workbench.driver.session import Session
from workbench.driver.settings import DriverSettings
from workbench.errors import StoreError
from workbench.store import Store

HEARTBEAT_SECONDS = 3.0
"""How often other processes are shown that this one lives."""


@asynccontextmanager
async def opened_session(settings: DriverSettings, feed: Feed) -> AsyncIterator[Session]:
    """Open the store and keep it alive; at the end pause what runs and give the leases back.

    Raises `StoreError` where the store cannot be used.
    """
    async with await Store.open(settings.database, clock=settings.clock) as store:
        session = Session(store, settings, feed, await store.position())
        await session.breakpoints.load()
        beside = [asyncio.create_task(_beat(store, feed)), asyncio.create_task(_follow(session))]
        try:
            yield session
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await session.close()


async def _beat(store: Store, feed: Feed) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            await store.heartbeat()
        except StoreError as error:
            feed.publish(Trouble(str(error)))


async def _follow(session: Session) -> None:
    """Publish what other processes write, from the log itself."""
    trouble = ""
    while True:
        await asyncio.sleep(session.settings.follow_every)
        try:
            await session.follow()
        except StoreError as error:
            if str(error) != trouble:  # said once, however long it lasts
                trouble = str(error)
                session.feed.publish(Trouble(trouble))
            continue
        trouble = ""
