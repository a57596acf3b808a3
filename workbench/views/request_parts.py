"""A request and its response as parts that fold: instructions, tools, messages with their blocks, the turn as recorded.

A long part shows its first lines and its size until a person opens it. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from workbench.conversation.builder import BYTES_PER_TOKEN, tools_json
from workbench.debugger.requests import SentRequest, SentTurn
from workbench.events.agent import ToolSpec
from workbench.events.content import Block, JsonBlock, TextBlock, content_size, plain_text
from workbench.events.request import (
    AssistantMessage,
    Message,
    Request,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    TurnBlock,
    UserMessage,
)
from workbench.events.turn import TurnFinished, tokens_per_second
from workbench.views.binary import block_label
from workbench.views.brief import Passage, brief_input, cut_text
from workbench.views.context_meter import LARGE_SCHEMA, meter_lines
from workbench.views.segments import Line, Segment, Style, row, split_row
from workbench.views.sheet import pretty_json
from workbench.views.text import counted, human_bytes, human_cost, human_rate, human_seconds, human_tokens, one_line

FOLDED_LINES: Final = 4
"""Lines of a folded part."""
OPEN_LINES: Final = 5_000
"""Lines of an open one; copying gives the rest."""
GUTTER: Final = 2
_INDENT: Final = 2


@dataclass(frozen=True, slots=True)
class Foldable:
    """One thing of a request or a response that can be opened, closed and copied."""

    id: str
    """Constant over requests, so that what was opened stays open."""
    title: tuple[Segment, ...]
    right: str = ""
    text: str = ""
    """Its whole content, as it was recorded."""
    style: Style = "text"
    level: int = 0
    folded: int = FOLDED_LINES
    """Lines of its text that are seen while it is folded; none where the title says enough."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A line, and the part that it belongs to: its index, or -1 for what stands above all."""

    line: Line
    part: int


def lay_out(head: Callable[[int], list[Line]], parts: list[Foldable], opened: set[str], width: int) -> list[Placed]:
    """Return all lines for a width: the head, then the parts, long ones folded unless they are `opened`."""
    inner = max(width - GUTTER, 10)
    lines = [Placed(line, -1) for line in head(inner)]
    for index, part in enumerate(parts):
        if part.level == 0:
            lines.append(Placed(row((), inner), -1))
        lines += [Placed(line, index) for line in _part_lines(part, inner, is_open=part.id in opened)]
    return lines


def is_foldable(part: Foldable, width: int) -> bool:
    """Whether a part is longer than it shows while it is folded."""
    return not part.folded or bool(_passage(part, width - GUTTER, is_open=False).rest)


def _passage(part: Foldable, width: int, *, is_open: bool) -> Passage:
    room = max(width - _INDENT * (part.level + 1), 8)
    return cut_text(part.text, room, OPEN_LINES if is_open else part.folded)


def _part_lines(part: Foldable, width: int, *, is_open: bool) -> Iterator[Line]:
    indent = Segment(" " * (_INDENT * part.level))
    passage = _passage(part, width, is_open=is_open) if part.folded or is_open else Passage([], "")
    glyph = "▾ " if is_open else "▸ " if passage.rest or not part.folded else "  "
    right = [Segment(part.right, "muted")] if part.right else []
    yield split_row([indent, Segment(glyph, "muted"), *part.title], right, width, keep_right=True)
    lead = Segment(" " * (_INDENT * (part.level + 1)))
    for line in passage.lines:
        yield row([lead, Segment(line, part.style)], width)
    if passage.rest:
        yield row([lead, Segment(f"{passage.rest} · Enter opens", "muted")], width)


# The request


def request_head(sent: SentRequest, turn: SentTurn, began: float) -> Callable[[int], list[Line]]:
    """Return what stands above a request: which turn, whether it is exact, and what fills the context."""
    usage = turn.finished.usage.input_tokens if turn.finished is not None else None

    def lines(width: int) -> list[Line]:
        since = human_seconds(max(0.0, turn.at - began))
        where = [Segment(turn.place, "title"), Segment(f" · {one_line(turn.started.model, 60)}", "muted")]
        exact = [row(pieces, width) for pieces in _exactness(sent, width)]
        return [
            split_row(where, [Segment(f"sent {since} after the run began", "muted")], width),
            *exact,
            row((), width),
            row([Segment("context", "title")], width),
            *meter_lines(sent.weights, width, usage),
        ]

    return lines


