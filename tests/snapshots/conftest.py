"""What the pictures of screens have in common."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _untraced(untraced: None) -> None:
    """Measure no coverage here: screens are not measured, and what they show has tests of its own."""
