"""What comes before the work itself: a skill that says how it is done, a group of tools that has to be switched on."""

from __future__ import annotations

from pydantic import JsonValue

from workbench.providers.offline.choosing import asked_terms, reading_tools
from workbench.providers.offline.menus import fitting, menu, properties_of, telling
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import READ_SKILL, SEARCH, SWITCH
from workbench.providers.offline.schemas import alternatives
from workbench.providers.offline.turn import Turn, Wish
from workbench.providers.offline.voice import Voice

MOST_SKILLS = 2
"""Skills that are read for one question."""
_OFF = ("off", "disable", "deactivate", "remove")


def first_turn(conversation: Conversation, voice: Voice, *, parallel: bool) -> Turn | None:
    """Return what has to be done before anything else; None where nothing has to."""
    skills = _skills(conversation)
    if skills:
        names = voice.join([str(given["name"]) for _, given in skills])
        wishes = tuple(skills if parallel else skills[:1])
        return Turn(voice.reading_skills_because.format(names=names), voice.reading_skills.format(names=names), wishes)
    if wish := _switch(conversation):
        group = wish[0]
        return Turn(voice.switching_because.format(names=group), voice.switching.format(names=group), (wish[1],))
    return None


def _skills(conversation: Conversation) -> list[Wish]:
    """Return the skills to read: those whose words fit the question and that were not asked for yet."""
    tool = conversation.tool(READ_SKILL)
    if tool is None:
        return []
    asked = asked_terms(conversation)
    read = {
        call.text_of("name") for call in (*conversation.earlier_calls, *conversation.calls) if call.tool == READ_SKILL
    }
    chosen = fitting(menu(tool, "name"), asked)[:MOST_SKILLS]
    return [(READ_SKILL, {"name": name}) for name in chosen if name not in read]


def _switch(conversation: Conversation) -> tuple[str, Wish] | None:
    """Return the group to switch on, where its words fit the question and those of no tool at hand do."""
    tool = conversation.tool(SWITCH)
    if tool is None or conversation.tool(SEARCH) is not None:
        return None
    asked = asked_terms(conversation)
    if any(asked & telling(f"{at_hand.name} {at_hand.description}") for at_hand in reading_tools(conversation)):
        return None
    tried = {str(value) for call in conversation.calls if call.tool == SWITCH for value in _flat(call.input)}
    for parameter in properties_of(tool.input_schema):
        if _is_off(parameter):
            continue
        for group in fitting(menu(tool, parameter), asked):
            if group not in tried:
                return group, (SWITCH, _switching(conversation, parameter, group))
    return None


def _switching(conversation: Conversation, parameter: str, group: str) -> dict[str, JsonValue]:
    """Return an input that switches a group on, whatever the parameters are called."""
    tool = conversation.tool(SWITCH)
    schema = tool.input_schema if tool is not None else {}
    given: dict[str, JsonValue] = {}
    for name, inner in properties_of(schema).items():
        one = alternatives(inner, schema)[0]
        if name == parameter:
            given[name] = [group] if one.get("type") == "array" else group
        elif one.get("type") == "boolean":
            given[name] = not _is_off(name)
        elif isinstance(choices := one.get("enum"), list) and "on" in choices:
            given[name] = "on"
    return given


def _is_off(parameter: str) -> bool:
    return any(word in parameter for word in _OFF)


def _flat(given: dict[str, JsonValue]) -> list[JsonValue]:
    values: list[JsonValue] = []
    for value in given.values():
        values.extend(value if isinstance(value, list) else [value])
    return values
