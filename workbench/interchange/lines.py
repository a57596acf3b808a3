"""The lines of a session file, plain or gzipped, read within limits so that no file can fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from workbench.errors import SessionFileError
from workbench.interchange.session import (
    LARGEST_FILE,
    LARGEST_RATIO,
    LARGEST_UNPACKED,
    LONGEST_LINE,
    Told,
    nobody,
)

_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20
_SMALL = 1_000_000
"""Bytes up to which nobody asks how well they were compressed."""


class Line(NamedTuple):
    """One line without its end."""

    number: int
    """From 1."""
    text: bytes
    is_whole: bool
    """It ended with a newline; False only for the last one."""


def read_lines(path: Path, told: Told = nobody) -> Iterator[Line]:
    """Yield the lines of the file; raises `SessionFileError` where it is too large or cannot be read.

    `told` hears how many kB of the file were read.
    """
    if path.is_dir():
        raise SessionFileError(f"{str(path)!r} is a folder; expected a session file")
    if path.exists() and not path.is_file():
        raise SessionFileError(f"{str(path)!r} is a device, a pipe or a socket; expected a session file")
    if not path.is_file():
        raise SessionFileError(f"there is no session file {str(path)!r}")
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise _too_large(path, f"it has {size:,} bytes", LARGEST_FILE)
        with path.open("rb") as file:
            if file.peek(len(_GZIP)).startswith(_GZIP):
                limit = min(LARGEST_UNPACKED, max(_SMALL, size * LARGEST_RATIO))
                chunks = _unpacked(file)
            else:
                limit, chunks = LARGEST_FILE, iter(lambda: file.read(_CHUNK), b"")
            yield from _split(path, _telling(chunks, file, size, told), limit)
    except (OSError, zlib.error) as error:
        raise SessionFileError(f"the session file {str(path)!r} cannot be read: {error}") from None


def _telling(chunks: Iterator[bytes], file: IO[bytes], size: int, told: Told) -> Iterator[bytes]:
    told(0, size // 1000)
    for chunk in chunks:
        yield chunk
        told(file.tell() // 1000, size // 1000)


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what a gzip file holds, piece by piece; one cut short gives what it has."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    while not unpacker.eof and (packed := unpacker.unconsumed_tail or file.read(_CHUNK)):
        yield unpacker.decompress(packed, _CHUNK)
    yield unpacker.flush()


def _split(path: Path, chunks: Iterator[bytes], limit: int) -> Iterator[Line]:
    total, number, rest = 0, 0, b""
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise _too_large(path, "it unpacks to more", limit)
        *whole, rest = (rest + chunk).split(b"\n")
        for text in whole:
            number += 1
            yield _line(path, number, text, is_whole=True)
        _line(path, number + 1, rest, is_whole=False)
    if rest:
        yield _line(path, number + 1, rest, is_whole=False)


def _line(path: Path, number: int, text: bytes, *, is_whole: bool) -> Line:
    if len(text) > LONGEST_LINE:
        raise SessionFileError(
            f"session file {str(path)!r}, line {number}: the line is longer than {LONGEST_LINE:,} bytes"
        )
    return Line(number, text, is_whole)


def _too_large(path: Path, what: str, limit: int) -> SessionFileError:
    return SessionFileError(f"the session file {str(path)!r} is too large: {what}; at most {limit:,} are read")
