"""The page from claims to commands: each command there is one that can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import SECTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "claims.md").read_text("utf-8")
COMMANDS = re.findall(r"\| `(python -m [^`]+)` \|", PAGE)
"""Those of the tables, without what the text says on the way."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_typed(command: str) -> None:
    """Its tests, or its section of the benchmarks, are there."""
    program, *arguments = command.removeprefix("python -m ").split()
    match program:
        case "pytest":
            assert arguments
            assert [path for path in arguments if not (ROOT / path).is_file()] == []
        case "tests.benchmarks":
            assert set(arguments) <= {section.name for section in SECTIONS}
        case _:
            assert program == "tests.check"


def test_every_campaign_and_every_section_stands_behind_a_claim() -> None:
    """What is measured, and what is tried to be broken, is so for something that is said."""
    measured = {command.split()[-1] for command in COMMANDS if "tests.benchmarks" in command}
    assert measured == {section.name for section in SECTIONS}
    campaigns = {path.name for path in (ROOT / "tests" / "faults").glob("test_*.py")}
    assert campaigns - set(re.findall(r"tests/faults/(\S+\.py)", PAGE)) == {"test_processes.py"}


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md", "docs/guarantees.md"])
def test_the_page_is_found(page: str) -> None:
    """From where claims stand."""
    assert "claims.md)" in (ROOT / page).read_text("utf-8")
