"""Models behind one method: `stream(request)` gives deltas, and one builder makes turns out of them for all.

One file per model API. A provider knows requests and nothing of the loop: it never retries, never runs a tool, and
raises `TransientModelError` or `PermanentModelError`. `offline` and `scripted` are providers like the others.
"""
