"""The last turn: the answer in words with its citations, or in the fields that the agent's author wants it in."""

from __future__ import annotations

from collections.abc import Collection

from workbench.providers.offline.answer import reason, write
from workbench.providers.offline.facts import facts_of
from workbench.providers.offline.mending import amended
from workbench.providers.offline.menus import Schema, properties_of
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import SUBMIT, Call
from workbench.providers.offline.schemas import resolved
from workbench.providers.offline.shapes import filled
from workbench.providers.offline.turn import Turn
from workbench.providers.offline.voice import Voice

MOST_TRIES = 2
"""How often a call is asked for that was not run, and an answer is submitted that was refused."""
MOST_MENDED = 8
"""How often an answer with fields of its own is mended."""


def submission(conversation: Conversation, tools: Collection[str], voice: Voice, max_tokens: int) -> Turn:
    """Return the last turn: the answer through `submit_answer`, or as plain text where that is no tool or refused."""
    tool = conversation.tool(SUBMIT)
    if tool is not None and SUBMIT in tools:
        schema = resolved(tool.input_schema, tool.input_schema)
        if not _is_in_words(schema):
            return _in_fields(schema, conversation, voice, max_tokens)
    answer = write(conversation, voice, max_tokens=max_tokens)
    because = voice.enough_because.format(count=answer.sources) if answer.sources > 1 else ""
    refused = sum(1 for call in conversation.calls if call.tool == SUBMIT and call.is_error)
    if SUBMIT not in tools or refused >= MOST_TRIES:
        return Turn(because, answer.text)
    return Turn(because, voice.enough, ((SUBMIT, {"answer": answer.text, "citations": list(answer.citations)}),))


def _is_in_words(schema: Schema) -> bool:
    """Whether the answer is wanted as one text with citations."""
    properties = properties_of(schema)
    text, citations = properties.get("answer", {}), properties.get("citations", {})
    return len(properties) == 2 and text.get("type") == "string" and citations.get("type") == "array"


def _in_fields(schema: Schema, conversation: Conversation, voice: Voice, max_tokens: int) -> Turn:
    """Return the answer in the fields of a schema; what a refusal names is mended, and where nothing is, it is said."""
    refused = [call for call in conversation.calls if call.tool == SUBMIT and call.is_error and call.result]
    facts = facts_of(conversation, voice, max_tokens=max_tokens)
    value = filled(amended(schema, [call.result or "" for call in refused]), facts, voice)
    if not refused:
        return Turn("", voice.enough, ((SUBMIT, value),))
    last: Call = refused[-1]
    if len(refused) > MOST_MENDED or any(value == call.input for call in refused):
        return Turn("", f"{voice.no_answer.format(reason=reason(last))}\n\n{facts.text}")
    return Turn(voice.wrong_because.format(reason=reason(last)), voice.wrong, ((SUBMIT, value),))
