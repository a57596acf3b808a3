"""`--vary`: what the variants of a race are, from a list of values or from a file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from workbench.cli.values import call_id, read_file
from workbench.driver.commands import ForkEdits, Variant
from workbench.errors import UserError
from workbench.events.content import normalise_json, normalise_text
from workbench.events.plan import PlanStep
from workbench.views.race import variant_name

FIELDS: Final = ("model", "temperature", "max_tokens", "effort")
"""What `--vary FIELD=A,B` can vary."""
KEYS: Final = ("model", "parameters", "instructions", "say", "text", "plan", "results", "inputs")
"""What a variant in a file can have."""
_EXAMPLE: Final = 'a table for each, such as [careful] with say = "…"'


def read_variants(given: Sequence[str], base: ForkEdits) -> tuple[Variant, ...]:
    """Return the variants that the options name, each with the edits that all have in common; at least one."""
    variants = [variant for text in given for variant in _read(text, base)]
    return tuple(variants) or (Variant(variant_name(base), base),)


def _read(text: str, base: ForkEdits) -> list[Variant]:
    if text.startswith("@"):
        return _from_file(text[1:], base)
    field, sign, values = text.partition("=")
    if not sign or field not in FIELDS:
        raise UserError(f"--vary expects {', '.join(FIELDS)} with values, such as model=A,B, or @FILE; not {text!r}")
    made = []
    for value in (part.strip() for part in values.split(",")):
        if not value:
            raise UserError(f"--vary {text!r} has an empty value; write {field}=A,B")
        made.append(Variant(f"{field} {value}", _with_field(base, field, value)))
    return made


def _with_field(base: ForkEdits, field: str, value: str) -> ForkEdits:
    if field == "model":
        return replace(base, model=value)
    known: Any = value
    if field != "effort":
        try:
            known = int(value) if field == "max_tokens" else float(value)
        except ValueError:
            raise UserError(f"--vary {field}={value!r}: expected a number") from None
    return replace(base, parameters={**(base.parameters or {}), field: known})


def _from_file(name: str, base: ForkEdits) -> list[Variant]:
    try:
        tables = tomllib.loads(read_file("--vary", name))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"--vary: the file {name!r} is no TOML: {error}") from None
    if not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise UserError(f"--vary: the file {name!r} has no variants; write {_EXAMPLE}")
    return [Variant(normalise_text(key), _from_table(key, table, base)) for key, table in tables.items()]


def _from_table(name: str, table: Mapping[str, Any], base: ForkEdits) -> ForkEdits:
    if unknown := [key for key in table if key not in KEYS]:
        raise UserError(f"--vary: variant {name!r} has {unknown[0]!r}; there are {', '.join(KEYS)}")
    texts = {key: _text(name, key, table[key]) for key in ("model", "instructions", "say", "text") if key in table}
    edits = replace(base, **texts)  # type: ignore[arg-type]
    if "parameters" in table:
        edits = replace(edits, parameters={**(base.parameters or {}), **_table(name, "parameters", table)})
    if "results" in table:
        results = {
            call_id("--vary", call): _text(name, call, text) for call, text in _table(name, "results", table).items()
        }
        edits = replace(edits, results={**base.results, **results})
    if "inputs" in table:
        inputs = {
            call_id("--vary", call): _input(name, call, one) for call, one in _table(name, "inputs", table).items()
        }
        edits = replace(edits, inputs={**base.inputs, **inputs})
    if "plan" in table:
        plan = table["plan"]
        edits = replace(edits, skip_plan=True, plan=None) if plan == "skip" else replace(edits, plan=_plan(name, plan))
    return edits


def _text(name: str, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"--vary: {key!r} of variant {name!r} is {value!r}; expected text in quotes")
    return normalise_text(value)


def _table(name: str, key: str, table: Mapping[str, Any]) -> dict[str, Any]:
    value = table[key]
    if not isinstance(value, dict):
        raise UserError(f'--vary: {key!r} of variant {name!r} is {value!r}; expected a table, such as {{ "0.1" = … }}')
    return value


def _input(name: str, call: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"--vary: the input of {call} in variant {name!r} is {value!r}; expected a table of its fields")
    return {normalise_text(key): normalise_json(item) for key, item in value.items()}


def _plan(name: str, value: Any) -> list[PlanStep]:
    if not isinstance(value, list) or not value or not all(isinstance(line, str) and ":" in line for line in value):
        raise UserError(
            f'--vary: the plan of variant {name!r} is {value!r}; expected "skip" or a list of "ACTION: text"'
        )
    parts = [line.partition(":") for line in value]
    return [
        PlanStep(action=normalise_text(action.strip().upper()), text=normalise_text(text.strip()))
        for action, _, text in parts
    ]
