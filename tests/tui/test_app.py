"""The app around the screens: it shows something before the driver is there, and lets go of it at the end."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.filter import Monochrome

from tests.builders import live_run, researched_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import stage
from workbench.clock import ManualClock
from workbench.driver.settings import DriverSettings
from workbench.errors import StoreError
from workbench.tui.app import WorkbenchApp
from workbench.tui.safety import SafetyFilter
from workbench.tui.themes import DEFAULT_THEME
from workbench.tui.widgets.keys import Keys

SETTINGS = DriverSettings(Path("unused.db"), Path("unused"), clock=ManualClock())


class SlowDriver(FakeDriver):
    """Opens its store only when it is told to."""

    def __init__(self) -> None:
        super().__init__(researched_run())
        self.may_open = threading.Event()

    def start(self) -> None:
        """Wait."""
        self.may_open.wait(5.0)


async def test_the_screen_is_there_before_the_driver() -> None:
    """A slow disk does not keep the screen away."""
    driver = SlowDriver()
    app = WorkbenchApp(SETTINGS, desk=driver)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert (app.screen, app.is_begun) == (app.main, False)
        driver.may_open.set()
        while not app.is_begun:
            await pilot.pause(0.01)
        assert app.main.bridge.watched is not None


async def test_a_store_that_cannot_be_opened_is_a_sentence() -> None:
    """The program says what is wrong and can be left."""
    driver = FakeDriver()

    def refuse() -> None:
        raise StoreError("the database is damaged; see workbench doctor")

    driver.start = refuse  # type: ignore[method-assign]
    async with stage(driver) as acted:
        await acted.shows("the database is damaged")
        await acted.press("ctrl+q")
        await acted.until(lambda: driver.is_closed)


async def test_however_it_ends_the_driver_is_let_go() -> None:
    """Closing the app closes the driver, also where nobody pressed a key."""
    driver = FakeDriver(live_run())
    async with stage(driver):
        assert not driver.is_closed
    assert driver.is_closed


async def test_the_theme_is_the_one_that_was_asked_for() -> None:
    """A theme of the settings holds from the first moment; an unknown one is the default."""
    for asked, shown in (("paper", "paper"), ("no-such-theme", DEFAULT_THEME.name), (None, DEFAULT_THEME.name)):
        app = WorkbenchApp(SETTINGS, theme=asked, desk=FakeDriver())
        async with app.run_test():
            assert app.theme == shown


async def test_a_broken_theme_file_is_told_and_the_others_work(tmp_path: Path) -> None:
    """One bad file in a person's folder costs one notice."""
    (tmp_path / "mine.toml").write_text('primary = "#00ff00"\n')
    (tmp_path / "broken.toml").write_text('primary = "no colour"\n')
    app = WorkbenchApp(SETTINGS, theme="mine", themes=[tmp_path], desk=FakeDriver())
    async with app.run_test(notifications=True) as pilot:
        await pilot.pause()
        assert app.theme == "mine"
        assert any("broken.toml" in notice.message for notice in app._notifications)


async def test_the_safety_net_is_the_last_filter() -> None:
    """Whatever a widget forgets, no text reaches the terminal as a command."""
    app = WorkbenchApp(SETTINGS, desk=FakeDriver())
    async with app.run_test():
        assert isinstance(app.get_line_filters()[-1], SafetyFilter)


async def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set everything is grey, and the safety net is still there."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = WorkbenchApp(SETTINGS, desk=FakeDriver(researched_run()))
    async with app.run_test():
        kinds = [type(item) for item in app.get_line_filters()]
        assert Monochrome in kinds
        assert kinds[-1] is SafetyFilter


async def test_notices_are_no_markup() -> None:
    """Brackets in a sentence stay brackets."""
    async with stage(FakeDriver(researched_run())) as acted:
        acted.app.say("the tool '[red]x[/red]' is unknown [/]")
        await acted.shows("the tool '[red]x[/red]' is unknown [/]")


async def test_a_click_on_a_key_does_what_the_key_does() -> None:
    """The line of keys can be used with the mouse."""
    async with stage(FakeDriver(researched_run())) as acted:
        line = acted.main.query_one(Keys).render().plain
        await acted.pilot.click(Keys, offset=(1 + line.index("n new"), 0))
        await acted.until(lambda: acted.app.screen is not acted.main)
        await acted.shows("A new question")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
async def test_the_line_of_keys_never_cuts_a_key(width: int) -> None:
    """As many keys as fit, whole, and the way to the help always among them."""
    log = live_run()
    async with stage(FakeDriver(log, live=[log.run]), size=(width, 24)) as acted:
        line = acted.main.query_one(Keys).render()
        assert line.cell_length <= width - 2
        assert line.plain.endswith("? help")


async def test_ctrl_c_copies_where_text_is_selected() -> None:
    """With a selection in a text field the key means what it means everywhere."""
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        await acted.press("m")
        await acted.write("copy me")
        await acted.press("shift+home", "ctrl+c")
        assert acted.app.clipboard == "copy me"
        assert not driver.is_closed
