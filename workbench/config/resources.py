"""Where the files that ship with the program lie: themes and recorded sessions.

An installed copy carries them inside the package; a checkout, also one installed as editable, reads its own top-level
folders, so that an edit is seen at once. The working directory is never looked at: it belongs to strangers.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal


def shipped(name: Literal["themes", "sessions"]) -> Path:
    """Return the folder of the shipped files of this kind."""
    installed = Path(str(resources.files("workbench"))) / "_data" / name
    return installed if installed.is_dir() else Path(__file__).parents[2] / name
