"""Files written whole or not at all: whoever reads one never finds half of it, and what was there stays until then."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

PRIVATE = 0o600
SHARED = 0o666
"""Less what the person's umask takes away."""


def write_whole(path: Path, pieces: Iterable[str], *, mode: int = PRIVATE) -> None:
    """Put UTF-8 text in the place of a file in one go; a file that is there keeps its permissions.

    Whatever goes wrong, `pieces` included, comes out, and nothing is left behind. Raises `OSError` where the file
    cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as stream:
            stream.writelines(pieces)
        if path.exists():
            fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
