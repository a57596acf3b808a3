"""When answers agree: the documented rule, for short answers and for long ones."""

from __future__ import annotations

import pytest

from workbench.engine.settling import Given, agree, vote, words_of

CLOSES = "Yes, the with statement closes files at the end of the block, even when an exception is raised in it."
SAME = "Yes. A with block closes its file at the end, also when exceptions are raised in the block."
DENIES = "No, the with statement does not close files at the end of the block when an exception is raised in it."
FIGURES = "The library has 120 topics, of which 45 are about statements, and it was indexed in 1.5 seconds."

SHORT = [
    ("Paris", "paris.", True),
    ("The answer is 1,000.", "1000", True),
    ("It is Paris!", "Paris", True),
    ("Two", "2", True),
    ("3.0", "3", True),
    ("10", "1", False),
    ("100", "1", False),
    ("1.5", "15", False),
    ("yes", "no", False),
    ("Paris", "Lyon", False),
    ("not Paris", "Paris", False),
    ("北京。", "北京", True),
    ("北京", "上海", False),
    ("", "Paris", False),
]


@pytest.mark.parametrize(("one", "other", "agreed"), SHORT)
def test_short_answers_agree_word_by_word(one: str, other: str, agreed: bool) -> None:
    """Case, punctuation and the spelling of numbers do not count; everything else does."""
    assert agree(Given(one), Given(other)) is agree(Given(other), Given(one)) is agreed


LONG = [
    (CLOSES, SAME, True),
    (CLOSES, DENIES, False),
    (FIGURES, FIGURES.replace("120", "121"), True),
    (FIGURES, FIGURES.replace("120", "9").replace("45", "8"), False),
    (CLOSES, FIGURES, False),
    (CLOSES, "Yes", True),
    (CLOSES, "No", False),
]


@pytest.mark.parametrize(("one", "other", "agreed"), LONG)
def test_long_answers_agree_by_what_they_claim(one: str, other: str, agreed: bool) -> None:
    """The same stand, figures that do not contradict each other, and much the same words."""
    assert agree(Given(one), Given(other)) is agree(Given(other), Given(one)) is agreed


def test_long_answers_agree_by_their_sources_too() -> None:
    """Said in other words, but resting on the same passages."""
    other = "Files get closed whenever control leaves this construct, whether normally or because something went wrong."
    one = "Whatever happens inside of them, blocks of this kind make sure that resources are released on their way out."
    assert not agree(Given(one), Given(other))
    assert agree(Given(one, ("with::1", "with::2")), Given(other, ("with::2",)))


def test_most_votes_win_and_of_equals_the_first() -> None:
    """The places of those that agree are told; a tie says so."""
    found = vote([Given("b"), Given("a"), Given("A."), Given("c")])
    assert (found.chosen, found.agreeing, found.is_tied) == (1, (1, 2), False)
    tied = vote([Given("b"), Given("a"), Given("a"), Given("b")])
    assert (tied.chosen, tied.agreeing, tied.is_tied) == (0, (0, 3), True)
    assert vote([Given("alone")]).agreeing == (0,)


def test_numbers_are_compared_as_numbers() -> None:
    """Grouping, closing zeros and a decimal comma are ways of writing."""
    assert words_of("1.50 10.0 100 1,234.50 3,14") == ["1.5", "10", "100", "1234.5", "3.14"]
