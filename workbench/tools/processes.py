"""Programs in processes of their own, of which nothing is left when their call is over, however it ends.

A program gets a session of its own, no input, and an environment of names that are known to hold no keys. When it
ends, times out or is given up, its whole group is asked to end and then killed; so is what left the group, where the
system says what environment a process has.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from workbench.clock import SystemClock
from workbench.errors import AgentError, ToolError
from workbench.events.content import normalise_text, text_content
from workbench.tools.base import ToolResult

SHOWN: Final = 1_000_000
"""Bytes of the output that are given: half of them from its beginning, half from its end."""
FLOOD: Final = 200_000_000
"""Bytes of output after which a program is ended."""
GRACE: Final = 2.0
"""Seconds between asking a program to end and killing it."""
LONGEST: Final = 100_000
"""Bytes of one argument: systems take no more."""
_PASSED: Final = frozenset({
    "HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV",
})  # fmt: skip
_MARK: Final = "WORKBENCH_CALL"
"""Names the call in the environment of all that it starts, so that what hides can be found."""
_PROC: Final = Path("/proc")
_SEES_PROCESSES: Final = (_PROC / "self" / "stat").exists() and hasattr(os, "waitid")
_LOOK_EVERY: Final = 0.02
_KILLS: Final = 50
"""Seconds between looks at what is left, and how often it is killed."""
_PIECE: Final = 65_536


def passed_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return what a program is given: names that hold no keys, and what the agent's author adds."""
    passed = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith("LC_")}
    return {**passed, "TERM": "dumb", **more}


def folder_of(root: str | os.PathLike[str]) -> Path:
    """Return the folder in which programs run; raises `AgentError` where there is none, or no way to end a program."""
    if os.name != "posix":
        raise AgentError("programs can be given to an agent only where a whole group of processes can be ended")
    folder = Path(root).expanduser().resolve()
    if not folder.is_dir():
        raise AgentError(f"the folder {str(root)!r} is not there; name the one in which commands are to run")
    return folder


def told(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Return for a person what would be started: exact arguments, folder, and the names in the environment."""
    names = ", ".join(sorted({*passed_environment(environment), _MARK}))
    return f"argv: {[*argv]!r}\nfolder: {str(folder)!r}\nenvironment: {names}"


async def run_program(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> AsyncGenerator[str | ToolResult, None]:
    """Run a program to its end: give what it writes as it comes, and then the whole; an error unless it exits with 0.

    Cancelled, it leaves nothing running either.
    """
    argv = [normalise_text(argument) for argument in argv]
    if any("\0" in argument or len(argument.encode()) > LONGEST for argument in argv):
        raise ToolError(f"it holds a NUL, or more than {LONGEST:,} bytes; write it to a file and run that")
    mark = SystemClock().new_id()
    source, sink = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - it only starts; a person allowed it
            argv,
            cwd=folder,
            env={**passed_environment(environment), _MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    except OSError as error:
        os.close(source)
        raise ToolError(f"it cannot be started in {str(folder)!r}: {error.strerror or error}") from None
    finally:
        os.close(sink)
    loop, news, output = asyncio.get_running_loop(), asyncio.Event(), _Output(source)
    exited = threading.Event()

    def read() -> None:
        if not output.take():
            loop.remove_reader(source)  # nobody writes any more; it may still work
        news.set()

    def over() -> None:
        exited.set()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(news.set)

    loop.add_reader(source, read)
    threading.Thread(target=_watch, args=(process, over), name="workbench-process", daemon=True).start()
    try:
        while not exited.is_set() and not output.is_flood:
            await news.wait()
            news.clear()
            if piece := output.fresh():
                yield piece
    finally:
        try:
            await _end(process, mark)
        finally:
            loop.remove_reader(source)
            output.drain()
    code = process.returncode
    yield ToolResult(text_content(output.text(code)), is_error=code != 0 or output.is_flood)


def _watch(process: subprocess.Popen[bytes], over: Callable[[], None]) -> None:
    """Tell when a program exits; where the system can, without freeing its number for another process."""
    with suppress(ChildProcessError):
        if _SEES_PROCESSES:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        else:
            process.wait()
    over()


async def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End what a program left: ask, wait, kill. Cancelled while it waits, it kills at once."""
    clock = SystemClock()
    try:
        if _signal(process.pid, mark, signal.SIGTERM):
            until = clock.monotonic() + GRACE
            while clock.monotonic() < until and _left(process.pid, mark):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_LOOK_EVERY)
    finally:
        _kill(process, mark)


