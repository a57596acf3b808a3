"""JSON as every reader understands it: no key twice, no NaN, no half surrogate, not too deep."""

from __future__ import annotations

import json
import math
from typing import Any

from workbench.interchange.session import DEEPEST, LONGEST_MIXED_LINE, MOST_BRACKETS, MOST_SIGNS


def strict_json(text: bytes) -> Any:
    """Return the value that `text` holds; raises `ValueError` with the reason where it holds none.

    `UnicodeDecodeError` and `json.JSONDecodeError` (both are `ValueError`) mean that the text may have been cut off.
    """
    if text.count(b"[") + text.count(b"{") > MOST_BRACKETS:
        raise ValueError(f"it holds more than {MOST_BRACKETS:,} arrays and objects")
    if len(text) > LONGEST_MIXED_LINE and text.count(b",") + text.count(b'"') > MOST_SIGNS:
        raise ValueError(f"it is longer than {LONGEST_MIXED_LINE:,} bytes and holds too many values")
    try:
        value = json.loads(text.decode(), object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST}") from None
    if _is_deep(value):
        raise ValueError(f"it is nested deeper than {DEEPEST}")
    if (b"\\ud" in text or b"\\uD" in text) and not _is_encodable(value):
        raise ValueError("it holds half a surrogate pair, which no text may")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("an object names a key twice")
    return made


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is beyond what a number can be")
    return number


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return True


def _is_encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
