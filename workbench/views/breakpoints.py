"""Breakpoints as a person reads them: switched on or off, the rule, what it means, how often it was hit. Pure."""

from __future__ import annotations

from workbench.debugger.breakpoints import EXAMPLES, parse_rule
from workbench.driver.commands import BreakpointSetting
from workbench.errors import BreakpointError
from workbench.views.segments import Line, Segment, Style, row, split_row
from workbench.views.text import one_line

_INDENT = " " * 8
_EXAMPLE_WIDTH = 22


def breakpoint_lines(setting: BreakpointSetting, hits: int, width: int) -> list[Line]:
    """Return a breakpoint on two lines: how it is written, and what that means or why it stops nothing."""
    is_on = setting.is_enabled
    left = [
        Segment(" ● on   " if is_on else " ○ off  ", "ok" if is_on else "muted"),
        Segment(one_line(setting.rule, max(width - 20, 20)), "title" if is_on else "muted"),
    ]
    right = [Segment(f"hit {hits}× in this run ", "waiting")] if hits else []
    below = Segment(_INDENT + one_line(_meaning(setting), max(width - len(_INDENT), 20)), _style(setting))
    return [split_row(left, right, width, keep_right=True), row([below], width)]


def _meaning(setting: BreakpointSetting) -> str:
    return f"stops nothing: {setting.trouble}" if setting.trouble else meaning(setting.rule)


def _style(setting: BreakpointSetting) -> Style:
    return "error" if setting.trouble and setting.is_enabled else "muted"


def meaning(rule: str) -> str:
    """Return what a rule does, in words; empty for one that cannot be read."""
    try:
        return f"stops {parse_rule(rule).words}"
    except BreakpointError:
        return ""


def example_lines(width: int) -> list[Line]:
    """Return what can be written, with a word on each."""
    return [
        row([Segment(f"{rule:<{_EXAMPLE_WIDTH}}", "key"), Segment(words, "muted")], width) for rule, words in EXAMPLES
    ]
