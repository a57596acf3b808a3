"""What a user defines: instructions, model, tools, limits, permissions. Frozen; it does not know how it is run."""
