"""A picture of any screen with one key: a file with a name of its own, and a notice that says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import researched_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, stage
from workbench.tui.dialogs.help import HelpDialog
from workbench.tui.dialogs.question import QuestionDialog
from workbench.tui.manners import Manners
from workbench.tui.pictures import save_picture

NAME = "workbench-2026-09-21-141320"
"""The moment of the clock of tests, in their time zone."""


def told(acted: Stage) -> str:
    """Return the last notice."""
    return acted.notices[-1].replace("\n", "")


async def test_f12_saves_what_is_seen(tmp_path: Path) -> None:
    """The main screen, a dialog, a text field in mid-word: each gives a picture of what is on the screen."""
    async with stage(FakeDriver(researched_run()), manners=Manners(pictures=tmp_path)) as acted:
        await acted.press("f12")
        await acted.until(lambda: len(acted.notices) == 1)
        first = tmp_path / f"{NAME}.svg"
        assert str(first) in told(acted)
        assert "completed" in first.read_text("utf-8")
        await acted.press("?")
        await acted.opens(HelpDialog)
        await acted.press("f12")
        await acted.until(lambda: len(acted.notices) == 2)
        assert "Ask&#160;a&#160;new&#160;question" in (tmp_path / f"{NAME}-2.svg").read_text("utf-8")
        await acted.press("escape", "n")
        dialog = await acted.opens(QuestionDialog)
        await acted.write("Wh")
        await acted.press("f12")
        await acted.until(lambda: len(acted.notices) == 3)
        await acted.write("y")
        assert dialog.query_one("#question").value == "Why"
        third = next(path for path in tmp_path.iterdir() if str(path) in told(acted))  # noqa: ASYNC240
        assert "Wh" in third.read_text("utf-8")


async def test_the_palette_takes_a_picture(tmp_path: Path) -> None:
    """Found by name as well; the picture shows the screen, not the palette."""
    async with stage(FakeDriver(researched_run()), manners=Manners(pictures=tmp_path)) as acted:
        await acted.press("ctrl+p")
        await acted.write("picture")
        await acted.shows("Save a picture")
        await acted.press("enter")
        await acted.until(lambda: bool(acted.notices))
        assert "Save" not in (tmp_path / f"{NAME}.svg").read_text("utf-8")


async def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full or forbidden disk costs the picture, and is told."""

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Permission denied", "workbench.svg")

    monkeypatch.setattr("workbench.tui.base_app.save_picture", refuse)
    async with stage(FakeDriver(researched_run()), manners=Manners(pictures=tmp_path)) as acted:
        await acted.press("f12")
        await acted.until(lambda: bool(acted.notices))
        assert "cannot be saved" in told(acted)
        assert "Permission denied" in told(acted)


def test_without_a_folder_it_lies_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a pictures folder keeps pictures in the working directory, and none is written over."""
    monkeypatch.chdir(tmp_path)
    for folder in (None, tmp_path / "nowhere"):
        path = save_picture("<svg/>", folder, 0.0)
        assert (path.parent, path.read_text()) == (tmp_path, "<svg/>")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "workbench-1970-01-01-000000-2.svg",
        "workbench-1970-01-01-000000.svg",
    ]
