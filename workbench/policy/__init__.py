"""Permission verdicts, purely: deny before ask before allow. It does not know who asks, nor how."""

from workbench.policy.verdict import Verdict, verdict

__all__ = ["Verdict", "verdict"]
