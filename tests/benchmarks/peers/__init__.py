"""The same work done by other frameworks, by plain asyncio and by workbench, each in a process of its own.

What runs in those processes (`child`, `work`, `adapters`) imports nothing of workbench, and a framework only when it is
asked for: an interpreter that has one framework and nothing else is enough.
"""
