"""Keys of a person's own: they hold everywhere at once, and what cannot be meant is named before the screen appears."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest

from tests.builders import live_run, researched_run
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import stage
from workbench.errors import ConfigError
from workbench.tui.actions import ACTIONS, DEFAULTS, change_keys, in_scope, key_of
from workbench.tui.context import Context, Scope
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.dialogs.help import HelpDialog, help_lines
from workbench.tui.dialogs.question import QuestionDialog
from workbench.tui.keymap import FOCUSES, TYPING, check_keys, key_name
from workbench.tui.manners import Manners
from workbench.tui.widgets.keys import Keys
from workbench.views.segments import line_text

FILE = Path("settings.toml")


@pytest.fixture(autouse=True)
def own_keys() -> Iterator[None]:
    """Leave every action with its own keys."""
    yield
    change_keys({})


def checked(**keys: str | list[str]) -> Manners:
    """Return the manners of a person with these keys."""
    return Manners(keys=check_keys({name: [key] if isinstance(key, str) else key for name, key in keys.items()}, FILE))


def test_every_scope_is_in_a_focus() -> None:
    """No place is forgotten when clashing keys are looked for."""
    assert {scope for focus in FOCUSES for scope in focus} == set(get_args(Scope))


@pytest.mark.parametrize("focus", FOCUSES, ids="+".join)
def test_no_key_means_two_things_in_one_focus(focus: tuple[Scope, ...]) -> None:
    """Where several places hold at once, a key of the narrowest alone may hide one of a wider place."""
    clashes = [
        (one.id, other.id, set(one.keys) & set(other.keys))
        for one, other in combinations(in_scope(*focus), 2)
        if set(one.keys) & set(other.keys) and {one.scope, other.scope}.isdisjoint({focus[0]})
    ]
    assert clashes == []
    twice = [one.id for one, other in combinations(in_scope(focus[0]), 2) if set(one.keys) & set(other.keys)]
    assert twice == []


@pytest.mark.parametrize("scope", sorted(TYPING))
def test_no_letter_does_anything_where_one_types(scope: Scope) -> None:
    """Whatever is typed into a field arrives there."""
    assert [(action.id, key) for action in in_scope(scope) for key in action.keys if len(key) == 1] == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("k", "k"), ("K", "K"), ("shift+k", "K"), ("Ctrl+K", "ctrl+k"), ("F5", "f5"), ("space", "space"),
        (" ", "space"), ("comma", ","), (",", ","), ("?", "?"), ("question_mark", "?"), ("ctrl++", "ctrl+plus"),
        ("shift+tab", "shift+tab"), ("esc", "escape"), ("ctrl+i", "tab"), ("alt+shift+x", "alt+shift+x"), ("é", "é"),
        ("", None), ("pagedwn", None), ("hyper+x", None), ("ctrl+", None), ("shift+1", None), ("f99", None),
    ],
)  # fmt: skip
def test_how_keys_may_be_written(written: str, meant: str | None) -> None:
    """Keys are written as people write them; what is none is found out."""
    assert key_name(written) == meant


@pytest.mark.parametrize(
    ("action", "key", "said"),
    [
        ("forkk", "F2", "'F2' to 'forkk' in [keys]: there is no such action; did you mean 'fork'?"),
        ("zzzzzz", "F2", "there is no such action; `?` in the workbench names them all"),
        ("fork", "pagedwn", "there is no such key; did you mean 'pagedown'?"),
        ("fork", "no key at all", "write it as k, ctrl+k, f5, space or comma"),
        ("fork", "n", "n is 'new'; give that another key too"),
        ("fork", "ctrl+c", "ctrl+c is 'interrupt'"),
        ("fork", "d", "d is 'hide' in the list of runs"),
        ("fork", "s", "s is 'plan_skip' on a proposed plan"),
        ("hide", "n", "n is 'new'"),
        ("fork", "j", "the panes move by it"),
        ("fork", "up", "is 'move'"),
        ("apply", "s", "one types there"),
        ("leave_prompt", "enter", "one types there"),
        ("open", "o", "belongs to what has the focus"),
    ],
)
def test_a_key_that_cannot_be_meant_is_named(action: str, key: str, said: str) -> None:
    """The sentence names the file, the entry, and what is in the way or the nearest right name."""
    with pytest.raises(ConfigError) as caught:
        check_keys({action: (key,)}, FILE)
    assert said in str(caught.value)
    assert "settings.toml" in str(caught.value)


def test_two_actions_may_exchange_their_keys() -> None:
    """What counts is how the keys are in the end."""
    assert check_keys({"fork": ("n",), "new": ("f",)}, FILE) == {"fork": ("n",), "new": ("f",)}
    with pytest.raises(ConfigError, match="'new'"):
        check_keys({"fork": ("f2",), "new": ("f2",)}, FILE)


def test_an_action_may_have_its_own_key_among_others() -> None:
    """A key is added by naming the old one beside it."""
    assert check_keys({"plan_edit": ("e", "f2")}, FILE) == {"plan_edit": ("e", "f2")}


async def test_a_changed_key_does_what_the_old_one_did() -> None:
    """The new key acts, the old one no longer does, and keys beside them are what they were."""
    async with stage(FakeDriver(researched_run()), manners=checked(fork=["F2", ","], apply="f5")) as acted:
        await acted.press("f")
        assert acted.app.screen is acted.main
        for key in ("f2", ","):
            await acted.press(key)
            await acted.opens(ForkDialog)
            await acted.press("escape")
            await acted.closes()
        await acted.press("n")
        await acted.opens(QuestionDialog)


async def test_exchanged_keys_do_what_they_say() -> None:
    """Two actions that change keys with each other lose neither."""
    async with stage(FakeDriver(researched_run()), manners=checked(fork="n", new="f")) as acted:
        await acted.press("f")
        await acted.opens(QuestionDialog)
        await acted.press("escape")
        await acted.press("n")
        await acted.opens(ForkDialog)


async def test_a_key_of_a_dialog_can_be_changed() -> None:
    """Dialogs obey the same table: the fork is made by the person's key, and the dialog offers it."""
    driver = FakeDriver(researched_run())
    async with stage(driver, manners=checked(fork_now="f6", leave="ctrl+w")) as acted:
        await acted.press("f")
        await acted.opens(ForkDialog)
        await acted.shows("f6 fork")
        await acted.press("ctrl+s", "f6")
        await acted.until(lambda: len(driver.commands) == 1)


