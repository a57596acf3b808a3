"""Choosing a theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.config.saving import save_setting
from workbench.tui.actions import key_of
from workbench.tui.dialogs.theme import ThemeDialog

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen


async def choose_theme(screen: MainScreen) -> None:
    """Show the themes one after the other; the one that is chosen stays, for this session or from now on."""
    app = screen.workbench
    chosen = await screen.ask_in(ThemeDialog(app.theme_names, app.theme, app.use_theme))
    if chosen is None:
        return
    app.use_theme(chosen.name)
    file = app.manners.settings_file
    if chosen.lasts == "session" or file is None:
        keeps = f"{key_of('theme_save')} in the list of themes keeps it for good"
        screen.say(f"{chosen.name} is used until you leave; {keeps}.")
        return
    save_setting(file, "theme", chosen.name)
    screen.say(f"{chosen.name} is your theme from now on: it stands in {file}.")
