"""A meter of what fills the context: a bar against the budget, and each part with its tokens. Pure.

Every part has a texture of its own, so that the bar can be read without colour.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from workbench.conversation.weights import Weights
from workbench.views.segments import Line, Segment, Style, row
from workbench.views.text import human_tokens

NAMED_STEPS: Final = 4
"""Steps whose results have a line of their own; the largest."""
LARGE_SCHEMA: Final = 200
"""Tokens from which a tool's schema is pointed at."""
_NAME_WIDTH: Final = 17
_TOKENS_WIDTH: Final = 9
_LEFT_OUT: Final = "╱"
_FREE: Final = "·"


class _Share(NamedTuple):
    name: str
    tokens: int
    texture: str
    style: Style


def meter_lines(weights: Weights, width: int, recorded: int | None = None) -> list[Line]:
    """Return the meter in lines of `width` cells; `recorded` is the provider's own count of the request's tokens."""
    shares = _shares(weights)
    lines = [_head(weights, width, recorded), _bar(weights, shares, width), row((), width)]
    most = max([share.tokens for share in shares], default=0)
    lines += [_share_line(share, most, width) for share in shares]
    if weights.left_out:
        lines.append(_share_line(_Share("left out", weights.left_out, _LEFT_OUT, "muted"), most, width))
    return lines


def _head(weights: Weights, width: int, recorded: int | None) -> Line:
    pieces = [Segment(f"≈ {human_tokens(weights.total)}", "text")]
    if weights.budget:
        share = 100 * weights.total / weights.budget
        percent = "<1 %" if 0 < share < 1 else f"{share:.0f} %"
        style: Style = "waiting" if weights.total > weights.budget else "muted"
        pieces.append(Segment(f" of {human_tokens(weights.budget)} tokens · {percent}", style))
    if recorded is not None:
        pieces.append(Segment(f" · recorded {human_tokens(recorded)}", "muted"))
    return row(pieces, width)


def _shares(weights: Weights) -> list[_Share]:
    shares = [
        _Share("instructions", weights.instructions, "█", "text"),
        _Share("tools", weights.tools, "▓", "key"),
        _Share("plan", weights.plan, "▒", "plan"),
        _Share("messages", weights.messages, "░", "message"),
        _Share("summary", weights.summary, "▞", "edited"),
        _Share("model's turns", weights.turns, "▚", "thinking"),
        *_result_shares(weights.results),
    ]
    return [share for share in shares if share.tokens]


def _result_shares(results: tuple[tuple[int, int], ...]) -> list[_Share]:
    """Return the largest results by step, in the order of the steps, and the rest as one."""
    largest = sorted(results, key=lambda result: -result[1])[:NAMED_STEPS]
    named = [_Share(f"results, step {step}", tokens, "▆", "bar") for step, tokens in sorted(largest)]
    rest = [tokens for step, tokens in results if (step, tokens) not in largest]
    if rest:
        steps = "step" if len(rest) == 1 else "steps"
        named.append(_Share(f"{len(rest)} other {steps}", sum(rest), "▃", "bar"))
    return named


def _bar(weights: Weights, shares: list[_Share], width: int) -> Line:
    """Return the parts one after the other; the width is the budget, or the whole where that is more."""
    whole = max(weights.budget, weights.total, 1)
    pieces: list[Segment] = []
    room = width
    for number, share in enumerate(shares):
        cells = max(1, round(share.tokens / whole * width))
        cells = max(0, min(cells, room - (len(shares) - number - 1)))
        pieces.append(Segment(share.texture * cells, share.style))
        room -= cells
    out = min(room, max(1, round(weights.left_out / whole * width))) if weights.left_out else 0
    pieces += [Segment(_LEFT_OUT * out, "muted"), Segment(_FREE * (room - out), "bar_idle")]
    return row(pieces, width)


def _share_line(share: _Share, most: int, width: int) -> Line:
    tokens = f"≈ {human_tokens(share.tokens)}"
    pieces = [
        Segment(f"{share.texture} ", share.style),
        Segment(f"{share.name:<{_NAME_WIDTH}}", "muted"),
        Segment(f"{tokens:>{_TOKENS_WIDTH}}  "),
    ]
    room = width - 2 - _NAME_WIDTH - _TOKENS_WIDTH - 2
    if room > 3 and most:
        cells = min(room, max(1, round(share.tokens / most * min(room, 40))))
        pieces.append(Segment(share.texture * cells, share.style))
    return row(pieces, width)
