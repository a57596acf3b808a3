"""Makes a plan out of a question, in the lines that the planner's prompt asks for."""

from __future__ import annotations

from workbench.providers.offline.question import Question, as_statement
from workbench.providers.offline.vocabulary import KINDS
from workbench.providers.offline.voice import voice_for
from workbench.providers.offline.words import spelled_out

SIMPLE = "SIMPLE"
MOST_STEPS = 5


def plan(question: Question) -> str:
    """Return a plan of 3 to 5 steps, or the one word SIMPLE."""
    if question.is_simple or not question.parts:
        return SIMPLE
    steps = _comparison(question) if question.things else _searches(question)
    if question.aspect:
        steps.append(f"VERIFY: {question.aspect} in {_core(spelled_out(question.parts[0]))}")
    statement = as_statement(question.text)
    return "\n".join([*steps[: MOST_STEPS - 1], f"SYNTHESIZE: {statement}"])


def _core(part: str) -> str:
    """Return a topic without the words that only say that there is more than one of it."""
    words = [word for word in part.split() if word not in KINDS]
    while words and words[0] in ("in", "of"):
        words.pop(0)
    return " ".join(words) or part


def _searches(question: Question) -> list[str]:
    """One search for each part; then what the documents say where the parts meet."""
    parts = [spelled_out(part) for part in question.parts[: MOST_STEPS - 2]]
    steps = [f"SEARCH: {part}" for part in parts]
    if len(parts) == 2 and not question.aspect:
        steps.append(f"SEARCH: {' '.join(parts)}")
    elif len(parts) > 2 and not question.aspect:
        voice = voice_for(chinese=question.is_chinese)
        steps.append(f"VERIFY: {voice.join(parts[1:])}{voice.together}{parts[0]}")
    return steps


def _comparison(question: Question) -> list[str]:
    """One step for each pair with the common subject, or for the things themselves and where they part."""
    things, subject = [spelled_out(thing) for thing in question.things], spelled_out(question.subject)
    voice = voice_for(chinese=question.is_chinese)
    if subject:
        return [f"COMPARE: {subject}{voice.together}{thing}" for thing in things]
    return [f"COMPARE: {voice.together.join(things)}", f"VERIFY: {voice.differences.format(things=voice.join(things))}"]
