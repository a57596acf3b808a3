"""What people see of strange text: never a terminal's orders, and rows of exactly the right width."""

from __future__ import annotations

import time
import tracemalloc
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.views.text import (
    cell_width,
    fit,
    human_bytes,
    human_cost,
    human_seconds,
    human_tokens,
    inert,
    one_line,
    wrap,
)

# Hidden, reordering or commanding characters of every family, by code point.
HOSTILE = [
    *range(0x09),
    *range(0x0B, 0x0D),
    *range(0x0E, 0x20),
    *range(0x7F, 0xA0),
    *[0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029],
    *range(0x202A, 0x202F),
    *[0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0x206F, 0x3164, 0xFEFF, 0xFFF9, 0xFDD0, 0xFFFE, 0xFFFF],
    *[0xD800, 0xDFFF, 0xE0000, 0xE0041, 0xE007F, 0xE0100, 0x1FFFE, 0x10FFFF],
]

STRANGE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from([chr(code) for code in HOSTILE]),
        st.sampled_from("\x1b[]()\t\r\n 你好ｈé\u0301🇫🇷👍🏽❤\ufe0f1\u20e3"),
    ),
    max_size=60,
)

# As they come from models and tools: plain, accented, wide, combining, emoji, boxes, and attacks.
PIECES = [
    "plain",
    "naïve",
    "e\u0301",
    "你好，世界",
    "日本語",
    "한국어",
    "각",
    "ﾊﾝｶｸ",
    "Ωμέγα",
    "привет",
    "שלום",
]
PIECES += [
    "مرحبا",
    "नमस्ते",
    "ไทย",
    "🇫🇷",
    "👍🏽",
    "👩\u200d💻",
    "❤️",
    "1️⃣",
    "✔",
    "✎",
    "⏵",
    "━●━",
    "╭─╮",
    "…",
    "⚠️",
]
PIECES += [
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\u202eevil",
    "a\u200bb",
    "\tx",
    "\r",
    "\ud800",
    "\U000e0041",
]
SAMPLES = [left + " " + right for left in PIECES for right in PIECES]


def is_safe(text: str) -> bool:
    """Judge by Unicode's own categories, not by the ranges under test."""
    hidden = {"Cc", "Cs", "Zl", "Zp"}
    return not any(
        (unicodedata.category(character) in hidden and character != "\n")
        or unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        or ord(character) in HOSTILE
        or 0xE0000 <= ord(character) <= 0xE007F
        or ord(character) & 0xFFFE == 0xFFFE
        for character in text
    )


@pytest.mark.parametrize("code", HOSTILE, ids=hex)
def test_each_hostile_character_becomes_visible(code: int) -> None:
    """A character that could command, hide or reorder is seen as U+FFFD, in its place."""
    assert inert(f"a{chr(code)}b") == "a\ufffdb"


def test_every_control_or_format_character_of_unicode_is_dealt_with() -> None:
    """No control, surrogate, separator or invisible format character is forgotten."""
    # Signs that enclose Arabic, Syriac or Kaithi numbers: of the same category, but drawn.
    drawn = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    forgotten = [
        hex(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and code not in drawn
        and chr(code) in inert(chr(code))
    ]
    assert forgotten == ["0xa"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb", "a   b"),
        ("abcd\tb\n\tc", "abcd    b\n    c"),
        ("one\r\ntwo\n", "one\ntwo\n"),
        ("10%\r20%", "10%␍20%"),
        ("\x1b[2J", "\ufffd[2J"),
        ("⚠️ 1️⃣", "⚠ 1\u20e3"),
        ("naïve — 你好 👍", "naïve — 你好 👍"),
        ("👍🏽 x🏽", "👍 x"),
        ("🇫🇷 🇩🇪x🇪", "FR DExE"),
        ("[/] [@click=app.quit]x[/]", "[/] [@click=app.quit]x[/]"),
    ],
)
def test_text_stays_readable(text: str, shown: str) -> None:
    """Tabs and line ends are laid out, ordinary text of any script is left alone, a lone return is seen."""
    assert inert(text) == shown


@given(STRANGE)
@settings(deadline=None)
def test_nothing_unsafe_is_left_and_a_second_pass_changes_nothing(text: str) -> None:
    """Whatever a model sends is safe to show, and text that is already safe is shown as it is."""
    shown = inert(text)
    assert is_safe(shown)
    assert inert(shown) == shown
    shown.encode()


@given(STRANGE, st.integers(0, 60))
@settings(deadline=None)
def test_text_that_arrives_in_pieces_is_as_safe(text: str, offset: int) -> None:
    """A sequence cut in two by the stream is no more dangerous than a whole one."""
    joined = inert(text[:offset]) + inert(text[offset:])
    assert is_safe(joined)
    assert inert(joined) == joined


def test_five_megabytes_are_shown_quickly_and_a_label_of_them_at_once() -> None:
    """A huge line neither freezes the screen nor is copied for its label."""
    line = "naïve \x1b[31m你好 " * 400_000
    one_line(line, 80)
    tracemalloc.start()
    label = one_line(line, 80)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cell_width(label) <= 80
    assert label.startswith("naïve \ufffd[31m你好")
    assert peak < 100_000
    started = time.process_time()
    shown = inert(line)
    assert time.process_time() - started < 2
    assert is_safe(shown)


