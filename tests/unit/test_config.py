"""Where things lie, and the settings file: right ones are taken, wrong ones are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.config.settings import KEYS, Settings, find_places, load_settings
from workbench.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    """Return a settings file that says `text`."""
    path = folder / "settings.toml"
    path.write_text(text, "utf-8")
    return path


def test_no_settings_file_means_no_settings(tmp_path: Path) -> None:
    """A fresh machine has no settings file, and that is fine."""
    assert load_settings(tmp_path / "settings.toml") == Settings()


def test_every_key_is_taken(tmp_path: Path) -> None:
    """What a person writes into the settings file is what the program gets, for every key there is."""
    text = """
    model = "offline"
    docs = "~/docs"
    plan = "auto"
    theme = "paper"
    pace = 0
    sequential = true
    deny_asks = false
    max_steps = 20
    max_tokens = 100000
    max_cost = 0.5
    max_seconds = 60
    notify = "bell"
    motion = false
    otel = true
    [keys]
    fork = "F2"
    help = ["?", "f1"]
    """
    settings = load_settings(written(tmp_path, text))
    limits: Any = {"max_steps": 20, "max_tokens": 100_000, "max_cost": 0.5, "max_seconds": 60}
    assert settings == Settings(
        "offline", "~/docs", "auto", "paper", 0, True, False, **limits, notify="bell", motion=False, otel=True,
        keys={"fork": ("F2",), "help": ("?", "f1")},
    )  # fmt: skip
    assert None not in [getattr(settings, key) for key in KEYS]


@pytest.mark.parametrize(("text", "means"), [("true", "both"), ("false", "off"), ('"terminal"', "terminal")])
def test_what_notify_means(tmp_path: Path, text: str, means: str) -> None:
    """The bell and the terminal's notification can be had together, apart, or not at all."""
    assert load_settings(written(tmp_path, f"notify = {text}")).notify == means


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('modle = "offline"', "unknown key 'modle'; did you mean 'model'?"),
        ("max_step = 3", "did you mean 'max_steps'?"),
        ("zzz = 1", "it may hold: model, docs, plan"),
        ("[model]\nname = 'x'", "model = {'name': 'x'}; expected a text"),
        ("model = ''", "expected a text that is not empty"),
        ("plan = 'maybe'", "plan = 'maybe'; expected one of ask, auto, off"),
        ("plan = ['ask']", "expected one of ask, auto, off"),
        ("pace = -1", "pace = -1; expected a number of seconds, 0 or more"),
        ("pace = nan", "expected a number of seconds"),
        ("pace = true", "expected a number of seconds"),
        ("max_steps = 0", "expected a whole number above 0"),
        ("max_steps = 2.5", "expected a whole number above 0"),
        ("max_steps = true", "expected a whole number above 0"),
        ("max_cost = 'much'", "expected a number above 0"),
        ("max_seconds = inf", "expected a number above 0"),
        ("sequential = 1", "expected true or false"),
        ("motion = 0", "expected true or false"),
        ("notify = 'loud'", 'expected true, false, "bell", "terminal" or "off"'),
        ("notify = 1", "notify = 1; expected true, false"),
        ("keys = 'f'", "expected a table [keys] of lines as fork = "),
        ("[keys]\nfork = 2", "expected a table [keys]"),
        ("[keys]\nfork = []", "expected a table [keys]"),
        ("[keys]\nfork = ['f', 2]", "expected a table [keys]"),
        ("model = ", "is not TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, said: str) -> None:
    """A setting that cannot be honoured is never ignored: the sentence names file, key, value and what was expected."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder in its place, or bytes that are no text, give a sentence and no traceback."""
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "settings.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes(b'model = "\xe9"')
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(path)


def test_the_database_is_where_it_was_named() -> None:
    """`--db` wins over `WORKBENCH_DB`, and that over the user's data folder; an empty variable names nothing."""
    environ = {"WORKBENCH_DB": "/somewhere/else.db"}
    assert find_places("/here.db", environ).database == Path("/here.db")
    assert find_places(None, environ).database == Path("/somewhere/else.db")
    for nothing in ({}, {"WORKBENCH_DB": ""}):
        assert find_places(None, nothing).database.parts[-2:] == ("workbench", "workbench.db")
    assert find_places("~/runs.db", {}).database == Path.home() / "runs.db"


def test_the_folders_are_apart() -> None:
    """What can be thrown away, what the user writes and what the program keeps never share a folder."""
    places = find_places(None, {})
    assert len({places.database.parent, places.cache, places.config, places.state}) == 4
    assert places.settings.parent == places.config
