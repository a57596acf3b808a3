"""Where the program keeps its files, and what a person set once and for all in `settings.toml`.

The keys of the settings file form a closed set, and a wrong one is named with the nearest right one: a setting that
is silently ignored is worse than an error. Command line options win over the file. This room knows no model and no
run; it is read before anything else, so it imports little.
"""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from workbench.config.asking import (
    read_limits_table,
    read_parameters_table,
    read_permissions_table,
    read_prompts_table,
    read_retries_table,
)
from workbench.config.mcp import read_mcp
from workbench.config.reaching import read_providers
from workbench.errors import ConfigError

APPLICATION = "workbench"
PLAN_MODES = ("ask", "auto", "off")
Notify = Literal["both", "bell", "terminal", "off"]
"""How a person who looks elsewhere is told that a run waits, breaks or ends."""
NOTIFY: Mapping[Any, Notify] = {True: "both", False: "off", "bell": "bell", "terminal": "terminal", "off": "off"}
"""What may stand at `notify`, and what it means."""


@dataclass(frozen=True, slots=True)
class Places:
    """The files and folders of one user. Nothing is created by naming them."""

    database: Path
    """The log of all runs."""
    cache: Path
    """Folder of what can be made again: document indexes."""
    config: Path
    """Folder of what the user writes: settings and themes."""
    state: Path
    """Folder of what the program notes for the user: details of unexpected errors, what tools print."""
    pictures: Path
    """Folder of the user's pictures; where there is none, pictures of the screen go to the working directory."""

    @property
    def settings(self) -> Path:
        """The settings file; it need not exist."""
        return self.config / "settings.toml"

    @property
    def themes(self) -> Path:
        """Folder of the user's own themes; it need not exist."""
        return self.config / "themes"

    @property
    def mcp_pins(self) -> Path:
        """File of what was accepted of MCP servers."""
        return self.state / "mcp-servers.json"

    @property
    def mcp_logs(self) -> Path:
        """Folder of what the programs of MCP servers print."""
        return self.state / "mcp"

    @property
    def log(self) -> Path:
        """The log of the program."""
        return self.state / "workbench.log"

    @property
    def printed(self) -> Path:
        """File of what was printed while the screen was shown."""
        return self.state / "printed.log"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the settings file says; None where it says nothing."""

    model: str | None = None
    docs: str | None = None
    """Folder of documents."""
    plan: Literal["ask", "auto", "off"] | None = None
    theme: str | None = None
    pace: float | None = None
    """Seconds by which the embedded model slows down, so that a person can watch."""
    sequential: bool | None = None
    deny_asks: bool | None = None
    max_steps: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    """US dollars."""
    max_seconds: float | None = None
    notify: Notify | None = None
    motion: bool | None = None
    """Whether anything on the screen moves by itself."""
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """How providers are reached, by name: see `reaching`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """How models are asked, where an agent does not say it itself: see `asking`, also for the next four."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    retries: Mapping[str, Any] = field(default_factory=dict)
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Rules that hold beside those of an agent."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    mcp: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """MCP servers whose tools every new run has, by name: see `mcp`."""
    otel: bool | None = None
    """Whether spans are sent, wherever they go by default."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys of the person's own, by action; the screen knows which there are."""


KEYS = tuple(field.name for field in fields(Settings))
"""Everything that may stand in a settings file."""

_TABLES: Mapping[str, Callable[[Any], Any]] = {
    "providers": read_providers,
    "mcp": read_mcp,
    "parameters": read_parameters_table,
    "limits": read_limits_table,
    "retries": read_retries_table,
    "permissions": read_permissions_table,
}
_TEXTS = ("model", "docs", "theme")
_SWITCHES = ("sequential", "deny_asks", "motion", "otel")
_COUNTS = ("max_steps", "max_tokens")


def find_places(database: str | None = None, environ: Mapping[str, str] | None = None) -> Places:
    """Return where things lie: `database` as given, else `WORKBENCH_DB`, else the user's data folder."""
    import platformdirs

    folders = platformdirs.PlatformDirs(APPLICATION, appauthor=False)
    named = database or (os.environ if environ is None else environ).get("WORKBENCH_DB")
    return Places(
        database=Path(named).expanduser() if named else folders.user_data_path / "workbench.db",
        cache=folders.user_cache_path,
        config=folders.user_config_path,
        state=folders.user_state_path,
        pictures=folders.user_pictures_path,
    )


def find_cache() -> Path:
    """Return the folder of what can be made again: all that a run without a screen asks for."""
    import platformdirs

    return platformdirs.user_cache_path(APPLICATION, appauthor=False)


def load_settings(path: Path) -> Settings:
    """Return what the file at `path` says; a missing file says nothing.

    Raises `ConfigError` naming the file, the key and what was expected.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {str(path)!r} cannot be read: {error}") from None
    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the settings file {str(path)!r} is not TOML: {error}") from None
    return Settings(**{key: _checked(path, key, value) for key, value in entries.items()})


def _checked(path: Path, key: str, value: Any) -> Any:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it may hold: {', '.join(KEYS)}"
        raise ConfigError(f"the settings file {str(path)!r} has an unknown key {key!r}; {hint}")
    if key in _TABLES or key == "prompts":
        try:
            return read_prompts_table(value, path.parent) if key == "prompts" else _TABLES[key](value)
        except ConfigError as error:
            raise ConfigError(f"the settings file {str(path)!r}: {error}") from None
    fits, expected = _expectation(key, value)
    if not fits:
        raise ConfigError(f"the settings file {str(path)!r} sets {key} = {value!r}; expected {expected}")
    match key:
        case "keys":
            return {action: (keys,) if isinstance(keys, str) else tuple(keys) for action, keys in value.items()}
        case "notify":
            return NOTIFY[value]
        case _:
            return value


def _expectation(key: str, value: Any) -> tuple[bool, str]:
    """Return whether `value` may stand at `key`, and what may."""
    if key in _TEXTS:
        return isinstance(value, str) and bool(value.strip()), "a text that is not empty"
    if key == "plan":
        return value in PLAN_MODES, f"one of {', '.join(PLAN_MODES)}"
    if key == "notify":
        return isinstance(value, bool | str) and value in NOTIFY, 'true, false, "bell", "terminal" or "off"'
    if key == "keys":
        return _are_keys(value), 'a table [keys] of lines as fork = "F2" or fork = ["f", "F2"]'
    if key in _SWITCHES:
        return isinstance(value, bool), "true or false"
    if key in _COUNTS:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0, "a whole number above 0"
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if key == "pace":
        return number and value >= 0, "a number of seconds, 0 or more"
    return number and value > 0, "a number above 0"


def _are_keys(value: Any) -> bool:
    """Whether that has the shape of a table of keys; which actions and keys there are, only the screen knows."""
    lists = [[keys] if isinstance(keys, str) else keys for keys in value.values()] if isinstance(value, dict) else [0]
    return all(isinstance(keys, list) and keys and all(isinstance(key, str) for key in keys) for keys in lists)
