"""Short forms: what is left out is always said, and long values cost no more than short ones."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from workbench.views.brief import brief_input, brief_json, cut_text
from workbench.views.text import cell_width

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.integers(8, 80))
def test_an_input_is_one_line(fields: dict[str, JsonValue], width: int) -> None:
    """Any input fits beside others, whatever a model put into it."""
    line = brief_input(fields, width)
    assert cell_width(line) <= width
    assert "\n" not in line
    assert "\x1b" not in line


def test_the_first_text_of_an_input_needs_no_name() -> None:
    """What is searched for is read first; the rest follows by name."""
    assert brief_input({"limit": 5, "query": "prepared statements"}, 60) == "prepared statements · limit=5"
    assert brief_input({"query": " "}, 60) == 'query=" "'
    assert brief_input({}, 60) == ""


@given(JSON)
def test_short_json_is_whole(value: JsonValue) -> None:
    """Nothing is left out where there is room."""
    assert json.loads(brief_json(value, 10_000)) == value


@given(JSON, st.integers(1, 30))
def test_long_json_ends_with_a_sign(value: JsonValue, length: int) -> None:
    """What is left out of a value is marked."""
    brief = brief_json(value, length)
    assert brief == json.dumps(value, ensure_ascii=False) or "…" in brief


def test_huge_values_cost_nothing() -> None:
    """An input of 5 MB and one nested a thousand deep are shortened in no time."""
    deep: JsonValue = "end"
    for _ in range(1_000):
        deep = [deep]
    begin = time.process_time()
    for _ in range(100):
        assert "…" in brief_input({"query": "x" * 5_000_000, "rows": list(range(100_000)), "deep": deep}, 40)
    assert time.process_time() - begin < 0.5
    assert brief_json(deep, 20).startswith("[[[")


def test_a_short_text_is_whole() -> None:
    """No sign of more where there is no more."""
    assert cut_text("one\ntwo\n", 20, 2) == (["one", "two"], "")
    assert cut_text("", 20, 3) == ([], "")


def test_a_long_text_says_how_much_is_missing() -> None:
    """A reader knows whether three lines or three megabytes are left out."""
    assert cut_text("a\nb\nc\nd", 20, 3) == (["a", "b"], "… 2 lines more")
    passage = cut_text("word " * 1_000_000, 20, 3)
    assert passage.rest == "… 5.0 MB more"
    assert passage.height == 3


def test_a_streaming_text_shows_its_end() -> None:
    """While a model writes, its last words are seen."""
    assert cut_text("a\nb\nc\nd", 20, 3, tail=True) == (["c", "d"], "… 2 lines above")


@given(st.text(max_size=300), st.integers(4, 40), st.integers(2, 6), st.booleans())
def test_a_text_never_takes_more_lines_than_allowed(text: str, width: int, limit: int, tail: bool) -> None:
    """Heights can be relied on."""
    passage = cut_text(text, width, limit, tail=tail)
    assert passage.height <= limit
    assert all(cell_width(line) <= width for line in passage.lines)
