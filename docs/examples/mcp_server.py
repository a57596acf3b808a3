"""A small MCP server, for `mcp_client.py` and `mcp_http.py`. It needs `pip install 'workbench[mcp]'`.

    python docs/examples/mcp_server.py
    python docs/examples/mcp_server.py 8765

speaks over stdio, and over HTTP at a port of this machine.
"""

import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("measures")

METRES = {"fathom": 1.8288, "furlong": 201.168, "league": 4828.032}


@server.tool()
def get_length(unit: str) -> str:
    """Return how long an old unit of length is."""
    for name, metres in METRES.items():
        if name in unit.lower():
            return f"A {name} is {metres} m long."
    raise ValueError(f"nothing is known of {unit!r}; known are {', '.join(METRES)}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
