"""What was said to a person, as lines: one for the list, all of it below."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

from workbench.views.marks import Mark
from workbench.views.segments import Line, Segment, row
from workbench.views.text import inert, one_line, wrap

MARKS: Final[dict[Literal["information", "warning", "error"], Mark]] = {
    "information": Mark("·", "said", "muted"),
    "warning": Mark("!", "warning", "waiting"),
    "error": Mark("✗", "error", "error"),
}


def message_line(
    at: float, severity: Literal["information", "warning", "error"], sentence: str, width: int, *, has_detail: bool
) -> Line:
    """Return a message on one line: when, how bad, what."""
    mark = MARKS[severity]
    more = "  ≡ details" if has_detail else ""
    time = f"{datetime.fromtimestamp(at, tz=UTC).astimezone():%H:%M:%S}"
    head = [Segment(f"{time}  ", "muted"), Segment(f"{mark.glyph} {mark.word:<8}", mark.style)]
    text = one_line(sentence, max(width - len(time) - len(more) - 12, 8))
    return row([*head, Segment(text), Segment(more, "link")], width)


def message_text(sentence: str, detail: str, width: int) -> list[Line]:
    """Return the whole of a message."""
    lines: list[Line] = [(Segment(line),) for line in wrap(inert(sentence), width)]
    if detail:
        lines += [(), *((Segment(line, "muted"),) for line in wrap(inert(detail.rstrip()), width))]
    return lines
