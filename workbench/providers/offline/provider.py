"""`OfflineProvider`: the rules behind the seam of every model, streamed as a model streams."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator

from workbench.events.content import binary_blocks, plain_text
from workbench.events.request import Message, Request, Usage, UserMessage
from workbench.providers.base import CallClosed, CallInput, CallOpened, Delta, TextDelta, ThinkingDelta, TurnEnd
from workbench.providers.offline import other_tools, preparing, research
from workbench.providers.offline.plan import SIMPLE, plan
from workbench.providers.offline.reading import read, user_texts
from workbench.providers.offline.results import SEARCH, SUBMIT
from workbench.providers.offline.submitting import submission
from workbench.providers.offline.summary import judge, summarise
from workbench.providers.offline.turn import Turn
from workbench.providers.offline.verdict import verdict
from workbench.providers.offline.voice import voice_for
from workbench.providers.offline.words import is_cjk

CHARACTERS_PER_TOKEN = 4
SECONDS_OF_TURN = 2.0
"""What a turn takes at pace 1, whatever its length."""
SECONDS_OF_PIECE = 0.09
"""What one piece takes at most at pace 1, so that a short turn does not crawl."""
PIECES_OF_CALLS = 60
"""In how many pieces the arguments of a turn's calls are streamed, all told."""

_WORD = re.compile(r"\S+\s*|\s+")


class OfflineProvider:
    """A researcher made of rules, not a language model: equal requests get equal answers.

    `pace` is in how much time it takes: at 1.0 a turn lasts about two seconds, at 0 no time at all.
    """

    def __init__(self, pace: float = 0.0) -> None:
        self._pace = max(0.0, pace)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the turn that follows from `request`; never raises."""
        turn = await asyncio.to_thread(turn_for, request)
        pieces = list(_pieces(turn))
        wait = min(SECONDS_OF_PIECE, SECONDS_OF_TURN / max(1, len(pieces))) * self._pace
        for piece in pieces:
            await asyncio.sleep(wait)
            yield piece
        usage = Usage(input_tokens=_tokens_of(request), output_tokens=_tokens_in(turn), cost=0.0)
        yield TurnEnd("tool_calls" if turn.calls else "end_turn", usage)


def turn_for(request: Request) -> Turn:
    """Return the whole turn at once: a pure function of the request."""
    conversation = read(request)
    question, limit = conversation.question, request.parameters.max_tokens
    voice = voice_for(chinese=question.is_chinese)
    match request.purpose:
        case "plan":
            return Turn(text=plan(question) if any(tool.name == SEARCH for tool in request.tools) else SIMPLE)
        case "summary":
            return Turn(text=summarise(conversation, voice, max_tokens=limit))
        case "judge":
            texts = [
                text for message in request.messages if isinstance(message, UserMessage) for text in user_texts(message)
            ]
            whole = "\n".join(texts)
            return Turn(text=judge(whole, voice_for(chinese=is_cjk(whole))))
    if not request.tools and (judged := verdict("\n".join(user_texts(_last_user_message(request))))) is not None:
        return Turn(text=judged)
    names = [tool.name for tool in conversation.tools]
    parallel = request.parallel_tool_calls
    if (first := preparing.first_turn(conversation, voice, parallel=parallel)) is not None:
        return first
    own = other_tools.asking(conversation, voice, parallel=parallel)
    if own is not None and (SEARCH not in names or not parallel):
        return own
    if SEARCH in names:
        turn = research.next_turn(conversation, names, parallel=parallel, max_tokens=limit)
    else:
        turn = submission(conversation, names, voice, limit)
    if turn.calls and turn.calls[0][0] != SUBMIT:
        return turn if own is None else own.beside(turn, voice)
    return own or other_tools.doing(conversation, voice, parallel=parallel, max_tokens=limit) or turn


def _last_user_message(request: Request) -> UserMessage:
    return next((one for one in reversed(request.messages) if isinstance(one, UserMessage)), UserMessage())


def _pieces(turn: Turn) -> Iterator[Delta]:
    for word in _WORD.findall(turn.thinking):
        yield ThinkingDelta(word)
    for word in _WORD.findall(turn.text):
        yield TextDelta(word)
    arguments = [json.dumps(given, ensure_ascii=False) for _, given in turn.calls]
    size = max(12, sum(map(len, arguments)) // PIECES_OF_CALLS)
    for index, ((tool, _), text) in enumerate(zip(turn.calls, arguments, strict=True)):
        yield CallOpened(index, tool)
        for start in range(0, len(text), size):
            yield CallInput(index, text[start : start + size])
        yield CallClosed(index)


def _tokens_of(request: Request) -> int:
    """Estimate a request's tokens: four characters each, tools and instructions included."""
    characters = len(request.instructions) + sum(map(_characters_of, request.messages))
    characters += sum(
        len(tool.name) + len(tool.description) + len(json.dumps(tool.input_schema)) for tool in request.tools
    )
    return characters // CHARACTERS_PER_TOKEN + 1


def _characters_of(message: Message) -> int:
    """Return the characters of a message; a file that came with it counts as the line that stands for it."""
    if isinstance(message, UserMessage):
        files = binary_blocks(message.content)
        if files:
            kept = tuple(block for block in message.content if block not in files)
            return len(message.model_copy(update={"content": kept}).model_dump_json()) + len(plain_text(tuple(files)))
    return len(message.model_dump_json())


def _tokens_in(turn: Turn) -> int:
    said = len(turn.thinking) + len(turn.text)
    asked = sum(len(tool) + len(json.dumps(given, ensure_ascii=False)) for tool, given in turn.calls)
    return (said + asked) // CHARACTERS_PER_TOKEN + 1
