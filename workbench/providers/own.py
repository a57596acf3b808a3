"""Models of one's own: objects with the one method of a provider, named `own:NAME`, beside all that names can reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from workbench.errors import AgentError, ModelNotFoundError
from workbench.providers.base import Provider

OWN: Final = "own"
"""What stands before the colon in the name of such a model."""
MakeProvider = Callable[[str, float], Provider]
"""Makes the provider of a model name, at a pace; raises `ModelNotFoundError` where there is none."""


def own_name(provider: object) -> str:
    """Return the name by which the log knows an object; raises `AgentError` for one that cannot be asked."""
    if not callable(getattr(provider, "stream", None)):
        raise AgentError(
            f"{type(provider).__name__!r} is no model: give a name such as 'anthropic:claude-sonnet-5-5', or an object "
            "with a method `stream(request)` that gives deltas"
        )
    name = getattr(provider, "name", None)
    return f"{OWN}:{name if isinstance(name, str) and name.strip() else type(provider).__name__}"


class OwnModels:
    """Gives the objects that were added by their names, and asks `others` for every other model."""

    def __init__(self, others: MakeProvider) -> None:
        self._others = others
        self._own: dict[str, Provider] = {}

    def add(self, provider: Provider) -> str:
        """Let a model be asked by its name, and return that; the last one of a name counts."""
        name = own_name(provider)
        self._own[name] = provider
        return name

    def __call__(self, model: str, pace: float = 0.0) -> Provider:
        """Return the provider of a model name; raises `ModelNotFoundError`, as `others` does."""
        if model in self._own:
            return self._own[model]
        if model.startswith(f"{OWN}:"):
            raise ModelNotFoundError(
                f"the model {model!r} is an object of somebody's program, which is not here: name its file with -a, or "
                "fork the run onto another model with -m"
            )
        return self._others(model, pace)
