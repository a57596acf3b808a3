"""What `offline` does with the tools of somebody's own agent: those that fit, all at once, and then the answer.

What reads comes first, with subagents whose role fits; then what can be done about calls that failed; then what the
question orders done. All of it follows from the conversation each time, as in `research`.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.providers.offline.agenda import Errand, role_errands, roles_of
from workbench.providers.offline.answer import reason, write
from workbench.providers.offline.arguments import LONGEST_TOPIC, inputs_for
from workbench.providers.offline.choosing import ordered_tools, reading_tools
from workbench.providers.offline.failures import SecondTry, second_tries
from workbench.providers.offline.reading import Conversation
from workbench.providers.offline.research import delegations
from workbench.providers.offline.results import SEARCH, SPAWN
from workbench.providers.offline.submitting import MOST_TRIES
from workbench.providers.offline.turn import Turn, Wish
from workbench.providers.offline.voice import Voice


def asking(conversation: Conversation, voice: Voice, *, parallel: bool) -> Turn | None:
    """Return the calls to tools of somebody's own that read something, or a second try of those; None for neither."""
    can_research = conversation.tool(SEARCH) is not None
    errands = [] if can_research or conversation.tool(SPAWN) is None else role_errands(conversation)
    left = _left_to_roles(errands, conversation)
    wishes = [wish for wish in _asking(conversation) if wish[0] not in left and _is_open(wish, conversation)]
    roles = delegations(conversation, errands)
    if wishes or roles:
        return _asked(wishes, roles, conversation, voice, parallel=parallel)
    if tries := second_tries(conversation):
        return _tried_again(tries if parallel else tries[:1], voice)
    return None


def doing(conversation: Conversation, voice: Voice, *, parallel: bool, max_tokens: int) -> Turn | None:
    """Return the calls that the question orders done; None where there are none left."""
    ordered = _ordered(conversation, voice, max_tokens)
    if not ordered:
        return None
    wishes = ordered if parallel else ordered[:1]
    names = _names(wishes, voice)
    return Turn(voice.doing_because.format(names=names), voice.doing.format(names=names), tuple(wishes))


def _left_to_roles(errands: Sequence[Errand], conversation: Conversation) -> set[str]:
    """Return the tools that are said to be a role's and that it is given a task for, unless it could not do it."""
    failed = {call.text_of("role") for call in conversation.of(SPAWN) if call.is_error}
    roles = roles_of(conversation)
    words = {word for errand in errands if errand.role not in failed for word in roles[errand.role].split()}
    return {tool.name for tool in conversation.tools} & words


def _asking(conversation: Conversation) -> list[Wish]:
    return [(tool.name, given) for tool in reading_tools(conversation) for given in inputs_for(tool, conversation)]


def _is_open(wish: Wish, conversation: Conversation) -> bool:
    """Whether a call was not made yet, and not asked for often enough in vain."""
    name, given = wish
    same = [call for call in conversation.calls if call.tool == name and given in (call.input, call.asked)]
    return not any(call.has_run for call in same) and len(same) < MOST_TRIES


def _ordered(conversation: Conversation, voice: Voice, max_tokens: int) -> list[Wish]:
    """Return what the question orders done and was not asked for yet, whatever came of it."""

    def compose() -> str:
        return write(conversation, voice, max_tokens=max_tokens).text

    called = {call.tool for call in conversation.calls}
    return [
        (tool.name, given)
        for tool in ordered_tools(conversation)
        if tool.name not in called
        for given in inputs_for(tool, conversation, compose)[:1]
    ]


def _asked(
    asking: Sequence[Wish], roles: Sequence[Wish], conversation: Conversation, voice: Voice, *, parallel: bool
) -> Turn:
    wishes = [*asking, *roles]
    wishes = wishes if parallel else wishes[:1]
    thinking, text = [], []
    if names := _names([wish for wish in wishes if wish in asking], voice):
        topics = voice.join(conversation.question.parts) or conversation.question.text[:LONGEST_TOPIC]
        thinking.append(voice.asking_because.format(names=names, topics=topics))
        text.append(voice.asking.format(names=names))
    if given := [str(wish[1].get("role", "")) for wish in wishes if wish in roles]:
        thinking.append(voice.roles_because.format(names=voice.join(given)))
        text.append(voice.roles.format(names=voice.join(given)))
    return Turn(voice.gap.join(thinking), voice.gap.join(text), tuple(wishes))


def _tried_again(tries: Sequence[SecondTry], voice: Voice) -> Turn:
    thinking, text = [], []
    for one in tries:
        because, saying = {
            "again": (voice.again_because, voice.again),
            "mended": (voice.mending_because, voice.mending),
            "instead": (voice.instead_because, voice.instead),
        }[one.way]
        thinking.append(because.format(call=one.failed.tool, reason=reason(one.failed), names=one.tool))
        text.append(saying.format(names=one.tool))
    said = voice.gap.join(dict.fromkeys(text))
    return Turn(voice.gap.join(thinking), said, tuple((one.tool, one.input) for one in tries))


def _names(wishes: Sequence[Wish], voice: Voice) -> str:
    return voice.join(list(dict.fromkeys(name for name, _ in wishes)))
