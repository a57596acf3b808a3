"""An agent without code: a TOML file. Its keys form a closed set; a wrong one is named with the nearest right one."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from workbench.agent.definition import BUILT_IN, AgentDefinition, ToolLike
from workbench.agent.importing import find_module, imported, is_file
from workbench.config.mcp import read_mcp
from workbench.errors import AgentError, UserError
from workbench.events.agent import Limits, ModelParameters, ModelRetries, PermissionRules, Role
from workbench.tools.arguments import first_problem
from workbench.tools.base import Tool
from workbench.tools.files import file_tools
from workbench.tools.mcp.server import McpServer
from workbench.tools.python import python_tool
from workbench.tools.shell import shell_tool
from workbench.tools.toolkit import Toolkit
from workbench.tools.web import web_tools

_TEXTS: Final = ("name", "model", "instructions", "planner", "subagent", "summary", "plan")
_SWITCHES: Final = ("parallel_tool_calls", "eager", "subagents")
_TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "parameters": ModelParameters,
    "limits": Limits,
    "retries": ModelRetries,
    "permissions": PermissionRules,
}
KEYS: Final = (*_TEXTS, *_SWITCHES, *_TABLES, "tools", "roles", "skills", "output", "mcp")
"""Everything that may stand in such a file."""
_ROOTED: Final[Mapping[str, tuple[str, ...]]] = {"files": ("write",), "shell": ("timeout",), "python": ("timeout",)}
"""Tools that work in a folder, and what may stand beside it: `{ files = "src", write = true }`."""
_Table = TypeVar("_Table", bound=BaseModel)


def read_toml(path: Path) -> AgentDefinition:
    """Return the agent that a TOML file describes.

    Texts may be `@FILE`, tools `FILE.py:function` or `package.module:function`; files are looked for beside it.
    Raises `AgentError` naming the file, the line and the key.
    """
    try:
        text = path.read_text("utf-8")
        entries = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise AgentError(f"{path.name} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise AgentError(f"{path.name} is not TOML: {error}") from None
    said: dict[str, Any] = {}
    for key, value in entries.items():
        try:
            said[key] = _value(key, value, path.parent)
        except (UserError, ValidationError) as error:
            wrong = str(error) if isinstance(error, UserError) else first_problem(error)
            raise AgentError(f"{path.name}{_line(text, key, wrong.partition(';')[0])}: {wrong}") from None
    try:
        return AgentDefinition(**{"name": path.stem, **said})
    except UserError as error:
        raise AgentError(f"{path.name}: {error}") from None


def _line(text: str, key: str, error: str) -> str:
    """Return on which line an entry stands; that of a table is the line of the name that the error tells of.

    The parser keeps no lines, so they are looked for; where an entry is written in another way, none is named.
    """
    begins = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[.=\]]""")
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if begins.match(line)), None)
    if first is None:
        return ""
    for number, line in enumerate(lines[first:], first):
        if number > first and line.lstrip().startswith("[") and not begins.match(line):
            break
        name = re.match(r"""\s*(?:[\w-]+\s*\.\s*)?["']?([\w-]+)["']?\s*=""", line)
        if name is not None and re.search(rf"""['.]{re.escape(name[1])}\b""", error):
            return f", line {number + 1}"
    return f", line {first + 1}"


def code_of(path: Path) -> tuple[Path, ...]:
    """Return the files of code that a TOML agent names, as far as they are there; nothing is imported."""
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    tools = entries.get("tools")
    named = [*(tools if isinstance(tools, list) else ()), entries.get("output")]
    found = (_file_of(value.rpartition(":")[0], path.parent) for value in named if isinstance(value, str))
    return tuple(dict.fromkeys(file for file in found if file is not None))


def _file_of(where: str, folder: Path) -> Path | None:
    if not where:
        return None
    if is_file(where):
        file = folder / Path(where).expanduser()
    else:
        try:
            spec = find_module(where)
        except (ImportError, ValueError):
            return None
        file = Path((spec.origin if spec is not None else None) or "")
    return file.resolve() if file.is_file() else None


