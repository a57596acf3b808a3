"""Tools as people read of them: which groups were switched, and what a model is told of each tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from workbench.tools.checks import Findings
from workbench.views.segments import Line, Segment
from workbench.views.text import cell_width, counted, one_line

_HEAD: Final = ("tool", "tokens", "class", "permission", "group")
_LONGEST: Final = 200


def switched_words(groups: Mapping[str, bool]) -> str:
    """Return which groups of tools were switched on and off: `on: web, off: shop, files`."""
    ways = (("on", True), ("off", False))
    parts = [(way, [name for name, on in groups.items() if on is wanted]) for way, wanted in ways]
    return ", ".join(f"{way}: {', '.join(names)}" for way, names in parts if names)


def tool_lines(tools: Sequence[Findings]) -> list[Line]:
    """Return a table of tools, each with what a model is told first of it and what is to be said of it."""
    rows = [_HEAD, *(_row(tool) for tool in tools)]
    widths = [max(map(cell_width, column)) for column in zip(*rows, strict=True)]
    lines: list[Line] = [(Segment(_padded(_HEAD, widths), "muted"),)]
    for tool, cells in zip(tools, rows[1:], strict=True):
        name, rest = cells[0], _padded(cells, widths)[cell_width(cells[0]) :]
        lines.append((Segment(name, "key"), Segment(rest)))
        first = first_words(tool.spec.description)
        lines += [(Segment(f"  {first}", "muted"),)] if first else []
        lines += [(Segment(f"  ⚠ {one_line(said, _LONGEST)}", "waiting"),) for said in tool.said]
    total = sum(tool.tokens for tool in tools)
    lines += [(), (Segment(f"{counted(len(tools), 'tool')}, about {total:,} tokens of every request", "muted"),)]
    return lines


def first_words(description: str) -> str:
    """Return the first line of a description."""
    return one_line(description.strip().partition("\n")[0], _LONGEST)


def _row(tool: Findings) -> tuple[str, ...]:
    spec = tool.spec
    effect = spec.effect.replace("_", " ")
    return (one_line(spec.name, 64), f"{tool.tokens:,}", effect, spec.permission, one_line(spec.group, 32))


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        " " * (width - cell_width(cell)) + cell if column == 1 else cell + " " * (width - cell_width(cell))
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def tool_documents(tools: Sequence[Findings]) -> list[dict[str, Any]]:
    """Return the tools as JSON: what is declared of them, and what is to be said."""
    return [{**tool.spec.model_dump(mode="json"), "tokens": tool.tokens, "findings": list(tool.said)} for tool in tools]
