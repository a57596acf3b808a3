"""Themes while the program runs: chosen with a preview, kept for good, and drawn again when their file is saved."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import OptionList

from tests.builders import researched_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import Stage, select, stage
from workbench.config.resources import shipped
from workbench.config.settings import load_settings
from workbench.tui import base_app
from workbench.tui.dialogs.theme import ThemeDialog
from workbench.tui.manners import Manners
from workbench.tui.theme_shelf import Reading, ThemeShelf
from workbench.tui.widgets.inspector import Inspector
from workbench.views.selection import Selection


@asynccontextmanager
async def themed(own: Path, theme: str | None = None, manners: Manners | None = None) -> AsyncIterator[Stage]:
    """Show an app with the shipped themes and a folder of the person's own."""
    driver = FakeDriver(researched_run())
    async with stage(driver, theme=theme, themes=[shipped("themes"), own], manners=manners) as acted:
        yield acted


async def open_dialog(acted: Stage) -> ThemeDialog:
    """Open the list of themes."""
    await acted.press("t")
    dialog = await acted.opens(ThemeDialog)
    await acted.until(lambda: isinstance(acted.app.focused, OptionList))
    assert isinstance(dialog, ThemeDialog)
    return dialog


async def test_moving_in_the_list_shows_each_theme(tmp_path: Path) -> None:
    """A person sees a theme before they choose it; Esc goes back to the one they had."""
    async with themed(tmp_path) as acted:
        names = acted.app.theme_names
        await open_dialog(acted)
        assert acted.app.theme == "workbench-dark"
        await acted.press("down")
        assert acted.app.theme == names[names.index("workbench-dark") + 1]
        await acted.press("home")
        assert acted.app.theme == names[0]
        await acted.press("escape")
        await acted.closes()
        assert acted.app.theme == "workbench-dark"


async def test_enter_uses_a_theme_until_the_end(tmp_path: Path) -> None:
    """The choice holds for this session, nothing is written, and a sentence says how to keep it."""
    file = tmp_path / "settings.toml"
    async with themed(tmp_path, manners=Manners(settings_file=file)) as acted:
        await open_dialog(acted)
        await acted.press("home", "enter")
        await acted.closes()
        await acted.until(lambda: bool(acted.notices))
        assert acted.app.theme == acted.app.theme_names[0]
        assert "s in the list of themes" in acted.notices[-1]
    assert not file.exists()


async def test_s_keeps_a_theme_for_good(tmp_path: Path) -> None:
    """The settings file says the theme from then on, and what the person wrote there is as it was."""
    file = tmp_path / "settings.toml"
    file.write_text('# my settings\nplan = "auto"  # no questions\n\n[keys]\nfork = "F2"\n')
    async with themed(tmp_path, manners=Manners(settings_file=file)) as acted:
        await open_dialog(acted)
        await acted.press("home", "s")
        await acted.until(lambda: bool(acted.notices))
        assert str(file) in acted.notices[-1].replace("\n", "")
    assert load_settings(file).theme == "colour-blind"
    assert file.read_text().startswith('# my settings\nplan = "auto"  # no questions\n')
    assert "fork" in load_settings(file).keys


async def test_the_palette_changes_the_theme(tmp_path: Path) -> None:
    """Whoever looks for a theme among the commands finds the list with its preview."""
    async with themed(tmp_path) as acted:
        await acted.press("ctrl+p")
        await acted.write("theme")
        await acted.shows("Change the theme")
        await acted.press("enter")
        await acted.opens(ThemeDialog)


async def test_a_click_chooses_a_theme(tmp_path: Path) -> None:
    """The list can be used with the mouse."""
    async with themed(tmp_path) as acted:
        dialog = await open_dialog(acted)
        await acted.pilot.click(dialog.query_one(OptionList), offset=(4, 0))
        await acted.closes()
        assert acted.app.theme == acted.app.theme_names[0]


