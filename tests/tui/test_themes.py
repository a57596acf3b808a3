"""Themes: those that ship can be read by everybody, and a file with a mistake says which one."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color, Lab, rgb_to_lab
from textual.theme import Theme

from workbench.config.resources import shipped
from workbench.errors import ThemeError
from workbench.tui.themes import (
    BASE_KEYS,
    DEFAULT_THEME,
    SEMANTIC_VARIABLES,
    VARIABLE_DEFAULTS,
    load_themes,
    variable_defaults,
)

SHIPPED = {theme.name: theme for theme in load_themes([shipped("themes")])[0]}

STATES = ["wb-running", "wb-ok", "wb-error", "wb-waiting", "wb-edited", "wb-cancelled"]
TEXTS = [*STATES, "wb-plan", "wb-thinking", "wb-muted", "wb-playhead", "foreground", "primary", "accent", "error"]
TEXTS += ["success", "warning", "link-color"]
GROUNDS = ["background", "surface", "panel", "block-cursor-background", "block-cursor-blurred-background"]
GROUNDS += ["block-hover-background"]
PAIRS = [(text, ground) for text in TEXTS for ground in GROUNDS]
PAIRS += [("footer-key-foreground", "footer-background"), ("footer-foreground", "footer-background")]
PAIRS += [("footer-description-foreground", "footer-background"), ("foreground", "wb-match")]
PAIRS += [("block-cursor-foreground", "block-cursor-background"), ("foreground", "input-selection-background")]
PAIRS += [("input-cursor-foreground", "input-cursor-background"), ("foreground", "screen-selection-background")]

# How the light of a screen looks without one kind of cone (Machado, Oliveira and Fernandes, 2009).
PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881))


def colours(theme: Theme) -> dict[str, Color]:
    """Return every colour of a theme as the app will see it."""
    variables = theme.to_color_system().generate() | theme.variables
    keys = {key for pair in PAIRS for key in pair} | SEMANTIC_VARIABLES
    return {key: Color.parse(variables[key]) for key in keys}


def linear(color: Color) -> tuple[float, ...]:
    """Return the light of each channel, from 0 to 1."""
    return tuple(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color.normalized)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours as the WCAG defines it."""
    light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def seen_with(sight: tuple[tuple[float, ...], ...], color: Color) -> Lab:
    """Return what a colour looks like to somebody."""
    light = [sum(w * v for w, v in zip(row, linear(color), strict=True)) for row in sight]
    red, green, blue = (min(max(v, 0), 1) for v in light)
    return rgb_to_lab(Color(encoded(red), encoded(green), encoded(blue)))


def encoded(light: float) -> int:
    """Return the value of a channel, from 0 to 255, that gives this much light."""
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))


def write(folder: Path, text: str | bytes, name: str = "mine.toml") -> Path:
    """Write a theme file."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_shipped_themes_all_load() -> None:
    """A fresh installation offers five themes and complains about none."""
    themes, failures = load_themes([shipped("themes")])
    assert failures == []
    assert {theme.name for theme in themes} == {
        "workbench-dark",
        "workbench-light",
        "paper",
        "high-contrast",
        "colour-blind",
    }


@pytest.mark.parametrize("theme", SHIPPED.values(), ids=SHIPPED)
def test_every_text_of_a_shipped_theme_can_be_read(theme: Theme) -> None:
    """Text, states and hints have enough contrast wherever they stand, under the cursor too."""
    needed = 7 if theme.name == "high-contrast" else 4.5
    seen = colours(theme)
    ratios = {(text, ground): contrast(seen[text], seen[ground]) for text, ground in PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < needed} == {}


@pytest.mark.parametrize("theme", SHIPPED.values(), ids=SHIPPED)
def test_what_is_drawn_stands_out_from_its_ground(theme: Theme) -> None:
    """Bars, the playhead and the lane with the cursor are seen at once, frames and the cursor's row quietly."""
    seen = colours(theme)
    for drawn in ("wb-bar", "wb-playhead", "wb-lane-active"):
        assert contrast(seen[drawn], seen["surface"]) >= 3, drawn
        assert contrast(seen[drawn], seen["wb-bar-idle"]) >= 1.8, drawn
    for quiet in ("wb-bar-idle", "wb-lane", "block-cursor-background"):
        assert 1.25 <= contrast(seen[quiet], seen["surface"]) <= 9, quiet


@pytest.mark.parametrize("theme", SHIPPED.values(), ids=SHIPPED)
def test_no_two_states_look_alike(theme: Theme) -> None:
    """Running, done, failed, waiting, edited and given up have colours of their own."""
    labs = {state: rgb_to_lab(Color.parse(theme.variables[state])) for state in STATES}
    assert [pair for pair in combinations(STATES, 2) if distance(labs[pair[0]], labs[pair[1]]) < 18] == []


@pytest.mark.parametrize("sight", [PROTANOPIA, DEUTERANOPIA], ids=["protanopia", "deuteranopia"])
def test_colour_blind_people_can_tell_the_states_apart(sight: tuple[tuple[float, ...], ...]) -> None:
    """In the theme made for them the states stay as far apart as in every theme for others."""
    labs = {state: seen_with(sight, Color.parse(SHIPPED["colour-blind"].variables[state])) for state in STATES}
    assert [pair for pair in combinations(STATES, 2) if distance(labs[pair[0]], labs[pair[1]]) < 18] == []


def distance(one: Lab, other: Lab) -> float:
    """Return how different two colours look; 2 is just noticed side by side."""
    return float(((one.L - other.L) ** 2 + (one.a - other.a) ** 2 + (one.b - other.b) ** 2) ** 0.5)


