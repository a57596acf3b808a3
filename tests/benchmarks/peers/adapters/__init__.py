"""One module for each framework: `run…` does a job, `revisit…` looks at a kept one again, `client…` makes requests.

A framework is imported inside of these functions.
"""
