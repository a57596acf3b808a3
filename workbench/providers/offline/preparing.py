"""What comes before the work itself: a skill that says how it is done, a group of tools that has to be switched on."""

from __future__ import annotations

from workbench.providers.offline.choosing import asked_terms, reading_tools
from workbench.providers.offline.menus import described, fitting, menu, properties_of, telling
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.results import READ_SKILL, SEARCH, SWITCH
from workbench.providers.offline.turn import Turn, Wish
from workbench.providers.offline.voice import Voice

MOST_SKILLS = 2
"""Skills that are read for one question."""


def first_turn(conversation: Conversation, voice: Voice, *, parallel: bool) -> Turn | None:
    """Return what has to be done before anything else; None where nothing has to."""
    skills = _skills(conversation)
    if skills:
        names = voice.join([str(given["name"]) for _, given in skills])
        wishes = tuple(skills if parallel else skills[:1])
        return Turn(voice.reading_skills_because.format(names=names), voice.reading_skills.format(names=names), wishes)
    if group := _switch(conversation):
        wish: Wish = (SWITCH, {group: True})
        return Turn(voice.switching_because.format(names=group), voice.switching.format(names=group), (wish,))
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


def _switch(conversation: Conversation) -> str:
    """Return the group to switch on: its words fit the question, and those of no tool at hand do; empty for none."""
    tool = conversation.tool(SWITCH)
    if tool is None or conversation.tool(SEARCH) is not None:
        return ""
    asked = asked_terms(conversation)
    if any(asked & telling(f"{at_hand.name} {at_hand.description}") for at_hand in reading_tools(conversation)):
        return ""
    tried = {name for call in conversation.calls if call.tool == SWITCH for name in call.input}
    groups = described(list(properties_of(tool.input_schema)), tool.description)
    return next((group for group in fitting(groups, asked) if group not in tried), "")