def _exactness(sent: SentRequest, width: int) -> list[list[Segment]]:
    if not sent.is_exact:
        why = (
            "! rebuilt, but not byte for byte: its key is not the recorded one, so another version of workbench, with "
            "other prompts, wrote the log, or the log was changed since."
        )
        keys = f"  recorded {one_line(sent.recorded_key, 16)}, rebuilt {sent.key[:16]}"
        return [*([Segment(line, "waiting")] for line in cut_text(why, width, 4).lines), [Segment(keys, "muted")]]
    late = sent.said_meanwhile
    note = f"; {late} of your words came in after it was made, and are not in it" if late else ""
    return [[Segment("✓ ", "ok"), Segment(f"exactly what was sent: key {sent.key[:16]}{note}", "muted")]]


def request_parts(request: Request) -> list[Foldable]:
    """Return the parts of a request, in the order in which a model reads them."""
    tools = _tool_tokens(*request.tools) if request.tools else 0
    parts = [
        _plain("instructions", "instructions", request.instructions),
        Foldable("tools", (_title("tools"), _note(f" {len(request.tools)}")), f"≈ {human_tokens(tools)}"),
        *(_tool_part(tool) for tool in request.tools),
    ]
    for number, message in enumerate(request.messages):
        parts += _message_parts(number, message)
    parameters = request.parameters.model_dump(mode="json", exclude_none=True)
    settings: dict[str, JsonValue] = {**parameters, "parallel_tool_calls": request.parallel_tool_calls}
    parts.append(
        Foldable(
            "parameters",
            (_title("parameters"),),
            "",
            "\n".join(f"{name} {value}" for name, value in settings.items() if value != []),
        )
    )
    return parts


def _title(text: str, style: Style = "title") -> Segment:
    return Segment(text, style)


def _note(text: str) -> Segment:
    return Segment(text, "muted")


def _tokens_of(text: str) -> str:
    return f"≈ {human_tokens(-(-len(text.encode()) // BYTES_PER_TOKEN))}"


def _plain(id: str, title: str, text: str, style: Style = "text", level: int = 0) -> Foldable:  # noqa: A002
    return Foldable(id, (_title(title),), _tokens_of(text), text, style, level)


