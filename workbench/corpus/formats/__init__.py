"""Readers of document formats: text in, title and blocks out.

A reader never fails on strange input and takes time in proportion to its length. Which reader a file gets is told
by its name alone. A reader that needs a library imports it when the first document of its kind is met.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal, assert_never

from workbench.corpus.formats import manual, markdown, plain
from workbench.tools.blocks import Parsed

Format = Literal["markdown", "rst", "text", "html", "man"]

SUFFIXES: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".rst": "rst",
    ".html": "html",
    ".htm": "html",
    ".txt": "text",
}
"""File name endings and what they mean; man pages end in `.1` to `.8`, and any may be followed by `.gz`."""

_MAN = re.compile(r"\.[1-8]")


def format_of(path: PurePosixPath) -> tuple[Format, PurePosixPath] | None:
    """Return the format a file's name promises and its path without the endings; None where it is no document."""
    bare = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = bare.suffix.lower()
    kind: Format | None = "man" if _MAN.fullmatch(suffix) else SUFFIXES.get(suffix)
    return (kind, bare.with_suffix("")) if kind else None


def read(kind: Format, text: str) -> Parsed:
    """Read a document. Raises UnreadableError where it is not what it claims to be."""
    match kind:
        case "markdown":
            return markdown.read(text)
        case "rst":
            return plain.read(text, directives=True)
        case "text":
            return plain.read(text)
        case "html":
            from workbench.tools import hypertext

            return hypertext.read(text)
        case "man":
            return manual.read(text)
        case _:
            assert_never(kind)
