"""The page on guarantees: every test that it names is there, and whoever reads the project finds the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_every_test_that_is_named_is_there(file: str, test: str) -> None:
    """A promise whose test was renamed or removed does not stay on the page."""
    assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8")


def test_every_campaign_stands_on_the_page() -> None:
    """A file of fault tests that nobody names would not be missed."""
    files = {path.name for path in (ROOT / "tests" / "faults").glob("test_*.py")}
    named = {file.removeprefix("faults/") for file, _ in NAMED if file.startswith("faults/")}
    assert files - named == {"test_processes.py"}, "which is about programs alone, and part of test_interrupt.py here"
    assert len(NAMED) > 40


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_page_is_found(page: str) -> None:
    """From where people begin to read."""
    assert "guarantees.md)" in (ROOT / page).read_text("utf-8")


def test_nothing_was_left_to_be_filled_in() -> None:
    """The figures are there."""
    assert not re.findall(r"@[A-Z]+@", PAGE)
