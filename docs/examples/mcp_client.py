"""An agent whose tools come from an MCP server, which is started with it and stopped with it.

    workbench run -a docs/examples/mcp_client.py "What is the length of a fathom?"

Tools of a server are asked for each time, unless you say otherwise; that this one only reads is your word, not the
server's. `mcp_http.py` takes a server that runs already.
"""

import sys
from pathlib import Path

from workbench import Agent, McpServer

agent = Agent(
    name="measurer",
    model="offline",
    instructions="You know old units of length.",
    mcp=[
        McpServer(
            "measures",
            command=sys.executable,
            args=[str(Path(__file__).with_name("mcp_server.py"))],
            permission="allow",
            read_only=["get_length"],
        )
    ],
    plan="off",
)
