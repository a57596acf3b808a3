"""`RunState`: the fold of a run's events, in place and linear.

The engine reads its next prompt from it, the screen draws from it, lists and diffs print from it. It knows events and
nothing of storage, screens or models.
"""
