"""Reads a request the way a person reads a conversation: what is asked now, what was planned, what came back.

Everything `offline` knows is derived here, from the request alone and anew for every turn, so an edited result or an
inserted message changes what happens next. Malformed conversations are read as far as they go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from workbench.events.agent import ToolSpec
from workbench.events.content import Block, Content, DocumentBlock, ImageBlock, TextBlock, plain_text
from workbench.events.request import AssistantMessage, Request, ToolCallBlock, UserMessage
from workbench.providers.offline.question import Question, analyse
from workbench.providers.offline.results import READ_SKILL, SUBMIT, Call, Source, read_call
from workbench.providers.offline.sentences import MOST_CHARACTERS, is_inert, lines

_PLAN = re.compile(r"\s*(?:the plan has changed\.\s*)?follow this plan:\s*\n", re.IGNORECASE)
_PLAN_LINE = re.compile(r"(?:\d+[.)]|[-*])?\s*([A-Za-z][A-Za-z _-]{1,24}?)\s*[:：]\s*(\S.*)")
_SUBAGENT = re.compile(r"for another agent|dense summary|summary of at most", re.IGNORECASE)
_FOCUS = re.compile(r"focus:\s*([^;；\n]+)", re.IGNORECASE)
_SUMMARY = re.compile(r"\s*summary of the work so far:\s*\n?", re.IGNORECASE)
_MARKED_LINE = re.compile(r"\[([^\]\n]{1,200})\] (\S.*)")
_SEARCHED = re.compile(r"(?:Searched for|搜索过)[:：] ?(.+)")
_DELEGATED = re.compile(r"(?:Delegated|委托过)[:：] ?(.+)")
LONGEST_NAME = 80
"""Characters of a file's name that are repeated."""
LONGEST_LINE = 500
"""Characters of a plan's line; what comes after is not looked at."""

_IN_WORDS = re.compile(r"\s*words alone are no answer\b", re.IGNORECASE)
"""What is said where an answer has to have fields, and was given in words."""
_FILLER = {"", "go on.", "continue.", "go on", "continue"}


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One step of the plan that is in force."""

    action: str
    text: str


@dataclass(slots=True)
class Conversation:
    """A conversation as of the latest question in it."""

    question: Question = field(default_factory=lambda: Question(""))
    earlier: list[Question] = field(default_factory=list)
    """Questions that were answered before."""
    plan: list[PlanLine] = field(default_factory=list)
    """The latest plan for this question."""
    steers: list[str] = field(default_factory=list)
    """What a person added while this question was being worked on."""
    calls: list[Call] = field(default_factory=list)
    """Made for this question."""
    earlier_calls: list[Call] = field(default_factory=list)
    kept: list[Source] = field(default_factory=list)
    """What a summary of elided work keeps."""
    searched_before: list[str] = field(default_factory=list)
    """Queries that a summary mentions."""
    delegated_before: list[str] = field(default_factory=list)
    """Tasks of subagents that a summary mentions."""
    given: list[str] = field(default_factory=list)
    """Names of the files that came with this question; nobody here can look at them."""
    focus: str = ""
    """What a subagent is to look at above all."""
    is_subagent: bool = False
    instructions: str = ""
    tools: tuple[ToolSpec, ...] = ()
    """What may be called, as it is declared."""

    @property
    def guidance(self) -> str:
        """What says how to work: the instructions, and the skills that were read."""
        skills = [call for call in (*self.earlier_calls, *self.calls) if call.tool == READ_SKILL and not call.is_error]
        return "\n\n".join([self.instructions, *(call.result for call in skills if call.result)])

    def tool(self, name: str) -> ToolSpec | None:
        """Return the tool of that name, where it may be called."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def of(self, tool: str) -> list[Call]:
        """Return the calls of one tool that ran for this question, in order."""
        return [call for call in self.calls if call.tool == tool and call.has_run]


def read(request: Request) -> Conversation:
    """Read the conversation of a request."""
    reader = _Reader()
    said = _prompt_removed(request)
    for index, message in enumerate(request.messages):
        if isinstance(message, AssistantMessage):
            reader.take_turn(message)
        else:
            reader.take_results(message)
            for block in said[index]:
                if (name := _name_of_given(block)) is not None:
                    reader.take_given(name)
                else:
                    reader.take_text(_text_of(block))
    conversation = reader.conclude()
    conversation.instructions = request.instructions
    conversation.tools = () if request.parameters.tool_choice == "none" else request.tools
    return conversation


def user_texts(message: UserMessage) -> list[str]:
    """Return what a user message says beside results, block by block, without the files that came with it."""
    return [_text_of(block) for block in message.content if _name_of_given(block) is None]


def _text_of(block: Block) -> str:
    return plain_text((block,))[:MOST_CHARACTERS]


