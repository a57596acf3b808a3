"""One specification for all providers, and what it takes to run it: see `script.py` and `adapters`."""
