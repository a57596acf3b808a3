"""What a person decides of what is still open: the plan, and single calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.events.call import UnknownAnswer
from workbench.events.plan import PlanStep


@dataclass(frozen=True, slots=True)
class ApprovePlan:
    """Approve the waiting plan, or first replace its steps. Answers with None."""

    run: str
    steps: Sequence[PlanStep] | None = None


@dataclass(frozen=True, slots=True)
class SkipPlan:
    """Go on without the waiting plan. Answers with None."""

    run: str


@dataclass(frozen=True, slots=True)
class EditPlan:
    """Replace the steps of an approved plan that are not done yet. Answers with None."""

    run: str
    steps: Sequence[PlanStep]


@dataclass(frozen=True, slots=True)
class CancelCall:
    """Give up one call in flight; its siblings go on. Answers with None."""

    run: str
    call: str


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Give the result of one call that has none yet, by hand. Answers with None."""

    run: str
    call: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class RetryCall:
    """Leave the attempt of a running call and begin the next in the same run; its siblings go on. Answers with None.

    The attempt that is left may have taken effect, where the call is effectful: ask the person first.
    """

    run: str
    call: str


@dataclass(frozen=True, slots=True)
class GiveTime:
    """Let a running call take so many seconds more before it times out. Answers with None."""

    run: str
    call: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DecidePermission:
    """Allow or deny a call that waits for a person. Answers with None."""

    run: str
    call: str
    verdict: Literal["allow", "deny"]
    scope: Literal["once", "run"] = "once"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SwitchTools:
    """Switch groups of tools on or off; holds from the next request. Answers with None."""

    run: str
    groups: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class ResolveUnknown:
    """Answer for a call of unknown outcome; `text` is the result for `result`. Answers with None."""

    run: str
    call: str
    answer: UnknownAnswer
    text: str = ""
