"""A conversation with `offline`, driven by hand: its turns against the real document tools on a shelf of passages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from workbench.events.agent import ModelParameters, ToolSpec
from workbench.events.content import TextBlock, text_content
from workbench.events.request import (
    AssistantMessage,
    Message,
    Purpose,
    Request,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    TurnBlock,
    UserMessage,
)
from workbench.providers.offline.provider import turn_for
from workbench.providers.offline.turn import Turn
from workbench.tools.control import spawn_subagent, submit_answer
from workbench.tools.documents import EXCERPT, document_tools
from workbench.tools.library import Passage, Readable
from workbench.tools.notes import note_tools

SUBMIT = "submit_answer"


class Shelf:
    """A library of a few passages; a search counts common words."""

    title, fingerprint = "a shelf", "shelf"

    def __init__(self, passages: Mapping[str, str], titles: Mapping[str, str] | None = None) -> None:
        self._passages, self._titles = dict(passages), dict(titles or {})

    def search(self, query: str, limit: int = 5) -> Sequence[Passage]:
        """Return the passages that share most words with `query`."""
        wanted = _words(query)
        ranked = sorted(
            (
                (len(wanted & _words(f"{self._titles.get(name, '')} {text}")), name)
                for name, text in self._passages.items()
            ),
            key=lambda item: (-item[0], item[1]),
        )
        return [found for common, name in ranked if common and (found := self.fetch(name))][:limit]

    def fetch(self, name: str) -> Passage | None:
        """Return the passage of that name."""
        text = self._passages.get(name)
        return None if text is None else Passage(name, self._titles.get(name, name.partition("::")[0].title()), text)

    def searched(self, query: str, limit: int = 5) -> str:
        """Return what `search_docs` says of `query`."""
        found = self.search(query, limit)
        rows = [f"{item.name}  {item.title}\n  {_excerpt(item.text)}" for item in found]
        return "\n".join(rows) or f"No passage fits {query!r}. Try other words."

    def fetched(self, name: str) -> str | None:
        """Return what `fetch_doc` says of `name`; None where it fails."""
        found = self.fetch(name)
        return f"{found.name}  {found.title}\n\n{found.text}" if found else None

    def nearest(self, name: str, limit: int = 3) -> Sequence[str]:
        """Return any names."""
        return list(self._passages)[:limit]


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXCERPT else flat[: EXCERPT - 1].rsplit(" ", 1)[0] + "…"


class _Notebook:
    def save(self, run: str, key: str, text: str, call: str = "") -> None:
        """Keep nothing."""

    def search(self, query: str, readable: Readable, limit: int = 5) -> Sequence[Any]:
        """Find nothing."""
        return ()


def _words(text: str) -> set[str]:
    found = re.findall(r"[a-z_]{3,}", text.lower())
    pairs = [pair for run in re.findall("[\u4e00-\u9fff]+", text) for pair in map("".join, pairwise(run))]
    return {word.removesuffix("s") for word in found} | set(pairs)


def specs(*names: str) -> tuple[ToolSpec, ...]:
    """Return the declarations of the embedded tools, of all or of those named."""
    tools = (*document_tools(Shelf({})), *note_tools(_Notebook()), spawn_subagent, submit_answer)
    return tuple(item.spec for item in tools if not names or item.name in names)


def request(
    *texts: str,
    purpose: Purpose = "step",
    tools: tuple[ToolSpec, ...] | None = None,
    messages: Sequence[Message] | None = None,
    parallel: bool = True,
    max_tokens: int = 4096,
) -> Request:
    """Return a request whose first message says `texts`, or one of `messages`."""
    said = UserMessage(content=tuple(TextBlock(text=text) for text in texts))
    return Request(
        purpose=purpose,
        instructions="You are a careful researcher.",
        tools=specs() if tools is None else tools,
        messages=tuple(messages) if messages is not None else (said,),
        model="offline",
        parameters=ModelParameters(max_tokens=max_tokens),
        parallel_tool_calls=parallel,
    )


def plan_text(*lines: str, changed: bool = False) -> str:
    """Return a plan as it enters the conversation."""
    head = "The plan has changed. Follow this plan:" if changed else "Follow this plan:"
    return "\n".join([head, *(f"{number}. {line}" for number, line in enumerate(lines, 1))])


@dataclass
class Talk:
    """A run of `offline` in small: what is said, and the results of what it asks for."""

    shelf: Shelf
    messages: list[Message] = field(default_factory=list)
    tools: tuple[ToolSpec, ...] = field(default_factory=specs)
    parallel: bool = True
    max_tokens: int = 4096
    reports: Sequence[str] = ()
    """What subagents give back, in order."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Tools that always fail, and with what words."""
    turns: list[Turn] = field(default_factory=list)

    @classmethod
    def about(cls, shelf: Shelf, *texts: str, **options: Any) -> Talk:
        """Begin a talk with one user message of these texts."""
        return cls(shelf, [UserMessage(content=tuple(TextBlock(text=text) for text in texts))], **options)

    def request(self) -> Request:
        """Return the request for the next turn."""
        return request(messages=self.messages, tools=self.tools, parallel=self.parallel, max_tokens=self.max_tokens)

    def step(self, *say: str) -> list[tuple[str, dict[str, Any]]]:
        """Take one turn, run what it asks for, and return that; `say` enters after the results."""
        turn, number = turn_for(self.request()), len(self.turns)
        self.turns.append(turn)
        blocks: list[TurnBlock] = [ThinkingBlock(text=turn.thinking)] if turn.thinking else []
        blocks += [TextBlock(text=turn.text)] if turn.text else []
        calls = [
            ToolCallBlock(id=f"{number}.{at}", tool=name, input=given) for at, (name, given) in enumerate(turn.calls)
        ]
        self.messages.append(AssistantMessage(content=(*blocks, *calls)))
        results = tuple(self._result(call) for call in calls)
        self.messages.append(UserMessage(results=results, content=tuple(TextBlock(text=text) for text in say)))
        return [(name, dict(given)) for name, given in turn.calls]

    def answer(self, most: int = 20) -> dict[str, Any]:
        """Go on to the answer and return what is submitted: `answer` and `citations`."""
        for _ in range(most):
            asked = self.step()
            if not asked:
                return {"answer": self.turns[-1].text, "citations": []}
            if asked[0][0] == SUBMIT:
                return asked[0][1]
        raise AssertionError(f"no answer after {most} steps")

    def say(self, text: str) -> None:
        """Add a further user message."""
        last = self.messages[-1]
        assert isinstance(last, UserMessage)
        self.messages[-1] = last.model_copy(update={"content": (*last.content, TextBlock(text=text))})

    def edited(self, call: str, text: str, *, is_error: bool = False) -> Talk:
        """Return this talk up to the step of `call`, whose result now reads `text`."""
        at = next(at for at, message in enumerate(self.messages) if call in _answered(message))
        message = self.messages[at]
        assert isinstance(message, UserMessage)
        changed = ToolResultBlock(call=call, content=text_content(text), is_error=is_error)
        results = tuple(changed if result.call == call else result for result in message.results)
        kept = [*self.messages[:at], UserMessage(results=results)]
        step = int(call.partition(".")[0])
        options = {"tools": self.tools, "parallel": self.parallel, "reports": self.reports, "errors": self.errors}
        return Talk(self.shelf, kept, turns=self.turns[: step + 1], max_tokens=self.max_tokens, **options)  # type: ignore[arg-type]

    def results(self) -> dict[str, str]:
        """Return the text of every result by its call."""
        return {
            result.call: "\n".join(block.text for block in result.content if isinstance(block, TextBlock))
            for message in self.messages
            if isinstance(message, UserMessage)
            for result in message.results
        }

    def calls(self, tool: str) -> list[ToolCallBlock]:
        """Return the calls of one tool so far."""
        return [
            block
            for message in self.messages
            if isinstance(message, AssistantMessage)
            for block in message.content
            if isinstance(block, ToolCallBlock) and block.tool == tool
        ]

    def _result(self, call: ToolCallBlock) -> ToolResultBlock:
        if call.tool in self.errors:
            return ToolResultBlock(call=call.id, content=text_content(self.errors[call.tool]), is_error=True)
        if call.tool == SUBMIT:
            return ToolResultBlock(call=call.id, content=text_content("accepted"))
        if call.tool == "spawn_subagent":
            report = self.reports[int(call.id.partition(".")[2]) % len(self.reports)]
            return ToolResultBlock(call=call.id, content=text_content(report))
        if call.tool == "search_docs":
            return ToolResultBlock(call=call.id, content=text_content(self.shelf.searched(**call.input)))  # type: ignore[arg-type]
        if call.tool == "fetch_doc":
            read = self.shelf.fetched(str(call.input["name"]))
            return ToolResultBlock(call=call.id, content=text_content(read or "no such passage"), is_error=read is None)
        return ToolResultBlock(call=call.id, content=text_content("noted"))


