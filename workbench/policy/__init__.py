"""Permission verdicts, purely: deny before ask before allow. It does not know who asks, nor how."""

from workbench.policy.rules import Rule, check_rules, joined_rules, parse_rule
from workbench.policy.subjects import canonical, leave_for, subject_text
from workbench.policy.verdict import NO_RULES, Standing, Verdict, verdict

__all__ = [
    "NO_RULES",
    "Rule",
    "Standing",
    "Verdict",
    "canonical",
    "check_rules",
    "joined_rules",
    "leave_for",
    "parse_rule",
    "subject_text",
    "verdict",
]
