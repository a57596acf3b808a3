"""Checks of an answer: what a person may ask of it, and what a verdict is. Here they are read; the driver makes them.

`pattern:REGEX` searches the answer, `function:FILE.py:NAME` or `function:MODULE:NAME` calls a Python function with it,
and `judge:CRITERION` or `judge[MODEL]:CRITERION` asks a model. An answer that could not be checked has neither passed
nor failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from workbench.errors import UserError

FORMS: Final = "pattern:REGEX, function:FILE.py:NAME, function:MODULE:NAME, judge:CRITERION, or judge[MODEL]:CRITERION"
PASSES_FROM: Final = 0.5
"""The score from which on an answer passes."""
LONGEST_PATTERN: Final = 1_000
_FORM = re.compile(r"\s*(?P<kind>pattern|function|judge)(?:\[(?P<model>[^\]\s]+)\])?:(?P<rest>.*)", re.DOTALL)
_FIRST_WORD = re.compile(r"[\s*_#>`\"'“]*(?P<word>PASS|FAIL)(?:ED|S)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PatternCheck:
    """The answer matches a regular expression somewhere."""

    pattern: str


@dataclass(frozen=True, slots=True)
class FunctionCheck:
    """A Python function that the person named says so."""

    source: str
    """A file that ends in `.py`, or a module."""
    name: str


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """A model says so, in a run of its own."""

    criterion: str
    model: str | None = None
    """None: the model that gave the answer."""


Check = PatternCheck | FunctionCheck | JudgeCheck


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check, or several, found."""

    passed: bool | None
    """None where the check could not be made."""
    why: str = ""


def parse_check(text: str) -> Check:
    """Return the check that `text` names; raises `UserError` where it names none."""
    form = _FORM.fullmatch(text)
    rest = form["rest"].strip() if form is not None else ""
    if form is None or not rest or (form["model"] and form["kind"] != "judge"):
        raise UserError(f"{text!r} is no check; write {FORMS}")
    match form["kind"]:
        case "pattern":
            return _pattern(rest)
        case "function":
            source, sign, name = rest.rpartition(":")
            if not sign or not source or not name.isidentifier():
                raise UserError(f"{text!r} names no function; write function:FILE.py:NAME or function:MODULE:NAME")
            return FunctionCheck(source, name)
        case _:
            return JudgeCheck(rest, form["model"])


def _pattern(pattern: str) -> PatternCheck:
    if len(pattern) > LONGEST_PATTERN:
        raise UserError(f"the pattern has {len(pattern)} characters; at most {LONGEST_PATTERN} are tried")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UserError(f"the pattern {pattern!r} cannot be read: {error}") from None
    return PatternCheck(pattern)


def verdict_of(value: object) -> Verdict:
    """Return what a function's answer means: yes or no, a score from 0 to 1, or in words what is wrong ("" passes)."""
    match value:
        case bool():
            return Verdict(value)
        case int() | float() if 0 <= value <= 1:
            return Verdict(value >= PASSES_FROM, f"score {value:g}")
        case str():
            return Verdict(not value.strip(), value.strip())
        case _:
            what = f"{value:g}" if isinstance(value, int | float) else f"a {type(value).__name__}"
            return Verdict(None, f"the function answered {what}; expected True or False, a score from 0 to 1, or words")


def judge_task(question: str, answer: str, criterion: str) -> str:
    """Return what a judge is given. Every line of what is judged is quoted, so that nothing in it speaks for us."""
    parts = {"Criterion": criterion, "Question": question, "Answer": answer}
    return "\n\n".join(f"{name}:\n{_quoted(text)}" for name, text in parts.items())


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines()) or ">"


def judge_verdict(said: str | None) -> Verdict:
    """Return what a judge's words mean: PASS or FAIL at the beginning of the first line, then why."""
    words = (said or "").strip()
    first, _, why = words.partition("\n")
    found = _FIRST_WORD.match(first)
    if found is None:
        return Verdict(None, f"the judge said neither PASS nor FAIL but {words[:80]!r}" if words else "it said nothing")
    rest = first[found.end() :].strip(" .:*_-–—") or why.strip()
    return Verdict(found["word"].upper() == "PASS", rest)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Return what several checks found: all have to pass, and one that fails decides, whatever could not be made."""
    given = list(verdicts)
    for wanted in (False, None):
        if (first := next((one for one in given if one.passed is wanted), None)) is not None:
            return first
    return Verdict(True, "; ".join(one.why for one in given if one.why))
