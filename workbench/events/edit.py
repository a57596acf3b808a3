"""Edits: recorded facts that a person replaced something, with a hash of what stood there before."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from workbench.events.agent import AgentRecord
from workbench.events.base import Event
from workbench.events.call import CallEvent, ResultEvent
from workbench.events.content import Content


class ResultEdited(ResultEvent):
    """A call's result was replaced."""

    kind: Literal["result_edited"] = "result_edited"
    replaces: str
    """SHA-256 of the result before; empty where there was none."""


class InputEdited(CallEvent):
    """A call's input was replaced; that call alone runs again. The model's turn stays as it was."""

    kind: Literal["input_edited"] = "input_edited"
    input: dict[str, JsonValue]
    replaces: str


class TextEdited(Event):
    """A turn's text was replaced; its provider-only parts are dropped whole."""

    kind: Literal["text_edited"] = "text_edited"
    step: int
    text: str
    replaces: str


class AgentEdited(Event):
    """Instructions, model, parameters, tools or limits changed; holds from the next request."""

    kind: Literal["agent_edited"] = "agent_edited"
    agent: AgentRecord
    changed: tuple[str, ...]
    """Names of the fields that differ."""


class MessageAdded(Event):
    """A person said something; it enters after the current results."""

    kind: Literal["message_added"] = "message_added"
    content: Content