async def test_a_key_that_holds_everywhere_can_be_changed() -> None:
    """The palette and the way out have keys of the person's own too, in a text field as elsewhere."""
    driver = FakeDriver(researched_run())
    async with stage(driver, manners=checked(palette="f2", quit_now="f10")) as acted:
        await acted.press("m", "f2")
        await acted.shows("Fork from here")
        await acted.press("escape", "ctrl+q")
        assert not driver.is_closed
        await acted.press("f10")
        await acted.until(lambda: driver.is_closed)


async def test_a_letter_is_typed_though_it_is_a_key() -> None:
    """A key of the person's own takes nothing away from a field in which they type."""
    async with stage(FakeDriver(researched_run()), manners=checked(next_pane="x", cancel="ctrl+k")) as acted:
        await acted.press("m")
        await acted.write("x-rays")
        assert acted.main.focused is not None
        assert getattr(acted.main.focused, "value", "") == "x-rays"


async def test_everything_tells_of_the_changed_key() -> None:
    """The line of keys, a click on it, the palette, the help and the sentences read the same table."""
    log = live_run()
    async with stage(FakeDriver(log, live=[log.run]), manners=checked(toggle="f7", new="ctrl+n", end="f8")) as acted:
        line = acted.main.query_one(Keys).render().plain
        assert "f7 pause" in line
        await acted.press("ctrl+p")
        await acted.write("new question")
        await acted.shows("(ctrl+n)")
        await acted.press("escape")
        await acted.press("[")
        await acted.shows("f8 returns to live")
        await acted.press("?")
        await acted.opens(HelpDialog)
    assert key_of("new") == "ctrl+n"
    assert "ctrl+n for a new question" in ACTIONS["fork"].refusal(Context())


async def test_a_click_on_a_changed_key_works() -> None:
    """The mouse means the action, whatever its key."""
    async with stage(FakeDriver(researched_run()), manners=checked(new="ctrl+n")) as acted:
        line = acted.main.query_one(Keys).render().plain
        await acted.pilot.click(Keys, offset=(1 + line.index("ctrl+n new"), 0))
        await acted.opens(QuestionDialog)


def test_signs_of_several_keys_follow() -> None:
    """Where the line of keys shows four keys as one, a changed one is changed there."""
    change_keys(check_keys({"step_on": ("f9",)}, FILE))
    assert ACTIONS["event_back"].shown == "[ ] ( ) { f9"
    change_keys({})
    assert ACTIONS == DEFAULTS


def test_the_help_names_what_settings_call_an_action() -> None:
    """Whoever wants another key finds the name to write in the list of keys."""
    lines = [line_text(line) for line in help_lines(100)]
    for action in ACTIONS.values():
        assert action.is_native or any(line.rstrip().endswith(f" {action.id}") for line in lines), action.id
