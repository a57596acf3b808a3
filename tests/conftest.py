"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# The same examples on every run, and no clock: a busy machine is no failure. To look for new examples run
# pytest with `--hypothesis-profile default`.
settings.register_profile("still", derandomize=True, deadline=None)
settings.load_profile("still")