def test_widths_agree_with_those_of_the_screen() -> None:
    """What is measured here takes as many cells when it is drawn."""
    shown = [inert(text) for text in SAMPLES]
    assert len(shown) > 200
    assert [cell_width(text) for text in shown] == [cell_len(text) for text in shown]


@given(st.text(st.characters(max_codepoint=0x1FFFF, exclude_categories=["Cn"]), max_size=40))
@settings(deadline=None)
def test_the_width_is_the_sum_of_the_characters(text: str) -> None:
    """A text may be cut anywhere and its parts measured apart."""
    shown = inert(text).replace("\n", "")
    assert cell_width(shown) == cell_len(shown) == sum(cell_width(character) for character in shown)


@given(STRANGE, st.integers(0, 30))
@settings(deadline=None)
def test_a_fitted_row_has_exactly_its_width(text: str, width: int) -> None:
    """Columns stay straight, whatever is in them."""
    row = inert(text).replace("\n", " ")
    assert cell_width(fit(row, width)) == width


@given(STRANGE, st.integers(0, 30))
@settings(deadline=None)
def test_a_label_is_one_safe_line_that_is_never_too_wide(text: str, width: int) -> None:
    """A label stays in its place and in its row."""
    label = one_line(text, width)
    assert cell_width(label) <= width
    assert "\n" not in label
    assert is_safe(label)


@pytest.mark.parametrize(
    ("text", "width", "label"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("one too many", 11, "one too ma…"),
        ("first\nsecond\n", 20, "first⏎second"),
        ("\n\nfirst", 20, "first"),
        ("你好世界", 6, "你好…"),
        ("a你好世界", 6, "a你好…"),
        ("你好世界", 5, "你好…"),
        ("你好", 1, "…"),
        ("x", 0, ""),
        ("\u0301" * 1000, 3, "\u0301" * 76 + "…"),
        ("\n" * 1000 + "x", 3, "…"),
    ],
)
def test_labels_are_cut_between_characters_and_say_so(text: str, width: int, label: str) -> None:
    """A wide character is never halved, and an ellipsis tells that there is more."""
    assert one_line(text, width) == label


@pytest.mark.parametrize(
    ("text", "width", "row"),
    [
        ("ab", 4, "ab  "),
        ("abcd", 4, "abcd"),
        ("abcde", 4, "abc…"),
        ("你好世", 5, "你好…"),
        ("你好", 3, "你…"),
    ],
)
def test_rows_are_padded_or_cut(text: str, width: int, row: str) -> None:
    """A short text is padded with spaces, a long one ends in an ellipsis."""
    assert fit(text, width) == row


def test_a_wide_character_that_does_not_fit_leaves_a_space() -> None:
    """A row of even width stays so when the cut falls on a wide character."""
    assert fit("你好世界", 4) == "你… "


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two", "three"]),
        ("one\n\ntwo", 9, ["one", "", "two"]),
        ("    indented code", 12, ["    indented", "code"]),
        ("  longestword", 6, ["  long", "estwor", "d"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("你好世界", 5, ["你好", "世界"]),
        ("你好", 1, ["你", "好"]),
        ("tail   ", 4, ["tail"]),
        ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
    ],
)
def test_text_is_wrapped_at_spaces_and_long_words_are_split(text: str, width: int, lines: list[str]) -> None:
    """Prose breaks between words, indentation and empty lines stay, nothing is wider than the pane."""
    assert wrap(text, width) == lines


@given(STRANGE, st.integers(2, 20))
@settings(deadline=None)
def test_wrapping_loses_nothing_but_spaces(text: str, width: int) -> None:
    """Every character that is drawn is still there, in order, and every line fits."""
    shown = inert(text)
    lines = wrap(shown, width)
    assert all(cell_width(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_234, "1.2 kB"),
        (18_600_000, "18.6 MB"),
        (99_960, "100 kB"),
        (999_600, "1.0 MB"),
        (212_000, "212 kB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_are_short(count: int, shown: str) -> None:
    """A size is two or three digits and a unit."""
    assert human_bytes(count) == shown


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (312, "312"), (1_900, "1.9 k"), (2_100_000, "2.1 M")])
def test_token_counts_are_short(count: int, shown: str) -> None:
    """A number of tokens is two or three digits, with k or M."""
    assert human_tokens(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"),
        (0.0002, "<1 ms"),
        (0.212, "212 ms"),
        (0.9996, "1.0 s"),
        (2.06, "2.1 s"),
        (59.96, "1 m 00 s"),
        (184.4, "3 m 04 s"),
        (3_599.6, "1 h 00 m"),
        (3_725, "1 h 02 m"),
        (90_000, "25 h 00 m"),
    ],
)
def test_durations_read_at_a_glance(seconds: float, shown: str) -> None:
    """A duration has the unit that a person would choose, also at the edges between two units."""
    assert human_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (None, "unknown"),
        (0, "$0"),
        (0.004, "$0.004"),
        (0.00001, "<$0.001"),
        (0.9996, "$1.00"),
        (12.345, "$12.35"),
    ],
)
def test_an_unknown_cost_is_never_shown_as_nothing(dollars: float | None, shown: str) -> None:
    """A cost is given in dollars, a small one is not rounded to zero, an unknown one is called unknown."""
    assert human_cost(dollars) == shown
