"""How large a request may be: the one answer for elision, summaries and the meter of the context."""

from __future__ import annotations

from workbench.events.agent import AgentRecord
from workbench.providers.catalog import context_of


def request_budget(agent: AgentRecord) -> int:
    """Return the tokens that a request of the agent may have.

    It is `limits.request_tokens`, and no more than its model can read where that is known, less what it may write.
    """
    context, wanted = context_of(agent.model), agent.limits.request_tokens
    return wanted if context is None else max(1, min(wanted, context - agent.parameters.max_tokens))
