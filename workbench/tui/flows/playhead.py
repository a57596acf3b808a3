"""Moving through time: by event, by call, by step, and playing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def event_back(screen: MainScreen) -> None:
    """Move the playhead one event back."""
    screen.watched.move(-1)
    _show_moment(screen)


async def event_on(screen: MainScreen) -> None:
    """Move the playhead one event on."""
    screen.watched.move(1)
    _show_moment(screen)


async def call_back(screen: MainScreen) -> None:
    """Move the playhead back to where a call began or ended."""
    screen.watched.move_calls(-1)
    _show_moment(screen)


async def call_on(screen: MainScreen) -> None:
    """Move the playhead on to where a call begins or ends."""
    screen.watched.move_calls(1)
    _show_moment(screen)


async def step_back(screen: MainScreen) -> None:
    """Move the playhead one step back."""
    screen.watched.move_steps(-1)
    _show_moment(screen)


async def step_on(screen: MainScreen) -> None:
    """Move the playhead one step on."""
    screen.watched.move_steps(1)
    _show_moment(screen)


async def move_to(screen: MainScreen, seq: int) -> None:
    """Move the playhead to an event."""
    screen.watched.move_to(seq)
    _show_moment(screen)


async def to_the_end(screen: MainScreen) -> None:
    """Bring the playhead back to the end, and follow it."""
    watched = screen.watched
    watched.move_to(watched.history.live.seq)
    _show_moment(screen)


async def play(screen: MainScreen) -> None:
    """Play from the playhead on; what plays already, faster."""
    is_new = not screen.player.is_playing
    screen.player.play(screen.watched, screen.now())
    screen.show_run()
    if is_new:
        screen.timeline.follow()


def stop(screen: MainScreen) -> None:
    """Leave the playhead where playing has brought it."""
    screen.player.stop()
    screen.show_run()


def _show_moment(screen: MainScreen) -> None:
    """Show the run as of the playhead, at what was the newest then; nothing plays any more."""
    screen.player.stop()
    screen.show_run()
    screen.timeline.follow()
