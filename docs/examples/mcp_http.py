"""An agent whose tools come from an MCP server that runs already, and is reached over HTTP.

    python docs/examples/mcp_server.py 8765
    workbench run -a docs/examples/mcp_http.py "What is the length of a furlong?"

The first line starts the server, in another terminal. Set MEASURES to reach one elsewhere. It goes on when the run is
over; where it does not run, the agent does not start and says so.
"""

import os

from workbench import Agent, McpServer

agent = Agent(
    name="measurer",
    model="offline",
    instructions="You know old units of length.",
    mcp=[
        McpServer(
            "far-measures",
            url=os.environ.get("MEASURES", "http://127.0.0.1:8765/mcp"),
            permission="allow",
            read_only=["get_length"],
        )
    ],
    plan="off",
)
