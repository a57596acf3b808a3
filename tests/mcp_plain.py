"""A server of the older protocol in plain Python, which starts at once: `python -S mcp_plain.py`.

Its tools come on two pages. When asked to, it dies, floods, holds a call, changes a tool or leaves a program behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

alive = open(os.environ["ALIVE"], "w") if "ALIVE" in os.environ else None  # noqa: PTH123, SIM115 - as long as it lives
described = {"echo": "Say it again.", "die": "End.", "flood": "Say too much.", "change": "Change.", "leave": "Leave."}
described |= {"hold": "Never answer.", "held": "Say how many calls were given up."}
given_up: list[int] = []
described["echo"] += " Gladly." if "changed" in sys.argv else ""


def tool(name: str) -> dict[str, Any]:
    """Return a tool as it is listed."""
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    return {"name": name, "description": described[name], "inputSchema": schema}


def called(name: str, arguments: dict[str, Any]) -> str:
    """Return what a tool says."""
    match name:
        case "die":
            os._exit(3)
        case "flood":
            return "x" * 9_000_000
        case "change":
            described["echo"] = "Say it to others."
            say({"method": "notifications/tools/list_changed"})
        case "held":
            return f"{len(given_up)} given up"
        case "leave":
            held = () if alive is None else (alive.fileno(),)
            subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"], pass_fds=held)
    return str(arguments.get("text", name))


def answered(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request."""
    match method:
        case "initialize":
            able = {"tools": {"listChanged": True}}
            who = {"name": "plain", "version": "1"}
            version = params["protocolVersion"]
            return {"result": {"protocolVersion": version, "capabilities": able, "serverInfo": who}}
        case "tools/list":
            names = list(described)
            if "cursor" in params:
                return {"result": {"tools": [tool(name) for name in names[2:]]}}
            return {"result": {"tools": [tool(name) for name in names[:2]], "nextCursor": "more"}}
        case "tools/call":
            text = called(params["name"], params.get("arguments") or {})
            return {"result": {"content": [{"type": "text", "text": text}]}}
        case _:
            return {"error": {"code": -32601, "message": "no such method"}}


def say(message: dict[str, Any]) -> None:
    """Send a message."""
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


if "silent" not in sys.argv:
    print("starting", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "notifications/cancelled":
        given_up.append(asked["params"]["requestId"])
    is_held = (asked.get("params") or {}).get("name") == "hold"
    if "id" in asked and not is_held and "silent" not in sys.argv:
        say({"id": asked["id"], **answered(asked["method"], asked.get("params") or {})})
