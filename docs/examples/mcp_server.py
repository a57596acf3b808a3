"""A small MCP server, for `mcp_client.py`: one tool, over stdio. It needs `pip install 'workbench[mcp]'`."""

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
    server.run()
