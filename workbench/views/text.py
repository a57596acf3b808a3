"""Make strange text displayable: the one place where text from models, tools and documents is made harmless.

Whatever is to be shown passes through `inert` (or `one_line`) first and is measured, cut and wrapped here,
in terminal cells. It knows nothing of screens: what is inert here is inert in any terminal and in a pipe. The
text that was recorded stays as it was; only what is shown is changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

REPLACEMENT = "\ufffd"
"""Stands for one character that must not reach a terminal."""

ELLIPSIS = "…"
"""Ends a text that was cut."""

_UNSAFE_RANGES = [
    *[(0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F)],  # control characters, save tab and newline
    *[(0x061C, 0x061C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069)],  # bidirectional controls
    *[(0x00AD, 0x00AD), (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)],  # invisible
    *[(0x200B, 0x200D), (0x2060, 0x2065), (0x206A, 0x206F), (0x3164, 0x3164), (0xFEFF, 0xFEFF)],
    *[(0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)],
    (0x2028, 0x2029),  # line and paragraph separators
    (0xD800, 0xDFFF),  # lone surrogates: they cannot be written as UTF-8
    (0xE0000, 0xE0FFF),  # tags and supplementary variation selectors: text hidden in text
    (0xFDD0, 0xFDEF),  # noncharacters, with the last two of every plane
    *[(plane + 0xFFFE, plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)],
]


def _none_but_safe(unsafe: list[tuple[int, int]]) -> re.Pattern[str]:
    # Written as "none of the safe ones": a safe character then leaves the matcher at its first look-up, where a
    # class of the unsafe ones takes ten times as long over clean text.
    safe, start = "", 0
    for first, last in sorted(unsafe):
        if start < first:
            safe += f"\\U{start:08x}-\\U{first - 1:08x}"
        start = last + 1
    return re.compile(f"[^{safe}]")


UNSAFE = _none_but_safe(_UNSAFE_RANGES)
"""One character that a terminal would obey, that hides or that reorders; tab and newline do not count."""

# They choose between glyphs of one character, and terminals disagree on the width that results: a skin tone takes no
# cell behind a hand, and two behind a letter, or where a dialog covers the hand.
_VARIATIONS = r"\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
_VARIATION = re.compile(f"[{_VARIATIONS}]")
# Two of them make a flag, of two cells; where something covers one, the other alone may take two.
_HALF_FLAGS = r"\U0001f1e6-\U0001f1ff"
_HALF_FLAG = re.compile(f"[{_HALF_FLAGS}]")
UNSTEADY = re.compile(f"[{_VARIATIONS}{_HALF_FLAGS}]")
"""One character whose width depends on what stands beside it; `inert` leaves none of them."""

_FIRST_HALF = 0x1F1E6
_TAB = 4


def inert(text: str) -> str:
    r"""Return `text` with nothing in it that a terminal obeys, that hides, or that reorders what is read.

    Each such character becomes U+FFFD. Tabs become spaces (stops of 4), `\r\n` becomes `\n`, a lone `\r`
    becomes `␍`. Variation selectors and skin tones are dropped, and flags become the letters that they are made of,
    so that a character has the same width wherever it stands. Newlines stay.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "␍")
    if not text.isascii():
        text = _VARIATION.sub("", text)
        text = _HALF_FLAG.sub(lambda half: chr(ord(half[0]) - _FIRST_HALF + ord("A")), text)
    text = UNSAFE.sub(REPLACEMENT, text)
    return text.expandtabs(_TAB) if "\t" in text else text


def one_line(text: str, width: int) -> str:
    """Return the start of any `text` as one inert line of at most `width` cells; `⏎` stands for a newline.

    Only as much of the text is looked at as can matter, so a line of 5 MB costs no more than a short one.
    """
    seen = text[: 4 * max(width, 0) + 64]
    line = inert(seen).strip("\n").replace("\n", "⏎")
    if len(seen) < len(text):
        line += ELLIPSIS
    return _shortened(line, width)


