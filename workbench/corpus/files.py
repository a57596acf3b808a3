"""Reads and writes files that others may touch at the same time.

Reading never leaves a folder, whatever links are put into it meanwhile; writing happens beside the target and becomes
visible at once or not at all.
"""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.tools.blocks import UnreadableError


def read_inside(folder: Path, relative: str, largest: int) -> bytes:
    """Return the content of a plain file below `folder`, following no link on the way.

    Raises UnreadableError where it has more than `largest` bytes or is no plain file, OSError where it cannot be read.
    """
    *parents, name = relative.split("/")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for parent in parents:
            inner = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UnreadableError("not a plain file")
        with os.fdopen(file, "rb", closefd=False) as opened:
            content = opened.read(largest + 1)
    finally:
        os.close(file)
    if len(content) > largest:
        raise UnreadableError(f"more than {largest:,} bytes")
    return content


def unpack(packed: bytes, largest: int) -> bytes:
    """Return what a gzip file holds. Raises UnreadableError where it is damaged or unpacks to more than `largest`."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            content = file.read(largest + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError("a gzip file that is damaged or cut short") from error
    if len(content) > largest:
        raise UnreadableError(f"more than {largest:,} bytes when unpacked")
    return content


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Give a new empty file, readable by nobody else, that takes the place of `target` when the block ends well.

    When it does not, nothing is left. What a killed process left is removed by the next that writes the same target.
    """
    for left in target.parent.glob(f"{target.name}.*.tmp"):
        _remove_abandoned(left)
    file, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".tmp")
    beside = Path(name)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield beside
        os.fsync(file)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
        os.close(file)


def _remove_abandoned(left: Path) -> None:
    """Remove a file that nobody holds; an empty one may be about to be locked."""
    with suppress(OSError), left.open("rb") as file:
        if os.fstat(file.fileno()).st_size:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
