"""Cuts what tools returned into sentences that can be quoted.

Pure functions of text. A sentence keeps the exact characters it was cut from, so that a citation can be checked
against the result, and a cleaned form, which is what the answer shows. Code, tables and fragments are left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from workbench.providers.offline.words import CJK, WORD, flat

MOST_CHARACTERS = 60_000
"""Of one result; what comes after is not looked at."""
MOST_SENTENCES = 400
"""Of one result."""
LONGEST = 460
"""Characters of a sentence that is still quoted."""
MOST_RAW = 4 * LONGEST
"""Characters, markup and indentation included."""
LONGEST_FIRST = 50
"""Characters of a line that may name what follows in the same paragraph; wrapped lines are longer."""
LONGEST_LABEL = 80
"""Characters of a line that may be the name of what follows."""

_BULLET = re.compile(r"[ \t]*(?:[-*•+§]|\(?\d{1,2}[.)]|\[\d+\])[ \t]+")
_END = re.compile(r"[.!?]{1,4}[\"'”’)\]*_`]{0,4}(?=\s|$)|[。！？]{1,4}[”』」）]{0,4}")
_OPENING = re.compile(rf"[\"'“‘(*_`§\[-]*(?:[A-Z0-9{CJK}/$@\-]|[a-z]+[_.(]\w|[a-z]+: |__)")
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|etc|cf|vs|no|fig|sec|approx|incl|resp|st|dr|mr|mrs|prof|al|[A-Za-z])\.$", re.IGNORECASE
)
_CLOSED = re.compile(r"[.!?。！？][\"'”’)\]*_`』」）]*$")
_CODE = re.compile(r"::=|>>>|=>|->|\.\.\. |[{}<>|\\=;^~]")
_ROLE = re.compile(r":[a-z]+(?::[a-z]+)?:`([^`<]+?)(?:\s*<[^>]*>)?`")
_LINK = re.compile(r"!?\[([^\]]+)\]\([^)\s]*\)")
_TICKS = re.compile(r"`+([^`]+)`+_{0,2}")
_STARS = re.compile(r"(?<![\w*])(\*{1,2})(?=\S)([^*]+?)(?<=\S)\1(?![\w*])")
_DEPENDENT = re.compile(
    r"(?:this|that|these|those|it|its|they|their|he|she|such|otherwise|however|therefore|thus|hence|also|then|but|and|"
    r"or|so|instead|similarly|likewise|moreover|additionally|furthermore|consequently|both|here|again|besides|still|"
    r"nevertheless|the default is|in (?:this|that|these|such) cases?|if (?:so|not|it|they)|for (?:example|instance)|"
    r"in particular|in addition|as a result|on the other hand|the (?:former|latter|same)|"
    r"note that (?:this|it|these)|at (?:that|this) (?:moment|point|time))\b"
    r"|[^,.]{0,70}, (?:this|these|that (?:is|has|means))\b"
    r"|[^,.]{0,120}\b(?:in|of|for|to|by) (?:this|that|these) "
    r"(?:mode|case|option|setting|parameter|state|situation|view)s?\b"
    r"|(?:这|那|它|因此|所以|但是|但|然而|否则|此外|另外|同时|例如|比如|于是|其)",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"(?:see\b|refer to\b|also see\b|source code:|more information|the following|\**pep \d|参见|另见|详见|"
    r"for (?:a |the )?(?:more|further|additional|full|complete)\b[^,]*(?:info|detail|descri|discuss)|"
    r"(?:added|new|changed|deprecated) in version)",
    re.IGNORECASE,
)
_SEE_ALSO = re.compile(
    r"\s*(?:see also|references|footnotes|-\[ footnotes \]-|further reading)\s*:?\s*$", re.IGNORECASE
)
_ADMONITION = re.compile(
    r"(?:notes?|warning|caution|tip|important|hint|examples?|description|synopsis|features|fixes|cleanups|options|"
    r"parameters|usage|changes|overview|introduction|name|details|summary)$",
    re.IGNORECASE,
)
_MARK = re.compile(r"\s{0,2}\[([^\]\s]{1,220}::\d{1,6})\]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, or two where the second does not stand alone."""

    text: str
    """As it is shown: one line, without markup."""
    quote: str
    """As it stands in the result, character for character."""
    position: int
    """Where in the result it begins."""
    label: str = ""
    """The short line above it, such as the name of a setting."""
    is_labelled: bool = False
    """It follows its label directly."""
    mark: str = ""
    """The passage that the result itself names for it."""
    is_dependent: bool = False
    """It leans on a sentence that is not here."""
    is_pointer: bool = False
    """It says where to read on, or what changed when."""
    is_loose: bool = False
    """It is a line without an end, such as a heading or `Default: 6432`."""


