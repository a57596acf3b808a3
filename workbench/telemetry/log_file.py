"""The log of the program: one JSON object a line in a file of the state folder, for its user's eyes alone.

All loggers of the process end here, those of libraries too, and nothing of them reaches the screen. Lines are made and
written on a thread of their own: a disk that is slow slows nothing else. Keys never enter the file. What is not said
here is what models and tools say: that is in the runs. A file that cannot be written is no reason to stop.
"""

from __future__ import annotations

import copy
import json
import logging
import logging.handlers
import math
import os
import queue
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from workbench.providers.keys import redacted

OWN: Final = "workbench"
LARGEST: Final = 5_000_000
"""Bytes of one file."""
FILES: Final = 5
"""Kept in all, the one that is written included."""
LONGEST: Final = 20_000
"""Characters of one value."""


class ProgramLog:
    """The loggers of the process end in `path` while it is open; one at a time."""

    def __init__(self, path: Path, *, verbose: bool = False) -> None:
        self._levels = {
            "": logging.DEBUG if verbose else logging.WARNING,
            OWN: logging.DEBUG if verbose else logging.INFO,
        }
        self._file = _Rotating(path)
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._handler = _Passing(self._lines)
        self._listener = logging.handlers.QueueListener(self._lines, self._file)
        self._before: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Take what is logged from here on."""
        for name, level in self._levels.items():
            logger = logging.getLogger(name)
            self._before[name] = logger.level
            logger.setLevel(level)
        logging.getLogger().addHandler(self._handler)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left."""
        logging.getLogger().removeHandler(self._handler)
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
        self._listener.stop()
        self._file.close()


class _Passing(logging.handlers.QueueHandler):
    """Hands lines over as they are: what is given with them is values."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Put the words together while they hold; a traceback is text from here on."""
        passed = copy.copy(record)  # other handlers get it too
        passed.msg = record.getMessage()
        if record.exc_info:
            passed.exc_text = "".join(traceback.format_exception(*record.exc_info))
        passed.args, passed.exc_info = None, None
        return passed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class' name
        """Say nothing: it would be said over the screen."""


class _Rotating(logging.handlers.RotatingFileHandler):
    """Opens the file at its first line, for its owner alone, and anew where another process moved it away."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LARGEST, backupCount=FILES - 1, encoding="utf-8", errors="replace", delay=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        if self.stream is not None and self._was_moved(self.stream):
            with suppress(OSError):
                self.stream.close()
            self.stream = None
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json_line(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class' name
        """Say nothing: it would be said over the screen."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(file, 0o600)
        return os.fdopen(file, "a", encoding=self.encoding, errors=self.errors)

    def _was_moved(self, stream: TextIOWrapper) -> bool:
        try:
            there, ours = Path(self.baseFilename).stat(), os.fstat(stream.fileno())
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)


def json_line(record: logging.LogRecord) -> str:
    """Return a record as one line of JSON, without keys."""
    line: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _clean(record.getMessage()),
    }
    given = getattr(record, "given", None)
    if isinstance(given, Mapping):
        line.update((name, _clean(value)) for name, value in given.items() if value is not None and name not in line)
    if record.exc_text:
        line["traceback"] = _clean(record.exc_text)
    return json.dumps(line, ensure_ascii=False, allow_nan=False, default=str)


def _clean(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value if math.isfinite(value) else str(value)
    text = redacted(str(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
