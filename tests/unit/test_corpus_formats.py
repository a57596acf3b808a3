"""The readers of document formats: what a person would see on the page is what gets indexed."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from workbench.clock import SystemClock
from workbench.corpus.formats import Format, format_of, read
from workbench.tools.blocks import Block, UnreadableError


def shown(kind: Format, text: str) -> list[str]:
    """Return the texts of a document's blocks."""
    return [block.text for block in read(kind, text).blocks]


def headings(kind: Format, text: str) -> list[tuple[int, str]]:
    """Return the headings of a document with their levels."""
    return [(block.level, block.text) for block in read(kind, text).blocks if block.kind == "heading"]


@pytest.mark.parametrize(
    ("path", "kind", "bare"),
    [
        ("a/b.md", "markdown", "a/b"),
        ("NEWS.MD.gz", "markdown", "NEWS"),
        ("x.rst", "rst", "x"),
        ("x.HTML", "html", "x"),
        ("x.htm", "html", "x"),
        ("v1.2.txt", "text", "v1.2"),
        ("man5/pgbouncer.5.gz", "man", "man5/pgbouncer"),
    ],
)
def test_a_files_name_tells_its_format(path: str, kind: str, bare: str) -> None:
    """A file is read by the ending of its name, packed or not, whatever its case."""
    assert format_of(PurePosixPath(path)) == (kind, PurePosixPath(bare))


@pytest.mark.parametrize("path", ["photo.png", "README", "x.9", "archive.gz", "notes.md.bak", "lib.so"])
def test_other_files_are_no_documents(path: str) -> None:
    """A file with another ending is left alone."""
    assert format_of(PurePosixPath(path)) is None


def test_html_entities_are_the_characters_they_stand_for() -> None:
    """`&lt;`, `&eacute;` and numeric entities read as on the page."""
    assert shown("html", "<p>a &lt; b &amp;&amp; caf&eacute; &#8212; &#x4e8b;</p>") == ["a < b && café — 事"]


def test_html_scripts_styles_and_navigation_are_not_read() -> None:
    """Nothing that a person does not read on the page is found or quoted."""
    page = """<html><head><title>T</title><style>.x{color:red}</style><script>var secret = 1</script></head><body>
      <nav>Home Next</nav><div class="navheader">Prev Up</div><div role="navigation">Menu</div>
      <div class="toc">Contents</div><p>Read <script>alert(1)</script>me.<!-- not me --></p>
      <p hidden>unseen</p><template>later</template><noscript>enable</noscript><footer>Imprint</footer></body></html>"""
    assert shown("html", page) == ["Read me."]


def test_html_headings_nest_and_the_title_is_the_pages_own() -> None:
    """The title comes from `<title>`, headings keep their levels, and a note's label is no heading."""
    page = """<title>The Page</title><h1>The <em>Page</em></h1><h2>Part</h2>
      <div class="note"><h3>Note</h3><p>Careful.</p></div><h3>Deeper</h3><p>x</p>"""
    assert read("html", page).title == "The Page"
    assert headings("html", page) == [(1, "The Page"), (2, "Part"), (3, "Deeper")]
    assert "Note: Careful." in shown("html", page)


def test_html_nested_inline_markup_does_not_part_words() -> None:
    """Emphasis inside a word or a sentence leaves the text as it reads."""
    assert shown("html", "<div><p>un<b>break<i>able</i></b> and\n   <code>so  on</code></p></div>") == [
        "unbreakable and so on"
    ]


def test_html_lists_terms_and_tables_stay_readable() -> None:
    """List items, explained terms and rows of a table keep together what belongs together."""
    page = """<ul><li>one</li><li><p>two</p></li></ul>
      <dl><dt>port (integer)</dt><dd><p>The port.</p></dd></dl>
      <table><tr><th>A</th><th>B</th></tr><tr><td><p>1</p></td><td>2</td></tr>
      <tr><td><img></td><td>Mind!</td><td></td></tr></table>"""
    blocks = read("html", page).blocks
    assert [block.text for block in blocks] == [
        "- one",
        "- two",
        "port (integer)\nThe port.",
        "A | B",
        "1 | 2",
        "Mind!",
    ]
    assert [block.tight for block in blocks] == [False, True, False, True, True, True]
    assert blocks[2].term == "port (integer)"