def test_the_theme_in_the_code_is_the_shipped_default(tmp_path: Path) -> None:
    """Where no file can be read, the workbench has its usual face."""
    themes, failures = load_themes([tmp_path / "nowhere"])
    assert ([theme.name for theme in themes], failures) == (["workbench-dark"], [])
    assert themes[0].variables.keys() >= SEMANTIC_VARIABLES
    for key in (*BASE_KEYS, "dark"):
        assert getattr(DEFAULT_THEME, key) == getattr(SHIPPED["workbench-dark"], key)


def test_a_theme_of_one_colour_is_complete(tmp_path: Path) -> None:
    """The colours that a person does not choose are made from the ones they did."""
    write(tmp_path, 'dark = false\nprimary = "#8000ff"\n[variables]\nwb-ok = "green"\n')
    theme = load_themes([tmp_path])[0][-1]
    assert (theme.name, theme.dark, theme.variables["wb-ok"]) == ("mine", False, "green")
    assert theme.variables["wb-bar"] == "#8000FF"
    assert theme.variables.keys() >= VARIABLE_DEFAULTS.keys()
    assert all(Color.parse(value) for value in variable_defaults(theme).values())


@pytest.mark.parametrize("colour", ["ansi_default", "ansi_red", "transparent", "#ffffff80", "hsl(10,50%,50%)"])
async def test_any_colour_that_is_accepted_can_be_shown(tmp_path: Path, colour: str) -> None:
    """What the loader lets through does not end the app later."""
    write(tmp_path, "\n".join(f'{key} = "{colour}"' for key in BASE_KEYS))
    themes, failures = load_themes([tmp_path])
    assert failures == []
    app = App[None]()
    app.register_theme(themes[-1])
    async with app.run_test(size=(20, 5)) as pilot:
        app.theme = "mine"
        await pilot.pause()
        assert app.theme_variables.keys() >= SEMANTIC_VARIABLES


@pytest.mark.parametrize(
    ("text", "key", "value", "why"),
    [
        ('primary = "oragne"', "primary", "oragne", "did you mean 'orange'?"),
        ('primary = "#12"', "primary", "#12", "is no colour"),
        ("primary = 7", "primary", "7", "in quotation marks"),
        ('accent = "red"', "primary", "", "at least this colour"),
        ('primary = "red"\nacent = "red"', "acent", "red", "did you mean 'accent'?"),
        ('primary = "red"\nzzz = "red"', "zzz", "red", "expected one of primary, "),
        ('primary = "red"\ndark = "yes"', "dark", "yes", "true or false"),
        ('primary = "red"\nvariables = "red"', "variables", "red", "[variables]"),
        ('primary = "red"\n[variables]\nwb-okay = "red"', "wb-okay", "red", "did you mean 'wb-ok'?"),
        ('primary = "red"\n[variables]\nscrolbar = "red"', "scrolbar", "red", "did you mean 'scrollbar'?"),
        ('primary = "red"\n[variables]\nwb-ok = "gren"', "wb-ok", "gren", "did you mean 'green'?"),
        ('primary = "red"\n[variables]\nlink-style = "loud"', "link-style", "loud", "expected words of"),
        ('primary = "red"\n[variables]\nlink-style = "bold not"', "link-style", "bold not", "is no text style"),
        ("primary = ", "", "", "is not TOML"),
        ("a = " + "[" * 5000, "", "", "is not TOML"),
        (b'primary = "\xff"', "", "", "is not UTF-8 text: a bad byte at offset 11"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str | bytes, key: str, value: str, why: str) -> None:
    """A person who writes a theme reads which file, which key, which value and what was expected."""
    path = write(tmp_path, text)
    themes, [failure] = load_themes([tmp_path])
    assert [theme.name for theme in themes] == ["workbench-dark"]
    assert (failure.path, failure.key, failure.value) == (path, key, value)
    assert why in failure.why
    assert str(failure).startswith("theme mine.toml: ")


@pytest.mark.parametrize("name", ["a,b.toml", "two words.toml", "\x1b[2J.toml"])
def test_a_name_that_cannot_be_chosen_is_refused(tmp_path: Path, name: str) -> None:
    """A theme's name can be written in settings and on a command line."""
    write(tmp_path, 'primary = "red"', name)
    _, [failure] = load_themes([tmp_path])
    assert isinstance(failure, ThemeError)
    assert "letters, digits, - and _ only" in failure.why


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder or a dangling link in the place of a file is a mistake like another."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "gone.toml").symlink_to(tmp_path / "nothing")
    _, failures = load_themes([tmp_path])
    assert [(failure.path.name, failure.why) for failure in failures] == [
        ("folder.toml", "cannot be read: Is a directory"),
        ("gone.toml", "cannot be read: No such file or directory"),
    ]


def test_ones_own_theme_wins_and_a_broken_one_does_not(tmp_path: Path) -> None:
    """A copy with the same name replaces a shipped theme; with a mistake in it the shipped one stays."""
    write(tmp_path, 'primary = "#123456"', "paper.toml")
    write(tmp_path, 'primary = "nonsense"', "high-contrast.toml")
    themes, [failure] = load_themes([shipped("themes"), tmp_path])
    by_name = {theme.name: theme for theme in themes}
    assert by_name["paper"].primary == "#123456"
    assert by_name["high-contrast"].primary == SHIPPED["high-contrast"].primary
    assert failure.path == tmp_path / "high-contrast.toml"


def test_shipped_files_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder named `themes` where somebody happens to stand is not taken for ours."""
    write(tmp_path / "themes", 'primary = "red"')
    monkeypatch.chdir(tmp_path)
    assert not shipped("themes").is_relative_to(tmp_path)
    assert (shipped("themes") / "workbench-dark.toml").is_file()
