"""The parts of the program stay apart: the engine runs without a screen, the command line starts without either."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCREEN = {"textual", "rich"}
MODEL_KITS = {"anthropic", "openai", "boto3", "botocore"}
SERVER_KITS = {"mcp", "mcp_types", "jsonschema", "anyio"}
WATCHING_KITS = {"prometheus_client", "opentelemetry", "requests"}


def imported_by(module: str) -> set[str]:
    """Return the top-level packages that are loaded once a fresh interpreter has imported a module."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("workbench", SCREEN | MODEL_KITS | {"pydantic", "sqlite3"}),
        ("workbench.__main__", SCREEN | MODEL_KITS),
        ("workbench.driver", SCREEN | MODEL_KITS),
        ("workbench.driver.driver", SCREEN | MODEL_KITS | SERVER_KITS),
        ("workbench.tools.mcp.manager", SCREEN | MODEL_KITS | SERVER_KITS | {"sqlite3"}),
        ("workbench.cli.mcp", SCREEN | MODEL_KITS | SERVER_KITS),
        ("workbench.telemetry.starting", SCREEN | MODEL_KITS | SERVER_KITS | WATCHING_KITS),
        ("workbench.cli.headless", SCREEN | MODEL_KITS | SERVER_KITS | WATCHING_KITS),
        ("workbench.views.text", SCREEN | MODEL_KITS | {"wcwidth", "pydantic"}),
    ],
)
@pytest.mark.usefixtures("unmeasured")
def test_nothing_is_loaded_that_is_not_needed(module: str, unwanted: set[str]) -> None:
    """A headless run needs no screen, and nobody waits for a kit of a model that is not used."""
    loaded = imported_by(module)
    assert "workbench" in loaded
    assert loaded & unwanted == set()


def test_the_screen_is_loaded_by_the_screen() -> None:
    """The check above sees what is loaded."""
    assert "textual" in imported_by("workbench.tui.themes")
