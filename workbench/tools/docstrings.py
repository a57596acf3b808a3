"""What a docstring says of a tool and of its parameters: in Google's, NumPy's or reST's way of writing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECTIONS = re.compile(
    r"^\s*(?:Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments|Other Parameters|Returns?|Yields?|Raises"
    r"|Attributes|Examples?|Notes?)\s*:\s*$"
    r"|^\s*[:@](?:param|parameter|arg|argument|key|keyword|returns?|rtype|raises?|type)\b"
    r"|^\s*-{3,}\s*$",
    re.MULTILINE,
)
"""What only a docstring of several parts has."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a docstring says."""

    short: str = ""
    """Its first paragraph."""
    long: str = ""
    """What follows, without the parts on parameters, results and errors."""
    parameters: Mapping[str, str] = field(default_factory=dict)

    def text(self, *, long: bool = True) -> str:
        """Return the description of the tool."""
        return f"{self.short}\n\n{self.long}" if long and self.long else self.short


def read_docstring(text: str | None) -> Described:
    """Return what a docstring, its indentation taken off, says; what cannot be taken apart is all description."""
    text = (text or "").strip()
    parameters: dict[str, str] = {}
    if _SECTIONS.search(text):
        import docstring_parser  # most docstrings need none, and it takes a moment to load

        try:
            parsed = docstring_parser.parse(text)
        except docstring_parser.ParseError:
            pass
        else:
            text = (parsed.description or "").strip()
            parameters = {
                item.arg_name.lstrip("*"): " ".join(item.description.split())
                for item in parsed.params
                if item.description
            }
    short, _, long = text.partition("\n\n")
    return Described(short.strip(), long.strip(), parameters)
