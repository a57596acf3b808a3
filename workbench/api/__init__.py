"""What programs use: an agent that runs without a screen, kept in a database or nowhere. It knows no screen.

`workbench` exports the public names of it, and nothing else is public; see `docs/api.md`.
"""