@dataclass(frozen=True, slots=True)
class _Paragraph:
    start: int
    end: int
    label: str = ""
    is_labelled: bool = False
    is_pointer: bool = False


def sentences(text: str) -> list[Sentence]:
    """Return the whole sentences of a result, in order."""
    text = text[:MOST_CHARACTERS]
    found: list[Sentence] = []
    for paragraph in _paragraphs(text):
        for start, end, mark in _segments(text, paragraph):
            found.extend(_of_segment(text, start, end, paragraph, mark))
        if len(found) >= MOST_SENTENCES:
            break
    return found[:MOST_SENTENCES]


def lines(text: str) -> list[Sentence]:
    """Return everything a text says, line by line: for what a person wrote, or a tool that writes no prose."""
    found: list[Sentence] = []
    position = 0
    for line in text[:MOST_CHARACTERS].splitlines(keepends=True):
        quote = line.strip()
        if 0 < len(quote) <= LONGEST and is_inert(quote) and WORD.search(shown := clean(quote)):
            found.append(Sentence(shown, quote, position + line.index(quote)))
        position += len(line)
    return found[:MOST_SENTENCES]


def clean(text: str) -> str:
    """Return a piece of a result as it is shown: one line, no list marks, no markup of documentation formats."""
    text = _ROLE.sub(r"\1", text[found.end() :] if (found := _BULLET.match(text)) else text)
    return flat(_STARS.sub(r"\2", _TICKS.sub(r"\1", _LINK.sub(r"\1", text))))


def is_inert(text: str) -> bool:
    """Whether the text has no control characters but white space, and none that turn the direction of writing."""
    if text.isascii() and text.isprintable():
        return True
    return not any(
        unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs") for character in text if character not in "\n\t\r"
    )


def is_prose(text: str) -> bool:
    """Whether the text is a whole sentence that a person would write."""
    if len(text) > MOST_RAW:
        return False
    shown = clean(text)
    words = WORD.findall(shown)
    ideographs = sum(len(word) for word in words if word[0] >= "\u3040")
    if not _OPENING.match(shown) or not _CLOSED.search(shown) or len(shown) > LONGEST:
        return False
    if len(words) + ideographs // 2 < 4 or not is_inert(text):
        return False
    letters = sum(character.isalpha() or character == " " for character in shown)
    return letters >= 0.75 * len(shown) and len(_CODE.findall(shown)) * 60 <= len(shown)


def _is_loose(text: str) -> bool:
    """Whether a line says something although it is no sentence."""
    shown = clean(text)
    words = WORD.findall(shown)
    if (
        "\n" in text.strip()
        or not is_inert(text)
        or _CODE.search(shown)
        or len(shown) > LONGEST
        or shown[-1:] in ":：,;"
    ):
        return False
    tells_value = len(words) > 1 and ":" in shown and any(character.isdigit() for character in shown)
    letters = sum(character.isalpha() or character == " " for character in shown)
    return (len(words) > 3 and letters >= 0.75 * len(shown)) or (tells_value and len(shown) < LONGEST_LABEL)


