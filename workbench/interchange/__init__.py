"""Session files, in and out: portable recordings of runs, forks and subagents.

A file from a stranger is never trusted: it is read within limits, checked line by line, and taken whole or not at all.
This room knows events and their fold; it does not know where runs are kept, nor screens.
"""
