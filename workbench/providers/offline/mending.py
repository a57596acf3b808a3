"""Reads why an input was refused, and narrows its schema to what the reasons ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy

from pydantic import JsonValue

from workbench.providers.offline.menus import Schema
from workbench.providers.offline.schemas import alternatives, kind, number_of, resolved

CASE, START, END = "x-case", "x-start", "x-end"
"""What JSON Schema has no word for: `upper` or `lower`, and how a text has to begin and to end."""
LONGEST_REASON = 4_000

_PIECE = re.compile(r";\s+|\n+")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_NOUN = r"(?:\s+\w+)?"
_BOUNDS = (
    (
        "most",
        re.compile(
            r"(?:less than or equal to|at most|no more than|not exceed|maximum(?: length)?(?: of| is)?|up to|<=)\s+"
            rf"{_NUMBER}"
        ),
    ),
    (
        "least",
        re.compile(
            r"(?:greater than or equal to|at least|no (?:less|fewer) than|minimum(?: length)?(?: of| is)?|>=)\s+"
            rf"{_NUMBER}"
        ),
    ),
    ("below", re.compile(rf"(?:less than|fewer than|below|under|smaller than|<)\s+{_NUMBER}")),
    ("above", re.compile(rf"(?:greater than|more than|above|over|larger than|>)\s+{_NUMBER}")),
    ("step", re.compile(rf"multiple of\s+{_NUMBER}")),
)
_LIMITS = {
    "text": {"most": "maxLength", "least": "minLength", "below": "maxLength", "above": "minLength"},
    "array": {"most": "maxItems", "least": "minItems", "below": "maxItems", "above": "minItems"},
    "number": {
        "most": "maximum",
        "least": "minimum",
        "below": "exclusiveMaximum",
        "above": "exclusiveMinimum",
        "step": "multipleOf",
    },
}
_CHOICES = re.compile(
    r"(?:should be|must be|one of|either|expected)\W+((?:['\"‘“][^'\"’”]+['\"’”](?:,\s*|\s+or\s+|\s+and\s+)?)+)",
    re.IGNORECASE,
)
_BARE_CHOICES = re.compile(r"one of:?\s+\[?([\w -]+(?:,\s*[\w -]+)+(?:,?\s+or\s+[\w-]+)?)\]?", re.IGNORECASE)
_QUOTED = re.compile(r"['\"‘“]([^'\"’”]+)['\"’”]")
_PATTERN = re.compile(r"pattern\s+['\"](.+)['\"]")
_START = re.compile(r"(?:start|begin)s?\s+with\s+['\"]([^'\"]+)['\"]", re.IGNORECASE)
_END = re.compile(r"ends?\s+with\s+['\"]([^'\"]+)['\"]", re.IGNORECASE)
_FULL_STOP = re.compile(r"end\w*\s+(?:with|in)\s+a\s+(?:full stop|period)", re.IGNORECASE)
_EMPTY = re.compile(
    r"(?:must|may|can|should)\s*not be (?:empty|blank)|non-?empty|is (?:empty|too short)", re.IGNORECASE
)
_REQUIRED = re.compile(r"field required|is (?:a )?required|missing", re.IGNORECASE)
_EXTRA = re.compile(r"extra inputs?|not permitted|additional propert|unexpected", re.IGNORECASE)
_UPPER = re.compile(r"upper.?case|capital letters|in capitals", re.IGNORECASE)
_LOWER = re.compile(r"lower.?case", re.IGNORECASE)
_UNIQUE = re.compile(r"unique|duplicates?|more than once|twice", re.IGNORECASE)


def amended(schema: Schema, reasons: Sequence[str]) -> dict[str, JsonValue]:
    """Return a schema that allows, of the fields that the reasons name, only what they ask for."""
    changed = deepcopy(dict(schema))
    for reason in reasons:
        for piece in _PIECE.split(reason[:LONGEST_REASON]):
            named = list(_named(changed, piece, changed, 0))
            deepest = max((len(path) for path, _, _ in named), default=0)
            for path, holder, name in named:
                if len(path) == deepest:
                    _narrow(holder, name, piece, changed)
    return changed


def _named(
    schema: dict[str, JsonValue], piece: str, root: Schema, depth: int
) -> Iterator[tuple[tuple[str, ...], dict[str, JsonValue], str]]:
    """Yield the fields that a reason names, with the schema that holds each; references to them are written out."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or depth > 4:
        return
    for name in list(properties):
        inner = resolved(properties[name], root)
        properties[name] = inner
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", piece):
            yield (name,), schema, name
        for holder in (inner, _items(inner, root)):
            if holder is not None:
                for path, where, last in _named(holder, piece, root, depth + 1):
                    yield (name, *path), where, last


def _items(schema: dict[str, JsonValue], root: Schema) -> dict[str, JsonValue] | None:
    if not isinstance(schema.get("items"), dict):
        return None
    schema["items"] = inner = resolved(schema["items"], root)
    return inner


def _narrow(holder: dict[str, JsonValue], name: str, piece: str, root: Schema) -> None:
    properties, required = holder.get("properties"), holder.get("required")
    if not isinstance(properties, dict) or name not in properties:
        return
    if _EXTRA.search(piece):
        del properties[name]
        return
    if _REQUIRED.search(piece):
        holder["required"] = [*(required if isinstance(required, list) else []), name]
    options = alternatives(resolved(properties[name], root), root)
    schema = next((option for option in options if option.get("type") != "null"), options[0])
    properties[name] = schema
    _bound(schema, piece)
    if choices := _choices(piece):
        schema["enum"] = [*choices]
    if found := _PATTERN.search(piece):
        schema["pattern"] = found[1]
    if kind(schema) == "string":
        _wording(schema, piece)
    elif kind(schema) == "array" and _UNIQUE.search(piece):
        schema["uniqueItems"] = True


def _bound(schema: dict[str, JsonValue], piece: str) -> None:
    of = {"string": "text", "array": "array", "integer": "number", "number": "number"}.get(kind(schema))
    if of is None:
        return
    for which, form in _BOUNDS:
        found, limit = form.search(piece), _LIMITS[of].get(which)
        if not found or limit is None:
            continue
        value = float(found[1]) if "." in found[1] else int(found[1])
        if of != "number":
            value = max(0, int(value) + {"below": -1, "above": 1}.get(which, 0))
            if "word" in piece:  # words are counted in characters, with room to spare
                value *= 4 if limit.startswith("max") else 8
        before = number_of(schema, limit)
        is_upper = limit in ("maxLength", "maxItems", "maximum", "exclusiveMaximum")
        schema[limit] = value if before is None or which == "step" else (min if is_upper else max)(before, value)
        return
    if of != "number" and _EMPTY.search(piece):
        least = "minLength" if of == "text" else "minItems"
        schema[least] = max(1, number_of(schema, least) or 0)


def _choices(piece: str) -> list[str]:
    if found := _CHOICES.search(piece):
        return list(_QUOTED.findall(found[1]))
    if found := _BARE_CHOICES.search(piece):
        return [choice.strip() for choice in re.split(r",\s*(?:or\s+)?|\s+or\s+", found[1]) if choice.strip()]
    return []


def _wording(schema: dict[str, JsonValue], piece: str) -> None:
    if _UPPER.search(piece):
        schema[CASE] = "upper"
    elif _LOWER.search(piece):
        schema[CASE] = "lower"
    if found := _START.search(piece):
        schema[START] = found[1]
    if found := _END.search(piece):
        schema[END] = found[1]
    elif _FULL_STOP.search(piece):
        schema[END] = "."
