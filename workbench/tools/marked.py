"""What the built-in tools say of themselves beyond what `@tool` asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from workbench.tools.base import Tool


def marked(item: Tool, *, preview: Callable[[Mapping[str, Any]], str] | None = None, **said: Any) -> Tool:
    """Return a tool with fields of its `ToolSpec` set, and with what a person sees when asked."""
    return replace(item, spec=item.spec.model_copy(update=said), preview=preview)