def test_html_terms_that_nothing_explains_are_kept() -> None:
    """An option without a description, and one whose description is code, still stand there."""
    page = "<dl><dt>-q</dt><dt>-v</dt></dl><dl><dt>--run</dt><dd><pre>go</pre></dd></dl><ul><li></li></ul><p>End."
    assert shown("html", page) == ["-q\n-v", "--run", "go", "End."]


def test_html_code_keeps_its_lines() -> None:
    """What stands in `<pre>` keeps spaces and line breaks, also where each line is an element."""
    page = "<p>So:</p><pre>\nif x:\n    <b>y</b>  = 1\n</pre>"
    assert read("html", page).blocks[1] == Block("code", "if x:\n    y  = 1")
    assert shown("html", "<pre><div>one</div><div>  two</div></pre>") == ["one\n  two"]


def test_alphabetical_indexes_are_not_read() -> None:
    """A list of every word there is would be found by every word."""
    assert shown("html", '<h1>Index</h1><div class="index">pooling, 1 port, 2</div><p>End.') == ["Index", "End."]


def test_a_page_that_is_nothing_but_navigation_is_still_read() -> None:
    """A page of links alone is found by its links."""
    assert "Chapter one" in shown("html", '<h1>Book</h1><div class="toc"><a>Chapter one</a></div>')


def test_deep_html_is_read_and_endless_nesting_refused() -> None:
    """Nesting deeper than Python's stack is read; what would keep the parser busy for minutes is refused at once."""
    assert shown("html", "<div>" * 5_000 + "deep") == ["deep"]
    with pytest.raises(UnreadableError):
        read("html", "<div>" * 100_000)


@pytest.mark.parametrize("page", ["", "<", "<p", "</p></div>", "<pre><td><tr><dl><dt>", "\x00<b>\ufffd", "<title>x"])
def test_broken_html_is_read_as_far_as_it_goes(page: str) -> None:
    """No page is too broken to be read."""
    read("html", page)


def test_markdown_headings_code_and_links() -> None:
    """Both kinds of heading count, code is kept as it is, links are reduced to their words."""
    text = (
        "# One #\n\nSee [the *docs*](https://x.example) and ![alt](y.png).\n\n"
        "Two\n---\n```py\n# not a heading\nx = [1](2)\n```\nafter\n\n"
        "[ref]: https://x.example\n<!-- hidden\nstill -->\nend\n"
    )
    assert headings("markdown", text) == [(1, "One"), (2, "Two")]
    assert read("markdown", text).blocks[3] == Block("code", "# not a heading\nx = [1](2)")
    assert shown("markdown", text) == [
        "One", "See the *docs* and alt.", "Two", "# not a heading\nx = [1](2)", "after", "end",
    ]  # fmt: skip


def test_markdown_tables_are_cut_between_rows() -> None:
    """A table is kept by lines, as code is."""
    (block,) = read("markdown", "| a | b |\n|---|---|\n| 1. 2 | 3 |\n").blocks
    assert block.kind == "code"


def test_markdown_takes_its_title_from_the_front_matter() -> None:
    """A title in the front matter wins, and the front matter is not text."""
    text = "---\ntitle: 'How to'\ndate: 2024-01-01\n---\n# Else\nbody\n"
    assert read("markdown", text).title == "How to"
    assert shown("markdown", text) == ["Else", "body"]


def test_an_unclosed_fence_hides_nothing() -> None:
    """A code block that is never closed goes to the end of the document."""
    assert shown("markdown", "a\n\n```\nb\n\nc") == ["a", "b\n\nc"]


