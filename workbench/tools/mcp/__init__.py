"""MCP servers: programs and addresses that a person wrote down, whose tools stand beside the agent's own.

What a server says is data of a stranger: names, descriptions, schemas and results are cut to size and made fit here,
and no annotation of it lowers a class. The package `mcp` is imported when a server is first connected, and only here.
"""