async def test_a_saved_theme_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever edits the theme in force sees each version of it, without doing anything."""
    monkeypatch.setattr(base_app, "THEME_SECONDS", 0.02)
    file = tmp_path / "mine.toml"
    file.write_text('primary = "#112233"\nbackground = "#000000"\n')
    async with themed(tmp_path, "mine") as acted:
        assert acted.main.styles.background.hex == "#000000"
        file.write_text('primary = "#112233"\nbackground = "#445566"\n')
        await acted.until(lambda: acted.main.styles.background.hex == "#445566")
        (tmp_path / "another.toml").write_text('primary = "#112233"\n')
        await acted.until(lambda: "another" in acted.app.theme_names)


async def test_a_colour_that_alone_changed_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inspector takes a new colour of its texts, where the ground on which it draws is as it was."""
    monkeypatch.setattr(base_app, "THEME_SECONDS", 0.02)
    file = tmp_path / "mine.toml"
    text = 'primary = "#112233"\nbackground = "#000000"\n[variables]\nwb-muted = "{}"\n'
    file.write_text(text.format("#445566"))
    async with themed(tmp_path, "mine") as acted:

        def colours() -> set[str]:
            inspector = acted.main.query_one(Inspector)
            strips = [inspector.render_line(y) for y in range(inspector.size.height)]
            styles = [piece.style for strip in strips for piece in strip if piece.style is not None]
            return {style.color.name for style in styles if style.color is not None}

        await select(acted, Selection("call", step=0, call="0.0"))
        await acted.until(lambda: "#445566" in colours())
        file.write_text(text.format("#778899"))
        await acted.until(lambda: "#778899" in colours())
        assert "#445566" not in colours()


async def test_a_mistake_leaves_the_last_good_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A theme saved with a mistake is named once, and the screen stays as it was."""
    monkeypatch.setattr(base_app, "THEME_SECONDS", 0.02)
    file = tmp_path / "mine.toml"
    file.write_text('primary = "#112233"\nbackground = "#001100"\n')
    async with themed(tmp_path, "mine") as acted:
        file.write_text('primary = "#112233"\nbackground = "no colour"\n')
        await acted.until(lambda: bool(acted.notices))
        (tmp_path / "another.toml").write_text('primary = "#112233"\n')
        await acted.until(lambda: "another" in acted.app.theme_names)
        assert [notice for notice in acted.notices if "mine.toml" in notice] == acted.notices
        assert len(acted.notices) == 1
        assert acted.main.styles.background.hex == "#001100"


def write(file: Path, text: str, at: int) -> None:
    """Write a file as if at a moment, Unix seconds."""
    file.write_text(text)
    os.utime(file, (at, at))


def test_files_that_did_not_change_are_not_read(tmp_path: Path) -> None:
    """Looking once a second costs nothing while nobody edits."""
    write(tmp_path / "a.toml", 'primary = "red"', 1)
    shelf = ThemeShelf([tmp_path])
    assert {theme.name for theme in shelf.read().themes} == {"workbench-dark", "a"}
    assert shelf.read().themes == ()
    write(tmp_path / "a.toml", 'primary = "lime"', 1)
    assert [theme.name for theme in shelf.read().themes] == ["a"]  # the size differs
    write(tmp_path / "a.toml", 'primary = "navy"', 2)
    assert [theme.name for theme in shelf.read().themes] == ["a"]  # the time differs


def test_only_what_looks_different_is_told(tmp_path: Path) -> None:
    """A saved comment draws nothing again; a mistake is told until it is another one, or mended."""
    shelf = ThemeShelf([tmp_path])
    write(tmp_path / "a.toml", 'primary = "red"', 1)
    write(tmp_path / "b.toml", 'primary = "red"', 1)
    shelf.read()
    write(tmp_path / "a.toml", 'primary = "red"  # as it was', 2)
    assert shelf.read() == Reading()
    write(tmp_path / "a.toml", "primary = 7", 3)
    assert [failure.path.name for failure in shelf.read().failures] == ["a.toml"]
    write(tmp_path / "b.toml", 'primary = "lime"', 4)
    reading = shelf.read()
    assert ([theme.name for theme in reading.themes], reading.failures) == (["b"], ())
    assert shelf.names == ["a", "b", "workbench-dark"]
    write(tmp_path / "a.toml", 'primary = "red"', 5)
    assert shelf.read().failures == ()
    write(tmp_path / "a.toml", "primary = 7", 6)
    assert len(shelf.read().failures) == 1


def test_a_theme_whose_file_is_gone_is_offered_no_longer(tmp_path: Path) -> None:
    """The list holds what there is."""
    write(tmp_path / "a.toml", 'primary = "red"', 1)
    shelf = ThemeShelf([tmp_path])
    shelf.read()
    (tmp_path / "a.toml").unlink()
    shelf.read()
    assert shelf.names == ["workbench-dark"]
