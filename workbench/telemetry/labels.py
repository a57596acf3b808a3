"""Values of labels, bounded: a server of metrics keeps one series for each, for ever.

Names of models come from the person, names of tools from the agent: a call that starts is one of a tool that the agent
has, whatever a model asks for. Both are counted all the same, and from the last place on they are called `other`.
"""

from __future__ import annotations

from typing import Final

from workbench.providers.wire.common import split_model

OTHER: Final = "other"
MOST_MODELS: Final = 50
MOST_TOOLS: Final = 200
LONGEST: Final = 100
"""Characters of one value."""


class Names:
    """The first so many names that it is asked for, and `other` for all that come later."""

    def __init__(self, most: int) -> None:
        self._most, self._known = most, set[str]()

    def __call__(self, name: str) -> str:
        """Return the label of a name."""
        if name in self._known:
            return name
        if len(self._known) >= self._most or len(name) > LONGEST or not name:
            return OTHER
        self._known.add(name)
        return name


def model_name(model: str) -> str:
    """Return a model without its address, which may hold a password, and without the run that a recorded one plays."""
    name = split_model(model)
    if name.provider == "recorded":
        return name.provider
    return f"{name.provider}:{name.model}" if name.model else name.provider
