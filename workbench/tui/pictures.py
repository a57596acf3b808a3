"""Pictures of the screen, as files."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path


def save_picture(svg: str, folder: Path | None, at: float) -> Path:
    """Write a picture under a name that no other file has, and return its path; raises `OSError`.

    It goes to `folder` where that is there, else to the working directory; `at` is the time in Unix seconds.
    """
    place = folder if folder is not None and folder.is_dir() else Path.cwd()
    moment = datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d-%H%M%S")
    for number in count(1):
        path = place / (f"workbench-{moment}.svg" if number == 1 else f"workbench-{moment}-{number}.svg")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(svg)
        except FileExistsError:
            continue
        return path
    raise AssertionError  # there is always a next number
