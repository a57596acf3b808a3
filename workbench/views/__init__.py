"""Pure projections of state to lines: what the screen and the command line show, and what it is called.

Lines are segments with semantic style names; who draws them gives those names a look. All text from models, tools,
documents and people is made inert here, on its way in. This room knows states and rows, and no screen.
"""
