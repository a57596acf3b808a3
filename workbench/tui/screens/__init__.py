"""The screens: what stands where, and how the parts of a screen hear of each other."""
