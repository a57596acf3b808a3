"""Cutting documents into passages: what a model is given to read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.corpus.passages import LONGEST, SHORTEST, split
from workbench.tools.blocks import Block

SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank. "


def paragraph(length: int) -> Block:
    """Return a paragraph of about that length."""
    return Block("text", (SENTENCE * (length // len(SENTENCE) + 1))[:length].strip())


def heading(text: str, level: int = 1) -> Block:
    """Return a heading."""
    return Block("heading", text, level)


def test_passages_are_of_readable_size() -> None:
    """A long section becomes passages that are neither scraps nor too long."""
    pieces = split("T", [heading("H"), *(paragraph(300) for _ in range(40))])
    assert all(SHORTEST <= len(piece.text) <= LONGEST for piece in pieces)


def test_a_passages_title_is_its_trail_of_headings() -> None:
    """The title says where in the document the passage stands, without repeating the document's own title."""
    blocks = [heading("Doc"), paragraph(700), heading("Part", 2), paragraph(700), heading("Deep", 3), paragraph(700)]
    blocks += [heading("Next", 2), paragraph(700)]
    titles = [piece.title("Doc") for piece in split("Doc", blocks)]
    assert titles == ["Doc", "Doc › Part", "Doc › Part › Deep", "Doc › Next"]


def test_short_sections_share_a_passage_under_what_they_have_in_common() -> None:
    """Sections of one line each are read together, with their headings in the text and findable."""
    blocks = [heading("Settings"), *(b for n in range(4) for b in (heading(f"s{n}", 2), paragraph(100)))]
    (piece,) = split("T", blocks)
    assert piece.title("T") == "T › Settings"
    assert [line for line in piece.text.splitlines() if line.startswith("s")] == ["s0", "s1", "s2", "s3"]
    assert piece.headings == ("Settings", "s0", "s1", "s2", "s3")


def test_the_beginning_of_a_long_section_keeps_its_own_title() -> None:
    """A short section before a long one does not take the long one's headings away."""
    pieces = split("T", [heading("A"), paragraph(300), heading("B"), *(paragraph(520) for _ in range(4))])
    assert [piece.trail for piece in pieces][:2] == [("A",), ("B",)]


def test_short_sections_that_do_not_fit_together_stay_apart() -> None:
    """Sharing a passage never makes it too long."""
    pieces = split("T", [heading("A"), paragraph(500), heading("B"), paragraph(1200)])
    assert [piece.trail for piece in pieces] == [("A",), ("B",)]


def test_code_is_kept_whole_where_it_fits() -> None:
    """A block of code is not cut in two for the sake of an even size."""
    code = Block("code", "\n".join(f"line({n})" for n in range(100)))
    pieces = split("T", [paragraph(900), Block("text", "So:"), code, paragraph(900)])
    assert any(code.text in piece.text for piece in pieces)


def test_code_that_is_too_long_is_cut_between_lines() -> None:
    """No line of code is torn, and its indentation stays."""
    lines = [f"    call_number('one. two', {n})" for n in range(300)]
    pieces = split("T", [Block("code", "\n".join(lines))])
    assert len(pieces) > 1
    assert [line for piece in pieces for line in piece.text.splitlines()] == lines


def test_words_are_never_cut() -> None:
    """However a paragraph is cut, its words stay whole and in order."""
    words = [f"w{n:x}{'y' * (n % 17)}" for n in range(3000)]
    pieces = split("T", [Block("text", " ".join(words))])
    assert [word for piece in pieces for word in piece.text.split()] == words


def test_one_endless_line_is_still_cut() -> None:
    """Five megabytes without a space become passages of the usual size, quickly and without loss."""
    text = "x" * 5_000_000
    pieces = split("T", [Block("text", text)])
    assert max(len(piece.text) for piece in pieces) <= LONGEST
    assert sum(len(piece.text) for piece in pieces) == len(text)


def test_chinese_is_cut_after_sentences() -> None:
    """Text without spaces is cut where its sentences end."""
    pieces = split("T", [Block("text", "数据库连接池把连接分配给客户端。" * 300)])
    assert len(pieces) > 1
    assert all(piece.text.endswith("。") for piece in pieces)


def test_a_document_of_headings_alone_is_found_by_them() -> None:
    """An outline has one passage: itself."""
    assert [piece.text for piece in split("T", [heading("One"), heading("Two", 2)])] == ["One\nTwo"]


def test_a_heading_as_long_as_a_page_is_text() -> None:
    """What was marked up as a heading by mistake is read like any paragraph."""
    pieces = split("T", [heading(SENTENCE * 20), paragraph(700)])
    assert all(piece.trail == () and len(piece.text) <= LONGEST for piece in pieces)


def test_explained_terms_are_findable_like_headings() -> None:
    """A setting in a list of settings counts as a heading for the search."""
    (piece,) = split("T", [Block("text", "port\nThe port.", term="port")])
    assert piece.headings == ("port",)


@pytest.mark.parametrize("blocks", [[], [Block("text", "")], [Block("code", " \n\n ")], [heading("")]])
def test_nothing_to_read_makes_no_passage(blocks: list[Block]) -> None:
    """An empty document has no passages."""
    assert split("T", blocks) == []


blocks_of_any_kind = st.builds(
    Block,
    st.sampled_from(["heading", "text", "code"]),
    st.text(st.sampled_from("ab \n.事。-"), max_size=4000),
    st.integers(1, 6),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(blocks_of_any_kind, max_size=12))
def test_no_text_is_lost_or_repeated(blocks: list[Block]) -> None:
    """Whatever a document looks like, all its text is in its passages, once and in order."""
    pieces = split("no such heading", blocks)
    assert all(0 < len(piece.text) <= LONGEST for piece in pieces)
    kept = re.sub(r"\s", "", "".join(piece.text for piece in pieces))
    given_text = "".join(block.text for block in blocks if block.kind != "heading" or len(block.text) > 200)
    wanted = re.sub(r"\s", "", given_text)
    position = 0
    for character in wanted:  # headings may stand between
        position = kept.index(character, position) + 1
