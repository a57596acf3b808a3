"""The command line: one file a command, and what they share.

It asks the driver or the store and prints what `views` makes of the answer. `arguments` imports nothing heavy, so that
`--version` and `--help` are quick; each command is imported when it is chosen, and the screen only when it is shown.
"""
