"""JSON Schema as far as a value that fits it can be made by rules: references, alternatives, bounds and patterns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]
DEEPEST = 8
"""References that are followed one after the other."""
MOST_PADDING = 10_000
"""Characters or items that are added to reach a lower bound."""


def resolved(schema: JsonValue | Schema, root: Schema) -> dict[str, JsonValue]:
    """Return a schema with its references followed and `allOf` of one part put into it."""
    found: dict[str, JsonValue] = dict(schema) if isinstance(schema, Mapping) else {}
    for _ in range(DEEPEST):
        reference, every = found.get("$ref"), found.get("allOf")
        if isinstance(reference, str):
            beside = {name: value for name, value in found.items() if name != "$ref"}
            found = {**_at(root, reference), **beside}
        elif isinstance(every, list):
            beside = {name: value for name, value in found.items() if name != "allOf"}
            found = {}
            for part in every:
                found.update(resolved(part, root) if isinstance(part, dict) else {})
            found.update(beside)
        else:
            break
    return found


def _at(root: Schema, reference: str) -> dict[str, JsonValue]:
    """Return what a reference within the schema leads to; nothing where it leads elsewhere."""
    value: JsonValue = dict(root)
    for part in reference.removeprefix("#").strip("/").split("/"):
        value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def alternatives(schema: Schema, root: Schema) -> list[dict[str, JsonValue]]:
    """Return what a value may be, each with one type; the schema itself where there is no choice."""
    either = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(either, list) and either:
        common = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf", "default")}
        parts = [resolved(part, root) for part in either]
        return [inner for part in parts for inner in alternatives({**common, **part}, root)][:DEEPEST]
    if isinstance(types := schema.get("type"), list) and types:
        return [{**schema, "type": one} for one in types]
    return [dict(schema)]


def kind(schema: Schema) -> str:
    """Return the one type of a schema, as far as it says it."""
    said = schema.get("type")
    if isinstance(said, str):
        return said
    for name, is_of in (("properties", "object"), ("additionalProperties", "object"), ("items", "array")):
        if name in schema:
            return is_of
    return "string"


def number_of(schema: Schema, name: str) -> float | None:
    """Return a bound of a schema; None where there is none."""
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def bounded_number(value: float, schema: Schema) -> float | int:
    """Return the number nearest to `value` within the bounds of a schema."""
    whole = schema.get("type") == "integer"
    value = value if math.isfinite(value) else 0
    step = number_of(schema, "multipleOf") or (1 if whole else None)
    low, high = number_of(schema, "minimum"), number_of(schema, "maximum")
    above, below = number_of(schema, "exclusiveMinimum"), number_of(schema, "exclusiveMaximum")
    little = step or _between(above, below if below is not None else high)
    if above is not None:
        low = above + little if low is None else max(low, above + little)
    if below is not None:
        little = step or _between(above if above is not None else low, below)
        high = below - little if high is None else min(high, below - little)
    value = value if low is None else max(value, low)
    value = value if high is None else min(value, high)
    if step:
        steps = round(value / step)
        if low is not None and steps * step < low:
            steps = math.ceil(low / step)
        if high is not None and steps * step > high:
            steps = math.floor(high / step)
        value = steps * step
    return int(value) if whole else value


def _between(above: float | None, below: float | None) -> float:
    """Return a step that stays between two bounds."""
    return (below - above) / 100 if above is not None and below is not None else 1.0


def bounded_text(text: str, schema: Schema) -> str:
    """Return a text no longer and no shorter than a schema wants it, cut between words where it can be."""
    least, most = number_of(schema, "minLength"), number_of(schema, "maxLength")
    if most is not None and len(text) > most:
        room = int(most)
        cut = text[: max(0, room - 1)].rsplit(" ", 1)[0].rstrip(" ,;:") if room > 20 else text[:room]
        text = f"{cut}…" if room > 20 else cut
    if least is not None and len(text) < least:
        text += "." * min(MOST_PADDING, int(least) - len(text))
    return text


def matching(schema: Schema, candidates: Iterator[str] | Sequence[str]) -> str | None:
    """Return the first candidate that fits pattern and length of a schema; None where none does."""
    pattern = schema.get("pattern")
    try:
        wanted = re.compile(pattern) if isinstance(pattern, str) else None
    except re.error:
        return None
    least, most = number_of(schema, "minLength") or 0, number_of(schema, "maxLength")
    for text in candidates:
        if len(text) >= least and (most is None or len(text) <= most) and (not wanted or wanted.search(text)):
            return text
    return None
