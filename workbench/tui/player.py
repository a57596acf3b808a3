"""Playing a run: the playhead goes on by itself, as fast as a person wants. It looks at a clock and starts no timer."""

from __future__ import annotations

from workbench.debugger.playback import SPEEDS, Head, moment_of, play_on
from workbench.tui.watching import Watched


class Player:
    """Moves the playhead of one run on; whoever shows the run asks it again and again."""

    def __init__(self) -> None:
        self._watched: Watched | None = None
        self._head = Head(0)
        self._asked_at = 0.0
        self.speed = 0
        """Recorded seconds a second; 0 while nothing is played."""

    @property
    def is_playing(self) -> bool:
        """Whether the playhead moves by itself."""
        return self.speed > 0

    def play(self, watched: Watched, now: float) -> None:
        """Play from the playhead on, from the beginning where it stands at the end; what plays already, faster."""
        if self.is_playing and watched is self._watched:
            self.speed = SPEEDS[(SPEEDS.index(self.speed) + 1) % len(SPEEDS)]
            return
        self._watched, self.speed, self._asked_at = watched, SPEEDS[0], now
        self._head = Head(watched.playhead or 0)
        watched.move_to(self._head.seq)

    def stop(self) -> None:
        """Leave the playhead where it is."""
        if self._watched is not None:
            self._watched.instant = None
        self._watched, self.speed = None, 0

    def tick(self, watched: Watched | None, now: float) -> bool:
        """Move on by the time that passed since this was asked last; return whether something plays, or just ended."""
        if not self.is_playing:
            return False
        if watched is None or watched is not self._watched:
            self.stop()
            return False
        records = watched.history.records
        self._head = play_on(records, self._head, (now - self._asked_at) * self.speed)
        self._asked_at = now
        watched.move_to(self._head.seq)
        if watched.is_scrubbing:
            watched.instant = moment_of(records, self._head)
        else:
            self.stop()  # it has come to the end, which is followed
        return True
