"""Whether a call may run."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from workbench.events.agent import Exposure, Permission, PermissionRules, ToolSpec
from workbench.policy.rules import allowed_by, restricted_by
from workbench.policy.subjects import is_compound, leave_for

NO_RULES: Final = PermissionRules()


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds in a run, beside what its tools declare of themselves."""

    rules: PermissionRules = NO_RULES
    leave: AbstractSet[str] = frozenset()
    """What a person allowed for the rest of the run: see `leave_for`."""
    exposures: AbstractSet[Exposure] = frozenset()
    """What the calls that started brought into the run."""
    deny_asks: bool = False
    """Nobody is there to ask."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer and the reason, in words for a person and for the model."""

    permission: Permission
    reason: str = ""
    every_time: bool = False
    """A person is asked at each such call: leave for the rest of the run does not hold for it."""


def verdict(spec: ToolSpec, input_: Mapping[str, JsonValue], standing: Standing) -> Verdict:
    """Return whether a call may run: deny before ask before allow.

    A declared *deny* and a *deny* rule are never lifted. Leave for the rest of the run lifts any *ask* that is not
    made every time; an *allow* rule lifts the *ask* that the tool declares, and no *ask* rule.
    """
    name = spec.name
    if spec.permission == "deny":
        return Verdict("deny", f"{name} is denied by its own declaration")
    if (rule := restricted_by(standing.rules.deny, spec, input_)) is not None:
        return Verdict("deny", f"the rule deny = {rule!r} is about this call")
    asked = _asks(spec, input_, standing)
    if asked is None or (leave_for(spec, input_) in standing.leave and not asked.every_time):
        return Verdict("allow")
    if standing.deny_asks:
        return Verdict("deny", f"{asked.reason}; this run denies what would ask")
    return asked


def _asks(spec: ToolSpec, input_: Mapping[str, JsonValue], standing: Standing) -> Verdict | None:
    """Return why a person is asked, the gravest reason first; None where nobody need be."""
    name = spec.name
    if "outward" in spec.exposure and {"private", "untrusted"} <= standing.exposures:
        said = (
            f"this run has read private data as well as words of strangers, and {name} reaches outside: then each call "
            "is asked, whatever allows it"
        )
        return Verdict("ask", said, every_time=True)
    if (rule := restricted_by(standing.rules.ask, spec, input_)) is not None:
        return Verdict("ask", f"the rule ask = {rule!r} is about this call", spec.every_time)
    if spec.permission != "ask":
        return None
    compound = spec.every_time and is_compound(spec, input_)
    if allowed_by(standing.rules, spec, input_) is not None and not compound:
        return None
    if compound:
        said = (
            f"{name} runs only when a person allows it, and no rule allows a command with pipes, redirects or the like"
        )
        return Verdict("ask", said, every_time=True)
    return Verdict("ask", f"{name} is declared to run only when a person allows it", spec.every_time)
