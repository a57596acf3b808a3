"""A request and a response as parts that fold, in lines that fit."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.builders import Call, RunLog, agent_record
from tests.strange import strange_text
from tests.unit.test_wire import request
from workbench.conversation.weights import Weights
from workbench.debugger.requests import SentRequest, sent_turns
from workbench.events.agent import ToolSpec
from workbench.events.content import normalise_text, text_content
from workbench.events.request import ProviderParts, Usage, UserMessage
from workbench.events.turn import TurnFinished
from workbench.views.request_parts import (
    Foldable,
    is_foldable,
    lay_out,
    request_head,
    request_parts,
    response_head,
    response_parts,
)
from workbench.views.segments import line_text
from workbench.views.text import UNSAFE


def shown(parts: list[Foldable], opened: set[str] | None = None, width: int = 80) -> str:
    """Return the lines of parts."""
    placed = lay_out(lambda _: [], parts, opened or set(), width)
    return "\n".join(line_text(item.line).rstrip() for item in placed)


def test_a_request_is_read_from_top_to_bottom() -> None:
    """Instructions, tools with effect and tokens, messages by role with results and calls, and how it is asked."""
    whole = request("anthropic", parts=[{"signature": "s"}], parallel_tool_calls=False)
    text = shown(request_parts(whole))
    expected = [
        "instructions", "Be exact.", "tools 1", "look effectful", "0 user", "What?", "1 assistant · 2 calls",
        "thinking", "call 0.0 look", "sent back verbatim, as anthropic wrote it", "2 user · 2 results",
        "result 0.0 16 B",
        "▣ image/png · 4 B", "result 0.1 ✗ error", "Also this:", "▣ application/pdf · 4 B · a.pdf", "parameters",
        "parallel_tool_calls False",
    ]  # fmt: skip
    at = -1
    for piece in expected:
        at = text.find(piece, at + 1)
        assert at >= 0, f"{piece!r} is missing, or out of order"


def test_a_tool_shows_its_schema_when_opened() -> None:
    """A large schema is pointed at, since every request pays for it."""
    properties: Any = {f"field_{number}": {"type": "string"} for number in range(60)}
    large = ToolSpec(name="big", description="Big.", input_schema={"properties": properties})
    parts = request_parts(request(tools=(large,)))
    assert "big effectful  large: over 200 tokens  Big." in shown(parts)
    assert "field_59" not in shown(parts)
    assert "field_59" in shown(parts, {"tool big"})


def test_long_parts_are_folded_with_their_size() -> None:
    """The first lines are seen, and what is missing is told."""
    long = text_content("\n".join(f"line {number}" for number in range(90)))
    parts = request_parts(request(messages=(UserMessage(content=long),)))
    (part,) = [part for part in parts if part.id == "message 0 said 0"]
    assert is_foldable(part, 80)
    assert "line 2\n" in shown(parts)
    assert "more · Enter opens" in shown(parts)
    assert "line 89" in shown(parts, {part.id})
    assert not is_foldable(next(part for part in parts if part.id == "instructions"), 80)


def test_a_response_ends_with_the_record_itself() -> None:
    """What only the provider understands, and the whole event as JSON, stand below the blocks."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    blocks: Any = request().messages[1].content
    finished = TurnFinished(
        step=0, attempt=0, purpose="step", content=blocks, stop_reason="tool_use", elapsed=1.0,
        usage=Usage(input_tokens=2_000, cache_read_tokens=1_500),
        provider_parts=ProviderParts(provider="anthropic", parts=[{"signature": "s"}]),
    )  # fmt: skip
    log.add(finished)
    (turn,) = sent_turns(log.records)
    text = shown(response_parts(turn), {"raw"})
    for piece in ("thinking", "Looking.", "calls 2", "call 0.1 look", "provider_parts", '"stop_reason": "tool_use"'):
        assert piece in text
    head = "\n".join(line_text(line) for line in response_head(turn, turn.at - 2.0)(80))
    assert "sent 2.0 s after the run began" in head
    assert "2.0 k in · 0 out · 1.5 k from cache · $0" in head


def test_words_that_came_before_a_break_are_kept() -> None:
    """Of an attempt that broke, what had been stored is shown."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.stream("I think that", thinking="Hm.")
    log.break_turn("cut off")
    turn = sent_turns(log.records)[0]
    text = shown(response_parts(turn))
    assert text.index("thinking that came") < text.index("Hm.") < text.index("I think that")
    assert "given up: broken: cut off" in "".join(line_text(line) for line in response_head(turn, 0.0)(80))


def head_text(**changes: Any) -> str:
    """Return the head of a request."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("a")])
    (turn,) = sent_turns(log.records)
    fields: dict[str, Any] = {"seq": turn.seq, "key": "a" * 64, "recorded_key": "a" * 64, "weights": Weights(budget=9)}
    sent = SentRequest(request(), **{**fields, **changes})
    return "\n".join(line_text(line).rstrip() for line in request_head(sent, turn, turn.at)(100))


def test_a_request_says_whether_it_is_exact() -> None:
    """Equal keys prove it, other keys are told plainly, and words that came too late are counted."""
    assert "✓ exactly what was sent: key aaaaaaaaaaaaaaaa\n" in head_text()
    assert "2 of your words came in after it was made" in head_text(said_meanwhile=2)
    other = head_text(recorded_key="b" * 64)
    assert "! rebuilt, but not byte for byte: its key is not the recorded one" in other
    assert "recorded bbbbbbbbbbbbbbb…, rebuilt aaaaaaaaaaaaaaaa" in other


@settings(max_examples=40, deadline=None)
@given(strange_text(60), st.integers(20, 130))
def test_lines_fit_and_are_harmless(strange: str, width: int) -> None:
    """Whatever is in a request, its lines are as wide as the page and obey nobody."""
    strange = normalise_text(strange)
    tool = ToolSpec(name=strange, description=strange, input_schema={strange: strange})
    whole = request(
        strange, parts={strange: strange}, tools=(tool,), instructions=strange, tail=text_content(strange * 9)
    )
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call(strange, {strange: strange})], text=strange, thinking=strange)
    (turn,) = sent_turns(log.records)
    parts = [*request_parts(whole), *response_parts(turn)]
    for opened in (set[str](), {part.id for part in parts}):
        for placed in lay_out(response_head(turn, 0.0), parts, opened, width):
            text = line_text(placed.line)
            assert cell_len(text) == width - 2
            assert not UNSAFE.search(text)
            assert "\n" not in text