def _answered(message: Message) -> Iterable[str]:
    return [result.call for result in message.results] if isinstance(message, UserMessage) else []


PYTHON = Shelf(
    {
        "with::0": (
            "The with statement wraps the execution of a block with methods defined by a context manager.\n\n"
            "If an exception caused the suite of a context manager to be exited, its type, value,\nand traceback are "
            "passed as arguments to the exit method. Otherwise, three None arguments are supplied."
        ),
        "context-managers::0": (
            "A context manager is an object that defines the runtime context to be established when executing a with "
            "statement. Typical uses of context managers include saving and restoring various kinds of global state."
        ),
        "exceptions::0": (
            "Exceptions are a means of breaking out of the normal flow of control of a code block in order to handle "
            "errors.\n\nmanager = (EXPRESSION)\nif not exit(manager):\n    raise\n"
        ),
        "try::0": "The finally clause runs whether an exception occurred or not, and cleans up what the block opened.",
        "yield::0": (
            "Using yield in a function definition is sufficient to make it a generator function. Generators that are "
            "closed raise a GeneratorExit exception where they were suspended."
        ),
        "lists::0": "Lists are mutable sequences, typically used to store collections of homogeneous items.",
        "tuples::0": "Tuples are immutable sequences, typically used to store collections of heterogeneous data.",
    },
    {
        "with::0": "The with statement",
        "context-managers::0": "With Statement Context Managers",
        "yield::0": "The yield statement",
    },
)
"""A few passages about Python."""

QUESTION = "How do context managers interact with exceptions and generators?"