def last_line(text: str, width: int) -> str:
    """Return the end of any `text` as one inert line of at most `width` cells: its last line, or the end of that."""
    line = inert(text[-4 * max(width, 0) - 64 :]).rstrip("\n").rpartition("\n")[2]
    if cell_width(line) <= width:
        return line
    while line and cell_width(line) >= width:
        line = line[1:]
    return ELLIPSIS + line if width > 0 else ""


def cell_width(text: str) -> int:
    """Return how many terminal cells one line of inert text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def fit(text: str, width: int) -> str:
    """Return one line of inert text, cut (with an ellipsis) or padded to exactly `width` cells."""
    line = _shortened(text, width)
    return line + " " * (width - cell_width(line))


def wrap(text: str, width: int) -> list[str]:
    """Break inert text into lines of at most `width` cells (at least 2, so that a wide character fits).

    Newlines and the indentation of a line are kept, a word longer than the width is split, and the spaces at
    which a line is broken are dropped.
    """
    width = max(width, 2)
    return [piece for line in text.split("\n") for piece in _wrapped(line, width)]


def counted(number: int, thing: str) -> str:
    """Return how many there are of a thing: `1 step`, `2 steps`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def human_bytes(count: int) -> str:
    """Return a size in bytes for people: `312 B`, `1.2 kB`, `18.6 MB` (decimal units)."""
    return _scaled(count, ("B", "kB", "MB", "GB", "TB"))


def human_tokens(count: int) -> str:
    """Return a number of tokens for people: `312`, `1.9 k`, `2.1 M`."""
    return _scaled(count, ("", "k", "M", "G")).rstrip()


def human_seconds(seconds: float) -> str:
    """Return a duration for people: `<1 ms`, `212 ms`, `2.1 s`, `3 m 04 s`, `1 h 02 m`."""
    if 0 < seconds < 0.0005:
        return "<1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} m"


def human_rate(rate: float | None) -> str:
    """Return tokens a second for people: `48 tokens/s`; empty where there is none."""
    return "" if rate is None else f"{rate:,.0f} tokens/s"


def human_cost(dollars: float | None) -> str:
    """Return a cost in US dollars for people: `$0.004`, `$1.25`, `$0`; `unknown` where no price is known."""
    if dollars is None:
        return "unknown"
    if dollars == 0:
        return "$0"
    if dollars < 0.0005:
        return "<$0.001"
    return f"${dollars:.3f}" if dollars < 0.9995 else f"${dollars:.2f}"


@lru_cache(maxsize=4096)
def _cells(character: str) -> int:
    from wcwidth import wcwidth

    return max(wcwidth(character), 0)


def _fitting(text: str, start: int, width: int) -> int:
    """Return the index after the last character from `start` on that still fits into `width` cells."""
    if text.isascii():
        return min(start + width, len(text))
    for index in range(start, len(text)):
        width -= _cells(text[index])
        if width < 0:
            return index
    return len(text)


def _shortened(line: str, width: int) -> str:
    if width <= 0:
        return ""
    if _fitting(line, 0, width) == len(line):
        return line
    return line[: _fitting(line, 0, width - 1)] + ELLIPSIS


def _wrapped(line: str, width: int) -> Iterator[str]:
    start = 0
    while (end := _fitting(line, start, width)) < len(line):
        space = line.rfind(" ", start, end + 1)
        if space >= 0 and not line[start:space].isspace() and space > start:
            end = space
        yield line[start:end].rstrip(" ")
        start = end
        while line.startswith(" ", start):
            start += 1
        if start == len(line):
            return
    yield line[start:]


def _scaled(count: int, units: tuple[str, ...]) -> str:
    if count < 1000:
        return f"{count} {units[0]}"
    value = float(count)
    unit = units[0]
    for unit in units[1:]:
        value /= 1000
        if value < 99.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            break
    return f"{value:.0f} {unit}"
