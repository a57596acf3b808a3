"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import settings

# The same examples on every run, and no clock: a busy machine is no failure. To look for new examples run
# pytest with `--hypothesis-profile default`.
settings.register_profile("still", derandomize=True, deadline=None)
settings.load_profile("still")


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs that the test starts run as they are, also where coverage is measured.

    For tests of what a program loads, takes and leaves: to be measured, it loads more, and is slower.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
