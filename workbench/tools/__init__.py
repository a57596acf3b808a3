"""Tools: what a model may call, as schema and function, and the built-in ones.

A tool knows its input and its context; it never knows the loop that calls it. Indexes come in through the protocols of
`library`.
"""
