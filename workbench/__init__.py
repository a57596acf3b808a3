"""workbench: a time-travel debugger for LLM agents, in the terminal, on an async, parallel agent engine."""

__version__ = "0.1.0"