def _of_segment(text: str, start: int, end: int, paragraph: _Paragraph, mark: str) -> Iterator[Sentence]:
    before: Sentence | None = None
    first = _skip_space(text, start, end)
    for begin, stop in _cuts(text, start, end):
        raw = text[begin:stop]
        if not is_prose(raw):
            before = None
            if _is_loose(raw):
                yield Sentence(clean(raw), raw, begin, paragraph.label, mark=mark, is_loose=True)
            continue
        shown = clean(raw)
        sentence = Sentence(
            text=shown,
            quote=raw,
            position=begin,
            label=paragraph.label,
            is_labelled=paragraph.is_labelled and begin == first,
            mark=mark,
            is_dependent=bool(_DEPENDENT.match(shown)),
            is_pointer=paragraph.is_pointer or bool(_POINTER.match(shown)),
        )
        if sentence.is_dependent and before and _carries(before) and len(before.text) + len(shown) < LONGEST:
            sentence = replace(
                sentence,
                text=f"{before.text}{'' if before.text[-1] in '。！？' else ' '}{shown}",
                quote=text[before.position : stop],
                position=before.position,
                is_labelled=before.is_labelled,
                is_dependent=False,
            )
        yield sentence
        before = sentence


def _carries(before: Sentence) -> bool:
    """Whether a sentence can stand in front of one that leans on it."""
    return not (before.is_dependent or before.is_pointer or before.is_loose)


def _cuts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where each sentence of a segment begins and ends."""
    begin = _skip_space(text, start, end)
    for found in _END.finditer(text, start, end):
        stop = found.end()
        following = _skip_space(text, stop, end)
        is_end = found[0][0] in "。！？" or (
            (following == end or _OPENING.match(text, following, end) is not None)
            and not _ABBREVIATION.search(text, max(begin, stop - 8), stop)
        )
        if is_end and stop > begin:
            yield begin, stop
            begin = following
    if begin < end:
        yield begin, begin + len(text[begin:end].rstrip())


def _skip_space(text: str, start: int, end: int) -> int:
    while start < end and text[start].isspace():
        start += 1
    return start


def _segments(text: str, paragraph: _Paragraph) -> Iterator[tuple[int, int, str]]:
    """Cut a paragraph at its marks: `[with::1]` names the source of what stands before it."""
    start = paragraph.start
    if bullet := _BULLET.match(text, start, paragraph.end):
        start = bullet.end()
    for found in _MARK.finditer(text, start, paragraph.end):
        yield start, found.start(), found[1]
        start = found.end()
    if start < paragraph.end:
        yield start, paragraph.end, ""


def _paragraphs(text: str) -> Iterator[_Paragraph]:
    """Cut a text at blank lines and list marks, and keep short lines as labels of what follows."""
    label, is_pointer = "", False
    fresh = False
    for start, end in _blocks(text):
        block = text[start:end]
        first, _, rest = block.partition("\n")
        if _SEE_ALSO.match(first) or (is_pointer and first.lstrip("*").startswith("PEP ")):
            is_pointer, label, fresh = True, "", False
            continue
        if not rest and _is_label(first):
            yield _Paragraph(start, end, label)
            label, fresh, is_pointer = _label(first), True, False
            continue
        named = bool(rest) and len(first) <= LONGEST_FIRST and _is_label(first) and _follows_label(rest)
        if named:
            label, fresh, is_pointer = _label(first), True, False
        yield _Paragraph(start + len(first) + 1 if named else start, end, label, fresh and bool(label), is_pointer)
        fresh = False


def _follows_label(rest: str) -> bool:
    """Whether a text has a name above it, and does not go on where a paragraph was wrapped."""
    second = rest.partition("\n")[0].strip()
    return second[:1].isupper() or len(second) > 2 * LONGEST_FIRST


def _is_label(line: str) -> bool:
    line = line.strip()
    if not 1 < len(line) <= LONGEST_LABEL or not WORD.search(line) or not is_inert(line):
        return False
    if _CODE.search(line) and not line.startswith("-"):
        return False
    if line[0].islower() and len(line.split()) > 2 and "(" not in line:
        return False
    return line[-1] not in ".!?:,;。！？：，…" and len(line.split()) <= 10


def _label(line: str) -> str:
    shown = clean(line)
    return "" if _ADMONITION.match(shown) else shown


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each run of lines that belong together begins and ends."""
    start, position = None, 0
    for line in text.splitlines(keepends=True):
        is_blank = not line.strip()
        if start is not None and (is_blank or _BULLET.match(line)):
            yield start, position
            start = None
        if start is None and not is_blank:
            start = position
        position += len(line)
    if start is not None:
        yield start, position
