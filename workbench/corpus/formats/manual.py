r"""Reads man pages: the common requests of roff's `man` and `mdoc` macros, enough to read and to search them.

Fonts and layout vanish, `\[lq]` and its like become characters, unknown requests are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.tools.blocks import Block, Parsed

_IS_MAN = re.compile(r"^[.'] *(?:TH|Dd)\s", re.MULTILINE)
_BEGINNING = 10_000
"""Characters in which a man page has said that it is one."""
_REQUEST = re.compile(r"[.'] *([^\s\\]*)\s*(.*)")
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|(\S+)')
_ESCAPE = re.compile(
    r"\\(?:"
    r"[fsmMFkn*](?:\[[^\]\n]{0,30}\]|\([^\n]{2}|[-+]?[^\n])"  # fonts, sizes, colours, registers
    r"|[hvwlLDN]'[^'\n]{0,60}'"  # movements and lines
    r"|\[([^\]\n]{1,30})\]|\(([^\n]{2})"  # characters by name
    r'|"[^\n]*'  # comments
    r"|([^\n]?))"
)
_CHARACTERS = {
    "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "aq": "'", "dq": '"', "em": "—", "en": "–", "hy": "-", "mi": "−",
    "bu": "•", "at": "@", "ti": "~", "ha": "^", "rs": "\\", "ga": "`", "co": "©", "rg": "®", "tm": "™", "->": "→",
    "<-": "←", ">=": "≥", "<=": "≤", "!=": "≠", "+-": "±", "mu": "×", "sc": "§", "dg": "†", "Fo": "«", "Fc": "»",
    "ba": "|", "or": "|", "sh": "#", "Do": "$", "lB": "[", "rB": "]", "lC": "{", "rC": "}", "sl": "/",
}  # fmt: skip
_SINGLE = {"e": "\\", "\\": "\\", "t": " ", "~": " ", "0": " "} | {mark: mark for mark in " -.'`"}
_HEADINGS = {"SH": 1, "Sh": 1, "SS": 2, "Ss": 2}
_BREAKS = frozenset({"P", "PP", "LP", "Pp", "HP", "sp", "RS", "RE", "Bl", "El", "br"})
_VERBATIM = frozenset({"nf", "EX", "Bd"})
_FILLED = frozenset({"fi", "EE", "Ed"})
_WORDS = frozenset({"B", "I", "SM", "SB", "Nm", "Nd", "Ar", "Op", "Cm", "Em", "Sy", "Pa", "Li", "Ic", "Xr", "Ql", "Dv"})
_ALTERNATING = frozenset({"BI", "BR", "IB", "IR", "RB", "RI"})
_CONDITIONS = frozenset({"ie", "el", "if"})


def read(text: str) -> Parsed:
    """Read a man page; its title is the line of its NAME section. A file that only ends like one is empty."""
    if not _IS_MAN.search(text[:_BEGINNING]):
        return Parsed("", ())
    reader = _Reader()
    lines = iter(text.splitlines())
    for line in lines:
        if line[:1] in {".", "'"}:
            request, words = _request(line)
            if request in _CONDITIONS:
                _skip_branch(line, lines)
            elif request in {"de", "ig"}:
                _skip_definition(lines)
            else:
                reader.obey(request, words)
        else:
            reader.add(_plain(line))
    reader.end_block()
    return Parsed(reader.name or reader.title, reader.blocks)


def _request(line: str) -> tuple[str, list[str]]:
    found = _REQUEST.match(line)
    if not found:
        return "", []
    words = ((quoted.replace('""', '"') or bare) for quoted, bare in _ARGUMENT.findall(found[2]))
    return found[1], [_plain(word) for word in words]


def _skip_branch(line: str, lines: Iterator[str]) -> None:
    """Drop a conditional: it chooses between output devices, never between words."""
    depth = line.count(r"\{") - line.count(r"\}")
    while depth > 0 and (following := next(lines, None)) is not None:
        depth += following.count(r"\{") - following.count(r"\}")


def _skip_definition(lines: Iterator[str]) -> None:
    for line in lines:
        if line.startswith(".."):
            return


def _plain(text: str) -> str:
    """Replace the escapes in a text by what they stand for."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    name = escape[1] or escape[2]
    if not name:
        return _SINGLE.get(escape[3] or "", "")
    if re.fullmatch(r"u[0-9A-F]{4}", name):
        return chr(int(name[1:], 16))
    return _CHARACTERS.get(name, "")


class _Reader:
    """Collects lines into blocks as the requests say."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title = self.name = ""
        self._lines: list[str] = []
        self._section = ""
        self._verbatim = self._term_follows = False
        self._lead = ""

    def obey(self, request: str, words: list[str]) -> None:
        """Do what a request asks for."""
        text = " ".join(words)
        if request in _HEADINGS:
            self.end_block()
            self._section = text if _HEADINGS[request] == 1 else self._section
            self.blocks.append(Block("heading", text, _HEADINGS[request]))
        elif request in {"TH", "Dt"}:
            self.title = "{}({})".format(*words[:2]) if len(words) > 1 else text
        elif request in {"TP", "TQ"}:
            self.end_block()
            self._term_follows = True
        elif request in {"IP", "It"}:
            self.end_block()
            self._lead = f"{words[0] if request == 'IP' and words else text}\n".lstrip()
        elif request in _BREAKS:
            self.end_block()
        elif request in _VERBATIM | _FILLED:
            self.end_block()
            self._verbatim = request in _VERBATIM
        elif request in _ALTERNATING:
            self.add("".join(words))
        elif request in _WORDS:
            self.add(f"- {text}" if request == "Nd" else text)
        elif request == "Fl":
            self.add(f"-{text}")

    def add(self, line: str) -> None:
        """Take a line of words."""
        if self._term_follows and line.strip():
            self._term_follows = False
            self._lead += f"{line.strip()}\n"
        elif line.strip() or self._verbatim:
            self._lines.append(line)
        else:
            self.end_block()

    def end_block(self) -> None:
        """Make a block of the lines so far."""
        lines, self._lines = self._lines, []
        text = "\n".join(lines).strip("\n")
        if not text:
            return
        if self._section.upper() == "NAME" and not self.name:
            self.name = " ".join(text.split())
        lead, self._lead = self._lead, ""
        self.blocks.append(Block("code" if self._verbatim else "text", lead + text, term=lead.strip()))
