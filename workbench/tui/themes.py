"""Themes as files: what a person may colour, and what is wrong with a file that cannot be used.

A theme is a TOML file whose stem is its name: `dark`, the colours of `BASE_KEYS`, and a table `[variables]` with
those of `SEMANTIC_VARIABLES` and Textual's own. Everything is checked when it is read, because a bad colour would
otherwise end the app later, with an error that names no file. Nothing here knows what is on the screen.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from rich.errors import StyleSyntaxError
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.css.constants import VALID_STYLE_FLAGS
from textual.theme import Theme

from workbench.errors import ThemeError

BASE_KEYS: Final = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "boost",
    "warning",
    "error",
    "success",
)
"""The colours at the top of a theme file; `primary` must be there, Textual derives the others from it."""

DEFAULT_THEME: Final = Theme(
    name="workbench-dark",
    dark=True,
    primary="#7aa8f0",
    secondary="#8e9bd8",
    accent="#f0b05a",
    foreground="#d6dce6",
    background="#12161c",
    surface="#181d25",
    panel="#202732",
    boost="#2a323f",
    warning="#e3c04f",
    error="#f47d7f",
    success="#7fc98a",
)
"""What is there when no file can be read; the shipped file of the same name refines it."""


def variable_defaults(theme: Theme) -> dict[str, str]:
    """Return a colour for every semantic variable, made from the base colours of a theme.

    So a theme of a few colours, or one of Textual's own, is complete and looks of a piece.
    """
    colours = theme.to_color_system().generate()
    background, foreground = Color.parse(colours["background"]), Color.parse(colours["foreground"])
    primary, warning = Color.parse(colours["primary"]), Color.parse(colours["warning"])
    muted = foreground.blend(background, 0.3).hex
    return {
        "wb-running": colours["text-primary"],  # text of what is under way
        "wb-ok": colours["text-success"],  # text of what ended well
        "wb-error": colours["text-error"],  # text of what failed
        "wb-waiting": colours["text-warning"],  # text of what waits for a person
        "wb-edited": colours["text-accent"],  # text and marks of what a person changed
        "wb-cancelled": muted,  # text of what was given up
        "wb-plan": colours["text-secondary"],  # text of the plan and its steps
        "wb-thinking": muted,  # the model's words on the way to an answer
        "wb-bar": colours["primary"],  # the part of a time bar in which a call ran
        "wb-bar-idle": background.blend(foreground, 0.15).hex,  # the rest of its axis
        "wb-playhead": colours["accent"],  # the place in the log that is shown
        "wb-lane": background.blend(foreground, 0.25).hex,  # frame of a lane
        "wb-lane-active": colours["primary"],  # frame of the lane with the cursor
        "wb-muted": muted,  # secondary text: times, sizes, hints
        "wb-match": background.blend(warning.blend(primary, 0.2), 0.3).hex,  # behind what a search found
    }


VARIABLE_DEFAULTS: Final = variable_defaults(DEFAULT_THEME)
"""A colour for every semantic variable, for `App.get_theme_variable_defaults`."""

SEMANTIC_VARIABLES: Final = frozenset(VARIABLE_DEFAULTS)
"""The variables that give the things of this program their colours."""

_TEXTUAL_VARIABLES: Final = frozenset(DEFAULT_THEME.to_color_system().generate()) - frozenset(BASE_KEYS)


def load_themes(folders: Sequence[Path]) -> tuple[list[Theme], list[ThemeError]]:
    """Read every `*.toml` of the folders; of two files with one name the later folder's wins.

    Returns the themes, the default one always among them, and what is wrong with the files that cannot be used.
    A folder that is not there holds no themes.
    """
    themes, failures = {DEFAULT_THEME.name: _completed(DEFAULT_THEME)}, []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                themes[path.stem] = _read(path)
            except ThemeError as failure:
                failures.append(failure)
    return list(themes.values()), failures


def _read(path: Path) -> Theme:
    if not re.fullmatch(r"[\w-]+", path.stem):
        raise ThemeError(path, "", "", "the file's name is the theme's: use letters, digits, - and _ only")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ThemeError(path, "", "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ThemeError(path, "", "", f"is not UTF-8 text: a bad byte at offset {error.start}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ThemeError(path, "", "", f"is not TOML: {error}") from error

    dark = content.pop("dark", True)
    if not isinstance(dark, bool):
        raise ThemeError(path, "dark", str(dark), "expected true or false")
    variables = content.pop("variables", {})
    if not isinstance(variables, dict):
        raise ThemeError(path, "variables", str(variables), "expected a table: a line [variables], then its keys")
    if "primary" not in content:
        raise ThemeError(path, "primary", "", "is missing; a theme needs at least this colour")
    for key, value in content.items():
        if key not in BASE_KEYS:
            raise _unknown(path, key, value, BASE_KEYS, ("dark", "variables"))
        _check_value(path, key, value)
    for key, value in variables.items():
        if key not in SEMANTIC_VARIABLES | _TEXTUAL_VARIABLES:
            raise _unknown(path, key, value, sorted(SEMANTIC_VARIABLES), sorted(_TEXTUAL_VARIABLES))
        _check_value(path, key, value)
    return _completed(Theme(name=path.stem, dark=dark, variables=variables, **content))


def _unknown(path: Path, key: str, value: Any, listed: Sequence[str], others: Sequence[str]) -> ThemeError:
    near = get_close_matches(key, [*listed, *others], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(listed)}"
    return ThemeError(path, key, str(value), f"unknown key; {hint}")


def _check_value(path: Path, key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise ThemeError(path, key, str(value), "expected text in quotation marks")
    if "style" in key.split("-"):
        _check_style(path, key, value)
        return
    try:
        Color.parse(value)
    except ColorParseError as error:
        hint = f"; did you mean {error.suggested_color!r}?" if error.suggested_color else ""
        raise ThemeError(path, key, value, f"is no colour (as #1f2630, or a name){hint}") from error


def _check_style(path: Path, key: str, value: str) -> None:
    why = f"is no text style; expected words of {', '.join(sorted(VALID_STYLE_FLAGS))}"
    if not set(value.split()) <= VALID_STYLE_FLAGS:
        raise ThemeError(path, key, value, why)
    try:
        Style.parse(value)
    except StyleSyntaxError as error:
        raise ThemeError(path, key, value, f"is no text style: {error}") from error


def _completed(theme: Theme) -> Theme:
    # Textual forgets the boost of a theme that has a panel; as a variable it stays.
    boost = {"boost": theme.boost} if theme.boost else {}
    return replace(theme, variables=variable_defaults(theme) | boost | theme.variables)