def _value(key: str, value: Any, folder: Path) -> Any:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it may hold: {', '.join(KEYS)}"
        raise AgentError(f"unknown key {key!r}; {hint}")
    if key in _TEXTS:
        return _text(key, value, folder)
    if key in _SWITCHES:
        if not isinstance(value, bool):
            raise AgentError(f"{key} = {value!r}; expected true or false")
        return value
    if key in _TABLES:
        return _table(key, value, _TABLES[key])
    if key == "output":
        return _output(value, folder)
    if key == "mcp":
        return tuple(McpServer(name, **said) for name, said in read_mcp(value).items())
    if not isinstance(value, list):
        raise AgentError(f"{key} = {value!r}; expected a list")
    if key == "skills":
        return tuple(_folder(item, folder) for item in value)
    if key == "tools":
        return tuple(_tool(item, folder) for item in value)
    return tuple(_table("roles", item, Role) for item in value)


def _text(key: str, value: Any, folder: Path) -> str:
    if not isinstance(value, str) or not value.strip():
        raise AgentError(f"{key} = {value!r}; expected a text that is not empty")
    if not value.startswith("@") or value.startswith("@@"):
        return value.removeprefix("@").strip()
    file = folder / value[1:]
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise AgentError(f"{key}: the file {str(file)!r} cannot be read: {error}") from None


def _output(value: Any, folder: Path) -> Any:
    """Return the form of the answer: a JSON Schema that stands there, or a pydantic model that is named."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return _named(value, folder, "output")
    raise AgentError(f"output = {value!r}; expected a table that is a JSON Schema, or FILE.py:Model")


def _table(key: str, value: Any, model: type[_Table]) -> _Table:
    if not isinstance(value, dict):
        raise AgentError(f"{key} = {value!r}; expected a table with {', '.join(model.model_fields)}")
    for name in value:
        if name not in model.model_fields:
            near = difflib.get_close_matches(name, model.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(model.model_fields)}"
            raise AgentError(f"{key} has no {name!r}; {hint}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise AgentError(f"{key}.{first_problem(error)}") from None


def _folder(value: Any, folder: Path) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise AgentError(f"skills holds {value!r}; expected folders")
    return folder / Path(value).expanduser()


def _tool(value: Any, folder: Path) -> ToolLike:
    if isinstance(value, dict):
        return _rooted(value, folder)
    if not isinstance(value, str):
        raise AgentError(f"tools holds {value!r}; expected names such as 'documents' or 'FILE.py:function'")
    if value in BUILT_IN:
        return value
    if value == "web":
        return web_tools()
    if ":" not in value:
        raise AgentError(
            f"there is no built-in tool {value!r}; there are {', '.join((*BUILT_IN, 'web', *_ROOTED))}. A function is "
            "named FILE.py:function or package.module:function"
        )
    found: ToolLike = _named(value, folder, "tools")
    if isinstance(found, str) or not (callable(found) or isinstance(found, Tool | Toolkit | Sequence)):
        raise AgentError(f"{value} is no tool but of type {type(found).__name__!r}")
    return found


def _named(value: str, folder: Path, key: str) -> Any:
    """Return what `FILE.py:name` or `package.module:name` names."""
    where, _, name = value.rpartition(":")
    if not where or not name:
        raise AgentError(f"{key} has {value!r}; expected FILE.py:name or package.module:name")
    found = getattr(imported(where, folder), name, None)
    if found is None:
        raise AgentError(f"{where} has no {name!r}")
    return found


def _rooted(value: Mapping[str, Any], folder: Path) -> ToolLike:
    """Return built-in tools that work in a folder, from the file's own on."""
    name = next(iter(value), "")
    known = _ROOTED.get(name)
    others = [key for key in value if key != name and key not in (known or ())]
    if known is None or others or not isinstance(value[name], str):
        raise AgentError(
            f'tools holds {dict(value)!r}; expected one such as {{ files = "FOLDER", write = true }}, '
            '{ shell = "FOLDER" } or { python = "FOLDER" }'
        )
    more = {key: value[key] for key in known if key in value}
    if not isinstance(more.get("write", False), bool):
        raise AgentError(f"write = {more['write']!r}; expected true or false")
    if isinstance(more.get("timeout", 1), bool) or not isinstance(more.get("timeout", 1), int | float):
        raise AgentError(f"timeout = {more['timeout']!r}; expected seconds")
    makers: Mapping[str, Callable[..., Sequence[Tool]]] = {
        "files": file_tools,
        "shell": shell_tool,
        "python": python_tool,
    }
    return tuple(makers[name](folder / Path(value[name]).expanduser(), **more))