def _tool_tokens(*tools: ToolSpec) -> int:
    return -(-len(tools_json(tools).encode()) // BYTES_PER_TOKEN)


def _tool_part(tool: ToolSpec) -> Foldable:
    tokens = _tool_tokens(tool)
    is_large = tokens > LARGE_SCHEMA
    title = [Segment(one_line(tool.name, 40), "key"), _note(f" {tool.effect.replace('_', ' ')}")]
    if is_large:
        title.append(Segment(f"  large: over {LARGE_SCHEMA} tokens", "waiting"))
    first_line = tool.description.strip().partition("\n")[0]
    title.append(_note(f"  {one_line(first_line, 200)}"))
    text = f"{tool.description}\n{_pretty(tool.input_schema)}"
    return Foldable(f"tool {tool.name}", tuple(title), f"≈ {human_tokens(tokens)}", text, level=1, folded=0)


def _message_parts(number: int, message: Message) -> Iterator[Foldable]:
    counts = _counts(message)
    size = sum(len(text.encode()) for text in _texts(message))
    right = f"≈ {human_tokens(-(-size // BYTES_PER_TOKEN))}"
    who = Segment(message.role, "message" if isinstance(message, UserMessage) else "thinking")
    yield Foldable(f"message {number}", (_title(f"{number} "), who, _note(counts)), right)
    if isinstance(message, UserMessage):
        for result in message.results:
            yield _result_part(number, result)
        for place, block in enumerate(message.content):
            yield _block_part(f"message {number} said {place}", block)
        return
    for place, turn_block in enumerate(message.content):
        yield _turn_part(f"message {number} block {place}", turn_block, level=1)
    if message.provider_parts is not None:
        name = one_line(message.provider_parts.provider, 30)
        title = (_note(f"sent back verbatim, as {name} wrote it"),)
        text = _pretty(message.provider_parts.parts)
        yield Foldable(f"message {number} parts", title, _tokens_of(text), text, "muted", 1)


def _counts(message: Message) -> str:
    if isinstance(message, AssistantMessage):
        calls = sum(isinstance(block, ToolCallBlock) for block in message.content)
        return f" · {counted(calls, 'call')}" if calls else ""
    return f" · {counted(len(message.results), 'result')}" if message.results else ""


def _texts(message: Message) -> Iterator[str]:
    if isinstance(message, UserMessage):
        for result in message.results:
            yield plain_text(result.content)
        yield plain_text(message.content)
        return
    for block in message.content:
        yield json.dumps(block.input, ensure_ascii=False) if isinstance(block, ToolCallBlock) else block.text


def _result_part(number: int, result: ToolResultBlock) -> Foldable:
    style: Style = "error" if result.is_error else "text"
    title = [Segment(f"result {one_line(result.call, 12)}", "key")]
    if result.is_error:
        title.append(Segment(" ✗ error", "error"))
    title.append(_note(f" {human_bytes(content_size(result.content))}"))
    text = "\n".join(_block_text(block) for block in result.content)
    return Foldable(f"message {number} result {result.call}", tuple(title), _tokens_of(text), text, style, 1)


def _block_text(block: Block) -> str:
    match block:
        case TextBlock():
            return block.text
        case JsonBlock():
            return _pretty(block.value)
        case _:
            return block_label(block)


def _block_part(id: str, block: Block) -> Foldable:  # noqa: A002
    text = _block_text(block)
    return Foldable(id, (_note(block.type),), _tokens_of(text), text, "text", 1)


def _turn_part(id: str, block: TurnBlock, level: int) -> Foldable:  # noqa: A002
    match block:
        case ToolCallBlock():
            title = (Segment(f"call {one_line(block.id, 12)} ", "key"), Segment(one_line(block.tool, 40), "title"))
            brief = Segment(f"  {brief_input(block.input, 60)}", "muted")
            text = block.invalid or _pretty(block.input)
            return Foldable(id, (*title, brief), _tokens_of(text), text, "error" if block.invalid else "text", level, 0)
        case ThinkingBlock():
            return Foldable(id, (_note("thinking"),), _tokens_of(block.text), block.text, "thinking", level)
        case TextBlock():
            return Foldable(id, (_note("text"),), _tokens_of(block.text), block.text, "text", level)


def _pretty(value: JsonValue) -> str:
    return pretty_json(value, 1_000_000)


# The response


def response_head(turn: SentTurn, began: float) -> Callable[[int], list[Line]]:
    """Return what stands above a response: how the turn ended, and how long it took."""

    def lines(width: int) -> list[Line]:
        since = human_seconds(max(0.0, turn.at - began))
        where = [Segment(turn.place, "title"), Segment(f" · {one_line(turn.started.model, 60)}", "muted")]
        rows = [split_row(where, [Segment(f"sent {since} after the run began", "muted")], width)]
        return [*rows, *(row(pieces, width) for pieces in _end_of(turn))]

    return lines


def _end_of(turn: SentTurn) -> list[list[Segment]]:
    if turn.discarded is not None:
        return [[Segment("⊘ given up: ", "cancelled"), Segment(one_line(turn.discarded.reason, 200), "muted")]]
    finished = turn.finished
    if finished is None:
        return [[Segment("⏵ no end is recorded yet", "running")]]
    usage = finished.usage
    first = "" if finished.first_token is None else f"first word after {human_seconds(finished.first_token)} · "
    rate = human_rate(tokens_per_second(usage, finished.elapsed, finished.first_token))
    spent_in = " · ".join(filter(None, (f"{human_seconds(finished.elapsed)} in all", rate)))
    cache = f" · {human_tokens(usage.cache_read_tokens)} from cache" if usage.cache_read_tokens else ""
    spent = f"{human_tokens(usage.input_tokens)} in · {human_tokens(usage.output_tokens)} out{cache}"
    return [
        [Segment("✓ ", "ok"), Segment(f"ended with {one_line(finished.stop_reason, 30)}", "text")],
        [Segment(f"  {first}{spent_in} · {spent} · {human_cost(usage.cost)}", "muted")],
    ]


def response_parts(turn: SentTurn) -> list[Foldable]:
    """Return the parts of a response: its blocks, then the whole of it as it is in the log."""
    if turn.finished is None:
        pieces = [("thinking", True), ("text", False)]
        streamed = {
            name: "".join(piece.text for piece in turn.streamed if piece.thinking is kind) for name, kind in pieces
        }
        return [
            Foldable(f"streamed {name}", (_title(f"{name} that came"),), _tokens_of(text), text)
            for name, text in streamed.items()
            if text
        ]
    parts: list[Foldable] = []
    calls: list[Foldable] = []
    for place, block in enumerate(turn.finished.content):
        if isinstance(block, ToolCallBlock):
            calls.append(_turn_part(f"block {place}", block, level=1))
        else:
            parts.append(_turn_part(f"block {place}", block, level=0))
    head = [Foldable("calls", (_title("calls"), _note(f" {len(calls)}")))] if calls else []
    return [*parts, *head, *calls, *_raw_parts(turn.finished)]


def _raw_parts(turn: TurnFinished) -> Iterable[Foldable]:
    if turn.provider_parts is not None:
        text = _pretty(turn.provider_parts.parts)
        title = (
            _title("provider_parts"),
            _note(f" what only {one_line(turn.provider_parts.provider, 30)} understands"),
        )
        yield Foldable("provider_parts", title, _tokens_of(text), text, "muted")
    raw = _pretty(turn.model_dump(mode="json"))
    yield Foldable("raw", (_title("as recorded"), _note(" JSON")), human_bytes(len(raw.encode())), raw, "muted")
