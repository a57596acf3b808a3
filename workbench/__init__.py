"""workbench: a time-travel debugger for LLM agents, in the terminal, on an async, parallel agent engine.

The public names are imported when they are asked for, so that the command line starts without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.api.agent import Agent, AgentRun
    from workbench.api.places import Store
    from workbench.api.result import RunResult, WaitingCall
    from workbench.errors import AgentError, Retry, ToolError, UserError
    from workbench.events.agent import Limits, ModelParameters, ModelRetries, PermissionRules, Role
    from workbench.providers.remote import Endpoint
    from workbench.tools.base import Tool, ToolContext, ToolResult
    from workbench.tools.declaring import tool
    from workbench.tools.toolkit import Toolkit

__version__ = "0.1.0"

_HOMES = {
    "Agent": "api.agent",
    "AgentError": "errors",
    "AgentRun": "api.agent",
    "Endpoint": "providers.remote",
    "Limits": "events.agent",
    "ModelParameters": "events.agent",
    "ModelRetries": "events.agent",
    "PermissionRules": "events.agent",
    "Retry": "errors",
    "Role": "events.agent",
    "RunResult": "api.result",
    "Store": "api.places",
    "Tool": "tools.base",
    "ToolContext": "tools.base",
    "ToolError": "errors",
    "ToolResult": "tools.base",
    "Toolkit": "tools.toolkit",
    "UserError": "errors",
    "WaitingCall": "api.result",
    "tool": "tools.declaring",
}
"""Where each public name stands."""

__all__ = [
    "Agent",
    "AgentError",
    "AgentRun",
    "Endpoint",
    "Limits",
    "ModelParameters",
    "ModelRetries",
    "PermissionRules",
    "Retry",
    "Role",
    "RunResult",
    "Store",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "Toolkit",
    "UserError",
    "WaitingCall",
    "tool",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    value = getattr(import_module(f"workbench.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