def test_plain_text_headings_are_underlined_lines() -> None:
    """Underlined lines are headings, ranked by first appearance; rules and short dashes are not."""
    text = "Title\n*****\n\nwords\n\nPart\n====\n\nmore\n- - -\n\n-----\n\nSub\n---\n\nOther\n=====\n"
    assert headings("text", text) == [(1, "Title"), (2, "Part"), (3, "Sub"), (2, "Other")]
    assert read("text", text).title == "Title"


def test_plain_text_keeps_code_with_its_blank_lines() -> None:
    """An indented block after a colon is one piece."""
    blocks = read("text", "The code:\n\n   with x:\n\n       y\n\nis fine.\n").blocks
    assert blocks[1] == Block("code", "with x:\n\n    y")
    assert [block.text for block in blocks] == ["The code:", "with x:\n\n    y", "is fine."]


def test_restructuredtext_directives_and_roles() -> None:
    """Roles and links read as their words, code is code, and what is for the builder alone is not read."""
    text = (
        "====\nDocs\n====\n\n.. _label:\n.. toctree::\n   :maxdepth: 2\n\n   a\n   b\n\n"
        "Use :ref:`the config <conf>`, :class:`~a.B` and `site <https://x.example>`_::\n\n   run it\n\n"
        ".. note:: Mind\n   the gap.\n\n.. code-block:: sh\n   :linenos:\n\n   ls\n\n"
        ".. option:: --port\n\n   The port.\n"
    )
    assert headings("rst", text) == [(1, "Docs")]
    assert shown("rst", text) == [
        "Docs", "Use the config, a.B and site:", "run it", "Note: Mind", "   the gap.", "ls", "--port", "   The port.",
    ]  # fmt: skip
    assert [block.term for block in read("rst", text).blocks if block.term] == ["--port"]


MAN = r""".\" a comment
.ie "\f[CB]x\f[]"x" \{\
. ftr V B
.\}
.el \{\
. ftr V CR
.\}
.TH "POOLER.INI" "5"
.SH NAME
.PP
pooler.ini \- configuration of \fBpooler\fR
.SH SETTINGS
.SS pool_mode
.TP
\f[V]transaction\f[R]
Released \[lq]after\[rq] the transaction\(em\&always.
.IP \(bu 2
.BR name (5)
.nf
x = 1

  y\\z
.fi
"""


def test_man_pages_read_as_on_the_terminal() -> None:
    """Requests and fonts vanish, characters by name appear, sections are headings, terms stay with their text."""
    page = read("man", MAN)
    assert page.title == "pooler.ini - configuration of pooler"
    assert headings("man", MAN) == [(1, "NAME"), (1, "SETTINGS"), (2, "pool_mode")]
    assert [block.text for block in page.blocks if block.kind != "heading"] == [
        "pooler.ini - configuration of pooler",
        "transaction\nReleased “after” the transaction—always.",
        "•\nname(5)",
        "x = 1\n\n  y\\z",
    ]
    assert page.blocks[4].term == "transaction"


def test_a_file_that_only_ends_like_a_man_page_is_empty() -> None:
    """`libfoo.so.1` and a log called `out.3` are no man pages."""
    assert read("man", "\x7fELF .THis is not roff").blocks == ()


@pytest.mark.parametrize("kind", ["markdown", "rst", "text", "html", "man"])
@pytest.mark.parametrize(
    "unit",
    [":a", "[", "`", ":a:`", "<!--", "![](", "<<", "\\[", ".. a::\n", "=\n", "``` ", "> ", '.B "', "a.\n\n b:\n\n"],
)
def test_no_document_can_keep_a_reader_busy(kind: Format, unit: str) -> None:
    """Repeated beginnings of markup cost time in proportion to their number, not to its square."""
    head = ".TH X 1\n" if kind == "man" else ""
    clock = SystemClock()
    start = clock.monotonic()
    read(kind, head + unit * 20_000)
    read(kind, head + (unit * 20_000).replace("\n", " "))
    assert clock.monotonic() - start < 5, "seconds; a tenth of one is usual"
