"""Judges an answer by a criterion, as far as rules can: by the words that the criterion has and the answer has not.

It says that this is all it does. A criterion that speaks *about* the answer ("is polite") is beyond it, and fails with
the words that it looked for.
"""

from __future__ import annotations

import re

from workbench.providers.offline.words import WORD, is_cjk_word, terms

MOST_CHARACTERS = 100_000
"""Of an answer; what comes after is not looked at."""
ENOUGH = 2 / 3
"""The share of a criterion's words that an answer must have."""

_QUOTED = r"((?:^>.*\n?)+)"
_FORM = re.compile(rf"\s*Criterion:\n{_QUOTED}\s*^Question:\n{_QUOTED}\s*^Answer:\n{_QUOTED}\s*", re.MULTILINE)
_LIMIT = "The embedded model compares words; it does not understand them."
_ABOUT = frozenset(terms("answer says names mentions states contains includes explains must should does has it"))
"""Words with which people speak about an answer, rather than of what is in it."""


def verdict(text: str) -> str | None:
    """Return PASS or FAIL and why, for the material of a judge; None for any other text."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    criterion, answer = _unquoted(form[1]), _unquoted(form[3])[:MOST_CHARACTERS]
    wanted = [term for term in terms(criterion) if term not in _ABOUT]
    if not wanted:
        return f"FAIL\nThe criterion names nothing that could be looked for. {_LIMIT}"
    there = terms(answer).keys()
    missing = [term for term in wanted if term not in there]
    named = ", ".join(_as_written(term, criterion) for term in missing)
    if len(wanted) - len(missing) >= ENOUGH * len(wanted):
        lacks = f", but for: {named}" if missing else ""
        return f"PASS\nThe words of the criterion are in the answer{lacks}. {_LIMIT}"
    return f"FAIL\nThe answer lacks: {named}. {_LIMIT}"


def _unquoted(block: str) -> str:
    return "\n".join(line[1:].removeprefix(" ") for line in block.splitlines())


def _as_written(term: str, text: str) -> str:
    """Return the word of a text that a term was made from."""
    words = (match[0] for match in WORD.finditer(text) if not is_cjk_word(match[0]))
    return next((word for word in words if term in terms(word)), term)
