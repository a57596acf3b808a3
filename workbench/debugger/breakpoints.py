"""Breakpoints: the rules by which a run stops by itself, as people write them, and what each of them means.

A rule is one line of text; what it says is read once, here. Whether one holds at a moment of a run is decided in
`stops`. Knows no run, no list and no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final, Literal

from workbench.debugger.patterns import compile_pattern
from workbench.errors import BreakpointError

Kind = Literal["tool", "input", "result", "error", "tokens", "cost", "step", "diverge"]

EXAMPLES: Final[tuple[tuple[str, str], ...]] = (
    ("tool:fetch_*", "before a call of such a tool"),
    ("input:PATTERN", "before a call whose input matches"),
    ("result:PATTERN", "when a result matches"),
    ("tool:shell input:rm", "one tool, and what else must be so"),
    ("error", "when a call fails"),
    ("tokens:10k", "once so many are used"),
    ("cost:0.05", "once so many dollars are spent"),
    ("step", "after each step"),
    ("diverge:RUN", "where it differs from another run"),
)
"""What can be written, with a word on each."""
LONGEST_RULE: Final = 500
WITH_TOOL: Final = ("input", "result", "error")
"""What may stand behind a tool."""
_UNITS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_AMOUNT: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([km]?)", re.IGNORECASE)
_DOLLARS: Final = re.compile(r"\$?\s*(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})")


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """One rule, read."""

    rule: str
    """As it is shown, kept, and written into the log; two rules with the same text are the same."""
    kind: Kind
    tool: str | None = None
    """The tools that it is about, with `*` and `?`; None for all."""
    pattern: re.Pattern[str] | None = None
    amount: float = 0.0
    """Tokens, or US dollars."""
    run: str = ""
    """The baseline, as it was named."""

    def is_about(self, tool: str) -> bool:
        """Whether calls of a tool can match."""
        return self.tool is None or fnmatchcase(tool, self.tool)

    @property
    def words(self) -> str:
        """What it means, as the end of the sentence "the run stops …"."""
        of_tool = f" of {self.tool}" if self.tool is not None else ""
        said = f" {self.pattern.pattern!r}" if self.pattern is not None else ""
        match self.kind:
            case "tool":
                return f"before each call{of_tool}"
            case "input":
                return f"before a call{of_tool} whose input matches{said}"
            case "result":
                return f"when a result{of_tool} matches{said}"
            case "error":
                return f"when a call{of_tool} fails"
            case "tokens":
                return f"before the next turn, once {self.amount:,.0f} tokens are used"
            case "cost":
                return f"before the next turn, once ${self.amount:g} is spent"
            case "step":
                return "after each step"
            case "diverge":
                return f"where the run differs from run {self.run[:8]}"


def parse_rule(text: str) -> Breakpoint:
    """Return what a rule says; raises `BreakpointError` with a sentence about what is wrong and what is expected."""
    rule = " ".join(text.split()) if "\n" in text else text.strip()
    if not rule:
        raise BreakpointError(f"the breakpoint is empty; write one of {_kinds()}")
    if len(rule) > LONGEST_RULE:
        raise BreakpointError(f"the breakpoint has {len(rule)} characters; at most {LONGEST_RULE} are taken")
    if not rule.isprintable():
        raise BreakpointError(f"the breakpoint {rule!r} holds a character that cannot be shown; leave it out")
    kind, colon, argument = rule.partition(":")
    argument = argument.strip()
    match kind.strip().lower():
        case "tool":
            return _tool_rule(argument)
        case "input" | "result" as what if colon:
            return Breakpoint(f"{what}:{argument}", what, pattern=compile_pattern(argument))
        case "tokens" if colon:
            return Breakpoint(f"tokens:{argument}", "tokens", amount=_tokens(argument))
        case "cost" if colon:
            return Breakpoint(f"cost:{argument}", "cost", amount=_dollars(argument))
        case "diverge" if colon:
            return diverge_rule(argument)
        case ("error" | "step") as what if not colon:
            return Breakpoint(what, what)
    raise BreakpointError(f"{rule!r} is no breakpoint; expected one of {_kinds()}")


def diverge_rule(run: str) -> Breakpoint:
    """Return the rule with the run `run` as the baseline."""
    if not run or " " in run:
        raise BreakpointError(f"diverge:{run} names no run; write diverge:RUN with an id, a beginning of one, or @last")
    return Breakpoint(f"diverge:{run}", "diverge", run=run)


def rule_before(tool: str) -> str:
    """Return the rule that stops before calls of exactly this tool, whatever its name holds."""
    quoted = "".join(f"[{one}]" if one in "*?[" else one if one.isprintable() and one != " " else "?" for one in tool)
    return f"tool:{quoted}"


def _tool_rule(argument: str) -> Breakpoint:
    name, _, rest = argument.partition(" ")
    if not name:
        raise BreakpointError("tool: names no tool; write tool:NAME, where * stands for anything, such as tool:fetch_*")
    if not rest.strip():
        return Breakpoint(f"tool:{name}", "tool", tool=name)
    more = parse_rule(rest) if rest.strip().partition(":")[0].lower() in WITH_TOOL else None
    if more is None:
        expected = "input:PATTERN, result:PATTERN or error"
        raise BreakpointError(f"behind tool:{name} may stand {expected}, not {rest.strip()!r}")
    return replace(more, rule=f"tool:{name} {more.rule}", tool=name)


def _tokens(text: str) -> float:
    match = _AMOUNT.fullmatch(text)
    amount = float(match[1]) * _UNITS[match[2].lower()] if match else 0.0
    if amount < 1:
        raise BreakpointError(f"tokens:{text} names no number of tokens; write tokens:8000 or tokens:8k")
    return amount


def _dollars(text: str) -> float:
    match = _DOLLARS.fullmatch(text)
    amount = float(match[1]) if match else 0.0
    if amount <= 0:
        raise BreakpointError(f"cost:{text} names no amount of US dollars above 0; write cost:0.05")
    return amount


def _kinds() -> str:
    return "tool:NAME, input:PATTERN, result:PATTERN, error, tokens:N, cost:DOLLARS, step, diverge:RUN"
