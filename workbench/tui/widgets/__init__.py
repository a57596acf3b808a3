"""The widgets: one class a file. They draw what `views` projects, and say what a person wants as messages."""