def _name_of_given(block: Block) -> str | None:
    """Return the name of a file, or its kind where it has none; None for a block that is no file."""
    if isinstance(block, ImageBlock | DocumentBlock):
        return " ".join((block.name or block.media_type).split())[:LONGEST_NAME]
    named = isinstance(block, TextBlock) and block.name
    return " ".join(named.split())[:LONGEST_NAME] if named else None


def _prompt_removed(request: Request) -> list[Content]:
    """Return what each message says, without the planner's or summariser's prompt that ends the conversation."""
    said = [message.content if isinstance(message, UserMessage) else () for message in request.messages]
    if request.purpose in ("plan", "summary") and said and said[-1] and sum(map(len, said)) > 1:
        said[-1] = said[-1][:-1]
    return said


class _Reader:
    def __init__(self) -> None:
        self._now = Conversation()
        self._asked: str | None = None
        self._history: list[str] = []
        self._open: dict[str, int] = {}
        self._is_answered = False

    def take_turn(self, message: AssistantMessage) -> None:
        blocks = [block for block in message.content if isinstance(block, ToolCallBlock)]
        self._open = {}
        for block in blocks:
            self._open[block.id] = len(self._now.calls)
            is_invalid = block.invalid is not None
            self._now.calls.append(Call(block.tool, block.input, has_run=not is_invalid, is_error=is_invalid))
        self._is_answered = not blocks or any(block.tool == SUBMIT for block in blocks)

    def take_results(self, message: UserMessage) -> None:
        for result in message.results:
            at = self._open.get(result.call)
            if at is None:
                continue
            call = self._now.calls[at]
            text = plain_text(result.content)
            self._now.calls[at] = read_call(call.tool, call.input, text, is_error=result.is_error)
            if call.tool == SUBMIT and result.is_error:
                self._is_answered = False

    def take_text(self, text: str) -> None:
        if text.strip().casefold() in _FILLER:
            return
        if _IN_WORDS.match(text):
            self._is_answered = False
        elif found := _SUMMARY.match(text):
            self._take_summary(text[found.end() :])
        elif found := _PLAN.match(text):
            self._now.plan = list(plan_lines(text[found.end() :]))
        elif self._asked is None or self._is_answered:
            self._begin(text)
        else:
            self._now.steers.append(text)

    def take_given(self, name: str) -> None:
        if name not in self._now.given:
            self._now.given.append(name)

    def conclude(self) -> Conversation:
        now = self._now
        context: Question | None = None
        for asked in self._history:
            context = analyse(asked, context)
            now.earlier.append(context)
        now.question = analyse(self._asked or "", context)
        return now

    def _begin(self, text: str) -> None:
        """Take a new question; what was done for the one before stays known."""
        before, now = self._now, Conversation()
        if self._asked is not None:
            self._history.append(self._asked)
            now.earlier_calls = [*before.earlier_calls, *before.calls]
            self._open = {}
        now.kept, now.is_subagent = before.kept, before.is_subagent
        now.searched_before, now.delegated_before = before.searched_before, before.delegated_before
        now.plan = before.plan if self._asked is None else []
        task = _task_of(text, now) if self._asked is None else text
        self._now, self._asked, self._is_answered = now, task, False

    def _take_summary(self, text: str) -> None:
        for line in text.splitlines():
            if found := _SEARCHED.match(line):
                self._now.searched_before.extend(_listed(found[1]))
            elif found := _DELEGATED.match(line):
                self._now.delegated_before.extend(_listed(found[1]))
            elif (found := _MARKED_LINE.match(line)) and is_inert(found[2]):
                self._now.kept.append(Source(found[1], "passage", tuple(lines(found[2]))))


def _task_of(text: str, conversation: Conversation) -> str:
    """Return the task alone; a subagent's comes with its focus, and with what it is to do as a subagent."""
    task: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        if task and (found := _FOCUS.match(paragraph.strip())):
            conversation.focus, conversation.is_subagent = found[1].strip(), True
            break
        if task and _SUBAGENT.search(paragraph):
            conversation.is_subagent = True
            break
        task.append(paragraph)
    return "\n\n".join(task)


def _listed(text: str) -> list[str]:
    return [item.strip() for item in re.split("[;；]", text) if item.strip()]


def plan_lines(text: str) -> Iterable[PlanLine]:
    """Yield the steps of a plan, one a line; what is no step is passed over."""
    for line in text.splitlines():
        if found := _PLAN_LINE.match(line[:LONGEST_LINE].strip()):
            yield PlanLine(found[1].strip().upper(), found[2])


def same_query(query: str, others: Sequence[str]) -> bool:
    """Whether a query was made before, but for case and spaces."""
    wanted = " ".join(query.casefold().split())
    return any(wanted == " ".join(other.casefold().split()) for other in others)
