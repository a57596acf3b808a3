"""Lines that are exactly as wide as they must be, and never lose anything without a sign."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.strange import strange_text
from workbench.views.segments import Segment, blank, line_text, line_width, row, split_row
from workbench.views.text import inert

WORDS = st.lists(strange_text(30).map(lambda text: inert(text).replace("\n", " ")), max_size=5)


@given(WORDS, st.integers(1, 60))
def test_a_row_is_as_wide_as_asked(words: list[str], width: int) -> None:
    """Whatever is put into a row, the row beside it does not move."""
    line = row([Segment(word) for word in words], width)
    assert line_width(line) == cell_len(line_text(line)) == width


@given(WORDS, st.integers(2, 60))
def test_a_row_that_loses_something_says_so(words: list[str], width: int) -> None:
    """A cut row ends with an ellipsis; any other holds all its words."""
    line = line_text(row([Segment(word) for word in words], width))
    whole = "".join(words).rstrip(" ")
    assert line.rstrip(" ") == whole or line.rstrip(" ").endswith("…")


def test_the_ellipsis_looks_like_what_it_cuts() -> None:
    """The sign of more belongs to the piece that goes on."""
    assert row([Segment("ab"), Segment("cdef", "error")], 4) == (Segment("ab"), Segment("c…", "error"))


def test_a_row_that_just_fits_is_not_cut() -> None:
    """An ellipsis is never put where nothing is missing."""
    assert line_text(row([Segment("ab"), Segment("cd"), Segment("")], 4)) == "abcd"


def test_what_follows_a_full_row_is_announced() -> None:
    """A piece that ends at the edge gives its last cell to the sign, where another one follows."""
    assert line_text(row([Segment("abcd"), Segment("e")], 4)) == "abc…"


def test_the_right_side_goes_where_it_does_not_fit() -> None:
    """On a narrow screen the less important half of a line goes as a whole."""
    left, right = [Segment("STEP 0")], [Segment("9 k in", "muted")]
    assert line_text(split_row(left, right, 20)) == "STEP 0        9 k in"
    assert line_text(split_row(left, right, 13)) == "STEP 0       "


def test_no_line_for_no_width() -> None:
    """A closed pane draws nothing and fails at nothing."""
    assert blank(0) == ()
    assert row([Segment("x")], 0) == ()
