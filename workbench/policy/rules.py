"""Rules such as `fetch_doc`, `files_*` or `shell(git status*)`: how they are written, and which calls they are about.

A rule names tools, and in brackets what their calls are about. `*` stands for any text, everything else for itself, and
a pattern has to fit the whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pydantic import JsonValue

from workbench.errors import AgentError
from workbench.events.agent import PermissionRules, ToolSpec
from workbench.policy.subjects import allows, restricts
from workbench.policy.wildcards import fits, loosely

_WRITTEN: Final = re.compile(r"(?P<tool>[\w.*-]+)(?:\((?P<subject>.+)\))?", re.DOTALL)
KINDS: Final = ("allow", "ask", "deny")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    text: str
    """As it was written."""
    tool: str
    subject: str | None = None
    """What calls are about; None for all of them."""

    def may_allow(self, spec: ToolSpec, input_: Mapping[str, JsonValue]) -> bool:
        """Whether a call is surely what an *allow* means; what could be read in two ways is not."""
        return fits(self.tool, spec.name) and (self.subject is None or allows(self.subject, spec, input_))

    def may_restrict(self, spec: ToolSpec, input_: Mapping[str, JsonValue]) -> bool:
        """Whether a call could be what an *ask* or a *deny* means, in any way of reading it."""
        named = fits(loosely(self.tool), loosely(spec.name))
        return named and (self.subject is None or restricts(self.subject, spec, input_))


@lru_cache(maxsize=1024)
def parse_rule(text: str) -> Rule:
    """Return the rule that is written there; raises `AgentError` for a text that is none."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or not text.isprintable():
        raise AgentError(
            f"the permission rule {text!r} cannot be read; write a tool, such as fetch_doc or files_*, or a tool and "
            "what its calls are about, such as shell(git status*)"
        )
    return Rule(text.strip(), found["tool"], found["subject"])


def check_rules(rules: PermissionRules) -> None:
    """Raise `AgentError` naming the first rule that cannot be read."""
    for kind in KINDS:
        for text in getattr(rules, kind):
            parse_rule(text)


def joined_rules(*sources: PermissionRules) -> PermissionRules:
    """Return all rules of all sources, each once."""
    return PermissionRules(
        **{kind: tuple(dict.fromkeys(text for rules in sources for text in getattr(rules, kind))) for kind in KINDS}
    )


def allowed_by(rules: PermissionRules, spec: ToolSpec, input_: Mapping[str, JsonValue]) -> Rule | None:
    """Return the rule that allows a call; one that cannot be read allows nothing."""
    return next((rule for text in rules.allow if (rule := _read(text)) and rule.may_allow(spec, input_)), None)


def restricted_by(texts: tuple[str, ...], spec: ToolSpec, input_: Mapping[str, JsonValue]) -> str | None:
    """Return the one of these rules that is about a call; one that cannot be read is about all."""
    for text in texts:
        rule = _read(text)
        if rule is None or rule.may_restrict(spec, input_):
            return text
    return None


def _read(text: str) -> Rule | None:
    """Return a rule, or None where nobody looked at it before it came into the log."""
    try:
        return parse_rule(text)
    except AgentError:
        return None
