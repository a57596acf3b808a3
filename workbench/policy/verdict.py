"""Whether a call may run."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from workbench.events.agent import Permission, ToolSpec


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer and the reason, in words for a person."""

    permission: Permission
    reason: str = ""


def verdict(spec: ToolSpec, allowed_tools: AbstractSet[str], *, deny_asks: bool = False) -> Verdict:
    """Return whether a call of `spec` may run.

    `allowed_tools` are those that a person allowed for the rest of the run; they lift an *ask*, never a *deny*.
    `deny_asks` turns what is left of *ask* into *deny*, for runs with nobody to ask.
    """
    if spec.permission == "deny":
        return Verdict("deny", f"{spec.name} is denied by the agent's permissions")
    if spec.permission == "allow" or spec.name in allowed_tools:
        return Verdict("allow")
    if deny_asks:
        return Verdict("deny", f"{spec.name} needs a person's permission, and this run denies what would ask")
    return Verdict("ask", f"{spec.name} runs only when a person allows it")
