"""Which breakpoints a run has reached: the rules in force, asked at each moment at which a run may stop by itself.

Purely: it reads the state and the fact at hand, and answers with the hits that are to be written down. The engine asks
through a protocol of its own (`engine.breakpoints`), which this fits. What has been hit stands in the log
(`RunState.hits`), so a run that goes on is not stopped again by the same breakpoint at the same place, whatever
happened between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from workbench.debugger.baseline import Baseline
from workbench.debugger.breakpoints import Breakpoint
from workbench.debugger.patterns import MOST_SEARCHED, found
from workbench.events.call import CallFinished
from workbench.events.content import plain_text
from workbench.events.run import BreakpointHit
from workbench.events.turn import TurnFinished
from workbench.state.run_state import RunState

FAILED = ("error", "exception", "timeout", "invalid_input")
"""Outcomes that `error` stops at: not what a person decided, such as a denial."""
QUOTED = 80
"""Characters of a text that are told of."""

Hits = tuple[BreakpointHit, ...]


@dataclass(frozen=True, slots=True)
class Stops:
    """The breakpoints in force, with the runs that some of them compare with."""

    rules: tuple[Breakpoint, ...] = ()
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    """By the run as the rule names it; a rule whose run could not be read never matches."""

    @property
    def are_set(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.rules)

    def before_call(self, state: RunState, call: str, tool: str, given: Mapping[str, JsonValue]) -> Hits:
        """Return what stops before a call that could start now."""

        def why(rule: Breakpoint) -> str | None:
            if (rule.rule, call) in state.hits or not rule.is_about(tool):
                return None
            if rule.kind == "tool":
                return f"before call {call} {_short(tool)}"
            match = found(rule.pattern, input_text(given)) if rule.kind == "input" and rule.pattern else None
            return None if match is None else f"before call {call} {_short(tool)}, whose input says {_quoted(match)}"

        return self._hits(why, call)

    def may_start_early(self, state: RunState, call: str, tool: str, given: Mapping[str, JsonValue]) -> bool:
        """Whether a call may start before its turn is finished: nothing could stop it or the turn that asks for it."""
        return not self._compares(state) and not self.before_call(state, call, tool, given)

    def after_result(self, state: RunState, finished: CallFinished, tool: str) -> Hits:
        """Return what stops at a result that a call has just got."""
        if finished.by == "operator":
            return ()
        call, text = finished.call, ""

        def why(rule: Breakpoint) -> str | None:
            nonlocal text
            if rule.kind == "error" and finished.outcome in FAILED and rule.is_about(tool):
                return f"call {call} {_short(tool)} failed: {_short(finished.first_line)}"
            if rule.kind == "result" and rule.pattern and rule.is_about(tool):
                text = text or plain_text(finished.result)
                match = found(rule.pattern, text)
                return None if match is None else f"the result of call {call} {_short(tool)} says {_quoted(match)}"
            if rule.kind == "diverge" and self._differs(state, rule, finished):
                return f"call {call} {_short(tool)} gave another result than in run {rule.run[:8]}"
            return None

        return self._hits(why, call)

    def _differs(self, state: RunState, rule: Breakpoint, finished: CallFinished) -> bool:
        baseline = self.baselines.get(rule.run) if self._is_watched(state, rule) else None
        step = state.steps[-1] if state.steps else None
        places = [call.id for call in step.asked_calls] if step is not None else []
        if baseline is None or step is None or finished.call not in places:
            return False
        place = places.index(finished.call)
        return baseline.differs_in_result(step.index, place, finished.result, is_error=finished.is_error)

    def after_turn(self, state: RunState, turn: TurnFinished) -> Hits:
        """Return what stops at a turn before any of its calls starts."""

        def why(rule: Breakpoint) -> str | None:
            baseline = self.baselines.get(rule.run) if self._is_watched(state, rule) else None
            return (baseline.differs_in_turn(turn.step, turn.content) or None) if baseline is not None else None

        return self._hits(why)

    def before_turn(self, state: RunState, *, has_stepped: bool) -> Hits:
        """Return what stops before the next turn; `has_stepped`: a step was finished since the run went on."""
        usage = state.total_usage

        def why(rule: Breakpoint) -> str | None:
            if rule.kind == "step":
                return f"step {len(state.steps) - 1} is done" if has_stepped else None
            if (rule.rule, None) in state.hits:
                return None
            if rule.kind == "tokens" and usage.total_tokens >= rule.amount:
                return f"{usage.total_tokens:,} tokens are used"
            if rule.kind == "cost" and usage.cost is not None and usage.cost >= rule.amount:
                return f"${usage.cost:.4f} is spent"
            return None

        return self._hits(why)

    def before_request(self, state: RunState, step: int, key: str) -> Hits:
        """Return what stops before the model is asked something that the baseline was not asked.

        After an edit of a person's own, requests differ by construction; then only what the model and the tools make
        of it is compared.
        """
        if state.own_edits:
            return ()

        def why(rule: Breakpoint) -> str | None:
            baseline = self.baselines.get(rule.run) if self._is_watched(state, rule) else None
            return (baseline.differs_in_request(step, key) or None) if baseline is not None else None

        return self._hits(why)

    def _compares(self, state: RunState) -> bool:
        return any(self._is_watched(state, rule) and rule.run in self.baselines for rule in self.rules)

    def _is_watched(self, state: RunState, rule: Breakpoint) -> bool:
        """Whether the run is compared: once it has differed, everything does.

        A subagent is not: it has no counterpart, and its summary is a result of its caller.
        """
        return rule.kind == "diverge" and not state.depth and all(hit != rule.rule for hit, _ in state.hits)

    def _hits(self, why: Callable[[Breakpoint], str | None], call: str | None = None) -> Hits:
        reasons: Iterable[tuple[str, str | None]] = ((rule.rule, why(rule)) for rule in self.rules)
        return tuple(BreakpointHit(rule=rule, why=said, call=call) for rule, said in reasons if said is not None)


def input_text(given: Mapping[str, JsonValue]) -> str:
    """Return a call's input as patterns see it: `field: value`, each field on a line of its own."""
    fields = (f"{name}: {_value(value)}" for name, value in given.items())
    return "\n".join(fields)[:MOST_SEARCHED]


def _value(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"


def _quoted(match: str) -> str:
    return f"“{_short(match)}”"
