"""workbench: a time-travel debugger for LLM agents, in the terminal, on an async, parallel agent engine.

The public names are imported when they are asked for, so that the command line starts without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.version import __version__ as __version__

if TYPE_CHECKING:
    from workbench.agent.hooks import Answer, Call, Context, Hooks, Turn
    from workbench.api.agent import Agent, AgentRun
    from workbench.api.places import Store
    from workbench.api.result import RunResult, WaitingCall
    from workbench.errors import AgentError, Retry, ToolError, UserError
    from workbench.events.agent import Limits, ModelParameters, ModelRetries, PermissionRules, Role
    from workbench.events.content import DocumentBlock, ImageBlock, JsonBlock, TextBlock
    from workbench.providers.remote import Endpoint
    from workbench.telemetry.programs import observe
    from workbench.tools.base import Tool, ToolContext, ToolResult
    from workbench.tools.declaring import tool
    from workbench.tools.files import file_tools
    from workbench.tools.mcp.server import McpServer
    from workbench.tools.python import python_tool
    from workbench.tools.shell import shell_tool
    from workbench.tools.toolkit import Toolkit
    from workbench.tools.web import web_tools


_HOMES = {
    "Agent": "api.agent",
    "AgentError": "errors",
    "AgentRun": "api.agent",
    "Answer": "agent.hooks",
    "Call": "agent.hooks",
    "Context": "agent.hooks",
    "DocumentBlock": "events.content",
    "Endpoint": "providers.remote",
    "Hooks": "agent.hooks",
    "ImageBlock": "events.content",
    "JsonBlock": "events.content",
    "Limits": "events.agent",
    "McpServer": "tools.mcp.server",
    "ModelParameters": "events.agent",
    "ModelRetries": "events.agent",
    "PermissionRules": "events.agent",
    "Retry": "errors",
    "Role": "events.agent",
    "RunResult": "api.result",
    "Store": "api.places",
    "TextBlock": "events.content",
    "Tool": "tools.base",
    "ToolContext": "tools.base",
    "ToolError": "errors",
    "ToolResult": "tools.base",
    "Toolkit": "tools.toolkit",
    "Turn": "agent.hooks",
    "UserError": "errors",
    "WaitingCall": "api.result",
    "file_tools": "tools.files",
    "observe": "telemetry.programs",
    "python_tool": "tools.python",
    "shell_tool": "tools.shell",
    "tool": "tools.declaring",
    "web_tools": "tools.web",
}
"""Where each public name stands."""

__all__ = [
    "Agent",
    "AgentError",
    "AgentRun",
    "Answer",
    "Call",
    "Context",
    "DocumentBlock",
    "Endpoint",
    "Hooks",
    "ImageBlock",
    "JsonBlock",
    "Limits",
    "McpServer",
    "ModelParameters",
    "ModelRetries",
    "PermissionRules",
    "Retry",
    "Role",
    "RunResult",
    "Store",
    "TextBlock",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "Toolkit",
    "Turn",
    "UserError",
    "WaitingCall",
    "file_tools",
    "observe",
    "python_tool",
    "shell_tool",
    "tool",
    "web_tools",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    value = getattr(import_module(f"workbench.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
