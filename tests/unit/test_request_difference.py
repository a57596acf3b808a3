"""What two requests differ in, as a person is told who plays a recorded run with other words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.debugger.request_difference import MOST_CHARACTERS, MOST_LINES, difference
from workbench.events.agent import ModelParameters
from workbench.events.content import TextBlock, text_content
from workbench.events.request import (
    AssistantMessage,
    Message,
    Request,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    UserMessage,
)
from workbench.tools.declaring import tool


@tool(read_only=True)
def look(city: str) -> str:
    """Look at a city."""
    return city


def request(*messages: Message, instructions: str = "Be brief.") -> Request:
    return Request("step", instructions, (look.spec,), messages, "scripted", ModelParameters())


def turn(call: str = "0.0", city: str = "Rome", text: str = "I look.", thinking: str = "Hm.") -> AssistantMessage:
    asked = ToolCallBlock(id=call, tool="look", input={"city": city})
    return AssistantMessage(content=(ThinkingBlock(text=thinking), TextBlock(text=text), asked))


def said(text: str) -> UserMessage:
    return UserMessage(content=text_content(text))


def result(text: str, call: str = "0.0", is_error: bool = False) -> UserMessage:
    return UserMessage(results=(ToolResultBlock(call=call, content=text_content(text), is_error=is_error),))


WHOLE = request(said("What?"), turn(), result("rain"))


@pytest.mark.parametrize(
    ("asked", "name", "lines"),
    [
        (WHOLE, "", []),
        (replace(WHOLE, instructions="Be long."), "the instructions", ["-Be brief.", "+Be long."]),
        (replace(WHOLE, tools=()), "what is said before turn 0", ["-the tool look"]),
        (request(said("When?"), turn(), result("rain")), "what is said before turn 0", ["-What?", "+When?"]),
        (request(said("What?"), turn(text="Look."), result("rain")), "the text of turn 0", ["-I look.", "+Look."]),
        (request(said("What?"), turn(thinking="Oh."), result("rain")), "the thinking of turn 0", ["-Hm.", "+Oh."]),
        (request(said("What?"), turn(city="Oslo"), result("rain")), "call 0.0", ['- "city": "Rome"']),
        (request(said("What?"), turn(), result("sun")), "the result of call 0.0", ["-rain", "+sun"]),
        (request(said("What?"), turn(), result("rain", is_error=True)), "the result of call 0.0", ["+[error] rain"]),
        (request(said("What?"), turn(), result("rain"), turn("1.0")), "the thinking of turn 1", ["+the thinking of"]),
        (request(said("What?"), turn()), "the result of call 0.0", ["-the result of call 0.0: rain"]),
    ],
)
def test_the_first_part_that_differs_is_named(asked: Request, name: str, lines: list[str]) -> None:
    """With the lines that were recorded and those that are asked now."""
    found, told = difference(WHOLE, asked)
    assert found == name
    assert all(any(each.startswith(line) for each in told) for line in lines), told


def test_a_stream_that_broke_makes_no_difference() -> None:
    """Its calls have later numbers, which the model never sees."""
    later = request(said("What?"), turn(call="0.3"), result("rain", call="0.3"))
    assert difference(WHOLE, later) == ("", [])


def test_long_differences_are_cut() -> None:
    """A person reads a few lines, and learns that there are more."""
    longer = "\n".join(f"{number} {'x' * 300}" for number in range(100))
    _, told = difference(WHOLE, replace(WHOLE, instructions=longer))
    assert len(told) == MOST_LINES + 1
    assert told[-1].endswith("more lines")
    assert max(map(len, told)) == MOST_CHARACTERS + 1


def test_what_looks_the_same_is_said_to() -> None:
    """Ends of lines are no words."""
    asked = replace(WHOLE, instructions="Be brief.\n")
    assert difference(WHOLE, asked) == ("the instructions", ["(they look the same as text)"])
