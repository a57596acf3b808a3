"""A race as files: CSV with a line a run, Markdown with a line a variant, and one JSON object with both.

Names, answers and reasons come from models and people. In CSV a cell that a spreadsheet would take for a formula
begins with an apostrophe; in Markdown what would be markup is escaped.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from workbench.debugger.race import Racer, Spread, standings
from workbench.views.race import FATES, FIGURES, interval_text, range_text, rate_text, value_text
from workbench.views.text import inert

_COLUMNS: Final = (
    "race", "run", "variant", "number", "ended", "steps", "calls", "errors", "tokens", "cost_usd", "seconds",
    "passed", "why", "answer",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@")
"""First characters that a spreadsheet takes for a formula (OWASP, CSV injection)."""
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def csv_text(race: str, racers: Iterable[Racer]) -> str:
    """Return a race as CSV (RFC 4180): a heading, and a line for each run."""
    paper = io.StringIO(newline="")
    writer = csv.writer(paper)
    writer.writerow(_COLUMNS)
    for racer in racers:
        passed = racer.verdict.passed if racer.verdict is not None else None
        writer.writerow(
            [
                *map(_cell, (race, racer.run, racer.variant)),
                racer.number,
                racer.fate,
                racer.steps,
                racer.calls,
                racer.errors,
                racer.tokens,
                "" if racer.cost is None else f"{racer.cost:.6f}",
                f"{racer.seconds:.3f}",
                "" if passed is None else "yes" if passed else "no",
                _cell(racer.verdict.why if racer.verdict is not None else ""),
                _cell(racer.answer or ""),
            ]
        )
    return paper.getvalue()


def _cell(text: str) -> str:
    shown = inert(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def markdown_text(race: str, racers: Sequence[Racer], checks: Sequence[str] = ()) -> str:
    """Return a race as Markdown: a table of its variants, each figure as its median and its range."""
    headings = ["variant", "runs", "ended", "passed (95 %)", *(f"{name} (range)" for name, _, _ in FIGURES), "answers"]
    lines = [f"# Race {_escaped(race)}", ""]
    lines += [f"Check: {_escaped(rule)}" for rule in checks] + ([""] if checks else [])
    lines += [_row(headings), _row(["---", *["--:"] * (len(headings) - 1)])]
    for one in standings(racers):
        ended = ", ".join(f"{one.fates[fate]} {mark.word}" for fate, mark in FATES.items() if one.fates.get(fate))
        passed = f"{rate_text(one.passed)} ({interval_text(one.passed)})" if one.passed is not None else "–"
        figures = [_spread_text(get(one), words) for _, get, words in FIGURES]
        answers = f"{one.answers} different of {one.answered}"
        lines.append(_row([_escaped(one.variant), str(one.runs), ended, passed, *figures, answers]))
    lines += ["", "Figures are medians of the runs that came to their end by themselves, since the fork."]
    if max((one.runs for one in standings(racers)), default=0) < 2:
        lines.append("One run of each variant: one sample of a model proves nothing.")
    return "\n".join(lines) + "\n"


def _spread_text(spread: Spread | None, words: Any) -> str:
    if spread is None or spread.count < 2:
        return value_text(spread, words)
    return f"{words(spread.median)} ({range_text(spread.low, spread.high, words)})"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(inert(text).split()))


def race_document(race: str, racers: Sequence[Racer], checks: Sequence[str] = ()) -> dict[str, Any]:
    """Return a race as one JSON value: its variants with the spread of each figure, and its runs."""
    variants = []
    for one in standings(racers):
        known = asdict(one)
        known["fates"] = dict(one.fates)
        variants.append(known)
    return {"race": race, "checks": list(checks), "variants": variants, "runs": [asdict(racer) for racer in racers]}