def _kill(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kill what is left, again where it started something meanwhile, and take the exit code."""
    for _ in range(_KILLS):
        if not _signal(process.pid, mark, signal.SIGKILL):
            break
        time.sleep(_LOOK_EVERY / 2)
    with suppress(subprocess.TimeoutExpired):  # it waits for a disk that does not answer; nobody can end that
        process.wait(timeout=_KILLS * _LOOK_EVERY)


def _signal(group: int, mark: str, number: signal.Signals) -> bool:
    """Send a signal to all that is left; return whether anything is."""
    left = _left(group, mark)
    for process in left:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)
    return bool(left)


def _left(group: int, mark: str) -> list[int]:
    """Return what is left of a call, as numbers to signal: its group, and what carries its mark."""
    if not _SEES_PROCESSES:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return []
        return [-group]
    found = [process for process in _processes() if _belongs(process, group, f"{_MARK}={mark}".encode())]
    return [-group, *found] if found else []


def _processes() -> Iterator[int]:
    with os.scandir(_PROC) as entries:
        yield from (int(entry.name) for entry in entries if entry.name.isdecimal())


def _belongs(process: int, group: int, mark: bytes) -> bool:
    """Whether a living process is of the group or the session, or carries the mark."""
    try:
        # After the name, which may hold anything: state, parent, group, session.
        state, _, in_group, in_session = (_PROC / f"{process}/stat").read_bytes().rpartition(b")")[2].split()[:4]
        if state in (b"Z", b"X"):
            return False
        if group in (int(in_group), int(in_session)):
            return True
        return mark in (_PROC / f"{process}/environ").read_bytes().split(b"\0")
    except (OSError, ValueError):  # it is gone, or somebody else's
        return False


class _Output:
    """What a program writes: its beginning and its end."""

    def __init__(self, source: int) -> None:
        os.set_blocking(source, False)
        self._source = source
        self._head = bytearray()
        self._tail = deque[bytes]()
        self._in_tail = self._dropped = self._taken = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._fresh: list[str] = []

    @property
    def is_flood(self) -> bool:
        """Whether it wrote more than anyone needs."""
        return self._taken > FLOOD

    def fresh(self) -> str:
        """Return what was read since this was asked last."""
        text = "".join(self._fresh)
        self._fresh.clear()
        return text

    def take(self) -> bool:
        """Read a piece; False where nobody writes any more."""
        try:
            piece = os.read(self._source, _PIECE)
        except BlockingIOError:
            return True
        self._taken += len(piece)
        self._fresh.append(self._decoder.decode(piece))
        room = SHOWN // 2 - len(self._head)
        self._head += piece[:room]
        if rest := piece[room:]:
            self._tail.append(rest)
            self._in_tail += len(rest)
        while self._in_tail - len(self._tail[0] if self._tail else b"") > SHOWN // 2:
            self._dropped += len(self._tail[0])
            self._in_tail -= len(self._tail.popleft())
        return bool(piece)

    def drain(self) -> None:
        """Read what the system still holds, and close."""
        before = -1
        while before != self._taken and not self.is_flood:
            before = self._taken
            self.take()
        os.close(self._source)

    def text(self, code: int | None) -> str:
        """Return what was written, with the middle of much left out, and how it ended."""
        parts = [self._head.decode(errors="replace")]
        if self._dropped:
            parts.append(f"\n[{self._dropped:,} bytes are left out here]\n")
        parts.append(b"".join(self._tail).decode(errors="replace"))
        written = "".join(parts).rstrip("\n")
        if self.is_flood:
            ending = f"[ended, because it had written {FLOOD // 1_000_000} MB]"
        elif code is None or code < 0:
            ending = f"[ended by {_name_of_signal(code)}]"
        else:
            ending = f"[exit code {code}]" if code else "" if written else "done; it wrote nothing"
        return "\n".join(filter(None, (written, ending)))


def _name_of_signal(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return "a signal"
