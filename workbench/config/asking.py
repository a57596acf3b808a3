"""How agents are asked and how far they go, as a person writes it in the settings file or on the command line.

Only names are judged here, and that prompts are texts: which values there are, others know, who know agents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from workbench.config.reaching import hint
from workbench.errors import ConfigError

PARAMETERS: Final = ("max_tokens", "temperature", "tool_choice", "effort", "hosted_tools")
"""What may be said about how a model is asked."""
LIMITS: Final = (
    "calls_at_once", "request_tokens", "planner_tokens", "summary_tokens", "subagents", "subagent_steps",
)  # fmt: skip
"""What may be limited beside that at which a run stops."""
STOPS: Final = ("steps", "tokens", "cost", "seconds")
"""At what a run stops; these have settings and options of their own."""
RETRIES: Final = ("attempts", "first_wait", "longest_wait")
"""What may be said about how a broken turn is tried again."""
RULES: Final = ("allow", "ask", "deny")
"""What permission rules may do."""
PROMPTS: Final = ("instructions", "planner", "subagent", "summary")
"""What the model is told that may be written anew."""


def read_parameters_table(value: Any) -> dict[str, Any]:
    """Return how models are asked; raises `ConfigError` for a name that is none."""
    return _named("parameters", value, PARAMETERS, "parameter of a model")


def read_limits_table(value: Any) -> dict[str, Any]:
    """Return the further limits of runs; raises `ConfigError` for a name that is none."""
    if isinstance(value, Mapping) and (stops := [name for name in value if name in STOPS]):
        raise ConfigError(f"{stops[0]!r} is none of these limits; the setting is max_{stops[0]}, outside of tables, "
                          f"and the option --max-{stops[0]}")  # fmt: skip
    return _named("limits", value, LIMITS, "limit")


def read_retries_table(value: Any) -> dict[str, Any]:
    """Return how broken turns are tried again; raises `ConfigError` for a name that is none."""
    return _named("retries", value, RETRIES, "value of retries")


def read_permissions_table(value: Any) -> dict[str, tuple[str, ...]]:
    """Return permission rules; raises `ConfigError` for a name that is none. How a rule is written, others know."""
    table = _named("permissions", value, RULES, "kind of permission rule")
    for name, rules in table.items():
        if not isinstance(rules, list | tuple) or not all(isinstance(rule, str) for rule in rules):
            raise ConfigError(f'permissions.{name} = {rules!r}; expected a list of rules, such as ["fetch_doc"]')
    return {name: tuple(rules) for name, rules in table.items()}


def read_prompts_table(value: Any, folder: Path) -> dict[str, str]:
    """Return what the model is told; `@FILE` is read, from `folder` on. Raises `ConfigError` for what cannot be."""
    return {name: _prompt(name, text, folder) for name, text in _named("prompts", value, PROMPTS, "prompt").items()}


def _named(table: str, value: Any, known: Sequence[str], what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{table} = {value!r}; expected a table [{table}] with {', '.join(known)}")
    for name in value:
        if name not in known:
            raise ConfigError(f"{name!r} is no {what}{hint(name, known)}; there are {', '.join(known)}")
    return dict(value)


def _prompt(name: str, value: Any, folder: Path) -> str:
    text = value
    if isinstance(value, str) and value.startswith("@@"):
        text = value[1:]
    elif isinstance(value, str) and value.startswith("@"):
        text = _read(name, folder / Path(value[1:]).expanduser())
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"prompts.{name} = {value!r}; expected a text that is not empty, or @FILE")
    return text.strip()


def _read(name: str, path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"prompts.{name}: the file {str(path)!r} cannot be read: {why}") from None
