"""The rows of the registry of actions, one file a family; `workbench.tui.actions` puts them together."""
