"""Facts as lines of the log: runs and what went wrong with them; with `--verbose` each turn and call as well.

What is asked and answered is not in them, only what went wrong, in the words in which that was said.
"""

from __future__ import annotations

import logging
from typing import Any

from workbench.driver.feed import Trouble
from workbench.telemetry.facts import (
    CallEnded,
    Fact,
    FellBack,
    ModelAgain,
    RunBegan,
    RunRested,
    StepMeasured,
    Stretch,
    ToolAgain,
    TurnEnded,
)
from workbench.telemetry.labels import model_name

logger = logging.getLogger("workbench.run")


class LogLines:
    """Writes each fact once."""

    def take(self, fact: Fact | Trouble) -> None:
        """Write one."""
        match fact:
            case Trouble(message, run, how_bad, detail):
                level = logging.ERROR if how_bad == "error" else logging.WARNING
                _say(level, message, None, run=run, detail=detail or None)
            case RunBegan(stretch):
                how = stretch.began.event.kind
                words = "run begins" if how in ("run_started", "run_forked") else "run goes on"
                _say(logging.INFO, words, stretch, by=how, caller=stretch.kin.caller, agent=stretch.kin.agent)
            case RunRested(stretch, _, status, reason, _, error):
                level = logging.ERROR if status == "failed" else logging.INFO
                tokens = stretch.usage.total_tokens
                _say(level, "run rests", stretch, status=status, reason=reason, error=error, tokens=tokens)
            case ModelAgain(stretch, model, error, kind, wait):
                asked = {"model": model_name(model), "error": error, "error_kind": kind, "wait": wait}
                _say(logging.WARNING, "model is asked again", stretch, **asked)
            case ToolAgain(stretch, tool, error, wait):
                _say(logging.WARNING, "tool is tried again", stretch, tool=tool, error=error, wait=wait)
            case FellBack(stretch, why):
                _say(logging.WARNING, "calls run one by one", stretch, why=why)
            case TurnEnded(stretch, _, _, model, status, usage, seconds, error, kind):
                level = logging.WARNING if status == "refused" else logging.DEBUG
                used = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "cost": usage.cost}
                said = {"model": model_name(model), "status": status, "seconds": seconds, "error": error or None}
                _say(level, "turn", stretch, **said, error_kind=kind or None, **used)
            case CallEnded(stretch, started, _, tool, status, seconds, retries):
                call = getattr(started.event, "call", None)
                said = {"call": call, "tool": tool, "status": status, "seconds": seconds, "retries": len(retries)}
                _say(logging.DEBUG, "call", stretch, **said)
            case StepMeasured(stretch, aggregation, whole):
                _say(logging.DEBUG, "step", stretch, aggregation=aggregation, whole=whole)

    def close(self) -> None:
        """Do nothing: the file is another's."""


def _say(level: int, message: str, stretch: Stretch | None, **given: Any) -> None:
    if logger.isEnabledFor(level):
        run = {"run": stretch.run} if stretch is not None else {}
        logger.log(level, "%s", message, extra={"given": {**run, **given}})
