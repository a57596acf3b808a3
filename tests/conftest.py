"""What holds for every test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# The same examples on every run, and no clock: a busy machine is no failure. To look for new examples run
# pytest with `--hypothesis-profile default`.
settings.register_profile("still", derandomize=True, deadline=None)
settings.load_profile("still")


def coverage_now() -> Any:
    """Return what measures coverage in this process, or None."""
    kit = sys.modules.get("coverage")
    return kit.Coverage.current() if kit is not None else None


def pytest_sessionfinish() -> None:
    """Keep what was measured here: a worker that takes long to end is killed by xdist, with all that it knows."""
    measuring = coverage_now()
    if measuring is not None:
        measuring.stop()
        measuring.save()


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs that the test starts run as they are, also where coverage is measured.

    For tests of what a program loads, takes and leaves: to be measured, it loads more, and is slower.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture
def untraced(unmeasured: None) -> Iterator[None]:
    """Measure no coverage in the test itself either."""
    measuring = coverage_now()
    if measuring is None:
        yield
        return
    measuring.stop()
    yield
    measuring.start()
