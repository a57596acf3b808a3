"""What the field claims of its own, measured here in the same shape. Imports nothing: other interpreters run parts."""
