"""Takes away what makes text harmless, for tests that must be seen to fail without it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from workbench.views import exact, text

Set = Callable[[object, str, Any], None]


def without_sanitiser(put: Set = setattr) -> None:
    """Let text through as it is, wherever it is made harmless; `put` is how an attribute is replaced."""
    inert = text.inert
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("workbench") and getattr(module, "inert", None) is inert:
            put(module, "inert", _as_it_is)
    put(exact, "UNSAFE", re.compile("(?!)"))


def _as_it_is(shown: str) -> str:
    return shown
